//! A server that goes away and comes back, or only seems to be there.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_nats::{NatsLimits, NatsOptions};
use ropewalk_testing::Network;

use crate::broker::Broker;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn subscriptions_and_what_was_kept_are_said_again_after_an_absence() {
    let broker = Broker::welcoming(NatsOptions::default());
    let heard = Rc::new(Cell::new(0));
    let counted = heard.clone();
    let _kept = broker.client.subscribe_in_group("a", "g", move |_| counted.set(counted.get() + 1));
    let dropped = broker.client.subscribe("b", |_| ()).expect("there is room");
    let unanswered = broker.client.flush();
    broker.settle();
    broker.fall();
    let failure = unanswered.into_result().expect("it has fired").expect_err("no answer");
    assert!(failure.is(FailureKind::Peer), "{failure}");
    drop(dropped);
    broker.client.publish("x", "one").expect("it is kept");
    broker.client.publish("x", [0; 65]).expect("what the server takes is not known");
    broker.client.publish("x", "two").expect("it is kept");
    assert!(broker.client.flush().into_result().is_ok_and(|result| result.is_err()));
    broker.listen();
    broker.advance(SECOND);
    broker.welcome();
    assert_eq!(broker.heard(), "SUB a g 1\r\nPUB x 3\r\none\r\nPUB x 3\r\ntwo\r\n");
    broker.say("MSG a 1 0\r\n\r\n");
    assert_eq!(heard.get(), 1);
    let news = broker.news.borrow();
    assert!(news.len() == 3 && news[1].starts_with("away") && news[2] == "up", "{news:?}");
}

#[test]
fn what_is_kept_is_bounded() {
    let limits = NatsLimits { unsent_bytes_max: 30, ..NatsLimits::default() };
    let options = NatsOptions { limits, ..NatsOptions::default() };
    let broker = Broker::absent(options, Network::default());
    broker.client.publish("a", "0123456789").expect("there is room for 22 bytes");
    let refused = broker.client.publish("a", "0");
    assert!(refused.is_err_and(|why| why.is(FailureKind::Limit)));
}

#[test]
fn the_pauses_between_attempts_grow_up_to_a_limit() {
    let broker = Broker::absent(NatsOptions::default(), Network::default());
    broker.advance(60 * SECOND);
    // 0.1, 0.2, 0.4, 0.8, 1.6, 3.2 and then 5 s each, and up to a quarter longer.
    let attempts = broker.news.borrow().len();
    assert!((14..=18).contains(&attempts), "{attempts}");
    broker.listen();
    let before = broker.event_loop.reactor().now();
    while !broker.connection.is_made() {
        broker.advance(Duration::from_millis(100));
    }
    assert!(broker.event_loop.reactor().now().since(before) <= 7 * SECOND);
    broker.welcome();
}

#[test]
fn a_server_that_hangs_up_on_everybody_is_not_hammered() {
    let broker = Broker::new(NatsOptions::default());
    let come_back = || {
        broker.fall();
        broker.listen();
        while !broker.connection.is_made() {
            broker.advance(Duration::from_millis(100));
        }
    };
    for _ in 0..6 {
        broker.welcome();
        come_back();
    }
    let before = broker.event_loop.reactor().now();
    broker.welcome();
    come_back();
    assert!(broker.event_loop.reactor().now().since(before) >= 5 * SECOND);
}

#[test]
fn a_server_that_fell_silent_is_left_after_two_pings() {
    let broker = Broker::welcoming(NatsOptions::default());
    broker.advance(30 * SECOND);
    assert_eq!(broker.heard(), "PING\r\n");
    broker.say("PONG\r\n");
    broker.advance(60 * SECOND);
    assert_eq!(broker.heard(), "PING\r\nPING\r\n");
    assert!(broker.client.is_up());
    broker.advance(30 * SECOND);
    assert!(!broker.client.is_up());
    assert!(broker.news.borrow()[1].contains("pings_unanswered_max"), "{:?}", broker.news);
}

#[test]
fn a_client_that_is_dropped_leaves_nothing() {
    let broker = Broker::welcoming(NatsOptions::default());
    let Broker { event_loop, client, connection, .. } = broker;
    let hearing = client.subscribe("a", |_| ()).expect("there is room");
    let (waiting, other) = (client.connected(), client.clone());
    client.publish("a", "last words").expect("it is up");
    drop(client);
    assert!(waiting.is_fired());
    drop(other);
    let rest = ropewalk_core::defer_later(event_loop.reactor(), SECOND, || ());
    event_loop.run_until(rest).expect("time passes");
    assert_eq!(connection.lost_kind(), Some(FailureKind::ConnectionDone));
    assert!(String::from_utf8_lossy(&connection.data()).ends_with("last words\r\n"));
    drop(hearing);
}

#[test]
fn one_that_is_closed_while_away_tries_no_more() {
    let broker = Broker::absent(NatsOptions::default(), Network::default());
    broker.advance(SECOND);
    let waiting = broker.client.connected();
    broker.client.close();
    assert!(
        waiting
            .into_result()
            .is_ok_and(|result| result.is_err_and(|why| why.is(FailureKind::Local)))
    );
    broker.listen();
    broker.advance(60 * SECOND);
    assert!(!broker.connection.is_made());
}
