//! Signals, in processes of their own.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_net::{on_signal, stop_on_signals};
use signal_hook::consts::{SIGINT, SIGKILL, SIGTERM, SIGUSR1};

use crate::rig::{Running, any_driver, child, each_driver, echo_on, is_child, next_line, until};

#[test]
fn sigint_and_sigterm_stop_the_reactor_cleanly() {
    for name in ropewalk_net::NetDriver::names() {
        for signal in [SIGINT, SIGTERM] {
            let mut command = echo_on();
            command.arg("tcp:0:interface=127.0.0.1").env("ROPEWALK_REACTOR", name);
            let mut echo = Running::start(command.stderr(Stdio::piped()));
            let mut lines = echo.error_lines();
            assert!(next_line(&mut lines).starts_with("listening on 127.0.0.1:"));
            echo.signal(signal);
            assert_eq!(echo.wait().code(), Some(0), "{name}, signal {signal}");
        }
    }
}

#[test]
fn the_second_signal_ends_a_process_that_is_stuck() {
    const NAME: &str = "signals::the_second_signal_ends_a_process_that_is_stuck";
    if is_child(NAME) {
        return be_stuck();
    }
    for (first, second) in [(SIGINT, SIGINT), (SIGTERM, SIGINT), (SIGINT, SIGTERM)] {
        let mut stuck = Running::start(child(NAME).stderr(Stdio::piped()).stdout(Stdio::null()));
        let mut lines = stuck.error_lines();
        while next_line(&mut lines) != "stuck" {}
        stuck.signal(first);
        while next_line(&mut lines) != "still stuck" {}
        stuck.signal(second);
        let status = stuck.wait();
        assert_eq!((status.code(), status.signal()), (Some(128 + second), None));
    }
}

/// A callback that never returns, though it notices the first signal by other means.
fn be_stuck() {
    let main_loop = any_driver();
    stop_on_signals(main_loop.reactor()).unwrap();
    let noticed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, noticed.clone()).unwrap();
    }
    main_loop.reactor().call_soon(move || {
        eprintln!("stuck");
        while !noticed.load(std::sync::atomic::Ordering::SeqCst) {
            std::thread::yield_now();
        }
        eprintln!("still stuck");
        std::thread::sleep(Duration::from_secs(600));
    });
    main_loop.run().unwrap();
}

#[test]
fn a_signal_ends_the_process_when_no_loop_is_left() {
    const NAME: &str = "signals::a_signal_ends_the_process_when_no_loop_is_left";
    if is_child(NAME) {
        for _ in 0..3 {
            let main_loop = any_driver();
            stop_on_signals(main_loop.reactor()).unwrap();
        }
        eprintln!("no loop");
        std::thread::sleep(Duration::from_secs(600));
    }
    let mut lonely = Running::start(child(NAME).stderr(Stdio::piped()).stdout(Stdio::null()));
    let mut lines = lonely.error_lines();
    while next_line(&mut lines) != "no loop" {}
    lonely.signal(SIGTERM);
    assert_eq!(lonely.wait().code(), Some(128 + SIGTERM));
}

#[test]
fn any_signal_is_a_callback_until_the_watch_is_dropped() {
    each_driver(|main_loop| {
        let calls = Rc::new(Cell::new(0));
        let counted = calls.clone();
        let watch = on_signal(main_loop.reactor(), SIGUSR1, move || counted.set(counted.get() + 1));
        for round in 1..4 {
            signal_hook::low_level::raise(SIGUSR1).unwrap();
            until(main_loop, || calls.get() >= round);
        }
        drop(watch);
        signal_hook::low_level::raise(SIGUSR1).unwrap();
        let soon = main_loop.reactor().now() + Duration::from_millis(1);
        main_loop.turn(ropewalk_core::Wait::Until(soon)).unwrap().unwrap();
        assert_eq!(main_loop.reactor().sources(), 0);
    });
}

#[test]
fn a_signal_that_cannot_be_caught_is_a_clear_error() {
    let main_loop = any_driver();
    let said = |signal| on_signal(main_loop.reactor(), signal, || ()).err().unwrap().to_string();
    assert_eq!(said(SIGKILL), "catch signal 9: it cannot be caught");
    assert_eq!(said(12345), "catch signal 12345: Invalid argument (os error 22)");
}
