//! [`BrowserMember`]: somebody who is there by a browser, which comes and goes with every request.
//!
//! Whatever is done here may make the network tell, and what is told may make this member leave; so nothing is
//! borrowed meanwhile.

use std::borrow::Borrow;
use std::cell::{Cell, OnceCell, RefCell};
use std::hash::{Hash, Hasher};
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Deferred, Reactor, Time};
use ropewalk_irc::network::{Refusal, Registration, User};
use ropewalk_web::{EventStream, Request, ServerEvent};
use serde_json::{Value, json};

use crate::Chat;
use crate::browser_chat::prepare;
use crate::browser_form;
use crate::browser_listener::BrowserListener;
use crate::command::Command;
use crate::curiosity::Curiosity;
use crate::event_queue::{EventQueue, numbered};
use crate::past::Past;
use crate::talk::{self, Done};
use crate::token::Token;

/// A user of the network, and what their browser has not seen yet; found by its token. Thousands only wait: so what few
/// have is boxed.
#[derive(Clone)]
pub(crate) struct BrowserMember(Rc<State>);

pub(crate) struct State {
    /// What they are found by.
    token: Token,
    chat: Chat,
    /// Set when they have come in.
    user: OnceCell<User>,
    has_left: Cell<bool>,
    queue: RefCell<EventQueue>,
    way: RefCell<Way>,
    /// Since when no request of the browser is here.
    absent_since: Cell<Time>,
    /// Since when the page has said that it goes away; `NEVER` if it has not.
    leaving_since: Cell<Time>,
    curiosity: Curiosity,
    /// The last line that was done, by the number that the page gave it, and what was answered.
    last_line: RefCell<Option<Box<(u64, Value)>>>,
}

/// How the browser is told what happens.
#[derive(Default)]
enum Way {
    /// No request of it is here.
    #[default]
    None,
    /// It waits since then. The request holds no more than it must.
    Poll(ropewalk_http::Request, Time),
    Stream(EventStream),
}

/// A poll is answered with nothing after this: proxies give up on what is silent for a minute.
const POLL_TIMEOUT: Duration = Duration::from_secs(45);
/// A browser may be gone for so long: a page that is loaded again, a train in a tunnel.
const ABSENT_MAX: Duration = Duration::from_secs(60);

/// A page that goes away may be loaded again: as long as that takes on a slow line.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A line that a page has sent.
pub(crate) struct Line<'a> {
    /// The room in view.
    pub(crate) room: Option<&'a str>,
    /// Larger than those before; the same when it is sent again because no answer came.
    pub(crate) number: Option<u64>,
    pub(crate) text: &'a str,
}

impl BrowserMember {
    /// Comes in, to the lobby.
    pub(crate) fn join(
        chat: &Chat,
        token: Token,
        name: &str,
        host: String,
        now: Time,
    ) -> Result<Self, Refusal> {
        let state = Rc::new(State {
            token,
            chat: chat.clone(),
            user: OnceCell::new(),
            has_left: Cell::default(),
            queue: RefCell::default(),
            way: RefCell::default(),
            absent_since: Cell::new(now),
            leaving_since: Cell::new(Time::NEVER),
            curiosity: Curiosity::default(),
            last_line: RefCell::default(),
        });
        let registration = Registration { user: "browser".into(), host, ..Registration::new(name) };
        let listener = Rc::new(BrowserListener(Rc::downgrade(&state)));
        let user = chat.server().connect(now, &registration, listener)?;
        state.user.get_or_init(|| user).join(now, chat.lobby().as_str(), None)?;
        Ok(Self(state))
    }

    /// Who it is, until it has left.
    fn user(&self) -> Result<&User, Refusal> {
        self.0.user().ok_or(Refusal::NotConnected)
    }

    /// What it is called.
    pub(crate) fn name(&self) -> Result<String, Refusal> {
        Ok(self.user()?.identity()?.nick().to_string())
    }

    /// Says a line, or does what a command says; gives what is to be shown to this browser alone. A line that was done
    /// already is not done again.
    pub(crate) fn run(&self, now: Time, line: &Line<'_>) -> Result<Value, Refusal> {
        self.0.absent_since.set(now); // It speaks.
        if let (Some(number), Some(done)) = (line.number, &*self.0.last_line.borrow())
            && number <= done.0
        {
            return Ok(if number == done.0 { done.1.clone() } else { json!({}) });
        }
        let done = self.do_line(now, line);
        if done == Err(Refusal::Flooding) {
            self.leave("flooding");
        }
        let answer = done?;
        if let Some(number) = line.number {
            self.0.last_line.replace(Some(Box::new((number, answer.clone()))));
        }
        Ok(answer)
    }

    fn do_line(&self, now: Time, line: &Line<'_>) -> Result<Value, Refusal> {
        let (user, command) = (self.user()?, Command::parse(line.text));
        if command.is_question() {
            self.check_curiosity(now)?;
        }
        Ok(match talk::run(user, now, line.room, &command)? {
            Done::Nothing => json!({}),
            Done::Notes(notes) => json!({"notes": notes}),
            Done::Show(room) => json!({"show": room.as_str()}),
            Done::History(count) => json!({"history": count}),
            Done::Quit => {
                self.leave("quit");
                json!({})
            }
        })
    }

    /// Tells a room, or one other, that somebody types there, or does not any more.
    pub(crate) fn type_in(&self, now: Time, to: &str, how: &str) -> Result<(), Refusal> {
        let how = match how {
            "active" | "paused" | "done" => how,
            _ => "active",
        };
        self.check_curiosity(now)?;
        self.user()?.tag(now, to, &format!("+typing={how}"))
    }

    /// What was said in a room before.
    pub(crate) fn past(
        &self,
        now: Time,
        room: &str,
        before: Option<&str>,
        count: usize,
    ) -> Result<Deferred<Vec<Past>>, Refusal> {
        self.check_curiosity(now)?;
        self.0.chat.past(self.user()?, room, before, count)
    }

    /// All rooms that it may know of.
    pub(crate) fn rooms(&self, now: Time) -> Result<Value, Refusal> {
        self.check_curiosity(now)?;
        let rooms = self.user()?.list()?;
        let rooms = rooms.iter().map(|room| {
            let topic = room.topic.as_ref().map_or(String::new(), |topic| crate::text::plain(&topic.text));
            json!({"room": room.name.as_str(), "count": room.members, "topic": topic, "in": room.ranks.is_some()})
        });
        Ok(json!({"rooms": rooms.collect::<Vec<_>>()}))
    }

    /// Everything that a page shows, for one that has missed something.
    pub(crate) fn whole(&self, now: Time) -> Result<Value, Refusal> {
        self.check_curiosity(now)?;
        self.0.leaving_since.set(Time::NEVER);
        let user = self.user()?;
        let rooms = user.channels()?;
        let rooms: Result<Vec<Value>, Refusal> =
            rooms.iter().map(|room| browser_form::room(user, room)).collect();
        Ok(json!({"name": user.identity()?.nick().as_str(), "rooms": rooms?}))
    }

    fn check_curiosity(&self, now: Time) -> Result<(), Refusal> {
        if self.0.curiosity.may_ask(now) { Ok(()) } else { Err(Refusal::TooFast) }
    }

    /// A poll: answered now if there is news behind `since`, else when there is.
    ///
    /// # Errors
    /// `NotConnected` if it has left, and has seen all up to there.
    pub(crate) fn poll(&self, request: &Request, since: u64, now: Time) -> Result<(), Refusal> {
        let state = &self.0;
        state.leaving_since.set(Time::NEVER);
        state.queue.borrow_mut().seen(since);
        if state.has_left.get() && state.queue.borrow().is_empty() {
            return Err(Refusal::NotConnected);
        }
        state.answer("[]"); // The same browser asks anew.
        let mut request = request.clone().into_inner();
        request.forget_head();
        drop(state.way.replace(Way::Poll(request, now)));
        state.serve();
        Ok(())
    }

    /// A stream of events instead of polls.
    ///
    /// # Errors
    /// `NotConnected` if it has left.
    pub(crate) fn stream(&self, request: &Request, since: u64) -> Result<(), Refusal> {
        self.user()?;
        self.0.leaving_since.set(Time::NEVER);
        self.0.answer("[]"); // It has changed its mind.
        let stream = EventStream::begin(request);
        self.note_end_of(&stream, request.transport().reactor());
        let since = stream.last_event_id().and_then(|id| id.parse().ok()).unwrap_or(since);
        self.0.queue.borrow_mut().seen(since);
        self.0.way.replace(Way::Stream(stream));
        let waiting = self.0.queue.borrow_mut().news();
        waiting.into_iter().for_each(|(number, event)| self.0.send(number, event));
        Ok(())
    }

    /// The browser was there until then, however short its stream was.
    fn note_end_of(&self, stream: &EventStream, reactor: &Reactor) {
        let (weak, reactor) = (Rc::downgrade(&self.0), reactor.clone());
        let ended = stream.notify_finish().add_both(move |_| {
            if let Some(state) = weak.upgrade() {
                state.absent_since.set(reactor.now());
            }
        });
        drop(ended);
    }

    /// Time has passed: answers a poll that waits for long; `false` if the browser has been gone for too long.
    pub(crate) fn stays(&self, now: Time) -> bool {
        let state = &self.0;
        if state.way.borrow().is_over(now) {
            state.answer("[]");
        }
        let is_here = state.way.borrow().is_here();
        let was_to_be_back = state.leaving_since.get() + RETURN_TIMEOUT <= now;
        if is_here {
            state.absent_since.set(now);
        }
        match (was_to_be_back, is_here) {
            // It is back: what it said as it went may have come after what it asked when it was.
            (true, true) => state.leaving_since.set(Time::NEVER),
            (true, false) => state.leave("quit"),
            (false, _) => {}
        }
        if now.since(state.absent_since.get()) >= ABSENT_MAX {
            state.leave("connection lost");
        }
        !state.has_left.get()
    }

    /// The page goes away, for ever or to be loaded again.
    pub(crate) fn leave_soon(&self, now: Time) {
        self.0.leaving_since.set(now);
    }

    /// Leaves the chat.
    pub(crate) fn leave(&self, why: &str) {
        self.0.leave(why);
    }
}

impl Borrow<Token> for BrowserMember {
    fn borrow(&self) -> &Token {
        &self.0.token
    }
}

impl Hash for BrowserMember {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.token.hash(state);
    }
}

impl PartialEq for BrowserMember {
    fn eq(&self, other: &Self) -> bool {
        self.0.token == other.0.token
    }
}

impl Eq for BrowserMember {}

impl State {
    pub(crate) fn user(&self) -> Option<&User> {
        self.user.get().filter(|_| !self.has_left.get())
    }

    /// Whether what matters for a moment only is worth telling.
    pub(crate) fn has_room_for_fleeting(&self) -> bool {
        self.queue.borrow().has_room_for_fleeting()
    }

    /// One more event for the browser.
    pub(crate) fn add(&self, event: Bytes) {
        let shown = self.has_stream().then(|| event.clone());
        let number = self.queue.borrow_mut().push(event);
        self.added(number, shown);
    }

    /// The same for somebody's coming or going.
    pub(crate) fn add_presence(&self, event: Bytes) {
        if self.has_stream() {
            return self.add(event);
        }
        let added = self.queue.borrow_mut().push_presence(event);
        if let Some((number, event)) = added {
            self.added(number, self.has_stream().then_some(event));
        }
    }

    /// An event has that number; if there is a stream, it is shown there.
    fn added(&self, number: u64, shown: Option<Bytes>) {
        if let Some(event) = shown {
            self.send(number, numbered(number, &event));
            self.queue.borrow_mut().forget_surplus();
        } else if self.queue.borrow().is_too_much() {
            self.queue.borrow_mut().forget_all();
            self.queue.borrow_mut().seen(number);
            return self.leave("too slow");
        }
        self.serve();
    }

    fn has_stream(&self) -> bool {
        matches!(&*self.way.borrow(), Way::Stream(stream) if stream.is_open())
    }

    fn send(&self, number: u64, event: String) {
        let stream = match &*self.way.borrow() {
            Way::Stream(stream) => Some(stream.clone()),
            _ => None,
        };
        if let Some(stream) = stream {
            let id = Some(number.to_string());
            stream.send(ServerEvent { id, data: event, ..ServerEvent::default() });
        }
    }

    /// Answers the poll that waits, if there is news.
    fn serve(&self) {
        // Nobody is told of one whose client has gone, since few go: it is looked at when it matters.
        match &*self.way.borrow() {
            Way::Poll(request, _) if !request.is_client_gone() => {}
            _ => return,
        }
        let news = self.queue.borrow_mut().news();
        if !news.is_empty() {
            let events: Vec<String> = news.into_iter().map(|(_, event)| event).collect();
            self.answer(&format!("[{}]", events.join(",")));
        }
    }

    fn answer(&self, text: &str) {
        let poll = self.way.borrow_mut().take_poll();
        if let Some(request) = poll {
            self.absent_since.set(request.transport().reactor().now());
            prepare(&request);
            request.finish_with(text.to_owned());
        }
    }

    pub(crate) fn leave(&self, why: &str) {
        if let Some(user) = self.user() {
            self.has_left.set(true);
            user.quit(why);
        }
        self.answer("[]");
        drop(self.way.take());
    }
}

impl Way {
    /// A poll that has waited for long, or whose client has gone.
    fn is_over(&self, now: Time) -> bool {
        match self {
            Self::Poll(request, since) => {
                request.is_client_gone() || now.since(*since) >= POLL_TIMEOUT
            }
            _ => false,
        }
    }

    fn is_here(&self) -> bool {
        match self {
            Self::None => false,
            Self::Poll(..) => true,
            Self::Stream(stream) => stream.is_open(),
        }
    }

    /// What is to be answered, if it is a poll.
    fn take_poll(&mut self) -> Option<ropewalk_http::Request> {
        match mem::take(self) {
            Self::Poll(request, _) => Some(request),
            other => {
                *self = other;
                None
            }
        }
    }
}
