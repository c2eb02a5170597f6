//! Descriptors of one's own.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use ropewalk_core::{Loop, Readiness, Wait};
use ropewalk_net::{FdWatch, Interest, watch_fd};

use crate::rig::{any_driver, each_driver, until};

/// A socket that does not wait, and its other end.
fn pair() -> (UnixStream, UnixStream) {
    let (one, other) = UnixStream::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    (one, other)
}

fn turns(main_loop: &Loop, count: usize) {
    for _ in 0..count {
        main_loop.turn(Wait::No).unwrap().unwrap();
    }
}

/// Counts what it is told.
#[derive(Clone, Default)]
struct Count(Rc<RefCell<Vec<Readiness>>>);

impl Count {
    fn callback(&self) -> impl FnMut(Readiness) + use<> {
        let count = self.clone();
        move |readiness| count.0.borrow_mut().push(readiness)
    }

    fn take(&self) -> Vec<(bool, bool)> {
        self.0.take().into_iter().map(|said| (said.readable, said.writable)).collect()
    }
}

#[test]
fn a_watch_is_level_triggered_and_obeys() {
    each_driver(|main_loop| {
        let (mut one, mut other) = pair();
        let count = Count::default();
        let watch = watch_fd(main_loop.reactor(), &one, Interest::READABLE, count.callback());
        let watch = watch.unwrap();
        turns(main_loop, 3);
        assert!(count.take().is_empty());
        other.write_all(b"hello").unwrap();
        turns(main_loop, 3);
        assert_eq!(count.take(), [(true, false); 3], "as long as nobody reads");
        one.read_exact(&mut [0; 5]).unwrap();
        turns(main_loop, 3);
        assert!(count.take().is_empty());
        watch.set_interest(Interest::WRITABLE);
        turns(main_loop, 2);
        assert_eq!(count.take(), [(false, true); 2]);
        watch.set_interest(Interest::default());
        other.write_all(b"hello").unwrap();
        turns(main_loop, 2);
        assert!(count.take().is_empty());
        watch.set_interest(Interest::BOTH);
        turns(main_loop, 1);
        assert_eq!(count.take(), [(true, true)]);
        watch.stop();
        turns(main_loop, 2);
        assert!(count.take().is_empty());
        assert_eq!(main_loop.reactor().sources(), 0);
    });
}

#[test]
fn a_hang_up_is_readable() {
    each_driver(|main_loop| {
        let (one, other) = pair();
        let count = Count::default();
        let _watch =
            watch_fd(main_loop.reactor(), &one, Interest::READABLE, count.callback()).unwrap();
        drop(other);
        turns(main_loop, 1);
        assert!(matches!(count.take()[..], [(true, _)]));
    });
}

#[test]
fn a_descriptor_is_let_go_of_with_its_watch() {
    each_driver(|main_loop| {
        let (one, mut other) = pair();
        other.set_nonblocking(true).unwrap();
        let count = Count::default();
        let watch = watch_fd(main_loop.reactor(), &one, Interest::READABLE, count.callback());
        turns(main_loop, 1);
        drop((watch, one));
        assert_eq!(other.read(&mut [0]).unwrap(), 0, "its end is heard at once");
        turns(main_loop, 1);
        assert!(count.take().is_empty());
    });
}

#[test]
fn a_pause_is_quiet_though_the_other_end_hangs_up() {
    each_driver(|main_loop| {
        let (one, other) = pair();
        let count = Count::default();
        let reactor = main_loop.reactor();
        let watch = watch_fd(reactor, &one, Interest::default(), count.callback()).unwrap();
        turns(main_loop, 1);
        watch.set_interest(Interest::READABLE);
        watch.set_interest(Interest::default());
        watch.set_interest(Interest::default());
        drop(other);
        turns(main_loop, 3);
        assert!(count.take().is_empty());
        watch.set_interest(Interest::READABLE);
        turns(main_loop, 1);
        assert_eq!(count.take().len(), 1);
    });
}

#[test]
fn a_watch_may_stop_itself_and_be_set_up_again() {
    each_driver(|main_loop| {
        let (one, mut other) = pair();
        other.write_all(b"hello").unwrap();
        let (kept, calls) = (Rc::new(RefCell::new(None::<FdWatch>)), Rc::new(Cell::new(0)));
        let callback = {
            let (kept, calls) = (kept.clone(), calls.clone());
            move |_: Readiness| {
                calls.set(calls.get() + 1);
                drop(kept.take());
            }
        };
        for round in 1..4 {
            let watch = watch_fd(main_loop.reactor(), &one, Interest::BOTH, callback.clone());
            kept.replace(Some(watch.unwrap()));
            turns(main_loop, 3);
            assert_eq!(calls.get(), round);
        }
    });
}

#[test]
fn a_panic_costs_the_watch_and_nothing_else() {
    each_driver(|main_loop| {
        let (one, mut other) = pair();
        let watch =
            watch_fd(main_loop.reactor(), &one, Interest::READABLE, |_| panic!("on purpose"));
        let watch = watch.unwrap();
        other.write_all(b"hello").unwrap();
        turns(main_loop, 1);
        assert!(watch.is_stopped());
        watch.set_interest(Interest::BOTH);
        let count = Count::default();
        let _second = watch_fd(main_loop.reactor(), &one, Interest::READABLE, count.callback());
        turns(main_loop, 1);
        assert_eq!(count.take().len(), 1);
    });
}

#[test]
fn what_cannot_be_watched_is_a_clear_error() {
    each_driver(|main_loop| {
        let said = |fd: &i32| {
            let watch = watch_fd(main_loop.reactor(), fd, Interest::BOTH, |_| ());
            watch.err().expect("it cannot be watched").to_string()
        };
        assert_eq!(said(&-1), "watch descriptor -1: it is not open");
        assert_eq!(said(&999_999), "watch descriptor 999999: it is not open");
        let why = "always ready, so there is nothing to wait for";
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let fd = file.as_raw_fd();
        assert_eq!(said(&fd), format!("watch descriptor {fd}: it is a file: {why}"));
        let directory = File::open("/").unwrap();
        let fd = directory.as_raw_fd();
        assert_eq!(said(&fd), format!("watch descriptor {fd}: it is a directory: {why}"));
        assert_eq!(main_loop.reactor().sources(), 0);
    });
}

#[test]
fn a_descriptor_that_is_closed_meanwhile_does_not_end_the_loop() {
    // A high number, so that no other test's new descriptor takes it at once.
    each_driver(|main_loop| {
        let (one, other) = pair();
        let high = rustix::io::fcntl_dupfd_cloexec(&one, 900).unwrap();
        let count = Count::default();
        let fd = high.as_raw_fd();
        let _watch = watch_fd(main_loop.reactor(), &fd, Interest::READABLE, count.callback());
        drop((high, one, other));
        turns(main_loop, 5);
        let (two, mut third) = pair();
        let _watch = watch_fd(main_loop.reactor(), &two, Interest::READABLE, count.callback());
        third.write_all(b"x").unwrap();
        turns(main_loop, 1);
        assert_eq!(count.take(), [(true, false)]);
    });
}

#[test]
fn a_detached_watch_lives_until_the_reactor_stops_and_drops_what_it_holds() {
    let main_loop = any_driver();
    let (mut one, mut other) = pair();
    let (calls, seen) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let counted = calls.clone();
    let fd = one.as_raw_fd();
    let watch = watch_fd(main_loop.reactor(), &fd, Interest::READABLE, move |_| {
        counted.set(counted.get() + one.read(&mut [0; 8]).unwrap());
    });
    watch.unwrap().detach();
    other.write_all(b"hello").unwrap();
    until(&main_loop, || calls.get() == 5);
    main_loop.reactor().stop().unwrap();
    main_loop.run().unwrap();
    seen.set(other.read(&mut [0; 1]).unwrap());
    assert_eq!((seen.get(), Rc::strong_count(&calls)), (0, 1), "its descriptor is closed");
}
