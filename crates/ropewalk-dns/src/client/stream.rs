//! [`Stream`]: questions to one server over a connection, plain or under TLS (RFC 7766, RFC 7858).
//!
//! Messages follow each other with their length before them, many in flight, and are answered in any order. The
//! connection is made for the first question and lost when it has been idle for a while. A server may end it at any
//! time: what it left unanswered is asked once more over a new connection, if the old one had answered anything.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use ropewalk_core::{
    ClientEndpoint, Cx, DelayedCall, Failure, FailureKind, Reactor, Time, Transport,
};
use ropewalk_framing::{FrameProtocol, Framed, LengthPrefixDecoder, PrefixWidth};

use super::deadlines::Deadlines;
use super::hear::{Hear, Heard};
use super::limits::ClientLimits;
use super::query::{Asked, QueryWriter};
use super::response::{Belief, believe};
use crate::Random;
use crate::slab::{Key, Slab};

/// A way to one server, with a connection while one is needed. Dropped with its last owner, it loses that.
pub(crate) struct Stream(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    endpoint: Rc<dyn ClientEndpoint>,
    limits: ClientLimits,
    state: RefCell<State>,
}

struct State {
    link: Link,
    /// Which connection this is, so that news of an earlier one is known.
    generation: u32,
    /// Answers over this connection.
    answered: u64,
    /// Answers over it to nothing that was asked.
    wrong_answers: u8,
    tries: Slab<Try>,
    /// Those sent over this connection and not answered.
    ids: HashMap<u16, Key>,
    /// Those to be sent.
    unsent: VecDeque<Key>,
    deadlines: Deadlines,
    timer: Option<DelayedCall>,
    idle: Option<DelayedCall>,
    random: Random,
    writer: QueryWriter,
}

enum Link {
    Down,
    Dialing,
    Up(Transport),
}

struct Try {
    message: Bytes,
    hear: Rc<dyn Hear>,
    number: u64,
    is_second: bool,
}

impl Stream {
    /// Reaches the server by `endpoint`; connects when there is something to ask.
    pub(crate) fn new(
        reactor: &Reactor,
        endpoint: Rc<dyn ClientEndpoint>,
        limits: &ClientLimits,
        random: Random,
    ) -> Self {
        let state = State {
            link: Link::Down,
            generation: 0,
            answered: 0,
            wrong_answers: 0,
            tries: Slab::default(),
            ids: HashMap::new(),
            unsent: VecDeque::new(),
            deadlines: Deadlines::default(),
            timer: None,
            idle: None,
            random,
            writer: QueryWriter::default(),
        };
        let (reactor, limits) = (reactor.clone(), limits.clone());
        Self(Rc::new(Inner { reactor, endpoint, limits, state: RefCell::new(state) }))
    }

    /// Asks a question; `hear` is told under `number` what became of it, never within this call.
    ///
    /// # Errors
    /// `Limit` if `queries_max` wait already.
    pub(crate) fn ask(
        &self,
        asked: &Asked<'_>,
        timeout: Duration,
        hear: Rc<dyn Hear>,
        number: u64,
    ) -> Result<Key, Failure> {
        let mut state = self.0.state.borrow_mut();
        let max = self.0.limits.queries_max;
        if state.tries.len() >= max {
            let why = format!("{max} queries wait for one connection already (queries_max)");
            return Err(Failure::new(FailureKind::Limit, why));
        }
        let State { random, writer, .. } = &mut *state;
        let message = writer.write(asked, 0, random); // The id is chosen when it is sent.
        let key = state.tries.insert(Try { message, hear, number, is_second: false });
        state.unsent.push_back(key);
        state.deadlines.push(self.0.reactor.now(), timeout, key);
        let _ = state.idle.take().map(|idle| idle.cancel());
        drop(state);
        self.0.arm();
        self.0.move_on();
        Ok(key)
    }

    /// Forgets a try: nobody is told of it any more.
    pub(crate) fn forget(&self, key: Key) {
        let forgotten = self.0.state.borrow_mut().tries.remove(key);
        drop(forgotten);
    }
}

impl Inner {
    /// Connects, or sends what may be sent.
    fn move_on(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        match &state.link {
            Link::Dialing => {}
            Link::Down if state.unsent.is_empty() => {}
            Link::Down => {
                state.link = Link::Dialing;
                state.generation += 1;
                let generation = state.generation;
                drop(state);
                self.dial(generation);
            }
            Link::Up(transport) => {
                let transport = transport.clone();
                state.send(&transport, self.limits.pipelined_max);
            }
        }
    }

    /// Not at once: who asks is not to hear of a failure within the call.
    fn dial(self: &Rc<Self>, generation: u32) {
        let (weak, reactor) = (Rc::downgrade(self), self.reactor.clone());
        self.reactor.call_soon(move || {
            let Some(inner) = weak.upgrade() else { return };
            let factory = move || {
                let protocol = StreamProtocol { stream: weak.clone(), generation };
                let mut decoder = LengthPrefixDecoder::new(PrefixWidth::U16);
                decoder.frame_bytes_max = usize::from(u16::MAX);
                Framed::new(decoder, protocol)
            };
            let failed = Rc::downgrade(&inner);
            drop(reactor.connect(&inner.endpoint, factory).add_both(move |result| {
                if let (Err(why), Some(inner)) = (result, failed.upgrade()) {
                    inner.lost(generation, &why);
                }
            }));
        });
    }

    fn connected(self: &Rc<Self>, generation: u32, transport: &Transport) {
        let mut state = self.state.borrow_mut();
        if state.generation != generation {
            return transport.abort_connection();
        }
        state.answered = 0;
        state.wrong_answers = 0;
        state.link = Link::Up(transport.clone());
        drop(state);
        self.move_on();
        self.watch_idleness();
    }

    fn received(self: &Rc<Self>, generation: u32, message: &[u8]) {
        let mut state = self.state.borrow_mut();
        if state.generation != generation {
            return;
        }
        match state.judge(message) {
            Some((tried, belief)) => {
                state.answered += 1;
                drop(state);
                let what = match belief {
                    Belief::CaseDiffers => Heard::CaseDiffers(message),
                    _ => Heard::Answer(message),
                };
                tried.hear.heard(tried.number, what);
            }
            None => {
                state.wrong_answers = state.wrong_answers.saturating_add(1);
                if state.wrong_answers >= WRONG_ANSWERS_MAX
                    && let Link::Up(transport) = &state.link
                {
                    let why = "the server answers what was not asked";
                    transport.abort_with(Failure::new(FailureKind::Peer, why));
                }
                drop(state);
            }
        }
        self.move_on();
        self.watch_idleness();
    }

    /// The connection is lost, or did not come up.
    fn lost(self: &Rc<Self>, generation: u32, why: &Failure) {
        let mut state = self.state.borrow_mut();
        if state.generation != generation || matches!(state.link, Link::Down) {
            return;
        }
        let link = std::mem::replace(&mut state.link, Link::Down);
        let over = state.sort_out();
        drop(state);
        drop(link);
        for tried in over {
            tried.hear.heard(tried.number, Heard::Lost(why.clone()));
        }
        self.move_on();
    }

    /// Loses the connection after a while in which nothing waits for an answer.
    fn watch_idleness(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        let watched = state.idle.as_ref().is_some_and(DelayedCall::active);
        if watched || state.tries.len() > 0 || !matches!(state.link, Link::Up(_)) {
            return;
        }
        let weak = Rc::downgrade(self);
        let then = self.reactor.call_later(self.limits.idle_timeout, move || {
            let inner = weak.upgrade();
            let state = inner.as_ref().map(|inner| inner.state.borrow());
            if let Some(state) = state
                && state.tries.len() == 0
                && let Link::Up(transport) = &state.link
            {
                transport.lose_connection();
            }
        });
        state.idle = Some(then);
    }

    /// Sees to it that the timer runs when the next try is due.
    fn arm(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        let State { deadlines, tries, timer, .. } = &mut *state;
        let next = deadlines.next(|key| tries.get(key).is_some());
        let armed = timer.as_ref().and_then(DelayedCall::time).unwrap_or(Time::NEVER);
        if next >= armed {
            return;
        }
        let _ = timer.take().map(|timer| timer.cancel());
        let weak = Rc::downgrade(self);
        *timer = Some(self.reactor.call_at(next, move || {
            if let Some(inner) = weak.upgrade() {
                inner.time_has_come();
            }
        }));
    }

    fn time_has_come(self: &Rc<Self>) {
        loop {
            let mut state = self.state.borrow_mut();
            let State { deadlines, tries, .. } = &mut *state;
            let now = self.reactor.now();
            let Some(key) = deadlines.pop_due(now, |key| tries.get(key).is_some()) else { break };
            let over = tries.remove(key);
            drop(state);
            if let Some(tried) = over {
                tried.hear.heard(tried.number, Heard::TimedOut);
            }
        }
        self.arm();
        self.watch_idleness();
    }
}

/// Answers that nobody asked for over one connection before it is lost: a server that times questions out late sends
/// some, one that is mistaken sends nothing else.
const WRONG_ANSWERS_MAX: u8 = 100;

impl State {
    /// Sends what waits, up to `max` in flight.
    fn send(&mut self, transport: &Transport, max: usize) {
        // Those forgotten or given up count until the room is needed.
        if self.ids.len() >= max {
            self.ids.retain(|_, key| self.tries.get(*key).is_some());
        }
        while self.ids.len() < max
            && let Some(key) = self.unsent.pop_front()
        {
            let Some(tried) = self.tries.get_mut(key) else { continue };
            let id = loop {
                let id = self.random.u16();
                if !self.ids.contains_key(&id) {
                    break id;
                }
            };
            tried.message = with_id(&tried.message, id);
            self.ids.insert(id, key);
            transport.write(&u16::try_from(tried.message.len()).unwrap_or(0).to_be_bytes());
            transport.write_bytes(tried.message.clone());
        }
    }

    /// Whose answer a message is, if it is one.
    fn judge(&mut self, message: &[u8]) -> Option<(Try, Belief)> {
        let id = message.first_chunk().map(|id| u16::from_be_bytes(*id))?;
        let key = *self.ids.get(&id)?;
        let belief = believe(&self.tries.get(key)?.message, message);
        if belief == Belief::Not {
            return None;
        }
        self.ids.remove(&id);
        Some((self.tries.remove(key)?, belief))
    }

    /// What was sent over a connection that is lost is asked once more if that had answered anything; takes out those
    /// for which it is over.
    fn sort_out(&mut self) -> Vec<Try> {
        let goes_on = self.answered > 0;
        self.answered = 0;
        let sent: Vec<Key> = std::mem::take(&mut self.ids).into_values().collect();
        let mut over = Vec::new();
        for key in sent {
            match self.tries.get_mut(key) {
                Some(tried) if goes_on && !tried.is_second => {
                    tried.is_second = true;
                    self.unsent.push_front(key);
                }
                _ => over.extend(self.tries.remove(key)),
            }
        }
        if !goes_on {
            let unsent = std::mem::take(&mut self.unsent);
            over.extend(unsent.into_iter().filter_map(|key| self.tries.remove(key)));
        }
        over
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        if let Link::Up(transport) = &state.link {
            transport.lose_connection();
        }
        for call in state.timer.take().into_iter().chain(state.idle.take()) {
            let _ = call.cancel();
        }
    }
}

/// The same message with another id.
fn with_id(message: &[u8], id: u16) -> Bytes {
    let mut copy = BytesMut::with_capacity(message.len());
    copy.put_u16(id);
    copy.put_slice(message.get(2..).unwrap_or(&[]));
    copy.freeze()
}

/// What hears one connection.
struct StreamProtocol {
    stream: Weak<Inner>,
    generation: u32,
}

impl FrameProtocol for StreamProtocol {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        match self.stream.upgrade() {
            Some(stream) => stream.connected(self.generation, cx.transport()),
            None => cx.transport().abort_connection(),
        }
    }

    fn frame_received(&mut self, _: &mut Cx<'_>, frame: &[u8]) {
        if let Some(stream) = self.stream.upgrade() {
            stream.received(self.generation, frame);
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, reason: Failure) {
        if let Some(stream) = self.stream.upgrade() {
            stream.lost(self.generation, &reason);
        }
    }
}
