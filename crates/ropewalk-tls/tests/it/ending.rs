//! How a TLS connection ends: close_notify, halves, truncation, and what is not TLS any more.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use proptest::prelude::*;
use ropewalk_core::{Cx, FailureKind, Protocol, Transport};
use ropewalk_testing::{Log, MemoryClientEndpoint, MemoryServerEndpoint, Recorder};
use ropewalk_tls::{TlsError, TlsServerEndpoint};

use crate::rig::{Ends, Stage, client, server};

/// Passes on what it hears to the other end of the relay, as `change` makes it.
struct Relay {
    other: Rc<RefCell<Option<Transport>>>,
    mine: Rc<RefCell<Option<Transport>>>,
    early: Vec<u8>,
    change: Rc<dyn Fn(&mut Vec<u8>)>,
}

impl Protocol for Relay {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        self.mine.replace(Some(cx.transport().clone()));
        if let Some(other) = &*self.other.borrow() {
            other.resume_producing();
        } else {
            cx.transport().pause_producing();
        }
    }

    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.early = data.to_vec();
        (self.change)(&mut self.early);
        self.other.borrow().as_ref().unwrap().write(&self.early);
    }

    fn read_connection_lost(&mut self, _: &mut Cx<'_>) {
        self.other.borrow().as_ref().unwrap().lose_write_connection();
    }
}

/// A man in the middle, who changes what the client sends.
struct Between {
    stage: Stage,
    server: Log,
    /// His ends towards the client and towards the server.
    ends: [Rc<RefCell<Option<Transport>>>; 2],
}

impl Between {
    fn new(change: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        let stage = Stage::new();
        let server_log = stage.listen("back", &server());
        let ends: [Rc<RefCell<Option<Transport>>>; 2] = Default::default();
        let (front, back) = (ends[0].clone(), ends[1].clone());
        let change: Rc<dyn Fn(&mut Vec<u8>)> = Rc::new(change);
        let reactor = stage.reactor().clone();
        let listening = stage.reactor().listen(&MemoryServerEndpoint::new("front"), move || {
            let (mine, other, unchanged) = (back.clone(), front.clone(), Rc::new(|_: &mut _| ()));
            let to_server = move || Relay {
                other: other.clone(),
                mine: mine.clone(),
                early: Vec::new(),
                change: unchanged.clone(),
            };
            drop(reactor.connect(&MemoryClientEndpoint::new("back"), to_server));
            let (other, mine, early) = (back.clone(), front.clone(), Vec::new());
            Relay { other, mine, early, change: change.clone() }
        });
        stage.event_loop.run_until(listening).unwrap();
        Self { stage, server: server_log, ends }
    }

    fn connect(&self) -> Ends {
        let (at_client, outcome) = self.stage.dial("front", &client(), "localhost");
        self.stage.settle();
        Ends {
            server: self.server.clone(),
            client: at_client,
            outcome: outcome.get().expect("it has an outcome"),
        }
    }
}

#[test]
fn losing_a_connection_says_goodbye_and_is_no_truncation() {
    for server_loses in [false, true] {
        let stage = Stage::new();
        let ends = stage.connect(&server(), &client()).up();
        let (loser, other) = match server_loses {
            true => (&ends.server, &ends.client),
            false => (&ends.client, &ends.server),
        };
        loser.transport().write(b"last words");
        loser.transport().lose_connection();
        stage.settle();
        assert_eq!((other.data(), other.read_lost()), (b"last words".to_vec(), true));
        let done = Some(FailureKind::ConnectionDone);
        assert_eq!((loser.lost_kind(), other.lost_kind()), (done, done));
    }
}

#[test]
fn a_half_that_is_closed_lets_the_other_go_on() {
    let stage = Stage::new();
    let at_server = Log::default();
    let for_server = at_server.clone();
    stage.listen_with("here", &server(), move || Recorder::new(&for_server).keeping_half());
    let (at_client, _) = stage.dial("here", &client(), "localhost");
    stage.settle();
    at_client.transport().write(b"question");
    at_client.transport().lose_write_connection();
    stage.settle();
    assert!(at_server.read_lost() && at_client.lost().is_none());
    at_server.transport().write(b"answer");
    at_server.transport().lose_connection();
    stage.settle();
    assert_eq!((at_server.data(), at_client.data()), (b"question".to_vec(), b"answer".to_vec()));
    assert!(at_client.lost().unwrap().is(FailureKind::ConnectionDone));
}

#[test]
fn an_end_without_a_goodbye_is_a_truncation() {
    let between = Between::new(|_| ());
    let ends = between.connect().up();
    ends.client.transport().write(b"pay 10");
    between.stage.settle();
    // He ends the connection towards the server, as if the client had.
    between.ends[1].borrow().as_ref().unwrap().lose_write_connection();
    between.stage.settle();
    assert_eq!(ends.server.data(), b"pay 10");
    let failure = ends.server.lost().expect("it is over");
    assert!(matches!(failure.check(), Some(TlsError::Truncated)), "{failure:?}");
    assert!(!ends.server.read_lost(), "no end of the data is told");
}

#[test]
fn a_truncation_after_half_a_close_is_one_too() {
    let between = Between::new(|_| ());
    let ends = between.connect().up();
    ends.client.transport().lose_write_connection();
    between.ends[0].borrow().as_ref().unwrap().lose_write_connection();
    between.stage.settle();
    let failure = ends.client.lost().expect("it is over");
    assert!(matches!(failure.check(), Some(TlsError::Truncated)), "{failure:?}");
}

#[test]
fn a_byte_that_is_changed_on_its_way_ends_the_connection() {
    let content: fn(&mut Vec<u8>) = |bytes| *bytes.last_mut().unwrap() ^= 1;
    let kind: fn(&mut Vec<u8>) = |bytes| bytes[0] = b'G';
    for (change, alert) in
        [(content, "bad_record_mac (alert 20)"), (kind, "decode_error (alert 50)")]
    {
        let harmful = Rc::new(Cell::new(false));
        let armed = harmful.clone();
        let between = Between::new(move |bytes| {
            if armed.get() {
                change(bytes);
            }
        });
        let ends = between.connect().up();
        harmful.set(true);
        ends.client.transport().write(b"pay 10");
        between.stage.settle();
        assert_eq!(ends.server.data(), b"");
        let failure = ends.server.lost().expect("it is over");
        assert!(matches!(failure.check(), Some(TlsError::BadRecord)), "{failure:?}");
        let heard = ends.client.lost().expect("it is over").to_string();
        assert_eq!(heard, format!("the peer refused the TLS connection: {alert}"));
    }
}

/// Changes one byte of the client's side, wherever it is: nothing forged is ever delivered.
#[test]
fn a_change_anywhere_in_the_handshake_harms_nobody_else() {
    for at in (0..2_400_usize).step_by(37) {
        let passed = Cell::new(0);
        let between = Between::new(move |bytes| {
            let before = passed.get();
            passed.set(before + bytes.len());
            if (before..passed.get()).contains(&at) {
                bytes[at - before] ^= 0x55;
            }
        });
        let (at_client, outcome) = between.stage.dial("front", &client(), "localhost");
        between.stage.pass(std::time::Duration::from_secs(11));
        assert!(outcome.get().is_some(), "byte {at}: it ends or it is up");
        if at_client.is_made() && at_client.lost().is_none() {
            at_client.transport().write(b"hello");
            between.stage.settle();
        }
        assert!(b"hello".starts_with(&between.server.data()[..]), "byte {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn garbage_never_panics(pieces in prop::collection::vec(
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            // What looks like a record, of any type, with any content.
            (20_u8..25, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(kind, body)| {
                let len = u16::try_from(body.len()).unwrap().to_be_bytes();
                [&[kind, 3, 3, len[0], len[1]][..], &body].concat()
            }),
        ],
        1..6,
    )) {
        let stage = Stage::new();
        let endpoint = TlsServerEndpoint::new(MemoryServerEndpoint::new("here"), &server());
        let log = Log::default();
        let for_server = log.clone();
        let listening = stage.reactor().listen(&endpoint, move || Recorder::new(&for_server));
        let port = stage.event_loop.run_until(listening).unwrap();
        let lines = crate::rig::logged(|| {
            let plain = stage.dial_plain("here");
            let transport = plain.transport();
            for piece in &pieces {
                transport.write(piece);
                stage.event_loop.turn(ropewalk_core::Wait::No).unwrap().unwrap();
            }
            stage.pass(std::time::Duration::from_secs(11));
            assert!(plain.lost().is_some());
        });
        prop_assert!(!log.is_made() && port.live() == 0);
        prop_assert!(lines.iter().all(|line| !line.contains("panic")), "{lines:?}");
    }
}
