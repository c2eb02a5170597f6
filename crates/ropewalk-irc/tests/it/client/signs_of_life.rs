//! Whether the server is still there.

use std::time::Duration;

use ropewalk_core::FailureKind;

use super::{Served, options};

#[test]
fn the_lag_is_measured_every_minute() {
    let served = Served::connect(options());
    served.hear(":irc 001 dan :Welcome\r\n:irc 422 dan :No MOTD\r\n");
    served.advance(3);
    served.hear(":irc PONG irc :lag1\r\n");
    assert_eq!(served.irc().lag(), Some(Duration::from_secs(3)));
    assert_eq!(served.news(), ["SignedOn", "lag 3s"]);
    served.written();
    served.advance(59);
    assert_eq!(served.written(), "");
    served.advance(1);
    assert_eq!(served.written(), "PING lag2\r\n");
    served.hear(":irc PONG irc :lag1\r\n:irc PONG irc :other\r\n");
    assert_eq!(served.news(), Vec::<String>::new());
    served.hear(":irc PONG irc :lag2\r\n");
    assert_eq!(served.irc().lag(), Some(Duration::ZERO));
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let served = Served::signed_on();
    served.advance(60 + 119);
    assert!(served.conversation.lost().is_none());
    served.hear(":irc NOTICE dan :words, but no answer\r\n");
    served.advance(2);
    let lost = served.conversation.lost().expect("given up");
    assert!(lost.is(FailureKind::Timeout) && lost.to_string().contains("ping_timeout"), "{lost}");
}

#[test]
fn a_server_that_answers_is_not_given_up_for_a_day() {
    let served = Served::signed_on();
    for number in 2..1440 {
        served.advance(60);
        served.hear(&format!(":irc PONG irc :lag{number}\r\n"));
    }
    assert!(served.irc().is_signed_on());
}

#[test]
fn the_server_s_own_questions_are_answered() {
    let served = Served::connect(options());
    served.written();
    served.hear("PING :123 abc\r\n:irc PING x\r\nPING\r\n");
    assert_eq!(served.written(), "PONG :123 abc\r\nPONG :x\r\nPONG :\r\n");
}
