//! The pace of what is sent, and what waits.

use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_irc::client::{ClientOptions, Irc};

use super::{Awaited, Served};

fn paced() -> Served {
    let mut options = ClientOptions::new("dan");
    options.limits.line_burst = 3;
    options.limits.line_interval = Duration::from_secs(2);
    options.limits.queued_lines_max = 5;
    Served::signed_on_with(options)
}

fn say(irc: &Irc, number: usize) {
    drop(irc.privmsg("#a", &number.to_string()));
}

#[test]
fn some_lines_leave_at_once_and_then_one_each_interval() {
    let served = paced();
    (0..7).for_each(|number| say(&served.irc(), number));
    assert_eq!(served.written().lines().count(), 3);
    assert_eq!(served.irc().queued_lines(), 4);
    for number in 3..7 {
        served.advance(1);
        assert_eq!(served.written(), "");
        served.advance(1);
        assert_eq!(served.written(), format!("PRIVMSG #a :{number}\r\n"));
    }
    served.advance(20);
    (0..5).for_each(|number| say(&served.irc(), number));
    assert_eq!(served.written().lines().count(), 3, "the allowance fills again, and no further");
}

#[test]
fn too_much_is_refused_whole_and_what_waits_is_still_sent() {
    let served = paced();
    (0..8).for_each(|number| say(&served.irc(), number));
    let refused = Awaited::new(served.irc().privmsg("#a", "one more"));
    let failure = refused.failure();
    assert!(failure.is(FailureKind::Limit) && failure.to_string().contains("queued_lines_max"));
    served.advance(2);
    let two_lines = Awaited::new(served.irc().privmsg("#a", "1\n2"));
    assert!(two_lines.failure().is(FailureKind::Limit), "there is room for one");
    served.advance(20);
    assert_eq!(served.written().lines().count(), 8);
}

#[test]
fn who_takes_leave_says_nothing_more() {
    let served = paced();
    (0..5).for_each(|number| say(&served.irc(), number));
    served.written();
    let quit = Awaited::new(served.irc().quit("bye"));
    let refused = Awaited::new(served.irc().join("#b")).failure();
    assert!(refused.is(FailureKind::Local) && refused.to_string().contains("takes leave"));
    served.advance(4);
    assert_eq!(served.written(), "QUIT :bye\r\n");
    served.conversation.close_peer();
    quit.value();
}

#[test]
fn an_answer_to_the_server_does_not_wait() {
    let served = paced();
    (0..5).for_each(|number| say(&served.irc(), number));
    served.written();
    served.hear("PING :are you there\r\n");
    assert_eq!(served.written(), "PONG :are you there\r\n");
}

#[test]
fn a_request_is_waited_for_from_when_it_was_sent() {
    let mut options = ClientOptions::new("dan");
    options.limits.line_burst = 1;
    options.limits.line_interval = Duration::from_secs(20);
    let served = Served::signed_on_with(options);
    let irc = served.irc();
    say(&irc, 0);
    let asked = Awaited::new(irc.whois("eve"));
    served.advance(45);
    assert!(!asked.is_there());
    served.advance(10);
    assert!(asked.failure().is(FailureKind::Timeout));
}

#[test]
fn requests_that_wait_are_counted() {
    let mut options = super::options();
    options.limits.requests_max = 2;
    let served = Served::signed_on_with(options);
    let irc = served.irc();
    let waiting = [irc.whois("a"), irc.whois("b")].map(Awaited::new);
    let failure = Awaited::new(irc.whois("c")).failure();
    assert!(failure.is(FailureKind::Limit) && failure.to_string().contains("requests_max"));
    assert!(waiting.iter().all(|asked| !asked.is_there()));
}
