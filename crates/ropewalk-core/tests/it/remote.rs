//! What other threads may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ropewalk_core::{Loop, Notify, ReactorLimits, ReactorRemote, RemoteError, Time, Wait};
use ropewalk_testing::{MemoryDriver, Network};

use crate::puppet::Stage;

#[test]
fn a_full_inbox_and_a_stopped_reactor_refuse() {
    fn is_send_and_sync(_: &(impl Send + Sync)) {}
    let stage =
        Stage::with_limits(ReactorLimits { remote_calls_max: 2, ..ReactorLimits::default() });
    let remote: ReactorRemote = stage.reactor().remote();
    is_send_and_sync(&remote);
    let (ran, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let call = || {
        let (ran, held) = (ran.clone(), dropped.clone());
        move |_: &ropewalk_core::Reactor| {
            ran.fetch_add(1, Ordering::SeqCst);
            drop(held);
        }
    };
    assert_eq!(remote.call_from_thread(call()), Ok(()));
    assert_eq!(remote.call_from_thread(call()), Ok(()));
    assert_eq!(remote.call_from_thread(call()), Err(RemoteError::Full));
    stage.turn();
    assert_eq!((ran.load(Ordering::SeqCst), Arc::strong_count(&dropped)), (2, 1));
    assert_eq!(remote.call_from_thread(call()), Ok(()));
    drop(stage);
    assert_eq!(remote.call_from_thread(call()), Err(RemoteError::Stopped));
    assert_eq!((ran.load(Ordering::SeqCst), Arc::strong_count(&dropped)), (2, 1), "all dropped");
}

#[test]
fn a_full_inbox_of_calls_refuses_no_wake() {
    let limits = ReactorLimits { remote_calls_max: 0, ..ReactorLimits::default() };
    let event_loop = Loop::with_limits(MemoryDriver::new(Network::default()), limits);
    let mut first = true;
    let task = event_loop.reactor().spawn(std::future::poll_fn(move |cx| {
        if !std::mem::take(&mut first) {
            return std::task::Poll::Ready(Ok(5));
        }
        let waker = cx.waker().clone();
        std::thread::spawn(move || waker.wake()).join().expect("it ends");
        std::task::Poll::Pending
    }));
    assert_eq!(event_loop.run_until(task).ok(), Some(5));
}

#[test]
fn only_a_sleeping_loop_is_notified() {
    let stage = Stage::new();
    stage.turn();
    stage.hand.forget();
    assert_eq!(stage.event_loop.next_deadline(), None);
    let remote = stage.reactor().remote();
    for _ in 0..10 {
        remote.call_from_thread(|_| ()).expect("there is room");
    }
    assert_eq!(stage.hand.rings(), 0, "it is awake, and looks");
    assert_eq!(stage.event_loop.next_deadline(), Some(Time::START), "there is work");
    assert_eq!(stage.hand.waits(), []);
    let turned = stage.event_loop.turn(Wait::Forever);
    turned.expect("outside").expect("it can wait");
    assert_eq!(stage.hand.waits(), [Wait::No], "it does not fall asleep over a call");
}

#[test]
fn no_call_is_slept_over() {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()).expecting_threads());
    let remote = event_loop.reactor().remote();
    let count = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (remote, count) = (remote.clone(), count.clone());
            std::thread::spawn(move || {
                for _ in 0..2_000 {
                    let count = count.clone();
                    let called = remote.call_from_thread(move |_| {
                        count.fetch_add(1, Ordering::SeqCst);
                    });
                    called.expect("there is room for all");
                }
            })
        })
        .collect();
    while count.load(Ordering::SeqCst) < 8_000 {
        // Were one slept over, this would wait ten seconds and fail.
        event_loop.turn(Wait::Forever).expect("outside").expect("somebody calls");
    }
    threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    let bell: Arc<dyn Notify> = event_loop.reactor().driver().notifier();
    bell.notify();
}
