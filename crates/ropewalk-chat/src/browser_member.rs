//! [`BrowserMember`]: somebody in the room by a browser, which comes and goes with every request.
//!
//! What happens is numbered and kept until the browser has said that it has it: each poll says the last number
//! that was seen. So nothing is lost or shown twice when a connection breaks between an answer and the next poll.
//!
//! Whatever is done here may make the room tell, and what is told may make this member leave; so nothing is
//! borrowed meanwhile, and the member is shared with who has it do something.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Time;
use ropewalk_web::{EventStream, Request, ServerEvent};

use crate::browser_form::BrowserForm;
use crate::line_command::LineCommand;
use crate::{Listener, Member, Name, Notice, Parting, Room, RoomError, RoomEvent};

/// A member of the room, and what its browser has not seen yet.
#[derive(Clone)]
pub(crate) struct BrowserMember(Rc<State>);

struct State {
    member: RefCell<Option<Rc<Member>>>,
    events: RefCell<VecDeque<(u64, String)>>,
    /// Of all that is in `events`.
    bytes: Cell<usize>,
    /// The number of the last event.
    last: Cell<u64>,
    poll: RefCell<Option<(Request, Time)>>,
    stream: RefCell<Option<EventStream>>,
    /// Since when no request of the browser is here.
    absent_since: Cell<Time>,
}

/// Events that wait for one browser; one that does not fetch them is out of the room. Some minutes of a lively one.
const EVENTS_MAX: usize = 500;
/// And bytes of them: as much as may wait for one who comes by lines.
const EVENT_BYTES_MAX: usize = 1 << 20;
const HELP: &str = "/me does, /msg NAME tells, /nick NAME, /who, /quit";
/// A poll is answered with nothing after this: proxies give up on what is silent for a minute.
const POLL_TIMEOUT: Duration = Duration::from_secs(45);
/// A browser may be gone for so long: a page that is loaded again, a train in a tunnel.
const ABSENT_MAX: Duration = Duration::from_secs(60);

impl BrowserMember {
    /// Comes into the room.
    pub(crate) fn join(room: &Room, name: &str, now: Time) -> Result<Self, RoomError> {
        let state = Rc::new(State {
            member: RefCell::default(),
            events: RefCell::default(),
            bytes: Cell::new(0),
            last: Cell::new(0),
            poll: RefCell::default(),
            stream: RefCell::default(),
            absent_since: Cell::new(now),
        });
        let member = room.join(name, Rc::new(BrowserListener(Rc::downgrade(&state))))?;
        state.member.replace(Some(Rc::new(member)));
        Ok(Self(state))
    }

    /// What it is called, while it is in the room.
    pub(crate) fn name(&self) -> Option<Name> {
        self.0.member.borrow().as_ref().map(|member| member.name())
    }

    /// Says a line, or does what a command says; gives what is to be noted to this browser alone.
    pub(crate) fn run(&self, now: Time, line: &str) -> Result<Option<String>, RoomError> {
        let member = self.0.member.borrow().clone().ok_or(RoomError::NotAMember)?;
        let done = self.run_as(&member, now, line);
        if done == Err(RoomError::Flooding) {
            self.leave(Parting::Flooding);
        }
        done
    }

    fn run_as(&self, member: &Member, now: Time, line: &str) -> Result<Option<String>, RoomError> {
        match LineCommand::parse(line) {
            LineCommand::Nothing => {}
            LineCommand::Say(text) => member.say(now, text)?,
            LineCommand::Act(text) => member.act(now, text)?,
            LineCommand::Tell { to, text } => {
                return Ok(Some(format!("{} was told.", member.tell(now, to, text)?)));
            }
            LineCommand::Rename(to) => drop(member.rename(now, to)?),
            LineCommand::Who => {
                let names = member.who(now)?;
                let names: Vec<&str> = names.iter().map(Name::as_str).collect();
                return Ok(Some(format!("Here are: {}", names.join(", "))));
            }
            LineCommand::Help => return Ok(Some(HELP.to_owned())),
            LineCommand::Quit => self.leave(Parting::Quit),
            LineCommand::Unknown(_) => {
                return Ok(Some("There is no such command; /help lists them.".to_owned()));
            }
        }
        Ok(None)
    }

    /// A poll: answered now if there is news behind `since`, else when there is.
    ///
    /// # Errors
    /// `NotAMember` if it has left, and has seen all up to there.
    pub(crate) fn poll(&self, request: &Request, since: u64, now: Time) -> Result<(), RoomError> {
        let state = &self.0;
        state.seen(since);
        if state.member.borrow().is_none() && state.events.borrow().is_empty() {
            return Err(RoomError::NotAMember);
        }
        let before = state.poll.replace(Some((request.clone(), now)));
        if let Some((before, _)) = before {
            before.finish_with("[]"); // The same browser asks anew.
        }
        let (weak, id) = (Rc::downgrade(state), request.id());
        let gone = request.notify_finish().add_errback(move |_| {
            if let Some(state) = weak.upgrade() {
                state.poll_is_gone(id);
            }
        });
        drop(gone);
        state.serve();
        Ok(())
    }

    /// A stream of events instead of polls.
    ///
    /// # Errors
    /// `NotAMember` if it has left.
    pub(crate) fn stream(&self, request: &Request, since: u64) -> Result<(), RoomError> {
        if self.name().is_none() {
            return Err(RoomError::NotAMember);
        }
        let stream = EventStream::begin(request);
        self.0.seen(stream.last_event_id().and_then(|id| id.parse().ok()).unwrap_or(since));
        self.0.stream.replace(Some(stream));
        let waiting: Vec<_> = self.0.events.borrow().iter().cloned().collect();
        waiting.iter().for_each(|(number, event)| self.0.send(*number, event));
        Ok(())
    }

    /// Time has passed: answers a poll that waits for long; `false` if the browser has been gone for too long.
    pub(crate) fn stays(&self, now: Time) -> bool {
        let state = &self.0;
        let is_old =
            state.poll.borrow().as_ref().is_some_and(|(_, at)| now.since(*at) >= POLL_TIMEOUT);
        if is_old {
            state.answer("[]");
        }
        let is_here = state.poll.borrow().is_some() || state.has_stream();
        if is_here {
            state.absent_since.set(now);
        }
        if now.since(state.absent_since.get()) >= ABSENT_MAX {
            state.leave(Parting::ConnectionLost);
        }
        state.member.borrow().is_some()
    }

    /// Leaves the room.
    pub(crate) fn leave(&self, why: Parting) {
        self.0.leave(why);
    }
}

impl State {
    /// One more event for the browser, as the fields of an object.
    fn add(&self, fields: &str) {
        let number = self.last.get() + 1;
        self.last.set(number);
        let event = format!("{{\"n\":{number},{fields}}}");
        self.send(number, &event);
        self.bytes.set(self.bytes.get() + event.len());
        self.events.borrow_mut().push_back((number, event));
        if self.has_stream() {
            while self.is_too_much() {
                self.forget_first(); // It was sent.
            }
        } else if self.is_too_much() {
            self.seen(number); // By nobody, ever.
            return self.leave(Parting::TooSlow);
        }
        self.serve();
    }

    fn is_too_much(&self) -> bool {
        self.events.borrow().len() > EVENTS_MAX || self.bytes.get() > EVENT_BYTES_MAX
    }

    fn forget_first(&self) {
        if let Some((_, event)) = self.events.borrow_mut().pop_front() {
            self.bytes.set(self.bytes.get() - event.len());
        }
    }

    fn has_stream(&self) -> bool {
        self.stream.borrow().as_ref().is_some_and(EventStream::is_open)
    }

    fn send(&self, number: u64, event: &str) {
        let stream = self.stream.borrow().clone();
        if let Some(stream) = stream {
            let id = Some(number.to_string());
            stream.send(ServerEvent { id, data: event.to_owned(), ..ServerEvent::default() });
        }
    }

    /// The browser has seen all up to this one.
    fn seen(&self, number: u64) {
        while self.events.borrow().front().is_some_and(|(first, _)| *first <= number) {
            self.forget_first();
        }
    }

    /// Answers the poll that waits, if there is news.
    fn serve(&self) {
        if self.poll.borrow().is_none() || self.events.borrow().is_empty() {
            return;
        }
        let events: Vec<String> =
            self.events.borrow().iter().map(|(_, event)| event.clone()).collect();
        self.answer(&format!("[{}]", events.join(",")));
    }

    fn answer(&self, text: &str) {
        let poll = self.poll.take();
        if let Some((request, _)) = poll {
            self.absent_since.set(request.transport().reactor().now());
            request.finish_with(text.to_owned());
        }
    }

    fn poll_is_gone(&self, id: u64) {
        let is_it = self.poll.borrow().as_ref().is_some_and(|(request, _)| request.id() == id);
        if is_it && let Some((request, _)) = self.poll.take() {
            self.absent_since.set(request.transport().reactor().now());
        }
    }

    fn leave(&self, why: Parting) {
        let member = self.member.take();
        if let Some(member) = member {
            member.part(why);
        }
        self.answer("[]");
        drop(self.stream.take());
    }
}

/// Told by the room; it does not keep the member in it.
struct BrowserListener(std::rc::Weak<State>);

impl BrowserListener {
    fn show(&self, notice: &Notice) {
        let Some(state) = self.0.upgrade() else { return };
        state.add(&String::from_utf8_lossy(&notice.encoded::<BrowserForm>()));
        if *notice.event() == RoomEvent::Closed {
            state.leave(Parting::Quit);
        }
    }
}

impl Listener for BrowserListener {
    fn notified(&self, notice: &Notice) {
        self.show(notice);
    }

    /// A page shows what its own member says among what the others say.
    fn echoed(&self, notice: &Notice) {
        if !matches!(notice.event(), RoomEvent::Joined { .. }) {
            self.show(notice); // That it came in, it knows by its token.
        }
    }
}
