//! The handshake: what is negotiated, who learns it when, how long it may take, what comes in its way.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Factory, FailureKind, Transport};
use ropewalk_testing::{Log, Network, Recorder};
use ropewalk_tls::{
    ClientCertificates, ClientOptions, Negotiated, ServerOptions, TlsClient, TlsError, TlsServer,
    TlsVersion, negotiated,
};

use crate::rig::{AUTHORITY, Ends, Stage, client, client_options, logged, server, server_options};

fn at_server(ends: &Ends) -> Rc<Negotiated> {
    negotiated(&ends.server.transport()).expect("it is up")
}

fn at_client(ends: &Ends) -> Rc<Negotiated> {
    negotiated(&ends.client.transport()).expect("it is up")
}

fn speaking(server: &[&[u8]], client: &[&[u8]]) -> (TlsServer, TlsClient) {
    let list = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect();
    let server = TlsServer::new(ServerOptions { alpn: list(server), ..server_options() });
    let client = TlsClient::new(&ClientOptions { alpn: list(client), ..client_options() });
    (server.unwrap(), client.unwrap())
}

#[test]
fn both_sides_know_what_was_negotiated() {
    let (server, client) = speaking(&[b"h2", b"http/1.1"], &[b"http/1.1", b"h2"]);
    let stage = Stage::new();
    let ends = stage.connect(&server, &client).up();
    let (server, client) = (at_server(&ends), at_client(&ends));
    assert_eq!(server.alpn.as_deref(), Some(&b"h2"[..]), "the server's first choice");
    assert_eq!(server.version, TlsVersion::Tls13);
    assert!(server.cipher_suite.starts_with("TLS13_"), "{}", server.cipher_suite);
    assert_eq!(server.server_name.as_deref(), Some("localhost"));
    assert_eq!((&server.peer_certificate, server.resumed), (&None, false));
    let certificate = client.peer_certificate.as_ref().expect("a server has one");
    assert_eq!(certificate.dns_names(), ["localhost"]);
    let mut same = (*client).clone();
    same.peer_certificate = None;
    assert_eq!(same, *server, "they agree on all the rest");
}

#[test]
fn who_offers_no_application_protocol_gets_none() {
    for (here, there) in [(&[&b"h2"[..]][..], &[][..]), (&[], &[&b"h2"[..]])] {
        let (server, client) = speaking(here, there);
        let stage = Stage::new();
        let ends = stage.connect(&server, &client).up();
        assert_eq!((at_server(&ends).alpn.clone(), at_client(&ends).alpn.clone()), (None, None));
    }
}

#[test]
fn without_an_application_protocol_in_common_there_is_no_connection() {
    let (server, client) = speaking(&[b"h2"], &[b"imap"]);
    let said = "the two sides have no application protocol (ALPN) in common";
    let log = logged(|| {
        let why = Stage::new().connect(&server, &client).why();
        assert!(why.ends_with(said), "{why}");
    });
    assert!(log.len() == 1 && log[0].ends_with(said), "{log:?}");
}

#[test]
fn a_factory_is_asked_when_the_handshake_is_done() {
    struct Looks(Log);
    impl Factory for Looks {
        type Protocol = Recorder;
        fn build_protocol(&self, transport: &Transport) -> Option<Recorder> {
            let negotiated = negotiated(transport).expect("it is done");
            (negotiated.server_name.as_deref() == Some("localhost")).then(|| Recorder::new(&self.0))
        }
    }
    let (stage, log) = (Stage::new(), Log::default());
    stage.listen_with("here", &server(), Looks(log.clone()));
    let (_, by_address) = stage.dial("here", &client(), "127.0.0.1");
    stage.settle();
    assert!(by_address.get().unwrap().is_ok() && !log.is_made(), "the factory refuses it");
    let (_, by_name) = stage.dial("here", &client(), "localhost");
    stage.settle();
    assert!(by_name.get().unwrap().is_ok() && log.is_made());
}

#[test]
fn the_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let identity = |names| AUTHORITY.server(names);
    let identities = vec![
        identity(&["first.example"]),
        identity(&["second.example", "Third.Example"]),
        identity(&["*.wild.example"]),
        identity(&["one.wild.example"]),
    ];
    let server = TlsServer::new(ServerOptions { identities, ..ServerOptions::default() }).unwrap();
    for (name, shown) in [
        ("second.example", "second.example"),
        ("THIRD.example", "second.example"),
        ("two.wild.example", "*.wild.example"),
        ("one.wild.example", "one.wild.example"),
    ] {
        let stage = Stage::new();
        let ends = stage.connect_as(&server, &client(), name).up();
        let certificate = at_client(&ends).peer_certificate.clone().unwrap();
        assert_eq!(certificate.dns_names()[0], shown, "for {name}");
        let asked = at_server(&ends).server_name.clone().unwrap();
        assert!(asked.eq_ignore_ascii_case(name), "{asked}");
    }
    let why = Stage::new().connect_as(&server, &client(), "a.b.wild.example").why();
    assert!(why.ends_with("is not for a.b.wild.example, but for first.example"), "{why}");
}

#[test]
fn a_client_shows_its_certificate_and_the_protocol_sees_it() {
    for asked in [ClientCertificates::Optional, ClientCertificates::Required] {
        let client_certificates = asked(AUTHORITY.trust());
        let server = ServerOptions { client_certificates, ..server_options() };
        let server = TlsServer::new(server).unwrap();
        let identity = Some(AUTHORITY.client("somebody.example"));
        let knows = TlsClient::new(&ClientOptions { identity, ..client_options() }).unwrap();
        let stage = Stage::new();
        let ends = stage.connect(&server, &knows).up();
        let certificate = at_server(&ends).peer_certificate.clone().expect("it was shown");
        assert_eq!(certificate.dns_names(), ["somebody.example"]);
    }
    let client_certificates = ClientCertificates::Optional(AUTHORITY.trust());
    let server = ServerOptions { client_certificates, ..server_options() };
    let stage = Stage::new();
    let ends = stage.connect(&TlsServer::new(server).unwrap(), &client()).up();
    assert_eq!(at_server(&ends).peer_certificate, None);
}

#[test]
fn the_second_connection_resumes_the_session_of_the_first() {
    let client_certificates = ClientCertificates::Optional(AUTHORITY.trust());
    let server = ServerOptions { client_certificates, ..server_options() };
    let identity = Some(AUTHORITY.client("somebody.example"));
    let client = TlsClient::new(&ClientOptions { identity, ..client_options() }).unwrap();
    let (server, stage) = (TlsServer::new(server).unwrap(), Stage::new());
    let resumed: Vec<_> = (0..4)
        .map(|_| {
            let ends = stage.connect(&server, &client).up();
            let seen = at_server(&ends);
            assert!(seen.peer_certificate.is_some(), "the session remembers the client");
            (seen.resumed, at_client(&ends).resumed)
        })
        .collect();
    assert_eq!(resumed, [(false, false), (true, true), (true, true), (true, true)]);
    let stranger = stage.connect(&server, &crate::rig::client()).up();
    assert!(!at_server(&stranger).resumed);
}

#[test]
fn a_silent_peer_is_given_up_when_the_handshake_has_taken_too_long() {
    let stage = Stage::new();
    let at_server = stage.listen("here", &server());
    let log = logged(|| {
        let silent = stage.dial_plain("here");
        stage.pass(Duration::from_millis(9_900));
        assert!(silent.lost().is_none());
        stage.pass(Duration::from_millis(200));
        assert!(silent.lost().is_some());
    });
    let said = "the TLS handshake took longer than 10s (handshake_timeout)";
    assert!(log.len() == 1 && log[0].ends_with(said), "{log:?}");
    assert!(!at_server.is_made());
}

#[test]
fn a_peer_that_sends_a_byte_now_and_then_gains_no_time() {
    let stage = Stage::new();
    stage.listen("here", &server());
    let slow = stage.dial_plain("here");
    let hello = [22, 3, 1, 2, 0, 1];
    for byte in hello {
        slow.transport().write(&[byte]);
        stage.pass(Duration::from_millis(1_600));
    }
    assert!(slow.lost().is_none());
    stage.pass(Duration::from_secs(1));
    assert!(slow.lost().is_some());
}

#[test]
fn a_client_gives_up_a_silent_server() {
    let stage = Stage::new();
    let log = Log::default();
    let listening = {
        let log = log.clone();
        let endpoint = ropewalk_testing::MemoryServerEndpoint::new("here");
        stage.reactor().listen(&endpoint, move || Recorder::new(&log))
    };
    stage.event_loop.run_until(listening).unwrap();
    let options = ClientOptions { handshake_timeout: Duration::from_secs(3), ..client_options() };
    let (at_client, outcome) = stage.dial("here", &TlsClient::new(&options).unwrap(), "localhost");
    stage.pass(Duration::from_millis(2_900));
    assert!(outcome.get().is_none());
    stage.pass(Duration::from_millis(200));
    let failure = outcome.get().unwrap().unwrap_err();
    assert!(failure.is(FailureKind::Timeout), "{failure:?}");
    assert!(failure.to_string().ends_with("took longer than 3s (handshake_timeout)"));
    assert!(!at_client.is_made());
    assert!(log.data_len() > 100, "the server has heard a ClientHello");
}

#[test]
fn a_peer_that_speaks_something_else_is_told_so_at_once() {
    for speaks in [&b"GET / HTTP/1.1\r\n"[..], b"EHLO me\r\n", b"\0\0\0\0\0\0", b"SSH-2.0-x\r\n"] {
        let stage = Stage::new();
        stage.listen("here", &server());
        let log = logged(|| {
            let plain = stage.dial_plain("here");
            plain.transport().write(speaks);
            stage.settle();
            assert!(plain.read_lost(), "it is over");
            assert_eq!(plain.data().first(), Some(&21), "an alert");
        });
        assert!(log.len() == 1 && log[0].ends_with("the peer does not speak TLS"), "{log:?}");
    }
}

#[test]
fn a_client_of_a_plain_server_says_so() {
    let stage = Stage::new();
    let log = Log::default();
    let greeting = move || {
        Recorder::new(&log).reacting(|cx, event| {
            if let ropewalk_testing::Recorded::Made = event {
                cx.transport().write(b"220 mail.example\r\n");
            }
        })
    };
    let endpoint = ropewalk_testing::MemoryServerEndpoint::new("here");
    let listening = stage.reactor().listen(&endpoint, greeting);
    stage.event_loop.run_until(listening).unwrap();
    let (_, outcome) = stage.dial("here", &client(), "localhost");
    stage.settle();
    let failure = outcome.get().unwrap().unwrap_err();
    assert!(matches!(failure.check(), Some(TlsError::NotTls)), "{failure}");
}

#[test]
fn a_peer_that_leaves_in_the_middle_is_told_from_one_that_refuses() {
    let stage = Stage::new();
    stage.listen("here", &server());
    let log = logged(|| {
        let plain = stage.dial_plain("here");
        plain.transport().write(&[22, 3, 1]);
        plain.transport().lose_connection();
        stage.settle();
    });
    let said = "the peer ended the connection in the middle of the TLS handshake";
    assert!(log.len() == 1 && log[0].ends_with(said), "{log:?}");
}

#[test]
fn handshakes_under_way_have_a_limit() {
    let options = ServerOptions { handshakes_max: 2, ..server_options() };
    let (server, stage) = (TlsServer::new(options).unwrap(), Stage::new());
    stage.listen("here", &server);
    let waiting = [stage.dial_plain("here"), stage.dial_plain("here")];
    let refused = stage.dial_plain("here");
    stage.settle();
    assert!(refused.lost().is_some());
    assert!(waiting.iter().all(|log| log.lost().is_none()));
    waiting[0].transport().lose_connection();
    stage.settle();
    for _ in 0..5 {
        let (_, outcome) = stage.dial("here", &client(), "localhost");
        stage.settle();
        assert!(outcome.get().unwrap().is_ok(), "those that are up do not count");
    }
}

#[test]
fn a_handshake_message_in_tiny_records_costs_bounded_memory() {
    let stage = Stage::new();
    stage.listen("here", &server());
    let log = logged(|| {
        let plain = stage.dial_plain("here");
        // A ClientHello of 65,000 bytes, a byte in each record.
        let header = [1_u8, 0, 0xfd, 0xe8];
        for at in 0..20_000 {
            let byte = header.get(at).copied().unwrap_or(0);
            plain.transport().write(&[22, 3, 1, 0, 1, byte]);
        }
        stage.settle();
        assert!(plain.lost().is_some());
    });
    assert!(log.len() == 1 && log[0].ends_with("(UNFINISHED_BYTES_MAX)"), "{log:?}");
}

#[test]
fn everything_may_come_a_byte_at_a_time() {
    let stage = Stage::over(Network { chunk_size: 1, ..Network::default() });
    let ends = stage.connect(&server(), &client()).up();
    ends.client.transport().write(&[b'x'; 3_000]);
    ends.server.transport().write(&[b'y'; 3_000]);
    stage.settle();
    assert!(ends.server.data() == [b'x'; 3_000] && ends.client.data() == [b'y'; 3_000]);
}

#[test]
fn what_is_written_before_the_handshake_is_done_waits_for_it() {
    let stage = Stage::over(Network { latency: Duration::from_millis(50), ..Network::default() });
    let at_server = stage.listen("here", &server());
    let plain = stage.dial_plain("here");
    client().start(&plain.transport(), "localhost", Vec::new());
    plain.transport().write(b"early");
    assert_eq!(plain.transport().buffered(), 5);
    stage.settle();
    assert_eq!((at_server.data(), plain.transport().buffered()), (b"early".to_vec(), 0));
}
