//! [`watch_fd`]: a call whenever a descriptor of one's own can be read or written.
//!
//! It is the equivalent of Twisted's `addReader` and `addWriter`, for what Ropewalk has no endpoint for: an
//! inotify or DRM descriptor, a C library that brings its own socket. A watch is level-triggered whatever the
//! reactor is: as long as the descriptor is ready, every turn says so again. So a callback need not take all
//! that is there; but one that takes nothing keeps the loop busy.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use ropewalk_core::{Close, Event, Failure, FailureKind, Flow, Reactor, Readiness, SlotId, Source};

use crate::driver::sockets;
use crate::row::borrow_fd;
use crate::sockets::Sockets;

/// What a descriptor is watched for. Neither is allowed too: a pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Interest {
    /// Whether it can be read, or has hung up.
    pub readable: bool,
    /// Whether it can be written, or has an error.
    pub writable: bool,
}

impl Interest {
    /// Whether it can be read.
    pub const READABLE: Self = Self { readable: true, writable: false };
    /// Whether it can be written.
    pub const WRITABLE: Self = Self { readable: false, writable: true };
    /// Either.
    pub const BOTH: Self = Self { readable: true, writable: true };
}

/// Calls `callback` in every turn in which `fd` is ready for what `interest` says.
///
/// `fd` is borrowed by its number: it is to stay open until the watch is stopped, and should not wait
/// (`O_NONBLOCK`). One that is closed before is found out at the latest when its number is used again; the watch
/// then stops, with a line in the log.
///
/// # Ordering
/// The callback runs in the events phase, never inside this call. A hang-up or an error counts as both
/// readable and writable, whatever was asked for.
///
/// # Errors
/// `Local` if `fd` is not open, or is a file or a directory: these are always ready, and the system's calls
/// for waiting refuse them. `System` if it is watched already (epoll takes a descriptor once), or with the
/// `select` reactor if its number is 1,024 or more.
///
/// # Panics
/// A callback that panics costs its watch and nothing else: it is stopped, with a line in the log.
///
/// # Example: what a pipe says
/// ```
/// use std::io::{Read, Write};
/// use ropewalk_net::{Interest, new_loop, watch_fd};
/// let main_loop = new_loop(None)?;
/// let reactor = main_loop.reactor().clone();
/// let (mut reader, mut writer) = std::io::pipe()?;
/// let fd = std::os::fd::AsRawFd::as_raw_fd(&reader);
/// let watch = watch_fd(main_loop.reactor(), &fd, Interest::READABLE, move |_| {
///     let mut said = [0; 5];
///     reader.read_exact(&mut said).expect("it is readable");
///     assert_eq!(&said, b"hello");
///     reactor.stop().expect("it runs");
/// })?;
/// writer.write_all(b"hello")?;
/// main_loop.run()?;
/// # drop(watch);
/// # Ok::<(), ropewalk_core::Failure>(())
/// ```
pub fn watch_fd(
    reactor: &Reactor,
    fd: &impl AsRawFd,
    interest: Interest,
    callback: impl FnMut(Readiness) + 'static,
) -> Result<FdWatch, Failure> {
    let fd = fd.as_raw_fd();
    let sockets = sockets(reactor)?;
    check(fd).map_err(|failure| failure.context(format!("watch descriptor {fd}")))?;
    let watched = reactor.insert(|id| {
        let callback = Cell::new(Some(Box::new(callback) as Callback));
        Rc::new(Watched { reactor: reactor.clone(), id, fd, callback, stopped: Cell::new(false) })
    })?;
    if let Err(error) = sockets.add_watch(watched.id, fd, interest.readable, interest.writable) {
        reactor.remove(watched.id);
        return Err(Failure::from(error).context(format!("watch descriptor {fd}")));
    }
    Ok(FdWatch { watched, sockets, detached: false })
}

/// A descriptor that is being watched. Dropping it stops that, since whoever owns the descriptor owns this and
/// drops both; see also [`detach`](Self::detach).
pub struct FdWatch {
    watched: Rc<Watched>,
    sockets: Rc<dyn Sockets>,
    detached: bool,
}

impl FdWatch {
    /// Watches for something else from now on. Nothing happens if it has stopped.
    pub fn set_interest(&self, interest: Interest) {
        if !self.is_stopped() {
            self.sockets.set_watch(self.watched.id, interest.readable, interest.writable);
        }
    }

    /// Stops: no callback comes after this, and the descriptor may be closed. As dropping it.
    pub fn stop(self) {
        drop(self);
    }

    /// Goes on until the reactor stops. The descriptor is to stay open for as long: let the callback own it.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// Whether no more callbacks come: the reactor stopped, the callback panicked, or the descriptor was
    /// closed.
    pub fn is_stopped(&self) -> bool {
        self.watched.stopped.get()
    }
}

impl Drop for FdWatch {
    fn drop(&mut self) {
        if !self.detached {
            self.watched.stop();
        }
    }
}

type Callback = Box<dyn FnMut(Readiness)>;

/// What stands in the reactor's table.
struct Watched {
    reactor: Reactor,
    id: SlotId,
    fd: RawFd,
    /// Out of its cell while it runs.
    callback: Cell<Option<Callback>>,
    stopped: Cell<bool>,
}

impl Watched {
    fn stop(&self) {
        if !self.stopped.replace(true) {
            self.reactor.driver().close(self.id, Close::Clean);
            drop(self.callback.take());
        }
    }

    fn call(&self, readiness: Readiness) {
        let Some(mut callback) = self.callback.take() else { return };
        let outcome = catch_unwind(AssertUnwindSafe(|| callback(readiness)));
        if let Err(panic) = outcome {
            let failure = Failure::from_panic(&*panic);
            tracing::error!(target: "ropewalk::net", "descriptor {} is watched no more: {failure}", self.fd);
            self.stop();
        } else if !self.stopped.get() {
            self.callback.set(Some(callback));
        }
    }
}

impl Source for Watched {
    fn event(self: Rc<Self>, event: Event<'_>) -> Flow {
        match event {
            Event::Ready(readiness) if !self.stopped.get() => self.call(readiness),
            Event::Lost(failure) => {
                tracing::error!(target: "ropewalk::net", "a watch stopped: {failure}");
                self.stop();
            }
            _ => {}
        }
        Flow::More
    }

    fn wind_up(self: Rc<Self>) {
        self.stop();
    }

    fn abandon(self: Rc<Self>, _: Failure) {
        self.stop();
    }
}

/// What every poller would find out in a way of its own, or not at all.
fn check(fd: RawFd) -> Result<(), Failure> {
    let stat = match rustix::fs::fstat(borrow_fd(fd)) {
        Err(rustix::io::Errno::BADF) => {
            return Err(Failure::new(FailureKind::Local, "it is not open"));
        }
        other => other.map_err(io::Error::from)?,
    };
    let what = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::RegularFile => "file",
        rustix::fs::FileType::Directory => "directory",
        _ => return Ok(()),
    };
    let why = format!("it is a {what}: always ready, so there is nothing to wait for");
    Err(Failure::new(FailureKind::Local, why))
}
