//! [`check_datagrams`]: what a [`DatagramProtocol`] may rely on, over every driver and every kind of datagram socket.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use ropewalk_core::{
    Address, DatagramEndpoint, DatagramProtocol, DatagramTransport, Failure, FailureKind, Loop,
};

use super::runner::Runner;
use super::suite::{Case, quiet_panic, run_all};

/// A loop over the driver to be checked, and datagram sockets to open on it. Made afresh for each case.
pub struct DatagramSetup {
    /// The loop, over the driver. Its network loses nothing and doubles nothing.
    pub event_loop: Loop,
    /// A socket with an address of its own, that nobody else has.
    pub bound: Box<dyn Fn() -> Rc<dyn DatagramEndpoint>>,
    /// The same, connected to that address.
    pub connected: Box<dyn Fn(&Address) -> Rc<dyn DatagramEndpoint>>,
}

/// Checks what datagram protocols and transports promise, over the sockets of a [`DatagramSetup`].
///
/// # Panics
/// If a case fails, with the names of all that did.
pub fn check_datagrams(make: impl Fn() -> DatagramSetup) {
    let cases = [
        Case::of(a_datagram_comes_whole_and_with_its_sender),
        Case::of(many_datagrams_of_one_turn_keep_their_bounds),
        Case::of(an_answer_goes_to_who_asked),
        Case::of(a_connected_socket_needs_no_address),
        Case::of(a_connected_socket_hears_that_nobody_is_there_and_lives_on),
        Case::of(a_send_to_nobody_costs_nothing_else),
        Case::of(a_socket_may_send_as_soon_as_it_is_started),
        Case::of(what_was_sent_leaves_before_the_socket_is_closed),
        Case::of(nothing_comes_after_the_socket_was_stopped),
        Case::of(a_full_queue_drops_and_counts),
        Case::of(a_panic_closes_its_socket_and_no_other),
        Case::of(a_loop_that_is_dropped_stops_its_sockets),
    ];
    run_all("check_datagrams", &cases, || {
        let DatagramSetup { event_loop, bound, connected } = make();
        Bench { runner: Runner { event_loop }, bound, connected }
    });
}

struct Bench {
    runner: Runner,
    bound: Box<dyn Fn() -> Rc<dyn DatagramEndpoint>>,
    connected: Box<dyn Fn(&Address) -> Rc<dyn DatagramEndpoint>>,
}

impl Deref for Bench {
    type Target = Runner;

    fn deref(&self) -> &Runner {
        &self.runner
    }
}

impl Bench {
    /// A socket, and what it hears.
    #[track_caller]
    fn open(&self) -> (DatagramTransport, Mail) {
        self.open_for(|_, _, _| {})
    }

    /// One that does this with each datagram.
    #[track_caller]
    fn open_for(
        &self,
        reaction: impl FnMut(&DatagramTransport, &[u8], &Address) + 'static,
    ) -> (DatagramTransport, Mail) {
        self.open_at(&*(self.bound)(), reaction)
    }

    #[track_caller]
    fn connect(&self, to: &Address) -> (DatagramTransport, Mail) {
        self.open_at(&*(self.connected)(to), |_, _, _| {})
    }

    #[track_caller]
    fn open_at(
        &self,
        endpoint: &dyn DatagramEndpoint,
        reaction: impl FnMut(&DatagramTransport, &[u8], &Address) + 'static,
    ) -> (DatagramTransport, Mail) {
        let mail = Mail::default();
        let clerk = Clerk { mail: mail.clone(), reaction: Box::new(reaction) };
        let opened = endpoint.open(self.reactor(), Box::new(clerk));
        (self.wait_for(opened).expect("the suite can open sockets"), mail)
    }
}

/// What a socket hears. All clones are the same.
#[derive(Clone, Default)]
struct Mail(Rc<RefCell<Heard>>);

#[derive(Default)]
struct Heard {
    received: Vec<(Vec<u8>, Address)>,
    failures: Vec<Failure>,
    stopped: Vec<Failure>,
}

impl Mail {
    fn received(&self) -> Vec<Vec<u8>> {
        self.0.borrow().received.iter().map(|(data, _)| data.clone()).collect()
    }

    fn senders(&self) -> Vec<Address> {
        self.0.borrow().received.iter().map(|(_, from)| from.clone()).collect()
    }

    fn failures(&self) -> usize {
        self.0.borrow().failures.len()
    }

    fn stopped(&self) -> Vec<FailureKind> {
        self.0.borrow().stopped.iter().map(Failure::kind).collect()
    }
}

/// Keeps the mail.
struct Clerk {
    mail: Mail,
    reaction: Box<dyn FnMut(&DatagramTransport, &[u8], &Address)>,
}

impl DatagramProtocol for Clerk {
    fn datagram_received(&mut self, transport: &DatagramTransport, data: &[u8], from: &Address) {
        self.mail.0.borrow_mut().received.push((data.to_vec(), from.clone()));
        (self.reaction)(transport, data, from);
    }

    fn send_failed(&mut self, _: &DatagramTransport, failure: Failure) {
        self.mail.0.borrow_mut().failures.push(failure);
    }

    fn stopped(&mut self, reason: Failure) {
        self.mail.0.borrow_mut().stopped.push(reason);
    }
}

fn a_datagram_comes_whole_and_with_its_sender(bench: Bench) {
    let (one, _) = bench.open();
    let (other, mail) = bench.open();
    one.send_to(&b"hello"[..], &other.host());
    bench.until("the datagram", || mail.received() == [b"hello"]);
    one.send_to(&b""[..], &other.host());
    bench.until("an empty one", || mail.received() == [&b"hello"[..], b""]);
    assert_eq!(mail.senders(), [one.host(), one.host()]);
}

fn many_datagrams_of_one_turn_keep_their_bounds(bench: Bench) {
    let (one, _) = bench.open();
    let (other, mail) = bench.open();
    let sent: Vec<Vec<u8>> = (0..100).map(|number| vec![b'x'; number * 10]).collect();
    // In pieces, since a receiver's queue may be short: a full one would lose some.
    for (round, some) in sent.chunks(5).enumerate() {
        some.iter().for_each(|data| one.send_to(data.clone(), &other.host()));
        bench.until("these", || mail.received().len() == (round + 1) * 5);
    }
    let mut received = mail.received();
    received.sort_by_key(Vec::len);
    assert_eq!(received, sent);
    assert_eq!(one.dropped(), 0);
}

fn an_answer_goes_to_who_asked(bench: Bench) {
    let (server, _) = bench.open_for(|transport, data, from| {
        transport.send_to([b"you said ", data].concat(), from);
    });
    let (one, ones) = bench.open();
    let (other, others) = bench.open();
    one.send_to(&b"one"[..], &server.host());
    other.send_to(&b"other"[..], &server.host());
    bench.until("both answers", || ones.received().len() + others.received().len() == 2);
    assert_eq!(
        (ones.received(), others.received()),
        (vec![b"you said one".to_vec()], vec![b"you said other".to_vec()])
    );
    assert_eq!(ones.senders(), [server.host()]);
}

fn a_connected_socket_needs_no_address(bench: Bench) {
    let (server, mail) =
        bench.open_for(|transport, data, from| transport.send_to(data.to_vec(), from));
    let (client, answers) = bench.connect(&server.host());
    assert_eq!((client.peer(), server.peer()), (Some(server.host()), None));
    client.send(&b"ping"[..]);
    bench.until("the echo", || answers.received() == [b"ping"]);
    assert_eq!(mail.senders(), [client.host()]);
}

fn a_connected_socket_hears_that_nobody_is_there_and_lives_on(bench: Bench) {
    let (server, _) = bench.open();
    let (client, mail) = bench.connect(&server.host());
    bench.wait_for(server.stop_listening()).expect("it stops");
    // More than once: another process may have inherited the socket for a moment.
    for _ in 0..100 {
        client.send(&b"anybody?"[..]);
        bench.idle();
        if mail.failures() > 0 {
            break;
        }
    }
    assert!(mail.failures() > 0, "nobody is there, and it does not hear of it");
    assert_eq!(mail.0.borrow().failures[0].kind(), FailureKind::Peer);
    assert!(mail.stopped().is_empty());
}

fn a_send_to_nobody_costs_nothing_else(bench: Bench) {
    let (gone, _) = bench.open();
    let nobody = gone.host();
    bench.wait_for(gone.stop_listening()).expect("it stops");
    let (one, mail) = bench.open();
    one.send_to(&b"anybody?"[..], &nobody);
    one.send_to(&b"me"[..], &one.host());
    bench.until("what was sent to itself", || mail.received() == [b"me"]);
    assert!(mail.stopped().is_empty());
}

fn a_socket_may_send_as_soon_as_it_is_started(bench: Bench) {
    /// Says hello to somebody.
    struct Eager(Address);
    impl DatagramProtocol for Eager {
        fn started(&mut self, transport: &DatagramTransport) {
            transport.send_to(&b"hello"[..], &self.0);
        }
        fn datagram_received(&mut self, _: &DatagramTransport, _: &[u8], _: &Address) {}
    }
    let (server, mail) = bench.open();
    let opened = (bench.bound)().open(bench.reactor(), Box::new(Eager(server.host())));
    let eager = bench.wait_for(opened).expect("it opens");
    bench.until("its word", || mail.received() == [b"hello"]);
    assert_eq!(mail.senders(), [eager.host()]);
}

fn what_was_sent_leaves_before_the_socket_is_closed(bench: Bench) {
    let (server, mail) = bench.open();
    let (client, own) = bench.open();
    (0..5).for_each(|_| client.send_to(&b"last words"[..], &server.host()));
    let stopped = client.stop_listening();
    bench.until("all of it", || mail.received().len() == 5);
    bench.wait_for(stopped).expect("it stops");
    assert_eq!(own.stopped(), [FailureKind::ConnectionDone]);
    bench.wait_for(client.stop_listening()).expect("once more is no harm");
    assert_eq!(own.stopped(), [FailureKind::ConnectionDone]);
}

fn nothing_comes_after_the_socket_was_stopped(bench: Bench) {
    let (server, mail) = bench.open_for(|transport, _, _| drop(transport.stop_listening()));
    let (client, _) = bench.open();
    (0..5).for_each(|_| client.send_to(&b"stop"[..], &server.host()));
    bench.until("it to stop", || !mail.stopped().is_empty());
    client.send_to(&b"late"[..], &server.host());
    bench.idle();
    assert_eq!((mail.received().len(), mail.stopped()), (1, vec![FailureKind::ConnectionDone]));
}

fn a_full_queue_drops_and_counts(bench: Bench) {
    let (server, _) = bench.open();
    let (client, mail) = bench.open();
    let mut sent = 0;
    while client.dropped() == 0 {
        assert!(sent < 1 << 20, "{sent} datagrams wait: there is no limit");
        client.send_to(&b"x"[..], &server.host());
        sent += 1;
    }
    client.send_to(&b"x"[..], &server.host());
    assert_eq!(client.dropped(), 2);
    bench.idle();
    assert!(mail.stopped().is_empty());
}

fn a_panic_closes_its_socket_and_no_other(bench: Bench) {
    let (fragile, broken) = bench.open_for(|_, _, _| quiet_panic());
    let (one, mail) = bench.open();
    one.send_to(&b"boo"[..], &fragile.host());
    bench.until("it to stop", || broken.stopped() == [FailureKind::Panic]);
    one.send_to(&b"me"[..], &one.host());
    bench.until("another to go on", || mail.received() == [b"me"]);
    assert!(mail.stopped().is_empty());
}

fn a_loop_that_is_dropped_stops_its_sockets(bench: Bench) {
    let (transport, mail) = bench.open();
    drop(bench);
    assert_eq!(mail.stopped(), [FailureKind::Stopped]);
    transport.send_to(&b"into the void"[..], &Address::Unnamed);
    assert_eq!(mail.stopped(), [FailureKind::Stopped]);
}
