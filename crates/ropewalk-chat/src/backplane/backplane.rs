//! [`Backplane`]: a process among others; whom it hears, what it answers, and whom it misses.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_core::{Deferred, Failure, FailureKind, LoopingCall, Reactor};
use ropewalk_irc::network::Refusal;
use ropewalk_nats::{NatsClient, NatsMessage, NatsNews, Subscription};

use super::absence;
use super::letter::{Happening, Letter, PersonHere, RoomHere};
use super::others::OthersPeople;
use super::own::OwnPeople;
use super::peer::{Peer, Question};
use super::ring::Ring;
use super::teller::Teller;
use crate::Chat;

/// One process's part of a chat that is on several. A clone is the same; with the last one the others hear no more of
/// it, and take its people for gone after some seconds: [`leave`](Self::leave) says so at once.
///
/// It belongs on one thread of the process: there it sees what the people on all of them do.
#[derive(Clone)]
pub struct Backplane(Rc<State>);

pub(super) struct State {
    reactor: Reactor,
    client: NatsClient,
    /// What this process is called, by chance.
    pub(super) origin: String,
    /// The first words of all subjects.
    subject: String,
    pub(super) own: Rc<RefCell<OwnPeople>>,
    pub(super) others: OthersPeople,
    ring: RefCell<Ring>,
    peers: RefCell<BTreeMap<String, Peer>>,
    hearing: RefCell<Vec<Subscription>>,
    beating: RefCell<Option<LoopingCall>>,
    /// That NATS is away has been logged.
    is_missed: Cell<bool>,
}

/// How often a process says that it is there, and how much it has told: so much later at most is a loss noticed.
const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// People in one letter of who is there: some hundred kilobytes at most.
const PEOPLE_PER_PART: usize = 200;
/// And rooms: each may have some hundred masks.
const ROOMS_PER_PART: usize = 20;
/// Other processes. More is another chat on the same subject, or somebody who invents them.
const PEERS_MAX: usize = 256;

impl Backplane {
    /// Joins `chat` with the others that use `subject` (`ropewalk.chat`) over the server of `client`, which should not
    /// hear its own messages ([`no_echo`](ropewalk_nats::NatsOptions::no_echo)).
    ///
    /// # Errors
    /// `Local` if `subject` is no subject of NATS; `System` if the system has no random numbers.
    pub fn join(
        reactor: &Reactor,
        chat: &Chat,
        client: NatsClient,
        subject: &str,
    ) -> Result<Self, Failure> {
        let origin = new_origin()?;
        let own = Rc::<RefCell<OwnPeople>>::default();
        let others = OthersPeople::new(reactor, chat.server(), &origin, &own);
        let backplane = Self(Rc::new(State {
            reactor: reactor.clone(),
            client,
            origin,
            subject: subject.to_owned(),
            own,
            others,
            ring: RefCell::default(),
            peers: RefCell::default(),
            hearing: RefCell::default(),
            beating: RefCell::default(),
            is_missed: Cell::new(false),
        }));
        backplane.0.listen()?;
        backplane.0.beat_from_now_on();
        chat.server().observe(Rc::new(Teller(Rc::downgrade(&backplane.0))));
        Ok(backplane)
    }

    /// Other processes that are heard of.
    pub fn peers(&self) -> usize {
        self.0.peers.borrow().values().filter(|peer| peer.absent_since().is_none()).count()
    }

    /// Says goodbye for all people of this process; fires when NATS has it.
    ///
    /// # Errors
    /// NATS is away: then the others notice by themselves.
    pub fn leave(&self) -> Deferred<()> {
        let state = &self.0;
        state.stop_beating();
        state.tell_all(&Letter::Bye { origin: state.origin.clone() });
        state.client.flush()
    }
}

impl State {
    /// Hears what is for all, and what is for this process, from now on.
    fn listen(self: &Rc<Self>) -> Result<(), Failure> {
        for subject in [self.subject_of_all(), self.subject_of(&self.origin)] {
            let weak = Rc::downgrade(self);
            let hearing = self.client.subscribe(&subject, move |message| {
                if let Some(state) = weak.upgrade() {
                    state.message_received(message);
                }
            })?;
            self.hearing.borrow_mut().push(hearing);
        }
        let weak = Rc::downgrade(self);
        self.client.watch(move |news| {
            if let Some(state) = weak.upgrade() {
                state.news_received(news);
            }
        });
        Ok(())
    }

    fn beat_from_now_on(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let beating = LoopingCall::new(&self.reactor, move || {
            if let Some(state) = weak.upgrade() {
                state.beat();
            }
        });
        drop(beating.start(BEAT_INTERVAL, false).add_errback(|_| ())); // It ends with this.
        self.beating.replace(Some(beating));
    }

    fn stop_beating(&self) {
        if let Some(beating) = self.beating.take().filter(LoopingCall::running) {
            beating.stop();
        }
    }

    fn subject_of_all(&self) -> String {
        format!("{}.all", self.subject)
    }

    fn subject_of(&self, origin: &str) -> String {
        format!("{}.to.{origin}", self.subject)
    }

    /// Says that this process is there, asks for what is missing, and lets those go that are gone.
    fn beat(&self) {
        if !self.client.is_up() {
            return;
        }
        self.tell_beat();
        let now = self.reactor.now();
        let origins: Vec<String> = self.peers.borrow().keys().cloned().collect();
        for origin in origins {
            let is_gone = self.peers.borrow().get(&origin).is_some_and(|peer| peer.is_gone(now));
            if is_gone {
                self.miss(&origin);
            } else {
                self.follow(&origin);
            }
        }
    }

    fn tell_beat(&self) {
        let last = self.ring.borrow().last();
        self.tell_all(&Letter::Beat { origin: self.origin.clone(), last });
    }

    fn news_received(&self, news: &NatsNews) {
        match news {
            NatsNews::CameUp => {
                let now = self.reactor.now();
                self.is_missed.set(false);
                self.peers.borrow_mut().values_mut().for_each(|peer| peer.excuse(now));
                self.tell_beat();
            }
            NatsNews::WentAway(why) if !self.is_missed.replace(true) => {
                tracing::warn!(target: "ropewalk::chat", "the backplane is away, and is tried again: {why}");
            }
            NatsNews::Refused(why) => {
                tracing::error!(target: "ropewalk::chat", "the backplane refuses: {why}");
            }
            _ => {}
        }
    }

    /// Tells all what happened. While NATS is away it is only kept: the others ask for it later.
    pub(super) fn tell(&self, what: Happening) {
        let number = self.ring.borrow().last() + 1;
        let letter = Letter::Happened { origin: self.origin.clone(), number, what };
        let bytes = Bytes::from(letter.encode());
        self.ring.borrow_mut().push(bytes.clone());
        self.publish(&self.subject_of_all(), &bytes);
    }

    pub(super) fn tell_all(&self, letter: &Letter) {
        self.publish(&self.subject_of_all(), &letter.encode());
    }

    fn write_to(&self, origin: &str, letter: &Letter) {
        self.publish(&self.subject_of(origin), &letter.encode());
    }

    /// What cannot be published now is asked for later, if it was numbered, or said again by the next beat.
    fn publish(&self, subject: &str, letter: &[u8]) {
        if self.client.is_up()
            && let Err(why) = self.client.publish(subject, letter)
        {
            tracing::debug!(target: "ropewalk::chat", "not published: {why}");
        }
    }

    fn message_received(&self, message: &NatsMessage) {
        let letter = match Letter::decode(&message.payload) {
            Ok(letter) => letter,
            Err(why) => {
                return tracing::debug!(target: "ropewalk::chat", "on {}: {why}", message.subject);
            }
        };
        let origin = letter.origin().to_owned();
        if origin == self.origin || !is_origin(&origin) || !self.knows(&origin, &letter) {
            return;
        }
        if !matches!(letter, Letter::Bye { .. }) {
            self.see_back(&origin);
        }
        self.letter_received(&origin, letter);
        self.follow(&origin);
    }

    /// Whether there is a peer of that name; one that is new is noted, and answered.
    fn knows(&self, origin: &str, letter: &Letter) -> bool {
        let mut peers = self.peers.borrow_mut();
        if peers.contains_key(origin) {
            return true;
        }
        if peers.len() >= PEERS_MAX || matches!(letter, Letter::Bye { .. }) {
            return false;
        }
        peers.insert(origin.to_owned(), Peer::new(self.reactor.now()));
        drop(peers);
        self.tell_beat();
        true
    }

    fn letter_received(&self, origin: &str, letter: Letter) {
        let now = self.reactor.now();
        match letter {
            Letter::Happened { number, what, .. } => self.with(origin, |peer| {
                peer.heard(now, number);
                peer.take(number, what);
            }),
            Letter::Beat { last, .. } => self.with(origin, |peer| peer.heard(now, last)),
            Letter::Who { .. } => self.tell_whole(origin),
            Letter::Want { first, last, .. } => self.tell_again(origin, first, last),
            Letter::Whole { number, part, parts, people, rooms, .. } => {
                let whole = |peer: &mut Peer| {
                    peer.heard(now, number);
                    peer.take_part(number, (part, parts), people, rooms)
                };
                let roll = self.peers.borrow_mut().get_mut(origin).and_then(whole);
                if let Some(roll) = roll {
                    self.others.set_all(origin, roll);
                }
            }
            Letter::Typing { who, to, tags, .. } => {
                self.others.show_typing(origin, who, to, &tags);
            }
            Letter::Bye { .. } => self.forget(origin, "Server closed"),
        }
    }

    fn with(&self, origin: &str, change: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.borrow_mut().get_mut(origin) {
            change(peer);
        }
    }

    /// Does what can be done of what a peer has told, and asks for what is missing.
    fn follow(&self, origin: &str) {
        if self.peers.borrow().get(origin).is_none_or(|peer| peer.absent_since().is_some()) {
            return;
        }
        loop {
            let next = self.peers.borrow().get(origin).and_then(Peer::next);
            let Some(what) = next else { break };
            match self.others.perform(origin, what) {
                Err(Refusal::Busy) => break, // At the next beat.
                Err(why) => {
                    tracing::debug!(target: "ropewalk::chat", "not done for {origin}: {why}");
                }
                Ok(()) => {}
            }
            self.with(origin, Peer::finish);
        }
        let now = self.reactor.now();
        let question = self.peers.borrow_mut().get_mut(origin).and_then(|peer| peer.question(now));
        let own = self.origin.clone();
        match question {
            Some(Question::Who) => self.write_to(origin, &Letter::Who { origin: own }),
            Some(Question::Want(first, last)) => {
                self.write_to(origin, &Letter::Want { origin: own, first, last });
            }
            None => {}
        }
    }

    fn tell_again(&self, origin: &str, first: u64, last: u64) {
        let letters = self.ring.borrow().from(first, last);
        let Some(letters) = letters else {
            tracing::warn!(target: "ropewalk::chat", "{origin} has missed what is not kept any more");
            return self.tell_whole(origin);
        };
        let subject = self.subject_of(origin);
        letters.iter().for_each(|letter| self.publish(&subject, letter));
    }

    fn tell_whole(&self, origin: &str) {
        let (people, rooms): (Vec<PersonHere>, Vec<RoomHere>) = {
            let own = self.own.borrow();
            (own.people().cloned().collect(), own.rooms(&self.others.network()))
        };
        let parts =
            people.len().div_ceil(PEOPLE_PER_PART).max(1) + rooms.len().div_ceil(ROOMS_PER_PART);
        let number = self.ring.borrow().last();
        let chunks = people.chunks(PEOPLE_PER_PART).map(|people| (people.to_vec(), Vec::new()));
        let nobody = people.is_empty().then(|| (Vec::new(), Vec::new()));
        let rooms = rooms.chunks(ROOMS_PER_PART).map(|rooms| (Vec::new(), rooms.to_vec()));
        for (part, (people, rooms)) in chunks.chain(nobody).chain(rooms).enumerate() {
            let own = self.origin.clone();
            let letter = Letter::Whole { origin: own, number, part, parts, people, rooms };
            self.write_to(origin, &letter);
        }
    }

    /// A process is not heard of any more, and its people are gone; but it may come back.
    fn miss(&self, origin: &str) {
        if !self.peers.borrow().get(origin).is_some_and(Peer::is_followed) {
            return self.forget(origin, "connection lost");
        }
        let roll = self.others.roll(origin);
        self.others.leave_all(origin, "connection lost");
        self.with(origin, |peer| peer.leave(roll));
        let mut peers = self.peers.borrow_mut();
        if let Some(surplus) = absence::surplus(&peers) {
            peers.remove(&surplus);
        }
    }

    /// A process that may have been missed is heard of.
    fn see_back(&self, origin: &str) {
        let now = self.reactor.now();
        let roll = self.peers.borrow_mut().get_mut(origin).and_then(|peer| peer.come_back(now));
        if let Some(roll) = roll {
            self.others.set_back(origin, roll);
        }
    }

    /// A process is gone for good, and its people with it.
    fn forget(&self, origin: &str, why: &str) {
        self.peers.borrow_mut().remove(origin);
        self.others.leave_all(origin, why);
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.stop_beating();
    }
}

/// A name by chance: 64 bits.
fn new_origin() -> Result<String, Failure> {
    let number = getrandom::u64().map_err(|error| {
        Failure::new(FailureKind::System, format!("the system has no random numbers: {error}"))
    })?;
    Ok(format!("{number:016x}"))
}

/// Whether it can be one: it becomes a word of a subject.
fn is_origin(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
