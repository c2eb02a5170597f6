//! A reactor as a guest in another loop, which watches one descriptor and does nothing else for it.
//!
//! Two hosts: one asks `poll(2)`, the other has the descriptor in an epoll set of its own.

use std::cell::Cell;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ropewalk_core::{Loop, Wait};
use ropewalk_net::{
    Interest, TcpServerEndpoint, ThreadPool, ThreadPoolLimits, UnixClientEndpoint,
    UnixServerEndpoint, new_loop, watch_fd,
};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, epoll, eventfd, poll};

use crate::rig::{Directory, Echo, Heard, PATIENCE, any_driver, drivers, each_driver, until};

/// How a host waits for the descriptor.
trait Host {
    /// Whether it is readable within `patience`.
    fn is_called(&self, fd: BorrowedFd<'_>, patience: Duration) -> bool;
}

struct PollHost;

impl Host for PollHost {
    fn is_called(&self, fd: BorrowedFd<'_>, patience: Duration) -> bool {
        let timeout = Timespec::try_from(patience).unwrap();
        poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&timeout)).unwrap() > 0
    }
}

/// Has the descriptor in a set for good, as GLib's or tokio's loops do.
struct EpollHost(OwnedFd);

impl EpollHost {
    fn new(fd: BorrowedFd<'_>) -> Self {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        epoll::add(&set, fd, epoll::EventData::new_u64(0), epoll::EventFlags::IN).unwrap();
        Self(set)
    }
}

impl Host for EpollHost {
    fn is_called(&self, _: BorrowedFd<'_>, patience: Duration) -> bool {
        let mut events = Vec::with_capacity(8);
        let timeout = Timespec::try_from(patience).unwrap();
        let events_buffer = rustix::buffer::spare_capacity(&mut events);
        epoll::wait(&self.0, events_buffer, Some(&timeout)).unwrap() > 0
    }
}

fn each_host(test: impl Fn(&Loop, &dyn Host)) {
    for name in drivers() {
        let main_loop = new_loop(Some(name)).unwrap();
        if main_loop.as_fd().is_none() {
            continue; // poll and select have no descriptor that stands for all.
        }
        eprintln!("reactor {name}");
        test(&main_loop, &PollHost);
        let main_loop = new_loop(Some(name)).unwrap();
        let host = EpollHost::new(main_loop.as_fd().unwrap());
        test(&main_loop, &host);
    }
}

/// Hosts until it is true; gives the number of turns.
fn host_until(main_loop: &Loop, host: &dyn Host, mut done: impl FnMut() -> bool) -> usize {
    let (end, mut turns) = (Instant::now() + PATIENCE, 0);
    while !done() {
        let left = end.saturating_duration_since(Instant::now());
        assert!(host.is_called(main_loop.as_fd().unwrap(), left), "the host is never called");
        main_loop.turn(Wait::No).unwrap().unwrap();
        turns += 1;
    }
    turns
}

/// Hosts until nothing is wanted, and then sees that nothing is wanted for a while.
fn settle(main_loop: &Loop, host: &dyn Host) {
    let mut turns = 0;
    while host.is_called(main_loop.as_fd().unwrap(), Duration::from_millis(50)) {
        main_loop.turn(Wait::No).unwrap().unwrap();
        turns += 1;
        assert!(turns < 20, "it spins");
    }
}

#[test]
fn work_that_is_queued_outside_of_a_turn_calls_the_host() {
    each_host(|main_loop, host| {
        settle(main_loop, host);
        for _ in 0..3 {
            let ran = Rc::new(Cell::new(false));
            let tell = ran.clone();
            main_loop.reactor().call_soon(move || tell.set(true));
            host_until(main_loop, host, || ran.get());
            settle(main_loop, host);
        }
    });
}

#[test]
fn a_call_from_a_thread_calls_the_host() {
    each_host(|main_loop, host| {
        settle(main_loop, host);
        let remote = main_loop.reactor().remote();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            remote.call_from_thread(move |_| tell.send(()).unwrap()).unwrap();
        });
        host_until(main_loop, host, || told.try_recv().is_ok());
        thread.join().unwrap();
        settle(main_loop, host);
        let pool = ThreadPool::new(main_loop.reactor(), ThreadPoolLimits::default());
        settle(main_loop, host);
        let job = pool.defer_to_thread(|| ());
        host_until(main_loop, host, || job.is_fired());
        settle(main_loop, host);
    });
}

#[test]
fn deadlines_call_the_host_also_when_they_come_earlier() {
    each_host(|main_loop, host| {
        let reactor = main_loop.reactor();
        let fired = Rc::new(Cell::new(0));
        let count = || {
            let fired = fired.clone();
            move || fired.set(fired.get() + 1)
        };
        let long = reactor.call_later(Duration::from_secs(3600), count());
        settle(main_loop, host);
        assert!(main_loop.next_deadline().is_some());
        // A shorter one, outside of a turn.
        reactor.call_later(Duration::from_millis(5), count());
        assert!(host_until(main_loop, host, || fired.get() == 1) <= 3);
        settle(main_loop, host);
        // The long one, made shorter.
        long.reset(Duration::from_millis(5)).unwrap();
        assert!(host_until(main_loop, host, || fired.get() == 2) <= 3);
        settle(main_loop, host);
        assert_eq!(main_loop.next_deadline(), None);
        // One that is cancelled calls nobody, or once in vain.
        reactor.call_later(Duration::from_millis(5), count()).cancel().unwrap();
        settle(main_loop, host);
        assert_eq!(fired.get(), 2);
    });
}

#[test]
fn connections_are_served_and_idle_ones_cost_nothing() {
    each_host(|main_loop, host| {
        let reactor = main_loop.reactor();
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        let port = reactor.listen(&server, || Echo).into_result().ok().unwrap().unwrap();
        let mut peer = TcpStream::connect(port.host().ip().unwrap()).unwrap();
        host_until(main_loop, host, || port.live() == 1);
        settle(main_loop, host);
        for _ in 0..3 {
            peer.write_all(&vec![b'x'; 500_000]).unwrap();
            let mut echoed = 0;
            let mut buffer = vec![0; 65_536];
            peer.set_nonblocking(true).unwrap();
            host_until(main_loop, host, || {
                while let Ok(count) = std::io::Read::read(&mut peer, &mut buffer) {
                    echoed += count;
                }
                echoed == 500_000
            });
            peer.set_nonblocking(false).unwrap();
            settle(main_loop, host);
        }
        drop(peer);
        host_until(main_loop, host, || port.live() == 0);
        let stopped = port.stop_listening();
        host_until(main_loop, host, || stopped.is_fired());
        settle(main_loop, host);
    });
}

#[test]
fn what_the_driver_has_to_say_outside_of_a_turn_calls_the_host() {
    each_host(|main_loop, host| {
        let directory = Directory::new();
        let reactor = main_loop.reactor();
        let server = UnixServerEndpoint::new(directory.join("socket"));
        let port = reactor.listen(&server, || Echo).into_result().ok().unwrap().unwrap();
        settle(main_loop, host);
        // It is up at once: no event tells, and the driver has to.
        let heard = Heard::default();
        let ear = heard.clone();
        let client = UnixClientEndpoint::new(directory.join("socket"));
        let connected = reactor.connect(&client, move || ear.ear(b"hello"));
        host_until(main_loop, host, || connected.is_fired() && heard.bytes() == b"hello");
        settle(main_loop, host);
        let stopped = port.stop_listening();
        host_until(main_loop, host, || stopped.is_fired());
        settle(main_loop, host);
        heard.transport().abort_connection();
        let lost = heard.lost();
        host_until(main_loop, host, || lost.is_fired() && reactor.sources() == 0);
        settle(main_loop, host);
    });
}

#[test]
fn each_write_to_a_watched_eventfd_calls_the_host() {
    each_host(|main_loop, host| {
        let flags = EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
        let eventfd = Rc::new(eventfd(0, flags).unwrap());
        let (heard, said) = (Rc::new(Cell::new(0)), eventfd.clone());
        let count = heard.clone();
        let watch = watch_fd(main_loop.reactor(), &*eventfd, Interest::READABLE, move |_| {
            rustix::io::read(&*said, &mut [0; 8]).unwrap();
            count.set(count.get() + 1);
        });
        settle(main_loop, host);
        for round in 1..=5 {
            rustix::io::write(&*eventfd, &1u64.to_ne_bytes()).unwrap();
            host_until(main_loop, host, || heard.get() == round);
            settle(main_loop, host);
        }
        drop(watch);
    });
}

#[test]
fn what_is_asked_outside_of_a_turn_calls_the_host_when_it_comes() {
    each_host(|main_loop, host| {
        let reactor = main_loop.reactor();
        settle(main_loop, host);
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        let port = reactor.listen(&server, || Echo).into_result().ok().unwrap().unwrap();
        let peer = TcpStream::connect(port.host().ip().unwrap()).unwrap();
        host_until(main_loop, host, || port.live() == 1);
        settle(main_loop, host);
        let (mut one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        let heard = Rc::new(Cell::new(false));
        let tell = heard.clone();
        let watch = watch_fd(reactor, &other, Interest::READABLE, move |_| tell.set(true)).unwrap();
        one.write_all(b"x").unwrap();
        host_until(main_loop, host, || heard.get());
        drop((watch, peer));
        host_until(main_loop, host, || port.live() == 0);
        let stopped = port.stop_listening();
        host_until(main_loop, host, || stopped.is_fired());
        settle(main_loop, host);
    });
}

#[test]
fn a_long_backlog_is_worked_off_in_bounded_turns() {
    each_host(|main_loop, host| {
        let ran = Rc::new(Cell::new(0));
        for _ in 0..20_000 {
            let ran = ran.clone();
            main_loop.reactor().call_soon(move || ran.set(ran.get() + 1));
        }
        let turns = host_until(main_loop, host, || ran.get() == 20_000);
        assert!((5..20).contains(&turns), "{turns}");
        settle(main_loop, host);
    });
}

#[test]
fn a_guest_that_has_stopped_calls_nobody() {
    each_host(|main_loop, host| {
        let started = Rc::new(Cell::new(false));
        let tell = started.clone();
        main_loop.reactor().call_when_running(move || tell.set(true));
        let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
        drop(main_loop.reactor().listen(&server, || Echo));
        settle(main_loop, host);
        assert!(started.get(), "a guest begins with its first turn");
        let stopped = Rc::new(Cell::new(false));
        let tell = stopped.clone();
        let last = ropewalk_core::ShutdownPart::After;
        main_loop.reactor().add_system_event_trigger(last, move || tell.set(true));
        main_loop.reactor().stop().unwrap();
        host_until(main_loop, host, || stopped.get());
        settle(main_loop, host);
    });
}

#[test]
fn a_reactor_is_the_guest_of_another() {
    each_driver(|outer| {
        for name in drivers() {
            let inner = Rc::new(new_loop(Some(name)).unwrap());
            let Some(fd) = inner.as_fd().map(|fd| fd.as_raw_fd()) else { continue };
            let (guest, called) = (inner.clone(), Rc::new(Cell::new(0)));
            let watch = watch_fd(outer.reactor(), &fd, Interest::READABLE, move |_| {
                guest.turn(Wait::No).unwrap().unwrap();
            });
            let count = called.clone();
            inner.reactor().call_later(Duration::from_millis(5), move || count.set(1));
            until(outer, || called.get() == 1);
            let server = TcpServerEndpoint::new(([127, 0, 0, 1], 0));
            let port =
                inner.reactor().listen(&server, || Echo).into_result().ok().unwrap().unwrap();
            let mut peer = TcpStream::connect(port.host().ip().unwrap()).unwrap();
            peer.write_all(b"hello").unwrap();
            peer.set_nonblocking(true).unwrap();
            let mut answer = [0; 5];
            until(outer, || {
                std::io::Read::read(&mut peer, &mut answer).is_ok_and(|count| count == 5)
            });
            drop(watch);
        }
    });
}

#[test]
fn a_turn_within_a_turn_is_refused() {
    let main_loop = Rc::new(any_driver());
    let inner = main_loop.clone();
    let refused = Rc::new(Cell::new(false));
    let told = refused.clone();
    main_loop.reactor().call_soon(move || told.set(inner.turn(Wait::No).is_err()));
    main_loop.turn(Wait::No).unwrap().unwrap();
    assert!(refused.get());
    assert!(main_loop.as_fd().unwrap().as_fd().try_clone_to_owned().is_ok());
}
