//! [`NetDriver`]: the driver of this machine, by name.

use std::any::Any;
use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::{Arc, Once};

use ropewalk_core::{
    Address, Close, Datagram, Driver, Failure, FailureKind, Loop, Notify, OutQueue, Reactor,
    Resolve, Sink, SlotId, Time, Wait,
};

use crate::epoll::Epoll;
use crate::poll::Poll;
use crate::poller::Poller;
use crate::readiness::Readiness;
use crate::ring::Ring;
use crate::select::Select;
use crate::sockets::Sockets;
use crate::workers::Worker;

/// Moves bytes by the means of this machine; which one is chosen by name, at run time.
pub struct NetDriver {
    sockets: Rc<dyn Sockets>,
    /// While its reactor is being set up as one of several: which.
    worker: Rc<RefCell<Option<Worker>>>,
    names: RefCell<Names>,
}

/// What finds names for the reactor. It may hold the reactor, which holds this driver: so it is let go at the end.
#[derive(Default)]
enum Names {
    #[default]
    NotAsked,
    By(Rc<dyn Resolve>),
    Over,
}

/// The names of the drivers, the best first (see docs/design/005-io-uring.md).
const NAMES: [&str; 4] = [Epoll::NAME, Ring::NAME, Poll::NAME, Select::NAME];

impl NetDriver {
    /// The best driver that works here.
    ///
    /// # Errors
    /// `System` if none does.
    pub fn new() -> Result<Self, Failure> {
        let mut first_error = None;
        for name in NAMES {
            match Self::by_name(name) {
                Ok(driver) => return Ok(driver),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| Failure::new(FailureKind::System, "there is no driver")))
    }

    /// The driver called `uring`, `epoll`, `poll` or `select`.
    ///
    /// # Platform
    /// `uring` needs Linux 6.1, and that neither a container nor an administrator forbids io_uring. `select` takes descriptors
    /// below 1,024, and does not hear of a reset while a connection is paused, or when its peer has ended its half.
    ///
    /// # Errors
    /// `Local` if there is none of that name; `System` if it does not work here.
    pub fn by_name(name: &str) -> Result<Self, Failure> {
        let made = match name {
            Epoll::NAME => Readiness::<Epoll>::new().map(|made| Rc::new(made) as Rc<dyn Sockets>),
            Ring::NAME => Readiness::<Ring>::new().map(|made| Rc::new(made) as Rc<dyn Sockets>),
            Poll::NAME => Readiness::<Poll>::new().map(|made| Rc::new(made) as Rc<dyn Sockets>),
            Select::NAME => Readiness::<Select>::new().map(|made| Rc::new(made) as Rc<dyn Sockets>),
            _ => {
                let known = NAMES.join(", ");
                let why = format!("there is no reactor called {name:?}; there are {known}");
                return Err(Failure::new(FailureKind::Local, why));
            }
        };
        made.map(Self::over).map_err(|error| Failure::from(error).context(format!("set up {name}")))
    }

    /// The driver of that name, or the best one; also the best one if the system refuses the one of that name, as
    /// containers do with io_uring. That is said once, however many reactors there are.
    ///
    /// # Errors
    /// `Local` if there is no driver of that name; `System` if none works.
    pub fn wanted(name: Option<&str>) -> Result<Self, Failure> {
        static SAID: Once = Once::new();
        match name.map(Self::by_name) {
            None => Self::new(),
            Some(Err(refused)) if refused.is(FailureKind::System) => {
                let driver = Self::new()?;
                SAID.call_once(|| {
                    let best = driver.name();
                    tracing::warn!(target: "ropewalk::net", "{refused}; the reactor is {best} instead");
                });
                Ok(driver)
            }
            Some(made) => made,
        }
    }

    pub(crate) fn over(sockets: Rc<dyn Sockets>) -> Self {
        Self { sockets, worker: Rc::default(), names: RefCell::default() }
    }

    /// Where it is to be said which worker's reactor is being set up over this driver.
    pub(crate) fn worker(&self) -> Rc<RefCell<Option<Worker>>> {
        self.worker.clone()
    }

    /// The names that [`by_name`](Self::by_name) knows, the best first.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }
}

/// A loop over the driver of that name, or over the best one: [`NetDriver::wanted`].
///
/// # Errors
/// As there.
pub fn new_loop(name: Option<&str>) -> Result<Loop, Failure> {
    Ok(Loop::new(NetDriver::wanted(name)?))
}

/// What finds names for a reactor: what `make` makes when this is first called for it, and the same from then on, so that all
/// share what it knows.
///
/// On a reactor of another driver, and on one that is over, each gets its own.
pub fn resolver_of(reactor: &Reactor, make: impl FnOnce() -> Rc<dyn Resolve>) -> Rc<dyn Resolve> {
    let Some(net) = reactor.driver().as_any().downcast_ref::<NetDriver>() else { return make() };
    if let Names::By(known) = &*net.names.borrow() {
        return known.clone();
    }
    let made = make();
    let mut names = net.names.borrow_mut();
    if let Names::NotAsked = *names {
        *names = Names::By(made.clone());
    }
    made
}

/// The sockets of a reactor's driver.
pub(crate) fn sockets(reactor: &Reactor) -> Result<Rc<dyn Sockets>, Failure> {
    let driver = reactor.driver();
    match driver.as_any().downcast_ref::<NetDriver>() {
        Some(net) => Ok(net.sockets.clone()),
        None => {
            let why = format!("the reactor's driver ({}) has no sockets", driver.name());
            Err(Failure::new(FailureKind::Local, why))
        }
    }
}

/// The worker whose reactor this is, while it is being set up.
pub(crate) fn worker(reactor: &Reactor) -> Option<Worker> {
    let net = reactor.driver().as_any().downcast_ref::<NetDriver>()?;
    net.worker.borrow().clone()
}

/// Hands everything on to the driver that was chosen.
impl Driver for NetDriver {
    fn name(&self) -> &'static str {
        self.sockets.name()
    }

    fn now(&self) -> Time {
        self.sockets.now()
    }

    fn wait(&self, until: Wait) -> Result<(), Failure> {
        self.sockets.wait(until)
    }

    fn deliver(&self, sink: &dyn Sink) {
        self.sockets.deliver(sink);
    }

    fn send(&self, id: SlotId, out: &mut OutQueue) -> usize {
        self.sockets.send(id, out)
    }

    fn set_receiving(&self, id: SlotId, on: bool) {
        self.sockets.set_receiving(id, on);
    }

    fn close_write(&self, id: SlotId) {
        self.sockets.close_write(id);
    }

    fn close(&self, id: SlotId, how: Close) {
        self.sockets.close(id, how);
    }

    fn send_datagrams(&self, id: SlotId, queue: &mut Vec<Datagram>) -> usize {
        self.sockets.send_datagrams(id, queue)
    }

    fn peer(&self, id: SlotId) -> Option<Address> {
        self.sockets.peer(id)
    }

    fn host(&self, id: SlotId) -> Option<Address> {
        self.sockets.host(id)
    }

    fn notifier(&self) -> Arc<dyn Notify> {
        self.sockets.notifier()
    }

    fn park(&self, until: Wait) {
        self.sockets.park(until);
    }

    fn finish(&self) {
        self.sockets.finish();
        let names = self.names.replace(Names::Over);
        drop(names); // When nothing is borrowed: it may have much to drop.
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.sockets.as_fd()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
