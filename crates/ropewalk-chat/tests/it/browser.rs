//! What members who come by a browser see of each other, and of those who come by lines.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Time;
use ropewalk_irc::network::{Event, Listener, Notice, Registration, Speech, User};

use crate::evening::Evening;
use crate::visitor::{Answered, Visitor, open_page, post};

const SECOND: Duration = Duration::from_secs(1);
const NOTHING: [&str; 0] = [];

fn refused(status: u16, why: &str) -> Answered {
    Answered { status, body: format!("{{\"error\":\"{why}\"}}") }
}

fn noted(note: &str) -> Answered {
    let body =
        if note.is_empty() { "{}".to_owned() } else { format!("{{\"notes\":[\"{note}\"]}}") };
    Answered { status: 200, body }
}

#[test]
fn browsers_and_lines_spend_an_evening() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), Visitor::join(&evening, "Bob"));
    let carol = evening.join("carol");

    assert_eq!(alice.say(&evening, "good evening"), noted(""));
    bob.say(&evening, "/me bows");
    evening.say(&carol, "/nick caroline");
    assert_eq!(alice.say(&evening, "/msg CAROLINE hush"), noted("caroline was told."));
    evening.say(&carol, "/msg bob psst");
    bob.say(&evening, "/nick robert");
    assert_eq!(bob.say(&evening, "/who"), noted("3 here: alice, caroline, robert"));
    evening.say(&carol, "/quit");

    let heard_by_all = [
        "said alice good evening",
        "acted Bob bows",
        "renamed carol caroline",
        "renamed Bob robert",
        "quit caroline quit",
    ];
    let came = ["joined Bob", "joined carol"];
    let mut alices = [&came[..], &heard_by_all].concat();
    alices.insert(5, "said alice caroline hush");
    assert_eq!(alice.news(&evening), alices, "also what she says to one alone");
    let mut bobs = heard_by_all.to_vec();
    bobs.insert(0, "joined carol");
    bobs.insert(4, "said caroline Bob psst");
    assert_eq!(bob.news(&evening), bobs);
    assert_eq!(
        carol.shown(),
        [
            "<alice> good evening",
            "* Bob bows",
            "*** You are now called caroline.",
            "[alice] hush",
            "*** Bob was told.",
            "*** Bob is now called robert",
            "*** Goodbye."
        ]
    );
}

#[test]
fn who_comes_in_is_told_who_is_there() {
    let evening = Evening::new();
    let chat = open_page(&evening);
    let _carol = evening.join("carol");
    let alice = Visitor::enter(&evening, " alice ");
    assert_eq!(alice.news(&evening), ["room #lobby alice carol"]);
    assert_eq!((chat.members(), evening.users()), (1, 2));
}

#[test]
fn a_name_that_cannot_be_is_refused_with_the_reason() {
    let evening = Evening::new();
    let chat = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    let taken = refused(409, "somebody has that name already");
    for (name, answer) in [
        ("name=ALICE", taken),
        ("name=al ice", refused(422, "a name cannot have  ")),
        ("name=%3Cb%3E", refused(422, "a name cannot have <")),
        ("name=abcdefghijklmnopqrstuvwxyz1234567", refused(422, "a name has at most 32 bytes")),
        ("name=", refused(422, "a name has at least one letter")),
        ("", refused(422, "a name has at least one letter")),
    ] {
        assert_eq!(post(&evening, "/join", "", name), answer, "{name}");
    }
    assert_eq!(chat.members(), 1);
    Visitor::join(&evening, "bob").say(&evening, "/nick alice");
    assert_eq!(alice.news(&evening), ["joined bob"]);
}

#[test]
fn what_is_not_understood_is_noted_to_one_alone() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), Visitor::join(&evening, "bob"));
    let empty = || refused(422, "there is nothing to say in that");
    for (line, answer) in [
        ("/dance wildly", noted("There is no command /dance; /help lists them.")),
        ("/me", empty()),
        ("/msg", empty()),
        ("/msg nobody hi", refused(422, "nobody here has that name")),
        ("/nick", refused(422, "a name has at least one letter")),
        (" ", noted("")),
    ] {
        assert_eq!(alice.say(&evening, line), answer, "{line}");
    }
    assert!(alice.say(&evening, "/help").body.contains("/who"));
    assert_eq!(bob.poll(&evening).answer(), None);
}

#[test]
fn all_see_the_same_safe_text() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), Visitor::join(&evening, "bob"));
    bob.say(&evening, "%E2%80%AE%1B[2J%22\\%3C/script%3E%80");
    let safe = "\"text\":\"\u{fffd}\u{fffd}[2J\\\"\\\\</script>\u{fffd}\"";
    for (visitor, after) in [(&alice, 2), (&bob, 1)] {
        visitor.seen.set(after);
        let shown = visitor.poll(&evening).answer().expect("there is news").body;
        assert!(shown.contains(safe), "{shown}");
    }
}

#[test]
fn a_poll_waits_and_is_answered_by_what_happens() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    assert_eq!(alice.news(&evening), ["joined bob"]);
    let poll = alice.poll(&evening);
    evening.advance(SECOND * 20);
    assert_eq!(poll.answer(), None);
    evening.say(&bob, "at last");
    assert_eq!(alice.read(&poll), ["said bob at last"]);
    let poll = alice.poll(&evening);
    alice.say(&evening, "indeed");
    assert_eq!(alice.read(&poll), ["said alice indeed"]);
}

#[test]
fn a_poll_with_no_news_is_answered_before_a_proxy_gives_up() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    let poll = alice.poll(&evening);
    evening.advance(SECOND * 44);
    assert_eq!(poll.answer(), None);
    evening.advance(SECOND * 7);
    assert_eq!(alice.read(&poll), NOTHING);
}

#[test]
fn an_answer_lost_on_its_way_loses_nothing_and_doubles_nothing() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    let lost = alice.poll(&evening); // Answered, and never read.
    evening.say(&bob, "one");
    assert!(lost.answer().is_some());
    assert_eq!(alice.news(&evening), ["joined bob", "said bob one"]);
    let cut = alice.poll(&evening);
    cut.log().transport().abort_connection();
    evening.settle();
    evening.say(&bob, "two");
    assert_eq!(alice.news(&evening), ["said bob two"]);
    assert_eq!(alice.poll(&evening).answer(), None, "all of it is seen");
}

#[test]
fn a_second_poll_of_the_same_browser_ends_the_first() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), Visitor::join(&evening, "bob"));
    alice.news(&evening);
    let (first, second) = (alice.poll(&evening), alice.poll(&evening));
    assert_eq!(alice.read(&first), NOTHING);
    assert_eq!(second.answer(), None);
    first.log().transport().abort_connection(); // It is not the one that waits.
    bob.say(&evening, "hello");
    assert_eq!(alice.read(&second), ["said bob hello"]);
}

#[test]
fn a_stream_goes_on_behind_the_last_event_that_was_seen() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    evening.say(&bob, "one");
    let stream = alice.get(&evening, "/events?since=0");
    assert!(stream.shown().contains("id: 2\ndata: {\"n\":2,"), "{}", stream.shown());
    assert!(stream.shown().contains("id: 3\n"));
    stream.log().transport().abort_connection();
    evening.say(&bob, "two");
    let stream = alice.get_with(&evening, "/events?since=0", "Last-Event-ID: 3\r\n");
    evening.say(&bob, "three");
    let shown = stream.shown();
    assert!(!shown.contains("id: 3\n"), "{shown}");
    assert!(shown.contains("id: 4\n") && shown.contains("id: 5\n"), "{shown}");
    evening.advance(SECOND * 300);
    assert_eq!(evening.users(), 2, "who has a stream is there");
    alice.leave(&evening);
    assert!(stream.shown().ends_with("\r\n0\r\n\r\n"), "{}", stream.shown());
}

#[test]
fn who_leaves_is_gone_at_once() {
    let evening = Evening::new();
    let chat = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    alice.news(&evening);
    let poll = alice.poll(&evening);
    assert_eq!(alice.leave(&evening).status, 200);
    assert_eq!(alice.read(&poll), NOTHING);
    let gone = refused(410, "you are not connected any more");
    assert_eq!(alice.poll(&evening).answer(), Some(gone));
    assert_eq!(alice.say(&evening, "hello?").status, 410);
    assert_eq!(alice.leave(&evening).status, 200, "twice is as good");
    assert_eq!(bob.shown(), ["*** alice has left (quit)"]);
    assert_eq!(chat.members(), 0);
    Visitor::join(&evening, "alice").say(&evening, "/quit");
    assert_eq!(bob.shown(), ["*** alice has joined", "*** alice has left (quit)"]);
}

#[test]
fn closing_the_room_ends_what_waits_and_all_are_told() {
    let evening = Evening::new();
    let chat = open_page(&evening);
    let [waiting, absent, streaming] =
        ["waiting", "absent", "streaming"].map(|name| Visitor::join(&evening, name));
    waiting.news(&evening);
    let poll = waiting.poll(&evening);
    let stream = streaming.get(&evening, "/events");
    evening.server.close();
    evening.settle();
    assert_eq!(waiting.read(&poll), ["closed"]);
    assert!(stream.shown().contains("\"kind\":\"closed\"}\n\n\r\n0\r\n\r\n"), "{}", stream.shown());
    assert_eq!(absent.news(&evening), ["joined streaming", "closed"]);
    for visitor in [&waiting, &absent, &streaming] {
        visitor.seen.set(9);
        assert_eq!(visitor.poll(&evening).answer().map(|answer| answer.status), Some(410));
        assert_eq!(visitor.say(&evening, "hello?").status, 410);
    }
    let closed = refused(503, "the network is closed");
    assert_eq!(post(&evening, "/join", "", "name=late"), closed);
    evening.advance(SECOND * 5);
    assert_eq!(chat.members(), 0);
}

/// Greets everybody who speaks.
#[derive(Default)]
struct Robot(RefCell<Option<User>>);

impl Listener for Robot {
    fn notified(&self, notice: &Notice) {
        if let (Event::Said { to, .. }, Some(user)) = (notice.event(), &*self.0.borrow()) {
            let greeting = Speech::message(&format!("hello {}", notice.source().nick()));
            user.say(Time::START, &to.to_string(), greeting).expect("it speaks seldom");
        }
    }
}

#[test]
fn an_answer_stands_below_what_it_answers() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let robot = Rc::new(Robot::default());
    let registration = Registration::new("robot");
    let user = evening.server.connect(Time::START, &registration, robot.clone());
    let user = user.expect("nobody is called so");
    user.join(Time::START, "#lobby", None).expect("all may");
    robot.0.replace(Some(user));
    let alice = Visitor::join(&evening, "alice");
    alice.say(&evening, "anybody here?");
    assert_eq!(alice.news(&evening), ["said alice anybody here?", "said robot hello alice"]);
    robot.0.take();
}
