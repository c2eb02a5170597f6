//! How a client comes, and what it does not put up with.

use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_nats::{NatsOptions, NatsUrl};

use crate::broker::{Broker, INFO};

#[test]
fn the_server_speaks_first_and_is_told_who_comes() {
    let mut options = NatsOptions { name: "test".into(), no_echo: true, ..NatsOptions::default() };
    let url: NatsUrl = "nats://bob:secret@nats".parse().expect("it is one");
    url.identify(&mut options);
    let broker = Broker::new(options);
    assert_eq!(broker.heard(), "", "nobody speaks before the server");
    let connected = broker.client.connected();
    broker.say(INFO);
    let greeting = broker.heard();
    assert!(greeting.starts_with("CONNECT {") && greeting.ends_with("}\r\nPING\r\n"), "{greeting}");
    for said in [
        r#""name":"test""#,
        r#""echo":false"#,
        r#""user":"bob""#,
        r#""pass":"secret""#,
        r#""verbose":false"#,
    ] {
        assert!(greeting.contains(said), "{said} in {greeting}");
    }
    assert!(!broker.client.is_up() && !connected.is_fired(), "it is not welcome yet");
    broker.say("PONG\r\n");
    assert!(broker.client.is_up() && connected.is_fired());
    assert_eq!(broker.client.server_info().expect("it is up").server_id, "TEST");
    assert_eq!(*broker.news.borrow(), ["up"]);
}

#[test]
fn a_server_that_does_not_want_us_says_why() {
    let broker = Broker::new(NatsOptions::default());
    broker.say(INFO);
    broker.say("-ERR 'Authorization Violation'\r\n");
    broker.connection.transport().lose_connection();
    broker.settle();
    assert_eq!(*broker.news.borrow(), ["away: the NATS server says: Authorization Violation"]);
}

#[test]
fn a_server_that_does_not_greet_is_left() {
    let broker = Broker::new(NatsOptions::default());
    broker.advance(Duration::from_millis(4_990));
    assert!(broker.news.borrow().is_empty());
    broker.advance(Duration::from_millis(20));
    assert!(broker.news.borrow()[0].contains("greeting_timeout"), "{:?}", broker.news);
    assert!(broker.connection.lost().is_some());
}

#[test]
fn one_that_wants_tls_first_is_refused_with_that_reason() {
    let broker = Broker::new(NatsOptions::default());
    broker.say("INFO {\"tls_required\":true}\r\n");
    assert!(broker.news.borrow()[0].contains("TLS"), "{:?}", broker.news);
    assert_eq!(broker.heard(), "", "no password goes over the wire");
}

#[test]
fn what_is_no_nats_server_is_left_at_its_first_line() {
    for nonsense in ["HTTP/1.1 400 Bad Request\r\n", "INFO 7\r\n", "INFO {\r\n", "MSG a 1 -5\r\n"] {
        let broker = Broker::new(NatsOptions::default());
        broker.say(nonsense);
        assert_eq!(broker.news.borrow().len(), 1, "{nonsense}");
        assert_eq!(broker.connection.lost_kind(), Some(FailureKind::Peer), "{nonsense}");
    }
    let broker = Broker::new(NatsOptions::default());
    broker.say(&"x".repeat(40_000));
    assert!(broker.news.borrow()[0].contains("32768"), "{:?}", broker.news);
}
