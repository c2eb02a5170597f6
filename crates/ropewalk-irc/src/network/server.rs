//! [`Server`]: one thread's part of a network, which tells its users what happens.
//!
//! Telling somebody may make them do something (a robot that answers, a user who is thrown out), so what happens
//! while something is being told waits in the queue: everybody hears everything in the same order, and nothing is
//! borrowed while a listener runs.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use ropewalk_core::Time;

use super::part::{Audience, Posted};
use super::state::{Moment, State};
use super::user::Seat;
use super::view::View;
use super::{
    Counts, Event, Listener, Network, NetworkLimits, Notice, Record, Refusal, Registration, Target,
    User,
};

/// A cheap handle to one thread's part of a [`Network`]. What the users elsewhere do is told here by
/// [`relay`](Self::relay), which has to be spawned if there is more than one part.
///
/// # Ordering
/// All users hear the same events in the same order. Who does something is not notified of it; it is
/// [echoed](Listener::echoed) to them at its place in that order, before the method that did it returns
/// (unless a listener calls it).
#[derive(Clone)]
pub struct Server(Rc<Inner>);

struct Inner {
    network: Network,
    part: usize,
    calendar: Box<dyn Fn() -> SystemTime>,
    view: RefCell<View>,
    observers: RefCell<Rc<Vec<Rc<dyn Listener>>>>,
    is_telling: Cell<bool>,
}

/// What the others hear of who was connected to a part that is closed.
const CLOSE_REASON: &str = "Server closed";

impl Server {
    /// This thread's part of `network`; the dates of events are the system's.
    pub fn on(network: &Network) -> Self {
        Self::with_calendar(network, SystemTime::now)
    }

    /// The same, with dates that `calendar` gives: for tests, in which time does not pass.
    pub fn with_calendar(network: &Network, calendar: impl Fn() -> SystemTime + 'static) -> Self {
        Self(Rc::new(Inner {
            network: network.clone(),
            part: network.lock().add_part(),
            calendar: Box::new(calendar),
            view: RefCell::default(),
            observers: RefCell::default(),
            is_telling: Cell::new(false),
        }))
    }

    /// Tells the users here what those elsewhere do, until this part is closed: a task for this thread's reactor.
    pub fn relay(&self) -> impl Future<Output = ()> + use<> {
        let server = self.clone();
        async move {
            while poll_fn(|cx| server.0.network.lock().part(server.0.part).poll(cx)).await {
                server.tell_posted();
            }
        }
    }

    /// Comes to the network. From now on `listener` is told what concerns the user.
    ///
    /// # Errors
    /// `BadNick`, `NickTaken`, `Full`, `Busy`, `Closed`.
    pub fn connect(
        &self,
        now: Time,
        registration: &Registration,
        listener: Rc<dyn Listener>,
    ) -> Result<User, Refusal> {
        let at = self.moment(now);
        let identity = self.change(|state| state.connect(self.0.part, registration, at))?;
        let seat = Seat::new(identity.id(), listener);
        self.0.view.borrow_mut().add(seat.clone());
        self.tell_posted();
        Ok(User::new(self.clone(), seat))
    }

    /// Whether somebody could come and be called so now.
    ///
    /// # Errors
    /// `BadNick`, `NickTaken`, `Closed`.
    pub fn check_nick(&self, nick: &str) -> Result<(), Refusal> {
        self.change(|state| state.check_nick(nick))
    }

    /// Makes `observer` be notified of everything that is told on this thread, once each, whoever does it: for
    /// who keeps it or passes it on. What is said on channels is told on every thread, what is said to one user
    /// on that user's and the speaker's only.
    pub fn observe(&self, observer: Rc<dyn Listener>) {
        Rc::make_mut(&mut self.0.observers.borrow_mut()).push(observer);
    }

    /// Ends this part: all users here are [told so](Listener::closed) and are on the network no more.
    pub fn close(&self) {
        let at = self.moment(Time::START);
        let mut state = self.0.network.lock();
        state.act_on(self.0.part);
        state.close_part(self.0.part, at, CLOSE_REASON);
        drop(state);
        self.tell_posted();
    }

    /// Whether it has been closed.
    pub fn is_closed(&self) -> bool {
        self.0.network.lock().part(self.0.part).is_closed()
    }

    /// The network that this is a part of.
    pub fn network(&self) -> &Network {
        &self.0.network
    }

    /// The limits of the network.
    pub fn limits(&self) -> &NetworkLimits {
        self.network().limits()
    }

    /// How much there is on the network.
    pub fn counts(&self) -> Counts {
        self.network().counts()
    }

    /// What the calendar says.
    pub fn calendar_now(&self) -> SystemTime {
        (self.0.calendar)()
    }

    pub(crate) fn moment(&self, now: Time) -> Moment {
        Moment { now, wall: self.calendar_now() }
    }

    /// Changes the state, or asks it something.
    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut State) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut state = self.0.network.lock();
        if state.part(self.0.part).is_closed() {
            return Err(Refusal::Closed);
        }
        state.act_on(self.0.part);
        change(&mut state)
    }

    /// Tells what has been posted, unless that is being done: then it follows by itself.
    pub(crate) fn tell_posted(&self) {
        if self.0.is_telling.get() {
            return;
        }
        let _telling = Telling::begin(&self.0.is_telling);
        while let Some(posted) = self.next() {
            match posted {
                Posted::Happened(record, audience) => self.tell(record, &audience),
                Posted::Closed => self.tell_closed(),
            }
        }
    }

    fn next(&self) -> Option<Posted> {
        self.0.network.lock().part(self.0.part).next()
    }

    fn tell(&self, record: Arc<Record>, audience: &Audience) {
        self.0.view.borrow_mut().begin(&record);
        let notice = Notice::new(record);
        self.tell_users(&notice, audience);
        let observers = self.0.observers.borrow().clone();
        observers.iter().for_each(|observer| observer.notified(&notice));
        // What is dropped here may be a listener, so not while the view is borrowed.
        let gone = self.0.view.borrow_mut().end(notice.record(), audience);
        drop(gone);
    }

    fn tell_users(&self, notice: &Notice, audience: &Audience) {
        let (seats, watchers) = {
            let view = self.0.view.borrow();
            (view.audience(notice.record(), audience), view.watchers(audience))
        };
        notice.set_audience(seats.len());
        let source = notice.source().id();
        let is_to_self = is_to_self(notice);
        for seat in seats.iter() {
            if seat.id() == source {
                seat.echo(notice);
            }
            if seat.id() != source || is_to_self {
                seat.notify(notice);
            }
        }
        let others = watchers.difference(&seats);
        others.for_each(|seat| seat.tell_watched(notice));
    }

    fn tell_closed(&self) {
        let seats = self.0.view.borrow_mut().take_all();
        seats.iter().for_each(|seat| seat.close());
    }
}

/// Whether somebody says it to themselves.
fn is_to_self(record: &Record) -> bool {
    let (Event::Said { to, .. } | Event::Tagged { to, .. }) = record.event() else { return false };
    matches!(to, Target::User(who) if who.id() == record.source().id())
}

impl Drop for Inner {
    /// Nobody here is left to be told.
    fn drop(&mut self) {
        let at = Moment { now: Time::START, wall: (self.calendar)() };
        let rest = {
            let mut state = self.network.lock();
            state.act_on(self.part);
            state.close_part(self.part, at, CLOSE_REASON);
            state.part(self.part).take_queue()
        };
        drop(rest);
    }
}

/// So that a listener that panics does not leave the thread silent.
struct Telling<'a>(&'a Cell<bool>);

impl<'a> Telling<'a> {
    fn begin(telling: &'a Cell<bool>) -> Self {
        telling.set(true);
        Self(telling)
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
