//! A recursive resolver and a forwarder whose servers answer with any bytes, behind the id and, if the first byte says
//! so, the question of the query: they neither panic nor hang, and give an answer or a failure.
#![no_main]

use std::cell::Cell;
use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use ropewalk_core::{
    Address, Cx, DatagramProtocol, DatagramTransport, Deferred, Endpoints, FailureKind, Loop,
    Protocol,
};
use ropewalk_dns::base::iana::{Class, Rtype};
use ropewalk_dns::server::{Asked, Find};
use ropewalk_dns::{
    ClientLimits, Dial, Exchanger, Forwarder, NameServer, Question, Random, Recursor,
    RecursorOptions, RootHints, Via,
};
use ropewalk_testing::{MemoryDatagramEndpoint, MemoryDriver, Network, register_internet};

const SERVER: &str = "198.51.100.1:53";

/// Answers, one after the other and then from the first on.
struct Answers {
    pieces: Vec<Vec<u8>>,
    next: Cell<usize>,
}

impl Answers {
    fn new(input: &[u8]) -> Option<Rc<Self>> {
        let (count, bytes) = input.split_first()?;
        let size = bytes.len() / usize::from(count % 8 + 1);
        let pieces: Vec<_> = bytes.chunks(size.max(1)).map(<[u8]>::to_vec).collect();
        (!pieces.is_empty()).then(|| Rc::new(Self { pieces, next: Cell::new(0) }))
    }

    /// What is said to a query.
    fn to(&self, query: &[u8]) -> Vec<u8> {
        let place = self.next.get();
        self.next.set((place + 1) % self.pieces.len());
        let mut piece = self.pieces[place].clone();
        let id = query.get(..2).unwrap_or(&[0, 0]);
        if piece[0] & 1 == 1 || piece.len() < 10 {
            return [id, &piece].concat();
        }
        piece[0] = piece[0] & 0x07 | 0x80;
        (piece[2], piece[3]) = (0, 1);
        [id, &piece[..10], question(query), &piece[10..]].concat()
    }
}

/// The question of a query, in wire form.
fn question(query: &[u8]) -> &[u8] {
    let mut end = 12;
    while let Some(&label) = query.get(end) {
        end += 1 + usize::from(label);
        if label == 0 {
            break;
        }
    }
    query.get(12..end + 4).unwrap_or(&[])
}

struct Datagrams(Rc<Answers>);

impl DatagramProtocol for Datagrams {
    fn datagram_received(&mut self, transport: &DatagramTransport, data: &[u8], from: &Address) {
        transport.send_to(self.0.to(data), from);
    }
}

struct Stream(Rc<Answers>);

impl Protocol for Stream {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        let answer = self.0.to(data.get(2..).unwrap_or(&[]));
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        cx.transport().write(&length.to_be_bytes());
        cx.transport().write(&answer);
    }
}

fn ends<T: 'static>(main_loop: &Loop, asked: Deferred<T>) {
    let panicked = Rc::new(Cell::new(false));
    let noted = panicked.clone();
    let read = asked.add_both(move |result| {
        noted.set(result.is_err_and(|why| why.is(FailureKind::Panic)));
    });
    main_loop.run_until(read).expect("an answer or a failure");
    assert!(!panicked.get());
}

fuzz_target!(|input: &[u8]| {
    let Some(answers) = Answers::new(input) else { return };
    let main_loop = Loop::new(MemoryDriver::new(Network::default()));
    let reactor = main_loop.reactor();
    let socket = MemoryDatagramEndpoint::new(SERVER);
    drop(reactor.open(&socket, Datagrams(answers.clone())));
    let mut endpoints = Endpoints::new();
    register_internet(&mut endpoints);
    let port = endpoints.server("tcp:53:interface=[198.51.100.1]").expect("an endpoint");
    drop(reactor.listen(&port, move || Stream(answers.clone())));
    let dial = Dial::new(endpoints);
    let exchanger =
        Exchanger::with_random(reactor, dial, ClientLimits::default(), Random::from_seed(1));
    let address = SERVER.parse::<std::net::SocketAddr>().expect("an address");
    let options = RecursorOptions { hints: RootHints::at([address.ip()]), ..Default::default() };
    let recursor = Recursor::new(&exchanger, options, Random::from_seed(2));
    let forwarder = Forwarder::new(&exchanger, vec![NameServer::new(address, Via::Udp)]);
    for (name, rtype) in [("a.example", Rtype::A), ("x.y.example", Rtype::MX)] {
        let question = Question::new(name.parse().expect("a name"), rtype, Class::IN);
        ends(&main_loop, recursor.find(&question));
        let asked = Asked { question, dnssec_ok: true, checking_disabled: false };
        ends(&main_loop, forwarder.find(&asked));
    }
});
