//! Connections that break, fall silent, are cut off.

use std::time::Duration;

use ropewalk_core::{ConnectionLimits, FailureKind, Time};
use ropewalk_testing::{Log, Network, Pair, Recorder, Rest};

type Factory = Box<dyn Fn() -> Recorder>;

struct Two {
    server: Log,
    client: Log,
    pair: Pair<Factory, Factory>,
}

/// A connection that has come up over such a network.
fn two(network: Network) -> Two {
    let (server, client) = (Log::default(), Log::default());
    let factory = |log: &Log| -> Factory {
        let log = log.clone();
        Box::new(move || Recorder::new(&log))
    };
    let limits =
        ConnectionLimits { close_timeout: Duration::from_secs(10), ..ConnectionLimits::default() };
    let pair = Pair::with_limits(network, limits, factory(&server), factory(&client));
    pair.run();
    Two { server, client, pair }
}

#[test]
fn a_connection_is_lost_at_a_byte() {
    for at in [0, 1, 2, 999, 1000] {
        let latency = Duration::from_millis(1);
        let Two { server, client, pair } =
            two(Network { lose_at_byte: Some(at), latency, ..Network::default() });
        client.transport().write(&[b'x'; 1000]);
        assert_eq!(pair.run(), Rest::Lost);
        assert_eq!(server.data_len() as u64, at);
        assert_eq!(server.lost_kind(), Some(FailureKind::Peer));
        assert_eq!(client.lost_kind(), Some(FailureKind::Peer));
    }
}

#[test]
fn either_direction_counts_for_itself() {
    let Two { server, client, pair } =
        two(Network { lose_at_byte: Some(100), ..Network::default() });
    client.transport().write(&[b'x'; 99]);
    server.transport().write(&[b'x'; 99]);
    pair.settle();
    assert!(server.lost().is_none() && client.lost().is_none());
    server.transport().write(b"x");
    assert_eq!(pair.run(), Rest::Lost);
    assert_eq!((server.data_len(), client.data_len()), (99, 100));
}

#[test]
fn a_half_open_connection_says_nothing() {
    let Two { server, client, pair } =
        two(Network { half_open_at_byte: Some(10), capacity: 100, ..Network::default() });
    client.transport().write(&[b'x'; 1000]);
    assert_eq!(pair.run(), Rest::Quiet);
    assert_eq!(server.data_len(), 10);
    assert_eq!(client.transport().buffered(), 900, "only as much as there was room for is gone");
    server.transport().write(b"anybody there?");
    assert_eq!(pair.run(), Rest::Quiet);
    assert!(client.data().is_empty() && client.lost().is_none() && server.lost().is_none());
    // Even the end does not get through; who closes waits for the close timeout.
    client.transport().lose_connection();
    let began = pair.now();
    assert_eq!(pair.run(), Rest::Quiet);
    assert_eq!(client.lost_kind(), Some(FailureKind::Timeout));
    assert_eq!(pair.now(), began + Duration::from_secs(10));
    assert!(server.lost().is_none(), "it never learns");
}

#[test]
fn the_network_may_reset_or_silence_one_connection() {
    let Two { server, client, pair } = two(Network::default());
    pair.network().reset(&client.transport());
    assert_eq!(pair.run(), Rest::Lost);
    assert_eq!(server.lost_kind(), Some(FailureKind::Peer));
    assert_eq!(client.lost_kind(), Some(FailureKind::Peer));

    let Two { server, client, pair } = two(Network::default());
    pair.network().silence(&server.transport());
    client.transport().write(b"x");
    client.transport().lose_connection();
    pair.run();
    assert_eq!(client.lost_kind(), Some(FailureKind::ConnectionDone), "the system took it all");
    assert_eq!(server.summary(), "made");
}

#[test]
fn a_partition_delays_everything_until_it_heals() {
    let latency = Duration::from_millis(10);
    let Two { server, client, pair } = two(Network { latency, ..Network::default() });
    client.transport().write(b"before ");
    pair.settle();
    pair.network().partition();
    client.transport().write(b"during ");
    pair.run_for(Duration::from_secs(60));
    assert_eq!(server.data(), b"before ", "what was under way arrives");
    let began = pair.now();
    pair.network().heal();
    client.transport().write(b"after");
    pair.run();
    assert_eq!(server.data(), b"before during after");
    assert!(pair.now() <= began + latency * 3);
}

#[test]
fn connecting_through_a_partition_times_out() {
    let factory = || Recorder::new(&Log::default());
    let pair = Pair::new(factory, factory);
    pair.network().partition(); // The client has knocked; the answer does not get through.
    assert_eq!(pair.run(), Rest::Quiet);
    assert!(pair.client_lost().unwrap().is(FailureKind::Timeout));
    assert!(pair.server_lost().is_none(), "the server never learns");
    assert_eq!(pair.now(), Time::START + Duration::from_secs(30));
}

#[test]
fn a_network_changes_while_it_runs() {
    let Two { server, client, pair } = two(Network { capacity: 10, ..Network::default() });
    server.transport().pause_producing();
    client.transport().write(&[b'x'; 1000]);
    pair.settle();
    assert_eq!(client.transport().buffered(), 990);
    pair.network().change(|network| network.capacity = 500);
    pair.settle();
    assert_eq!(client.transport().buffered(), 500);
    pair.network().change(|network| network.latency = Duration::from_secs(1));
    let began = pair.now();
    client.transport().lose_connection();
    server.transport().resume_producing();
    pair.run();
    assert_eq!(server.data_len(), 1000);
    assert!(pair.now() >= began + Duration::from_secs(1));
    assert_eq!(pair.network().settings().capacity, 500);
}

#[test]
fn bytes_for_an_end_that_is_closed_come_back_as_a_reset() {
    let latency = Duration::from_millis(10);
    let Two { server, client, pair } = two(Network { latency, ..Network::default() });
    server.transport().lose_connection();
    pair.run_for(Duration::from_millis(1));
    assert_eq!(server.lost_kind(), Some(FailureKind::ConnectionDone));
    client.transport().write(b"too late");
    pair.run();
    assert_eq!(client.lost_kind(), Some(FailureKind::ConnectionDone), "the end came first");
}
