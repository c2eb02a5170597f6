//! A server that sends anything.

use std::time::Duration;

use ropewalk_nats::NatsOptions;
use ropewalk_testing::{Random, Seed};

use crate::broker::{Broker, INFO};

const PIECES: &[&[u8]] = &[
    INFO.as_bytes(),
    b"PONG\r\n",
    b"PING\r\n",
    b"+OK\r\n",
    b"-ERR 'Stale Connection'\r\n",
    b"-ERR\r\n",
    b"MSG a 1 5\r\nhello\r\n",
    b"MSG a 1 r 0\r\n\r\n",
    b"MSG a 99 3\r\nabc\r\n",
    b"MSG a 1 18446744073709551615\r\n",
    b"MSG a 1 1048577\r\n",
    b"MSG a 18446744073709551616 1\r\n",
    b"MSG \xff\xfe 1 1\r\n",
    b"INFO {\"max_payload\":-1}\r\n",
    b"INFO {\"max_payload\":1e99}\r\n",
    b"INFO [[[[[[[[[[[[[[[[\r\n",
    b"\r\n",
    b"\n",
    b"\0\0\0",
];

#[test]
fn no_bytes_make_a_client_panic_or_give_up() {
    let mut random = Random::new(Seed::new(1));
    let broker = Broker::new(NatsOptions::default());
    let client = broker.client.clone();
    let _hearing = broker.client.subscribe("a", move |message| {
        let _ = client.publish("b", &message.payload); // It may be on its way out.
    });
    for round in 0..400 {
        while !broker.connection.is_made() || broker.connection.lost().is_some() {
            if broker.connection.lost().is_some() {
                broker.connection.clear();
            }
            broker.advance(Duration::from_millis(100));
        }
        if random.below(2) == 0 {
            broker.say(&format!("{INFO}PONG\r\n"));
        }
        for _ in 0..random.below(12) {
            if broker.connection.lost().is_some() {
                break;
            }
            let piece = PIECES[usize::try_from(random.below(PIECES.len() as u64)).expect("small")];
            let bytes: Vec<u8> = match random.below(4) {
                0 => (0..random.below(40)).map(|_| random.number().to_le_bytes()[0]).collect(),
                1 => piece[..usize::try_from(random.below(piece.len() as u64)).expect("small")]
                    .to_vec(),
                _ => piece.to_vec(),
            };
            broker.connection.transport().write(&bytes);
            broker.settle();
        }
        let news = broker.news.take();
        assert!(!news.iter().any(|news| news.contains("panic")), "round {round}: {news:?}");
        if broker.connection.lost().is_none() {
            broker.connection.transport().abort_connection();
            broker.settle();
        }
        broker.connection.clear();
    }
    while !broker.connection.is_made() {
        broker.advance(Duration::from_millis(100));
    }
    broker.welcome();
}
