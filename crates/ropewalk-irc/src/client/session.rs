//! [`Session`]: one connection's state, shared by its two halves.
//!
//! The reading half gives it lines, the speaking half asks it to send some. It is borrowed for a moment at a time,
//! and never while code of the user's runs: what is to fire is carried out and fired afterwards.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use ropewalk_core::{
    Deferred, DelayedCall, Failure, FailureKind, Reactor, ReactorTime, Resolver, Transport,
    WeakTransport,
};

use crate::{LineLimits, Message, TagList, numeric};

use super::event::Event;
use super::options::ClientOptions;
use super::question::{Asked, Question, Setting};
use super::registration::{Lines, Registration};
use super::requests::{Firing, label_of};
use super::send_queue::{Next, Queued};
use super::server_error::ServerError;
use super::state::State;

/// What both halves share.
pub(crate) struct Session {
    pub(crate) options: Rc<ClientOptions>,
    pub(crate) reactor: Reactor,
    transport: WeakTransport,
    pub(crate) state: RefCell<State>,
}

/// What one line brought about, to be told when nothing is borrowed.
pub(crate) struct Told<'m> {
    pub(crate) firings: Vec<Firing>,
    pub(crate) signed_on: Vec<Resolver<()>>,
    pub(crate) events: Vec<Event<'m>>,
    pub(crate) lag: Option<Duration>,
}

/// What is to be told when the connection is gone.
pub(crate) struct Lost {
    pub(crate) firings: Vec<Firing>,
    pub(crate) signed_on: Vec<Resolver<()>>,
    pub(crate) quit: Vec<Resolver<()>>,
    /// Why: what the server said, if it was the server.
    pub(crate) why: Failure,
}

impl Session {
    pub(crate) fn new(transport: &Transport, options: Rc<ClientOptions>) -> Rc<Self> {
        Rc::new(Self {
            state: RefCell::new(State::new(&options)),
            reactor: transport.reactor().clone(),
            transport: transport.downgrade(),
            options,
        })
    }

    pub(crate) fn transport(&self) -> Option<Transport> {
        self.transport.upgrade()
    }

    /// Begins to register.
    pub(crate) fn begin(self: &Rc<Self>) {
        let timeout = self.options.limits.registration_timeout;
        let timer = self.call_later(timeout, move |session| {
            let why = format!("not registered after {timeout:?} (registration_timeout)");
            session.abort(Failure::new(FailureKind::Timeout, why));
        });
        self.state.borrow_mut().timers.registration = Some(timer);
        self.write_lines(&Registration::begin(&self.options));
    }

    /// A line came.
    pub(crate) fn heard<'m>(self: &Rc<Self>, message: &Message<'m>) -> Told<'m> {
        if message.is("PING") {
            let token = message.param(0).unwrap_or_default();
            self.write_now(&Message::new("PONG").with_trailing(token));
        }
        let mut told = self.change_state(message);
        self.register(message, &mut told);
        self.mind_pong(message, &mut told);
        self.answer_ctcp(&told.events);
        self.mind_nick(&told.events);
        told
    }

    fn change_state<'m>(&self, message: &Message<'m>) -> Told<'m> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let source = message.source();
        let is_by_me = source.is_some_and(|source| state.is_me(source.nick))
            || state.requests.is_answered_by(message);
        if let Some((user, host)) = source.and_then(|s| s.user.zip(s.host)).filter(|_| is_by_me) {
            state.user_host = Some((user.to_owned(), host.to_owned()));
        }
        let event = state.apply(message, &self.options.limits);
        let setting = Setting { isupport: &state.isupport, is_by_me };
        let entries_max = self.options.limits.answer_entries_max;
        let (firing, is_taken) = state.requests.heard(message, &setting, entries_max);
        let error = ServerError::from_message(message);
        if message.is("ERROR") {
            state.ends.error.clone_from(&error);
        }
        // While registering, the registration takes them; and no message of the day is no complaint.
        let is_taken = is_taken
            || !state.registration.is_welcomed()
            || message.command() == numeric::ERR_NOMOTD;
        let event = match error.filter(|_| !is_taken) {
            Some(error) => Event::Refused(error),
            None => event,
        };
        Told {
            firings: firing.into_iter().collect(),
            signed_on: Vec::new(),
            events: vec![event],
            lag: None,
        }
    }

    /// What the line means for getting in, and for what was agreed on.
    fn register<'m>(self: &Rc<Self>, message: &Message<'m>, told: &mut Told<'m>) {
        let outcome = {
            let mut state = self.state.borrow_mut();
            let State { registration, capabilities, .. } = &mut *state;
            registration.heard(message, capabilities, &self.options)
        };
        match outcome {
            Ok(lines) => self.write_lines(&lines),
            Err(failure) => return self.abort(failure),
        }
        let is_changed = |word: &str| ["ACK", "DEL"].iter().any(|w| word.eq_ignore_ascii_case(w));
        if message.is("CAP") && message.param(1).is_some_and(is_changed) {
            told.events.push(Event::CapabilitiesChanged);
        }
        match message.command() {
            numeric::RPL_WELCOME => self.ask_lag(),
            numeric::RPL_ENDOFMOTD | numeric::ERR_NOMOTD => self.settle(told),
            _ => {}
        }
    }

    /// The server has said all that it says to newcomers.
    pub(crate) fn settle(self: &Rc<Self>, told: &mut Told<'_>) {
        let mut state = self.state.borrow_mut();
        if !state.registration.settle() {
            return;
        }
        if let Some(timer) = state.timers.registration.take() {
            let _ = timer.cancel(); // It has not run, or there would be no connection.
        }
        told.signed_on = std::mem::take(&mut state.ends.signed_on);
        told.events.push(Event::SignedOn);
    }

    /// Sends a line now, before all that waits.
    pub(crate) fn write_now(&self, message: &Message<'_>) {
        let Some(transport) = self.transport() else { return };
        let mut line = Vec::new();
        match message.encode(&self.line_limits(), &mut line) {
            Ok(()) => transport.write(&line),
            Err(error) => tracing::debug!("a line that cannot be sent: {error}"),
        }
    }

    /// Lines of the registration: one that cannot be sent is a mistake in the options.
    fn write_lines(&self, lines: &Lines) {
        let Some(transport) = self.transport() else { return };
        for (command, params) in lines {
            let mut line = Vec::new();
            let params: Vec<&str> = params.iter().map(String::as_str).collect();
            let message = Message::new(command).with_params(&params);
            match message.encode(&self.line_limits(), &mut line) {
                Ok(()) => transport.write(&line),
                Err(error) => {
                    let failure = error.into_failure(FailureKind::Local);
                    return self.abort(failure.context(format_args!("send {command}")));
                }
            }
        }
    }

    fn line_limits(&self) -> LineLimits {
        let body_bytes_max = self.state.borrow().isupport.line_bytes_max;
        LineLimits { body_bytes_max, ..LineLimits::FROM_CLIENT }
    }

    /// Asks something; the line waits for its turn.
    pub(crate) fn ask<Q: Question>(
        self: &Rc<Self>,
        question: Q,
        message: Message<'_>,
    ) -> Deferred<Q::Answer> {
        match self.try_ask(question, message) {
            Ok(answer) => {
                self.flush();
                answer
            }
            Err(failure) => Deferred::fail(failure),
        }
    }

    fn try_ask<Q: Question>(
        self: &Rc<Self>,
        question: Q,
        message: Message<'_>,
    ) -> Result<Deferred<Q::Answer>, Failure> {
        self.check_ready()?;
        question.subject().check()?;
        let (number, is_labeled) = {
            let state = self.state.borrow();
            (state.requests.next_number(), state.has_labels())
        };
        let is_fenced = !is_labeled && question.may_be_silent();
        let queued = self.encode_request(number, message, is_labeled, is_fenced)?;
        self.check_room(queued.lines)?;
        let session = Rc::downgrade(self);
        let (resolver, answer) = Deferred::with_canceller(move || {
            if let Some(session) = session.upgrade() {
                session.cancel_request(number);
            }
        });
        let mut state = self.state.borrow_mut();
        state.requests.insert(Box::new(Asked { question, resolver }), is_labeled);
        state.queue.push(queued);
        Ok(answer)
    }

    /// # Errors
    /// `Limit`: too many requests wait, or too many lines.
    fn check_room(&self, lines: usize) -> Result<(), Failure> {
        let state = self.state.borrow();
        let max = self.options.limits.requests_max;
        if state.requests.len() >= max {
            let why = format!("{max} requests wait for an answer already (requests_max)");
            return Err(Failure::new(FailureKind::Limit, why));
        }
        state.queue.check_room(lines)
    }

    /// Queues a line that nobody waits for.
    pub(crate) fn queue(self: &Rc<Self>, message: &Message<'_>) -> Result<(), Failure> {
        self.check_ready()?;
        let mut bytes = Vec::new();
        let encoded = message.encode(&self.line_limits(), &mut bytes);
        encoded.map_err(|error| error.into_failure(FailureKind::Local))?;
        self.state.borrow().queue.check_room(1)?;
        self.state.borrow_mut().queue.push(Queued { bytes, lines: 1, request: None });
        self.flush();
        Ok(())
    }

    fn encode_request(
        &self,
        number: u64,
        message: Message<'_>,
        is_labeled: bool,
        is_fenced: bool,
    ) -> Result<Queued, Failure> {
        let local = |error: crate::MessageError| error.into_failure(FailureKind::Local);
        let (limits, mut bytes) = (self.line_limits(), Vec::new());
        let mut tags = TagList::new();
        for tag in message.tags().iter() {
            tags.push_tag(tag).map_err(local)?;
        }
        if is_labeled {
            tags.push("label", &label_of(number)).map_err(local)?;
        }
        message.with_tags(tags.as_tags()).encode(&limits, &mut bytes).map_err(local)?;
        if is_fenced {
            let token = label_of(number);
            let fence = Message::new("PING").with_param(&token);
            fence.encode(&limits, &mut bytes).map_err(local)?;
        }
        Ok(Queued { bytes, lines: 1 + usize::from(is_fenced), request: Some(number) })
    }

    /// # Errors
    /// The connection is gone, or this client is not in yet, or takes leave.
    pub(crate) fn check_ready(&self) -> Result<(), Failure> {
        let state = self.state.borrow();
        if let Some(lost) = &state.ends.lost {
            return Err(lost.clone());
        }
        if state.ends.is_quitting {
            return Err(Failure::new(FailureKind::Local, "this client takes leave (quit)"));
        }
        if !state.registration.is_signed_on() {
            let why = "the server has not let this client in yet: wait for signed_on";
            return Err(Failure::new(FailureKind::Local, why));
        }
        Ok(())
    }

    /// Nobody waits for it any more. What was not sent is not; what was sent still takes its answer from the lines,
    /// so that no other request takes it.
    fn cancel_request(&self, number: u64) {
        let firing = {
            let mut state = self.state.borrow_mut();
            if !state.queue.forget(number) {
                return;
            }
            state.requests.finish(number, Err(Failure::cancelled()))
        };
        // Its Deferred has fired already; this frees it.
        drop(firing);
    }

    /// Sends what may be sent now.
    pub(crate) fn flush(self: &Rc<Self>) {
        let Some(transport) = self.transport() else { return };
        while !self.state.borrow().ends.is_quitting {
            let next = self.state.borrow_mut().queue.next(self.reactor.now());
            match next {
                Next::Nothing => return,
                Next::Wait(wait) => return self.flush_later(wait),
                Next::Send(queued) => {
                    transport.write(&queued.bytes);
                    if let Some(number) = queued.request {
                        self.request_sent(number);
                    }
                }
            }
        }
    }

    fn flush_later(self: &Rc<Self>, wait: Duration) {
        let mut state = self.state.borrow_mut();
        if state.timers.flush.as_ref().is_some_and(DelayedCall::active) {
            return;
        }
        state.timers.flush = Some(self.call_later(wait, |session| session.flush()));
    }

    fn request_sent(self: &Rc<Self>, number: u64) {
        let limit = self.options.limits.request_timeout;
        let timeout = self.call_later(limit, move |session| {
            let why = format!("no answer after {limit:?} (request_timeout)");
            let failure = Failure::new(FailureKind::Timeout, why);
            let firing = session.state.borrow_mut().requests.finish(number, Err(failure));
            if let Some(firing) = firing {
                firing.fire();
            }
        });
        let firing = self.state.borrow_mut().requests.sent(number, timeout);
        if let Some(firing) = firing {
            // Whoever asked is still in the call that asked.
            self.reactor.call_soon(move || firing.fire());
        }
    }

    /// The connection is gone.
    pub(crate) fn lost(&self, reason: &Failure) -> Lost {
        let mut state = self.state.borrow_mut();
        let is_the_servers =
            matches!(reason.kind(), FailureKind::ConnectionDone | FailureKind::Peer);
        let error = state.ends.error.take().filter(|_| is_the_servers && !state.ends.is_quitting);
        let why = error.map_or_else(|| reason.clone(), ServerError::into_failure);
        state.ends.lost = Some(why.clone());
        state.timers.cancel();
        Lost {
            firings: state.requests.fail_all(&why),
            signed_on: std::mem::take(&mut state.ends.signed_on),
            quit: std::mem::take(&mut state.ends.quit),
            why,
        }
    }

    pub(crate) fn abort(&self, failure: Failure) {
        if let Some(transport) = self.transport() {
            transport.abort_with(failure);
        }
    }

    /// Calls `f` later, if the session is still there.
    pub(crate) fn call_later(
        self: &Rc<Self>,
        after: Duration,
        f: impl FnOnce(&Rc<Self>) + 'static,
    ) -> DelayedCall {
        let session: Weak<Self> = Rc::downgrade(self);
        ReactorTime::call_later(&self.reactor, after, move || {
            if let Some(session) = session.upgrade() {
                f(&session);
            }
        })
    }
}
