//! What is published and heard while all is well.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_nats::{NatsLimits, NatsOptions, Subscription};
use ropewalk_testing::Network;

use crate::broker::Broker;

type Heard = Rc<RefCell<Vec<String>>>;

fn hear(broker: &Broker, subject: &str) -> (Subscription, Heard) {
    let heard = Heard::default();
    let noted = heard.clone();
    let subscription = broker.client.subscribe(subject, move |message| {
        let text = String::from_utf8_lossy(&message.payload).into_owned();
        noted.borrow_mut().push(format!("{}: {text}", message.subject));
    });
    (subscription.expect("it is a pattern"), heard)
}

#[test]
fn what_is_published_is_written_at_once_and_in_order() {
    let broker = Broker::welcoming(NatsOptions::default());
    broker.client.publish("a.b", "one").expect("it is up");
    broker.client.publish_with_reply("c", "d", "").expect("it is up");
    broker.settle();
    assert_eq!(broker.heard(), "PUB a.b 3\r\none\r\nPUB c d 0\r\n\r\n");
}

#[test]
fn messages_reach_the_subscription_that_they_are_for() {
    let broker = Broker::welcoming(NatsOptions::default());
    let (_one, ones) = hear(&broker, "a.*");
    let (two, twos) = hear(&broker, "b.>");
    broker.settle();
    assert_eq!(broker.heard(), "SUB a.* 1\r\nSUB b.> 2\r\n");
    broker.say("MSG a.x 1 5\r\nhe\r\no\r\nMSG b.y 2 re.ply 0\r\n\r\nMSG a.z 9 1\r\n?\r\n");
    assert_eq!(*ones.borrow(), ["a.x: he\r\no"]);
    assert_eq!(*twos.borrow(), ["b.y: "]);
    drop(two);
    broker.say("MSG b.y 2 4\r\nlate\r\n");
    assert_eq!(broker.heard(), "UNSUB 2\r\n");
    assert_eq!(twos.borrow().len(), 1, "it was on its way");
}

#[test]
fn messages_are_the_same_in_pieces_of_one_byte() {
    let network = Network { chunk_size: 1, ..Network::default() };
    let broker = Broker::with(NatsOptions::default(), network);
    broker.advance(Duration::from_secs(1));
    broker.welcome();
    let (_one, ones) = hear(&broker, "a");
    broker.say("MSG a 1 7\r\nMSG a 1\r\nPING\r\nMSG a 1 0\r\n\r\n");
    broker.advance(Duration::from_secs(1));
    assert_eq!(*ones.borrow(), ["a: MSG a 1", "a: "]);
    assert!(broker.heard().ends_with("PONG\r\n"));
}

#[test]
fn a_callback_may_do_everything_with_its_client() {
    let broker = Broker::welcoming(NatsOptions::default());
    let client = broker.client.clone();
    let kept: Rc<RefCell<Vec<Subscription>>> = Rc::default();
    let keeps = kept.clone();
    let first = broker.client.subscribe("a", move |message| {
        client.publish("b", &message.payload).expect("it is up");
        let closing = client.clone();
        let next = client.subscribe("c", move |_| closing.close());
        keeps.borrow_mut().clear(); // Among them the one that is being called.
        keeps.borrow_mut().push(next.expect("there is room"));
    });
    kept.borrow_mut().push(first.expect("there is room"));
    broker.say("MSG a 1 2\r\nhi\r\n");
    assert_eq!(broker.heard(), "SUB a 1\r\nPUB b 2\r\nhi\r\nSUB c 2\r\nUNSUB 1\r\n");
    broker.say("MSG c 2 0\r\n\r\n");
    assert_eq!(broker.connection.lost_kind(), Some(FailureKind::ConnectionDone));
    assert!(broker.client.publish("a", "").is_err_and(|why| why.is(FailureKind::Local)));
}

#[test]
fn a_request_has_one_answer_or_none_in_time() {
    let broker = Broker::welcoming(NatsOptions::default());
    let asked = broker.client.request("time", "?", Duration::from_secs(2));
    let late = broker.client.request("time", "?", Duration::from_secs(2));
    broker.settle();
    let said = broker.heard();
    let inbox = said.split_whitespace().nth(1).expect("SUB and where").to_owned();
    assert!(
        inbox.starts_with("_INBOX.") && said.contains(&format!("PUB time {inbox} 1\r\n?\r\n")),
        "{said}"
    );
    broker.say(&format!("MSG {inbox} 1 4\r\nnoon\r\nMSG {inbox} 1 5\r\nnight\r\n"));
    let answer = asked.into_result().expect("it is there").expect("it was answered");
    assert_eq!(&answer.payload[..], b"noon");
    assert!(!late.is_fired());
    broker.advance(Duration::from_secs(2));
    let failure = late.into_result().expect("it has fired").expect_err("nobody answered");
    assert!(failure.is(FailureKind::Timeout));
    assert_eq!(broker.heard(), "UNSUB 1\r\nUNSUB 2\r\n");
}

#[test]
fn a_flush_fires_with_its_own_pong() {
    let broker = Broker::welcoming(NatsOptions::default());
    let (one, two) = (broker.client.flush(), broker.client.flush());
    broker.say("PONG\r\n");
    assert!(one.is_fired() && !two.is_fired());
    broker.say("PONG\r\nPONG\r\n");
    assert!(two.is_fired() && broker.client.is_up(), "one PONG too many is no harm");
}

#[test]
fn nothing_can_be_smuggled_into_a_line() {
    let broker = Broker::welcoming(NatsOptions::default());
    for bad in ["a\r\nPUB b 0", "a b", "", "a.*", &"x".repeat(1_025)] {
        assert!(
            broker.client.publish(bad, "").is_err_and(|why| why.is(FailureKind::Local)),
            "{bad:?}"
        );
        assert!(broker.client.publish_with_reply("a", bad, "").is_err(), "{bad:?}");
        assert!(broker.client.subscribe_in_group("a", bad, |_| ()).is_err(), "{bad:?}");
    }
    assert!(broker.client.subscribe("a.>.b", |_| ()).is_err());
    broker.settle();
    assert_eq!(broker.heard(), "");
}

#[test]
fn everything_is_bounded() {
    let limits = NatsLimits {
        unsent_bytes_max: 200,
        subscriptions_max: 1,
        waiting_max: 1,
        ..NatsLimits::default()
    };
    let broker = Broker::welcoming(NatsOptions { limits, ..NatsOptions::default() });
    let is_limit = |why: ropewalk_core::Failure| why.is(FailureKind::Limit);
    assert!(broker.client.publish("a", [0; 65]).is_err_and(is_limit), "the server takes 64 bytes");
    let _one = broker.client.subscribe("a", |_| ()).expect("there is room");
    assert!(broker.client.subscribe("b", |_| ()).is_err_and(is_limit));
    let _flush = broker.client.flush();
    assert!(broker.client.flush().into_result().is_ok_and(|result| result.is_err_and(is_limit)));
    let sent = (0..9).map_while(|_| broker.client.publish("a", [0; 64]).ok()).count();
    assert_eq!(sent, 2, "each is 75 bytes with its lines");
    broker.say(&format!("MSG a 1 {}\r\n", (1 << 20) + 1));
    assert_eq!(broker.connection.lost_kind(), Some(FailureKind::Peer), "it was aborted");
    assert!(broker.news.borrow()[1].contains("payload_bytes_max"), "{:?}", broker.news);
}

#[test]
fn a_payload_that_is_longer_than_its_line_says_ends_the_connection() {
    let broker = Broker::welcoming(NatsOptions::default());
    let (_one, ones) = hear(&broker, "a");
    broker.say("MSG a 1 2\r\nthree\r\n");
    assert!(ones.borrow().is_empty());
    assert!(broker.news.borrow()[1].contains("payload"), "{:?}", broker.news);
}

#[test]
fn what_is_not_allowed_is_told_and_the_connection_stands() {
    let broker = Broker::welcoming(NatsOptions::default());
    broker.say("-ERR 'Permissions Violation for Publish to \"x\"'\r\n+OK\r\n");
    assert_eq!(broker.news.borrow()[1], "refused: Permissions Violation for Publish to \"x\"");
    assert!(broker.client.is_up());
}
