//! Signals: [`stop_on_signals`] for the usual two, [`on_signal`] for any.
//!
//! A signal handler may interrupt the program anywhere, so it can do next to nothing. Ours (it is
//! `signal-hook`'s) writes a byte into a socket that the reactor watches, and the callback runs on the
//! reactor's thread, in a turn like any other. What must work though the loop hangs in a callback, the second
//! Ctrl-C, is done in the handler itself: it ends the process.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ropewalk_core::{Failure, FailureKind, Reactor};
use signal_hook::consts::{FORBIDDEN, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

use crate::fd_watch::{FdWatch, Interest, watch_fd};

/// SIGINT (Ctrl-C) and SIGTERM stop `reactor` as [`Reactor::stop`] does, from now on until its loop is dropped.
///
/// A second of either ends the process at once with status 128 and the signal's number, even if the loop is
/// stuck in a callback. So does the first when the loops of all reactors that this was called for are gone.
/// With several reactors in a process the first stops them all.
///
/// # Errors
/// `System` if the signals cannot be caught, or there are no descriptors left.
pub fn stop_on_signals(reactor: &Reactor) -> Result<(), Failure> {
    end_on_second()?;
    let cover = Cover::new();
    for signal in [SIGINT, SIGTERM] {
        let (stopped, cover) = (reactor.clone(), cover.clone());
        let watch = on_signal(reactor, signal, move || {
            let _cover = &cover;
            let _ = stopped.stop(); // That it is stopping already is as good.
        })?;
        watch.detach();
    }
    Ok(())
}

/// Calls `callback` on the reactor's thread after each `signal`, by its number (`libc`'s or `signal_hook`'s
/// `SIGHUP` and so on), until the [`SignalWatch`] is dropped or the reactor stops.
///
/// # Ordering
/// Several signals that come close together may be one call, as with the system's own.
///
/// # Platform
/// Once a signal has been caught here its default action does not come back: after the watch it is ignored.
///
/// # Errors
/// `Local` for a signal that cannot be caught (SIGKILL, SIGSTOP, and those of a broken program: SIGSEGV,
/// SIGILL, SIGFPE); `System` if there is no such signal, or no descriptors are left.
pub fn on_signal(
    reactor: &Reactor,
    signal: i32,
    mut callback: impl FnMut() + 'static,
) -> Result<SignalWatch, Failure> {
    let doing = |failure: Failure| failure.context(format!("catch signal {signal}"));
    if FORBIDDEN.contains(&signal) {
        return Err(doing(Failure::new(FailureKind::Local, "it cannot be caught")));
    }
    let (reader, writer) = UnixStream::pair().map_err(|error| doing(error.into()))?;
    reader.set_nonblocking(true).map_err(|error| doing(error.into()))?;
    let caught = low_level::pipe::register(signal, writer).map_err(|error| doing(error.into()))?;
    let registration = Registration(caught);
    let fd = std::os::fd::AsRawFd::as_raw_fd(&reader);
    let watch = watch_fd(reactor, &fd, Interest::READABLE, move |_| {
        let _registration = &registration;
        drain(&reader);
        callback();
    })?;
    Ok(SignalWatch(watch))
}

/// A signal that is being caught. Dropping it stops that.
pub struct SignalWatch(FdWatch);

impl SignalWatch {
    /// Goes on until the reactor stops.
    pub fn detach(self) {
        self.0.detach();
    }
}

/// A signal's entry with the system, as long as it lives.
struct Registration(SigId);

impl Drop for Registration {
    fn drop(&mut self) {
        low_level::unregister(self.0);
    }
}

fn drain(reader: &UnixStream) {
    let mut reader = reader;
    let mut bytes = [0; 64];
    // To the end of what is there: a hundred signals are one call.
    while matches!(io::Read::read(&mut reader, &mut bytes), Ok(64)) {}
}

/// Whether the next SIGINT or SIGTERM ends the process.
static ARMED: AtomicBool = AtomicBool::new(false);
/// Reactors that the first one stops.
static COVERED: AtomicUsize = AtomicUsize::new(0);

/// One reactor that a signal stops; with the last of them gone, a signal ends the process.
struct Cover;

impl Cover {
    fn new() -> std::rc::Rc<Self> {
        COVERED.fetch_add(1, Ordering::SeqCst);
        ARMED.store(false, Ordering::SeqCst);
        std::rc::Rc::new(Self)
    }
}

impl Drop for Cover {
    fn drop(&mut self) {
        if COVERED.fetch_sub(1, Ordering::SeqCst) == 1 {
            ARMED.store(true, Ordering::SeqCst);
        }
    }
}

/// Has the signals end the process if armed, and arm it if not: in this order, once in a process.
fn end_on_second() -> Result<(), Failure> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !*done {
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 128 + signal, &ARMED)?;
            flag::register(signal, &ARMED)?;
        }
        *done = true;
    }
    Ok(())
}
