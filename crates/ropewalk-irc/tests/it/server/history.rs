//! `CHATHISTORY`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{Deferred, Failure, FailureKind};
use ropewalk_irc::ChannelName;
use ropewalk_irc::network::{
    HistoryPoint, MsgId, NetworkLimits, Record, Registration, Remembered, Speech,
};
use ropewalk_irc::server::{HistoryStore, IrcSettings};

use super::{Client, Hall, limits, settings};

const CAPS: &str = "batch draft/chathistory message-tags server-time";

/// Somebody on `#ropes` on which five things were said, a second apart.
fn reader(hall: &Hall) -> Client {
    let speaker = hall.enter_ropes("speaker");
    for text in ["one", "two", "three", "four", "five"] {
        hall.seconds_pass(1);
        hall.send(&speaker, &format!("PRIVMSG #ropes :{text}"));
    }
    let reader = hall.enter_with("reader", CAPS);
    hall.send(&reader, "JOIN #ropes");
    reader.told();
    reader
}

/// What was said, of what came in one batch.
fn texts(told: &[String]) -> Vec<String> {
    let [first, inside @ .., last] = told else { panic!("no batch: {told:?}") };
    let name = first.strip_prefix(":irc.test BATCH +").and_then(|rest| rest.split(' ').next());
    let name = name.expect("a batch begins");
    assert_eq!(*first, format!(":irc.test BATCH +{name} chathistory #ropes"));
    assert_eq!(*last, format!(":irc.test BATCH -{name}"));
    assert!(
        inside.iter().all(|line| line.starts_with(&format!("@batch={name};time="))),
        "{inside:?}"
    );
    inside.iter().map(|line| line.rsplit(':').next().expect("a text").to_owned()).collect()
}

fn msgid(line: &str) -> &str {
    let rest = line.split_once(";msgid=").expect("it has one").1;
    rest.split([';', ' ']).next().expect("it has a value")
}

#[test]
fn each_subcommand_gives_its_page() {
    let hall = Hall::new();
    let reader = reader(&hall);
    let all = hall.ask(&reader, "CHATHISTORY LATEST #ropes * 50");
    assert_eq!(texts(&all), ["one", "two", "three", "four", "five"]);
    let id = |place: usize| format!("msgid={}", msgid(&all[place]));
    let time = |second: usize| format!("timestamp=2023-11-14T22:13:2{second}.000Z");
    for (asked, expected) in [
        ("LATEST #ROPES * 2".into(), &["four", "five"][..]),
        (format!("LATEST #ropes {} 10", id(3)), &["four", "five"]),
        (format!("BEFORE #ropes {} 2", id(4)), &["two", "three"]),
        (format!("BEFORE #ropes {} 2", time(4)), &["two", "three"]),
        (format!("AFTER #ropes {} 2", id(2)), &["three", "four"]),
        (format!("AFTER #ropes {} 10", time(4)), &["five"]),
        (format!("AROUND #ropes {} 3", id(3)), &["two", "three", "four"]),
        (format!("BETWEEN #ropes {} {} 10", id(1), id(5)), &["two", "three", "four"]),
        (format!("BETWEEN #ropes {} {} 2", id(5), id(1)), &["three", "four"]),
        (format!("BETWEEN #ropes {} {} 10", time(1), time(3)), &["two"]),
        ("LATEST #ropes * 0".into(), &[]),
        ("BEFORE #ropes msgid=unknown 10".into(), &[]),
    ] {
        let told = hall.ask(&reader, &format!("CHATHISTORY {asked}"));
        assert_eq!(texts(&told), expected, "{asked}");
    }
}

#[test]
fn targets_are_the_channels_on_which_something_was_said() {
    let hall = Hall::new();
    let reader = reader(&hall);
    let between = |from: &str, to: &str| {
        let time = |time: &str| format!("timestamp=2023-11-14T{time}:00.000Z");
        hall.ask(&reader, &format!("CHATHISTORY TARGETS {} {} 10", time(from), time(to)))
    };
    let told = between("22:00", "23:00");
    let found = told[1].split_once(' ').expect("it has a tag").1;
    assert_eq!(told.len(), 3);
    assert_eq!(found, ":irc.test CHATHISTORY TARGETS #ropes 2023-11-14T22:13:25.000Z");
    assert_eq!(between("21:00", "22:00").len(), 2);
}

#[test]
fn each_wrong_request_fails() {
    let hall = Hall::new();
    let reader = reader(&hall);
    let outside = hall.enter_with("out", CAPS);
    let fail = |rest: &str| format!(":irc.test FAIL CHATHISTORY {rest}");
    let invalid = |sub: &str| fail(&format!("INVALID_PARAMS {sub} :Invalid parameters"));
    let needs = |sub: &str| fail(&format!("NEED_MORE_PARAMS {sub} :Missing parameters"));
    let target = |target: &str| {
        fail(&format!("INVALID_TARGET LATEST {target} :Messages could not be retrieved"))
    };
    hall.check(
        &reader,
        &[
            ("CHATHISTORY", &[&fail("INVALID_PARAMS * :Unknown command")]),
            ("CHATHISTORY EARLY #ropes * 1", &[&fail("INVALID_PARAMS EARLY :Unknown command")]),
            ("CHATHISTORY LATEST #ropes", &[&needs("LATEST")]),
            ("CHATHISTORY BETWEEN #ropes msgid=a 5", &[&needs("BETWEEN")]),
            ("CHATHISTORY LATEST #ropes * many", &[&invalid("LATEST")]),
            ("CHATHISTORY LATEST #ropes yesterday 5", &[&invalid("LATEST")]),
            ("CHATHISTORY BEFORE #ropes * 5", &[&invalid("BEFORE")]),
            ("CHATHISTORY BEFORE #ropes timestamp=now 5", &[&invalid("BEFORE")]),
            ("CHATHISTORY LATEST #none * 5", &[&target("#none")]),
            ("CHATHISTORY LATEST speaker * 5", &[&target("speaker")]),
            ("CHATHISTORY TARGETS msgid=a msgid=b 5", &[&invalid("TARGETS")]),
        ],
    );
    hall.check(&outside, &[("CHATHISTORY LATEST #ropes * 5", &[&target("#ropes")])]);
}

#[test]
fn a_labeled_page_is_a_batch_in_a_batch() {
    let hall = Hall::new();
    reader(&hall);
    let other = hall.enter_with("other", "batch labeled-response draft/chathistory");
    hall.send(&other, "JOIN #ropes");
    let told = hall.ask(&other, "@label=x CHATHISTORY LATEST #ropes * 1");
    assert_eq!(
        told,
        [
            "@label=x :irc.test BATCH +2 labeled-response",
            "@batch=2 :irc.test BATCH +1 chathistory #ropes",
            "@batch=1 :speaker!~user@localhost PRIVMSG #ropes :five",
            "@batch=2 :irc.test BATCH -1",
            ":irc.test BATCH -2",
        ]
    );
}

/// Has `old-0` to `old-9`, and is asked what before; answers when a test says so.
#[derive(Default)]
struct Attic {
    asked: RefCell<Vec<String>>,
    waiting: RefCell<Vec<Box<dyn FnOnce(bool)>>>,
}

impl Attic {
    fn answer(&self, is_well: bool) {
        self.waiting.take().into_iter().for_each(|answer| answer(is_well));
    }
}

impl HistoryStore for Attic {
    fn before(
        &self,
        channel: &ChannelName,
        point: Option<&HistoryPoint>,
        count: usize,
    ) -> Deferred<Vec<Arc<Record>>> {
        let point = match point {
            None => "the end".to_owned(),
            Some(HistoryPoint::Event(msgid)) => msgid.to_string(),
            Some(HistoryPoint::Time(at)) => {
                format!("{:?}", at.duration_since(SystemTime::UNIX_EPOCH))
            }
        };
        self.asked.borrow_mut().push(format!("{count} before {point} on {channel}"));
        let (resolver, deferred) = Deferred::new();
        let records = (10 - count.min(10)..10).map(old).collect();
        let unwell = || Failure::new(FailureKind::Local, "the attic is locked");
        self.waiting.borrow_mut().push(Box::new(move |is_well| {
            resolver.fire(if is_well { Ok(records) } else { Err(unwell()) });
        }));
        deferred
    }
}

fn old(number: usize) -> Arc<Record> {
    let remembered = Remembered {
        channel: "#ropes".into(),
        source: Registration::new("zoe"),
        speech: Speech::message(&format!("old {number}")),
        msgid: MsgId::parse(&format!("old-{number}")).expect("it is one"),
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(number as u64),
    };
    remembered.into_record(&NetworkLimits::default()).expect("it is good")
}

#[test]
fn what_is_older_than_memory_is_asked_of_the_store() {
    let attic = Rc::new(Attic::default());
    let hall = Hall::with(limits(), IrcSettings { history: Some(attic.clone()), ..settings() });
    let reader = reader(&hall);
    hall.check(&reader, &[("CHATHISTORY LATEST #ropes * 8", &[]), ("PING later", &[])]);
    attic.answer(true);
    hall.settle();
    let mut told = reader.told();
    assert_eq!(told.pop().as_deref(), Some(":irc.test PONG irc.test :later"));
    let expected = ["old 7", "old 8", "old 9", "one", "two", "three", "four", "five"];
    assert_eq!(texts(&told), expected);
    let first = msgid(&told[4]).to_owned();
    assert_eq!(attic.asked.take(), [format!("3 before {first} on #ropes")]);

    hall.send(&reader, "CHATHISTORY BEFORE #ropes msgid=old-7 2");
    attic.answer(true);
    hall.settle();
    assert_eq!(texts(&reader.told()), ["old 8", "old 9"]);
    assert_eq!(attic.asked.take(), ["2 before old-7 on #ropes"]);

    let enough = hall.ask(&reader, "CHATHISTORY LATEST #ropes * 5");
    assert_eq!(texts(&enough).len(), 5);
    assert_eq!(attic.asked.take(), [""; 0], "memory has enough");
}

#[test]
fn a_store_that_fails_costs_only_what_it_has() {
    let attic = Rc::new(Attic::default());
    let hall = Hall::with(limits(), IrcSettings { history: Some(attic.clone()), ..settings() });
    let reader = reader(&hall);
    hall.send(&reader, "CHATHISTORY LATEST #ropes * 8");
    attic.answer(false);
    hall.settle();
    assert_eq!(texts(&reader.told()).len(), 5);
    hall.send(&reader, "CHATHISTORY BEFORE #ropes msgid=old-7 2");
    attic.answer(false);
    hall.settle();
    let failed =
        ":irc.test FAIL CHATHISTORY MESSAGE_ERROR BEFORE #ropes :Messages could not be retrieved";
    assert_eq!(reader.told(), [failed]);
    hall.send(&reader, "CHATHISTORY LATEST #ropes * 8");
    reader.log().transport().abort_connection();
    hall.settle();
    attic.answer(true);
    hall.settle();
}

#[test]
fn a_labeled_page_from_the_store_has_its_label() {
    let attic = Rc::new(Attic::default());
    let hall = Hall::with(limits(), IrcSettings { history: Some(attic.clone()), ..settings() });
    reader(&hall);
    let other = hall.enter_with("other", "batch labeled-response draft/chathistory");
    hall.send(&other, "JOIN #ropes");
    hall.check(&other, &[("@label=x CHATHISTORY LATEST #ropes * 8", &[])]);
    attic.answer(true);
    hall.settle();
    let told = other.told();
    assert!(told[0].starts_with("@label=x :irc.test BATCH +"), "{told:?}");
    assert_eq!(told.len(), 12);
}
