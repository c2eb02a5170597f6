//! What the room does not put up with from browsers.

use std::time::Duration;

use ropewalk_irc::network::NetworkLimits;
use ropewalk_testing::Network as Wires;

use crate::evening::Evening;
use crate::visitor::{Visitor, get, open_page, post};

const SECOND: Duration = Duration::from_secs(1);

/// A room in which nobody is too fast.
fn lively() -> Evening {
    let limits = NetworkLimits { message_interval: Duration::ZERO, ..NetworkLimits::default() };
    Evening::with(limits, Wires::default())
}

#[test]
fn who_is_absent_for_a_minute_is_out_and_who_comes_back_in_time_is_not() {
    let evening = Evening::new();
    let chat = open_page(&evening);
    let carol = evening.join("carol");
    let (gone, back) = (Visitor::join(&evening, "gone"), Visitor::join(&evening, "back"));
    carol.shown();
    evening.advance(SECOND * 54);
    let poll = back.poll(&evening);
    assert_eq!(evening.users(), 3);
    evening.advance(SECOND * 11);
    assert_eq!(carol.shown(), ["*** gone has left (connection lost)"]);
    assert_eq!((chat.members(), gone.poll(&evening).answer().expect("at once").status), (1, 410));
    back.read(&poll);
    let waiting = back.poll(&evening);
    evening.advance(SECOND * 30);
    waiting.log().transport().abort_connection();
    evening.advance(SECOND * 50); // From the moment on that it was cut off.
    assert_eq!(evening.users(), 2);
    evening.advance(SECOND * 16);
    assert_eq!(carol.shown(), ["*** back has left (connection lost)"]);
    assert_eq!(chat.members(), 0, "no token is kept");
}

#[test]
fn who_comes_back_again_and_again_stays_however_short_each_stream_is() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    for _ in 0..10 {
        // Time is looked at every five seconds: these streams come and end in between.
        let stream = alice.get(&evening, "/events");
        evening.advance(SECOND * 2);
        stream.log().transport().abort_connection();
        evening.advance(SECOND * 28);
    }
    assert_eq!(evening.users(), 1);
}

#[test]
fn who_is_back_before_it_is_heard_that_they_go_stays() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    // A page that is loaded again asks and says goodbye on two connections, of which either may be the faster.
    let poll = alice.poll(&evening);
    alice.post(&evening, "/leave", "soon=yes");
    evening.advance(SECOND * 44);
    poll.log().transport().abort_connection();
    evening.advance(SECOND * 12);
    assert_eq!(evening.users(), 1, "it was there for much longer than a page takes to be back");
}

#[test]
fn who_polls_stays_for_days() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    for _ in 0..2_000 {
        let poll = alice.poll(&evening);
        evening.advance(SECOND * 50);
        assert!(alice.read(&poll).is_empty());
    }
    assert_eq!(evening.users(), 1);
}

#[test]
fn who_does_not_fetch_what_happens_is_too_slow() {
    let evening = lively();
    let chat = open_page(&evening);
    let (bob, slow) = (evening.join("bob"), Visitor::join(&evening, "slow"));
    bob.shown();
    evening.send(&bob, "x\n".repeat(499).as_bytes());
    assert_eq!(bob.shown(), [""; 0]);
    assert_eq!(
        slow.news(&evening).len(),
        499,
        "so many are kept, and the one before, which it saw"
    );
    evening.send(&bob, "x\n".repeat(502).as_bytes()); // All of these wait: none is seen.
    assert_eq!(bob.shown(), ["*** slow has left (too slow)"]);
    assert_eq!(slow.poll(&evening).answer().expect("at once").status, 410);
    evening.advance(SECOND * 5);
    assert_eq!(chat.members(), 0);
}

#[test]
fn who_says_much_and_reads_nothing_is_too_slow_even_alone() {
    let evening = lively();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    for _ in 0..500 {
        assert_eq!(evening.users(), 1);
        alice.say(&evening, "anybody?");
    }
    assert_eq!(evening.users(), 0);
}

#[test]
fn large_events_are_too_many_sooner() {
    let evening = lively();
    let _page = open_page(&evening);
    let bob = evening.join("bob");
    let _slow = Visitor::join(&evening, "slow");
    bob.shown();
    let large = "\\".repeat(1_000); // Two bytes each for a browser.
    for _ in 0..300 {
        evening.say(&bob, &large);
    }
    assert_eq!(bob.shown(), ["*** slow has left (too slow)"]);
}

#[test]
fn who_floods_is_told_once_and_is_out_then() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    let answers: Vec<_> = (0..60).map(|_| alice.say(&evening, "x").status).collect();
    // Forty at once; coming in is one of them.
    let told = answers.iter().position(|status| *status == 429).expect("it is too much");
    assert!((39..42).contains(&told) && answers[..told].iter().all(|status| *status == 200));
    assert_eq!(answers[told..told + 2], [429; 2], "told, and thrown out");
    assert!(answers[told + 2..].iter().all(|status| *status == 410), "{answers:?}");
    assert_eq!(bob.shown().last().map(String::as_str), Some("*** alice has left (Excess flood)"));
}

#[test]
fn a_page_from_elsewhere_may_do_nothing() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    let said = format!("token={}&room=%23lobby&text=bought", alice.token);
    for field in [
        "Origin: http://elsewhere.example\r\n",
        "Origin: null\r\n",
        "Origin: http://room.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        for (target, form) in [("/join", "name=eve"), ("/say", &said), ("/leave", &said)] {
            assert_eq!(post(&evening, target, field, form).status, 403, "{field}");
        }
    }
    assert_eq!(post(&evening, "/say", "Origin: http://ROOM\r\n", &said).status, 200);
    assert_eq!(alice.news(&evening), ["said alice bought"]);
}

#[test]
fn a_message_has_an_end_and_a_body_too() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    assert_eq!(alice.say(&evening, &"%C3%A9".repeat(500)).status, 200);
    assert_eq!(alice.say(&evening, &"%C3%A9".repeat(501)).status, 422);
    assert_eq!(alice.say(&evening, &"x".repeat(9_000)).status, 413);
    assert_eq!(alice.news(&evening).len(), 1);
}

#[test]
fn what_makes_no_sense_is_answered_and_does_no_harm() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    alice.say(&evening, "hello");
    for since in ["", "-1", "x", "99999999999999999999999999", "%00"] {
        let poll = alice.get(&evening, &format!("/news?since={since}"));
        assert!(poll.answer().is_some_and(|answer| answer.body.contains("hello")), "{since}");
    }
    for target in ["/news", "/events", "/history?room=%23lobby", "/rooms", "/whole"] {
        assert_eq!(get(&evening, target).answer().expect("at once").status, 410, "{target}");
    }
    for form in ["", "&&=", "token", "token=%zz&text=%", "\u{0}"] {
        assert_eq!(post(&evening, "/say", "", form).status, 410, "{form:?}");
    }
    let ahead = alice.get(&evening, &format!("/news?since={}", u64::MAX));
    assert_eq!(ahead.answer(), None, "it says that it has seen all, and waits");
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    for (target, kind) in
        [("/", "text/html"), ("/chat.css", "text/css"), ("/chat.js", "text/javascript")]
    {
        let shown = get(&evening, target).shown();
        assert!(shown.contains(&format!("Content-Type: {kind}; charset=utf-8\r\n")), "{shown}");
        assert!(shown.contains("Content-Security-Policy: default-src 'self';"), "{shown}");
    }
}
