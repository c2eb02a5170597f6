//! [`IdleTimeout`] in virtual time.

use std::time::Duration;

use ropewalk_core::{FailureKind, Layer};
use ropewalk_framing::{IdleTimeout, with_layer};
use ropewalk_testing::{Conversation, Log, Recorder};

const MINUTE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(1);

fn conversation() -> Conversation<impl ropewalk_core::Factory> {
    let log = Log::default();
    Conversation::new(with_layer(move || Recorder::new(&log), || IdleTimeout::new(MINUTE)))
}

#[test]
fn a_silent_connection_is_lost_when_the_time_is_over_and_not_before() {
    let talk = conversation();
    talk.advance(MINUTE - MOMENT);
    assert!(talk.lost().is_none());
    talk.advance(MOMENT);
    assert!(talk.lost().expect("it is lost").is(FailureKind::Timeout));
}

#[test]
fn what_comes_holds_it_off() {
    let talk = conversation();
    for _ in 0..10 {
        talk.advance(MINUTE - MOMENT);
        talk.feed(b"x");
    }
    talk.advance(MINUTE - MOMENT);
    assert!(talk.lost().is_none());
    talk.advance(MOMENT);
    assert!(talk.lost().expect("it is lost").is(FailureKind::Timeout));
}

#[test]
fn what_goes_holds_it_off() {
    let talk = conversation();
    for _ in 0..10 {
        talk.advance(MINUTE - MOMENT);
        talk.transport().write(b"x");
        talk.feed(b"");
    }
    talk.advance(MINUTE - MOMENT);
    assert!(talk.lost().is_none());
    talk.advance(MOMENT);
    assert!(talk.lost().expect("it is lost").is(FailureKind::Timeout));
    assert_eq!(talk.written(), [b'x'; 10]);
}

#[test]
fn a_protocol_that_has_paused_is_not_called_idle_while_bytes_come() {
    let talk = conversation();
    talk.transport().pause_producing();
    talk.feed(b"one");
    talk.advance(MINUTE - MOMENT);
    assert!(talk.lost().is_none());
}

#[test]
fn it_wants_no_deadline_before_it_is_on_a_connection() {
    assert_eq!(IdleTimeout::new(MINUTE).next_deadline(), None);
}
