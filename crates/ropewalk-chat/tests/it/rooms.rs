//! Several rooms, and what people do there besides talking.

use ropewalk_chat::{DeferToThread, History, HistoryFile, HistoryLimits};
use ropewalk_core::FailureKind;
use serde_json::Value;

use crate::evening::Evening;
use crate::history::Directory;
use crate::visitor::{Visitor, get, open_page};

#[test]
fn who_reads_lines_is_in_several_rooms_and_looks_at_one() {
    let evening = Evening::new();
    let (alice, bob) = (evening.join("alice"), evening.join("bob"));
    alice.shown();
    evening.say(&alice, "/join boats");
    assert_eq!(alice.shown(), ["*** You are in #boats now.", "*** 1 here: alice"]);
    evening.say(&bob, "/join #BOATS");
    assert_eq!(bob.shown(), ["*** You are in #boats now.", "*** 2 here: alice, bob"]);
    assert_eq!(alice.shown(), ["*** bob has joined"]);
    evening.say(&bob, "/join lobby");
    evening.say(&bob, "anybody in the lobby?");
    assert_eq!(alice.shown(), ["#lobby <bob> anybody in the lobby?"]);
    evening.say(&alice, "no, in the boats");
    assert_eq!(bob.shown().last().map(String::as_str), Some("#boats <alice> no, in the boats"));
    evening.say(&bob, "/leave boats");
    assert_eq!(alice.shown(), ["*** bob has left"]);
    assert!(bob.shown().is_empty(), "it looks at the lobby still");
    evening.say(&alice, "/leave");
    assert_eq!(alice.shown(), ["*** You are in #lobby now."]);
    evening.say(&alice, "/leave");
    assert_eq!(alice.shown(), ["*** You are in no room; /join #ROOM is how to be in one."]);
    evening.say(&alice, "hello?");
    assert_eq!(alice.shown(), ["*** Not done: you are not on that channel."]);
    evening.say(&bob, "/rooms");
    assert_eq!(bob.shown(), ["*** alice has left", "*** #lobby has 1 people"]);
}

#[test]
fn topics_are_set_and_seen_by_all_ways_in() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    evening.say(&bob, "/topic ropes & \x02knots\x02 of all kinds");
    assert_eq!(bob.shown(), ["*** bob has set the topic: ropes & knots of all kinds"]);
    assert_eq!(alice.news(&evening), ["joined bob", "topic bob ropes & knots of all kinds"]);
    evening.say(&bob, "/topic");
    assert_eq!(bob.shown(), ["*** #lobby is about: ropes & knots of all kinds"]);
    assert!(evening.connect().shown()[0].contains("Welcome"));
    let carol = Visitor::enter(&evening, "carol");
    let room: Value = carol.poll(&evening).answer().expect("the lobby").json()[0].clone();
    assert_eq!(
        (room["topic"].as_str(), room["count"].as_u64()),
        (Some("ropes & knots of all kinds"), Some(3))
    );
    // A room of one's own is one's own.
    alice.say(&evening, "/join boats");
    evening.say(&bob, "/join boats");
    evening.say(&bob, "/topic mine");
    assert_eq!(
        bob.shown().last().map(String::as_str),
        Some("*** Not done: you are not an operator of the channel.")
    );
    alice.say_in(&evening, "%23boats", "/kick bob go");
    assert_eq!(bob.shown(), ["*** alice has sent bob away (go)"]);
    evening.say(&bob, "still here?");
    assert_eq!(bob.shown(), ["*** Not done: you are not on that channel."]);
}

#[test]
fn a_browser_is_in_several_rooms() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    let answer = alice.say(&evening, "/join boats");
    assert_eq!(answer.body, "{\"show\":\"#boats\"}");
    evening.say(&bob, "/join boats");
    evening.say(&bob, "/me ties a knot");
    alice.say_in(&evening, "%23boats", "well done");
    alice.say_in(&evening, "%23nowhere", "hello?");
    alice.say(&evening, "/leave boats");
    assert_eq!(
        alice.news(&evening),
        [
            "joined bob",
            "room #boats alice",
            "joined #boats bob",
            "acted bob #boats ties a knot",
            "said alice #boats well done",
            "parted #boats alice",
        ]
        .map(|event| if event.starts_with("parted") {
            "parted #boats alice "
        } else {
            event
        })
    );
    let rooms = alice.get(&evening, "/rooms").answer().expect("at once").json();
    let names: Vec<&str> = rooms["rooms"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|room| room["room"].as_str())
        .collect();
    assert_eq!(names, ["#boats", "#lobby"]);
    let whole = alice.get(&evening, "/whole").answer().expect("at once").json();
    assert_eq!(
        (&whole["name"], whole["rooms"].as_array().map(Vec::len)),
        (&"alice".into(), Some(1))
    );
}

#[test]
fn who_is_away_is_seen_and_says_so_to_who_writes() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    alice.say(&evening, "/away in the boat");
    assert_eq!(bob.shown(), ["*** alice is away: in the boat"]);
    evening.say(&bob, "/msg alice are you there?");
    assert_eq!(bob.shown(), ["*** alice was told. They are away: in the boat"]);
    let carol = Visitor::enter(&evening, "carol");
    let room = carol.poll(&evening).answer().expect("the lobby").json()[0].clone();
    assert_eq!(room["who"][0], serde_json::json!({"name": "alice", "away": true}));
    alice.say(&evening, "/back");
    assert_eq!(bob.shown(), ["*** carol has joined", "*** alice is back"]);
    let news = alice.news(&evening);
    assert_eq!(
        news,
        [
            "joined bob",
            "away alice in the boat",
            "said bob alice are you there?",
            "joined carol",
            "back alice"
        ]
    );
}

#[test]
fn typing_is_told_to_the_others_and_is_not_waited_for() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), Visitor::join(&evening, "bob"));
    let line = evening.join("carol");
    line.shown();
    bob.news(&evening);
    alice.news(&evening);
    alice.post(&evening, "/typing", "to=%23lobby&how=active");
    assert_eq!(bob.news(&evening), ["typing alice active"]);
    assert_eq!(alice.poll(&evening).answer(), None, "who types knows it");
    alice.post(&evening, "/typing", "to=bob&how=%22;%2Bevil=x");
    assert_eq!(bob.news(&evening), ["typing alice bob active"], "only three words are known");
    assert!(line.shown().is_empty());
    assert_eq!(alice.post(&evening, "/typing", "to=%23nowhere&how=active").status, 422);
}

#[test]
fn a_line_sent_again_is_not_said_again() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    let send = |number: u32, text: &str| {
        alice.post(&evening, "/say", &format!("room=%23lobby&line={number}&text={text}")).body
    };
    let first = send(1, "/who");
    evening.say(&bob, "/nick robert");
    bob.shown();
    assert_eq!(send(1, "/who"), first, "the answer that was lost");
    send(2, "hello");
    send(2, "hello");
    send(1, "hello");
    send(3, "hello again");
    assert_eq!(bob.shown(), ["<alice> hello", "<alice> hello again"]);
    let refused = alice.post(&evening, "/say", "room=%23nowhere&line=4&text=x");
    assert_eq!(refused.status, 422);
    send(4, "what was refused may be tried again");
    assert_eq!(bob.shown(), ["<alice> what was refused may be tried again"]);
}

#[test]
fn a_stream_that_has_missed_something_says_so() {
    let evening = Evening::with(
        ropewalk_irc::network::NetworkLimits {
            message_interval: std::time::Duration::ZERO,
            ..Default::default()
        },
        Default::default(),
    );
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    let stream = alice.get(&evening, "/events?since=1");
    for _ in 0..600 {
        evening.say(&bob, "x");
    }
    assert!(stream.shown().contains("id: 602\n") && !stream.shown().contains("gap"));
    stream.log().transport().abort_connection();
    evening.settle();
    let again = alice.get(&evening, "/events?since=3");
    let shown = again.shown();
    assert!(shown.contains("id: 102\ndata: {\"n\":102,\"kind\":\"gap\"}\n"), "{shown}");
    assert!(!shown.contains("id: 102\ndata: {\"n\":102,\"at\"") && shown.contains("id: 103\n"));
    alice.seen.set(101);
    assert!(alice.poll(&evening).shown().contains("\"n\":102,\"kind\":\"gap\""));
}

#[test]
fn the_past_is_read_by_browsers_and_lines() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let (alice, bob) = (Visitor::join(&evening, "alice"), evening.join("bob"));
    evening.say(&bob, "one");
    evening.say(&bob, "/me two");
    evening.say(&bob, "three");
    bob.shown();
    evening.say(&bob, "/history 2");
    assert_eq!(bob.shown(), ["*** 2026-11-25 18:00 * bob two", "*** 2026-11-25 18:00 <bob> three"]);
    let past = |target: &str| alice.get(&evening, target).answer().expect("at once");
    let page = past("/history?room=%23lobby&count=2").json();
    let texts = |page: &Value| -> Vec<String> {
        let past = page["past"].as_array().expect("a list");
        past.iter()
            .map(|one| {
                format!(
                    "{} {}",
                    one["kind"].as_str().expect("a kind"),
                    one["text"].as_str().expect("a text")
                )
            })
            .collect()
    };
    assert_eq!(texts(&page), ["acted two", "said three"]);
    let before = page["past"][0]["id"].as_str().expect("an id");
    let page = past(&format!("/history?room=%23lobby&before={before}")).json();
    assert_eq!(texts(&page), ["said one"]);
    assert_eq!(past("/history?room=%23lobby&before=nonsense").status, 422);
    assert_eq!(past("/history?room=%23lobby&before=%3B%20").status, 422);
    assert_eq!(past("/history?room=%23nowhere").status, 422);
    evening.say(&bob, "/join boats");
    assert_eq!(past("/history?room=%23boats").status, 422, "only who is there may read");
}

#[test]
fn what_was_said_before_a_restart_is_read_from_the_file() {
    let directory = Directory::new();
    let limits = HistoryLimits { age_max: std::time::Duration::MAX, ..HistoryLimits::default() };
    let open = || HistoryFile::open(directory.file(), limits.clone()).expect("it can be opened");
    let history = |evening: &Evening, file: HistoryFile| {
        History::new(evening.event_loop.reactor(), file, DeferToThread::at_once())
    };
    {
        let evening = Evening::new();
        let kept = history(&evening, open());
        evening.chat.record(&kept);
        let bob = evening.join("bob");
        for line in ["one", "/topic ropes", "two", "/msg bob secret", "/join boats", "aye"] {
            evening.say(&bob, line);
        }
        assert!(kept.flush().is_fired());
    }
    let evening = Evening::new();
    evening.advance(std::time::Duration::from_secs(3600)); // An id has the time in it.
    let _page = open_page(&evening);
    let (kept, file) = (history(&evening, open()), open());
    evening.chat.set_history(&kept);
    evening.chat.record(&kept);
    let alice = Visitor::join(&evening, "alice");
    alice.say(&evening, "three");
    alice.say(&evening, "/join BOATS");
    let past = |target: &str| {
        let page = alice.get(&evening, target).answer().expect("at once").json();
        let past = page["past"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        let texts: Vec<String> =
            past.iter().filter_map(|one| Some(one["text"].as_str()?.to_owned())).collect();
        (texts, past.first().and_then(|one| Some(one["id"].as_str()?.to_owned())))
    };
    let (texts, _) = past("/history?room=%23lobby&count=50");
    assert_eq!(texts, ["one", "two", "three"]);
    let (texts, first) = past("/history?room=%23lobby&count=2");
    assert_eq!(texts, ["two", "three"]);
    let (texts, _) = past(&format!("/history?room=%23lobby&before={}", first.expect("an id")));
    assert_eq!(texts, ["one"]);
    assert_eq!(past("/history?room=%23boats").0, ["aye"], "whatever case the name has");

    let evening = Evening::new();
    evening.chat.recall(&file).expect("it can be read");
    let bob = evening.join("bob");
    evening.say(&bob, "/history");
    evening.say(&bob, "/topic");
    let shown = bob.shown().join("\n");
    assert!(shown.contains("<bob> one") && shown.contains("<alice> three"), "{shown}");
    assert!(shown.ends_with("*** #lobby is about: ropes") && !shown.contains("aye"), "{shown}");
}

#[test]
fn only_what_is_said_openly_is_kept() {
    let directory = Directory::new();
    let limits = HistoryLimits { age_max: std::time::Duration::MAX, ..HistoryLimits::default() };
    let file = HistoryFile::open(directory.file(), limits).expect("it can be opened");
    let evening = Evening::new();
    let kept = History::new(evening.event_loop.reactor(), file.clone(), DeferToThread::at_once());
    evening.chat.record(&kept);
    let (bob, carol) = (evening.join("bob"), evening.join("carol"));
    evening.say(&bob, "/msg carol psst");
    evening.say(&bob, "/join den");
    let network = evening.server.network();
    network
        .set_flag("#den", ropewalk_irc::network::ChannelFlag::Secret, true)
        .expect("it is there");
    evening.say(&bob, "nobody hears this");
    evening.say(&carol, "openly");
    assert_eq!(carol.lost(), None::<FailureKind>);
    assert_eq!(file.rooms(9).expect("it can be read"), ["#lobby"]);
}

#[test]
fn the_page_has_a_picture_for_its_tab() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    assert!(get(&evening, "/favicon.svg").shown().contains("Content-Type: image/svg+xml\r\n"));
}

#[test]
fn a_page_that_is_loaded_again_goes_on_and_one_that_is_closed_is_gone() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let bob = evening.join("bob");
    let (closed, again) = (Visitor::join(&evening, "closed"), Visitor::join(&evening, "again"));
    bob.shown();
    closed.post(&evening, "/leave", "soon=yes");
    again.post(&evening, "/leave", "soon=yes");
    evening.advance(std::time::Duration::from_secs(2));
    assert!(bob.shown().is_empty());
    let whole = again.get(&evening, "/whole").answer().expect("at once");
    assert_eq!(whole.json()["name"], "again");
    evening.advance(std::time::Duration::from_secs(10));
    assert_eq!(bob.shown(), ["*** closed has left (quit)"]);
    assert_eq!(closed.poll(&evening).answer().expect("at once").status, 410);
}

#[test]
fn a_browser_is_not_out_because_a_crowd_comes_and_goes() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    for number in 0..300 {
        evening.join(&format!("m{number}"));
    }
    let bob = evening.join("bob");
    evening.say(&bob, "so many!");
    let news = alice.news(&evening);
    assert_eq!(news.last().map(String::as_str), Some("said bob so many!"));
    assert_eq!(news.len(), 201, "of those after two hundred none, but that there is a crowd");
    assert_eq!((news[0].as_str(), news[199].as_str()), ("joined m0", "changed"));
    let whole = alice.get(&evening, "/whole").answer().expect("at once").json();
    assert_eq!(whole["rooms"][0]["count"], 302);
    assert_eq!(whole["rooms"][0]["who"].as_array().map(Vec::len), Some(0));
    evening.say(&bob, "/quit");
    assert_eq!(alice.poll(&evening).answer(), None);
}

#[test]
fn a_browser_that_fetches_nothing_is_not_out_because_a_few_come_and_go() {
    let evening = Evening::new();
    let _page = open_page(&evening);
    let alice = Visitor::join(&evening, "alice");
    for _ in 0..400 {
        let bob = evening.join("bob");
        evening.say(&bob, "/quit");
    }
    let news = alice.news(&evening);
    assert_eq!((news.len(), news.last().map(String::as_str)), (250, Some("changed")));
    let poll = alice.poll(&evening);
    evening.join("carol");
    assert_eq!(alice.read(&poll), ["joined carol"]);
}
