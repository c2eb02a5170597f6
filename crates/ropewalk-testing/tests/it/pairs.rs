//! A client and a server against each other.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Cx, Failure, FailureKind, Protocol, Time};
use ropewalk_testing::{Log, Network, Pair, Recorded, Recorder, Rest, Seed};

/// Asks for numbers, one after the other, and leaves.
struct Asking {
    left: u32,
    answers: Vec<u8>,
}

impl Asking {
    fn new() -> Self {
        Self { left: 3, answers: Vec::new() }
    }
}

impl Protocol for Asking {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        cx.transport().write(b"?");
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        self.answers.extend_from_slice(data);
        self.left -= 1;
        match self.left {
            0 => cx.transport().lose_connection(),
            _ => cx.transport().write(b"?"),
        }
    }
}

#[derive(Default)]
struct Answering(u8);

impl Protocol for Answering {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        for _ in data {
            self.0 += 1;
            cx.transport().write(&[self.0]);
        }
    }
}

#[test]
fn a_pair_runs_until_both_ends_are_lost() {
    let latency = Duration::from_millis(50);
    let network = Network { latency, ..Network::default() };
    let pair = Pair::with_network(network, Answering::default, Asking::new);
    assert!(pair.connected().is_none() && !pair.is_lost());
    assert_eq!(pair.run(), Rest::Lost);
    assert!(pair.connected().unwrap().is_ok());
    // One round trip to connect, three to ask, and the way of the end and back.
    assert_eq!(pair.now(), Time::START + latency * 9);
    assert!(pair.server_lost().unwrap().is(FailureKind::ConnectionDone));
    assert!(pair.client_lost().unwrap().is(FailureKind::ConnectionDone));
}

#[test]
fn its_protocols_can_be_called() {
    let pair = Pair::new(Answering::default, Asking::new);
    pair.settle();
    let answered = pair.server().call(|server, _| server.0);
    let error = answered.into_result().ok().unwrap().unwrap_err();
    assert!(error.is(FailureKind::ConnectionDone), "the conversation is over: {error:?}");

    let log = Log::default();
    let recorder = {
        let log = log.clone();
        move || Recorder::new(&log)
    };
    let pair = Pair::new(Answering::default, recorder);
    pair.settle();
    pair.client_transport().write(b"??");
    pair.settle();
    assert_eq!(log.data(), [1, 2]);
    assert_eq!(pair.server().call(|server, _| server.0).into_result().ok().unwrap().unwrap(), 2);
    assert_eq!(pair.run(), Rest::Quiet);
}

#[test]
fn two_that_wait_for_each_other_are_quiet() {
    let (one, two) = (Log::default(), Log::default());
    let factory = |log: &Log| {
        let log = log.clone();
        move || Recorder::new(&log)
    };
    let pair = Pair::new(factory(&one), factory(&two));
    assert_eq!(pair.run(), Rest::Quiet);
    assert_eq!((one.summary().as_str(), two.summary().as_str()), ("made", "made"));
    drop(pair);
    assert!(one.lost().unwrap().is(FailureKind::Stopped));
}

/// Says its name, waits by a timer, and loses the connection.
struct Timed;

impl Protocol for Timed {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        let transport = cx.transport().clone();
        cx.reactor().call_later(Duration::from_secs(3600), move || transport.lose_connection());
    }
}

#[test]
fn timers_count_as_something_left_to_happen() {
    let pair = Pair::new(|| Timed, || Timed);
    pair.run_for(Duration::from_secs(3599));
    assert!(pair.server_lost().is_none());
    assert_eq!(pair.run(), Rest::Lost);
    assert_eq!(pair.now(), Time::START + Duration::from_secs(3600));
}

/// What happened at both ends of a noisy conversation, and when.
fn story(seed: u64) -> Vec<(Time, Vec<u8>)> {
    let network = Network {
        latency: Duration::from_millis(1),
        jitter: Duration::from_millis(9),
        chunk_size: 7,
        capacity: 40,
        seed: Seed::new(seed),
        ..Network::default()
    };
    let story = Rc::new(RefCell::new(Vec::new()));
    let teller = |story: &Rc<RefCell<Vec<(Time, Vec<u8>)>>>, first: bool| {
        let story = story.clone();
        move || {
            let (story, log) = (story.clone(), Log::default());
            Recorder::new(&log).reacting(move |cx, event| match event {
                Recorded::Made if first => cx.transport().write(&[b'x'; 500]),
                Recorded::Data(data) => {
                    story.borrow_mut().push((cx.now(), data.clone()));
                    if story.borrow().len() < 200 {
                        cx.transport().write(data);
                    }
                }
                _ => {}
            })
        }
    };
    let pair = Pair::with_network(network, teller(&story, false), teller(&story, true));
    assert_eq!(pair.run(), Rest::Quiet);
    drop(pair);
    story.take()
}

#[test]
fn the_same_seed_tells_the_same_story() {
    assert!(story(1) == story(1));
    assert!(story(1) != story(2));
}

#[test]
fn a_server_that_refuses_is_lost_too() {
    struct Refuses;
    impl ropewalk_core::Factory for Refuses {
        type Protocol = Timed;
        fn build_protocol(&self, _: &ropewalk_core::Transport) -> Option<Timed> {
            None
        }
    }
    let log = Log::default();
    let recorder = {
        let log = log.clone();
        move || Recorder::new(&log)
    };
    let pair = Pair::new(Refuses, recorder);
    assert_eq!(pair.run(), Rest::Lost);
    let lost: Failure = pair.client_lost().unwrap();
    assert!(lost.is(FailureKind::Peer), "{lost:?}");
}

#[test]
fn a_pair_that_is_dropped_leaves_nothing() {
    struct Silent;
    impl Protocol for Silent {}
    let kept = Rc::new(());
    let weak = Rc::downgrade(&kept);
    let pair = Pair::new(
        move || {
            let _ = &kept;
            Silent
        },
        || Silent,
    );
    pair.settle();
    drop(pair);
    assert!(weak.upgrade().is_none(), "the server's factory is still there");
}
