//! What is kept of what was said.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_core::Time;
use ropewalk_irc::network::{
    HistoryPoint, HistoryRange, MsgId, Network, NetworkLimits, Refusal, Registration, Remembered,
    Server, Speech,
};

use super::{Ears, Stage, shown};

#[test]
fn who_comes_late_reads_what_was_said_on_the_channel() {
    let stage = Stage::with_limits(NetworkLimits {
        history_per_channel_max: 3,
        ..NetworkLimits::default()
    });
    let alice = stage.enter_ropes("alice");
    let mut ids = Vec::new();
    for text in ["one", "two", "three", "four"] {
        let said = alice.user.say(stage.now(), "#ropes", Speech::message(text)).expect("she may");
        ids.push(said.record.msgid().clone());
    }
    alice.user.say(stage.now(), "@#ropes", Speech::message("secret")).expect("she may");
    let bob = stage.enter("bob");
    let all = || bob.user.history("#ropes", &HistoryRange::Latest(None), 10);
    assert_eq!(all().expect_err("he is not on it"), Refusal::NotOnChannel);
    bob.user.join(stage.now(), "#ropes", None).expect("it is open");
    let read: Vec<String> = all().expect("he is").iter().map(|record| shown(record)).collect();
    let expected =
        ["alice says two to #ropes", "alice says three to #ropes", "alice says four to #ropes"];
    assert_eq!(read, expected);
    let after = HistoryRange::After(HistoryPoint::Event(ids[2].clone()));
    let page = bob.user.history("#ropes", &after, 10).expect("it is kept");
    assert_eq!(page.len(), 1);
    let gone = HistoryRange::After(HistoryPoint::Event(ids[0].clone()));
    let gone = bob.user.history("#ropes", &gone, 10);
    assert_eq!(gone.expect_err("the oldest gave way"), Refusal::NoSuchMessage);
    let targets = bob.user.history_targets().expect("he may ask");
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].0.as_str(), "#ropes");
}

fn remembered(channel: &str) -> Remembered {
    Remembered {
        channel: channel.into(),
        source: Registration::new("zoe"),
        speech: Speech::message("long ago"),
        msgid: MsgId::parse("old-1").expect("it is one"),
        at: SystemTime::UNIX_EPOCH,
    }
}

#[test]
fn what_a_store_has_kept_comes_before_what_is_said_now() {
    let stage = Stage::new();
    let network = stage.server.network();
    assert_eq!(network.remember(remembered("#ropes")), Err(Refusal::NoSuchChannel));
    network.keep_channel("#ropes").expect("it is a good name");
    network.remember(remembered("#Ropes")).expect("it is there");
    let alice = stage.enter_ropes("alice");
    alice.user.say(stage.now(), "#ropes", Speech::message("now")).expect("she may");
    let page = alice.user.history("#ropes", &HistoryRange::Latest(None), 10).expect("she is on it");
    let read: Vec<String> = page.iter().map(|record| shown(record)).collect();
    assert_eq!(read, ["zoe says long ago to #Ropes", "alice says now to #ropes"]);
}

#[test]
fn a_time_that_was_written_finds_its_message_again() {
    let nanos = Duration::new(1_700_000_000, 123_456_789);
    let server = Server::with_calendar(&Network::new(NetworkLimits::default()), move || {
        SystemTime::UNIX_EPOCH + nanos
    });
    let alice = server.connect(Time::START, &Registration::new("alice"), Rc::new(Ears::default()));
    let alice = alice.expect("she may come");
    alice.join(Time::START, "#ropes", None).expect("it is made");
    let said = alice.say(Time::START, "#ropes", Speech::message("hello")).expect("she may");
    let written = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    assert_eq!(said.record.at(), written);
    let after = HistoryRange::After(HistoryPoint::Time(written));
    assert_eq!(alice.history("#ropes", &after, 10).expect("she is on it").len(), 0);
}

#[test]
fn a_calendar_that_is_set_back_turns_no_order_around() {
    let seconds = Rc::new(Cell::new(100));
    let read = seconds.clone();
    let calendar = move || SystemTime::UNIX_EPOCH + Duration::from_secs(read.get());
    let server = Server::with_calendar(&Network::new(NetworkLimits::default()), calendar);
    let alice = server.connect(Time::START, &Registration::new("alice"), Rc::new(Ears::default()));
    let alice = alice.expect("she may come");
    alice.join(Time::START, "#ropes", None).expect("it is made");
    let say = |second| {
        seconds.set(second);
        let said = alice.say(Time::START, "#ropes", Speech::message("x")).expect("she may");
        said.record.at()
    };
    let (first, second, third) = (say(100), say(50), say(101));
    assert_eq!(first, second);
    assert!(third > second);
}

#[test]
fn what_is_passed_on_keeps_its_identity_and_is_not_counted() {
    let stage = Stage::with_limits(NetworkLimits { message_burst: 1, ..NetworkLimits::default() });
    let alice = stage.enter_ropes("alice");
    for number in 0..10 {
        let msgid = MsgId::parse(&format!("there-{number}")).expect("it is one");
        let speech = Speech::message("hello");
        let said = alice.user.pass_on("#ropes", speech, msgid.clone(), SystemTime::UNIX_EPOCH);
        let said = said.expect("it is not counted");
        assert_eq!(said.record.msgid(), &msgid);
        assert_eq!(said.record.at(), SystemTime::UNIX_EPOCH);
    }
}
