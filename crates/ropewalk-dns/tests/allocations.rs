//! What a server allocates for a question once it has warmed up: nothing.
//!
//! A test program of its own, since it counts what the whole process allocates.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ropewalk_core::{Address, Cx, DatagramProtocol, DatagramTransport, Loop, Protocol, Wait};
use ropewalk_dns::server::{Server, ServerSettings};
use ropewalk_dns::zone::{Authority, Catalogue, read_zone};
use ropewalk_net::{
    NetDriver, SystemResolver, TcpClientEndpoint, TcpServerEndpoint, UdpEndpoint, new_loop,
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const ZONE: &str = "
$TTL 60
@       SOA   ns hostmaster 1 3600 600 86400 30
        NS    ns
        MX    10 ns
ns      A     192.0.2.1
www     CNAME ns
*.wild  A     192.0.2.4
sub     NS    ns.sub
ns.sub  A     192.0.2.5
";

/// Questions of every kind: a name, one that is not there, a wildcard, a delegation, an alias, with EDNS and without.
fn questions() -> Vec<Bytes> {
    let names: [&[u8]; 6] = [
        b"\x02ns\x07example\0\0\x01\0\x01",
        b"\x04none\x07example\0\0\x01\0\x01",
        b"\x01x\x04wild\x07example\0\0\x01\0\x01",
        b"\x01x\x03sub\x07example\0\0\x01\0\x01",
        b"\x03WWW\x07example\0\0\x01\0\x01",
        b"\x07example\0\0\x0F\0\x01",
    ];
    let plain = names.iter().map(|name| [b"\0\x07\0\0\0\x01\0\0\0\0\0\0", *name].concat());
    let edns = names.iter().map(|name| {
        [b"\0\x07\0\0\0\x01\0\0\0\0\0\x01", *name, b"\0\0\x29\x04\xD0\0\0\0\0\0\0"].concat()
    });
    plain.chain(edns).map(Bytes::from).collect()
}

/// Asks the next question when it has an answer.
struct Asker {
    questions: Vec<Bytes>,
    answered: Rc<Cell<usize>>,
}

impl DatagramProtocol for Asker {
    fn datagram_received(&mut self, transport: &DatagramTransport, data: &[u8], _: &Address) {
        assert!(data[2] & 0x80 != 0 && data[3] & 0xF != 2);
        let next = self.answered.get() + 1;
        self.answered.set(next);
        transport.send(self.questions[next % self.questions.len()].clone());
    }
}

/// The same over a connection.
struct StreamAsker {
    questions: Vec<Bytes>,
    answered: Rc<Cell<usize>>,
    heard: BytesMut,
}

impl Protocol for StreamAsker {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        cx.transport().write(&self.questions[0]);
    }

    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        self.heard.extend_from_slice(data);
        let Some(length) = self.heard.first_chunk().map(|length| u16::from_be_bytes(*length))
        else {
            return;
        };
        if self.heard.len() == 2 + usize::from(length) {
            self.heard.clear();
            let next = self.answered.get() + 1;
            self.answered.set(next);
            cx.transport().write(&self.questions[next % self.questions.len()]);
        }
    }
}

fn run_to(main_loop: &Loop, answered: &Cell<usize>, count: usize) {
    while answered.get() < count {
        let soon = main_loop.reactor().now() + Duration::from_secs(60);
        main_loop.turn(Wait::Until(soon)).unwrap().unwrap();
    }
}

fn server() -> Server {
    let include = &mut |_: &str, _: &str| Err(String::new());
    let apex = "example".parse().unwrap();
    let (zone, _) = read_zone(Some(&apex), "", ZONE.as_bytes(), include).unwrap();
    let catalogue = Catalogue::new();
    catalogue.put(Arc::new(zone));
    Server::new(Authority::new(&catalogue), ServerSettings::default())
}

fn ask_by_datagrams(main_loop: &Loop, server: &Server, answered: &Rc<Cell<usize>>) {
    let reactor = main_loop.reactor();
    let socket = reactor.open(&UdpEndpoint::new(([127, 0, 0, 1], 0)), server.datagrams());
    let host = main_loop.run_until(socket).unwrap().host().ip().unwrap();
    for _ in 0..20 {
        let asker = Asker { questions: questions(), answered: answered.clone() };
        let asker = reactor.open(&UdpEndpoint::connected_to(host), asker);
        main_loop.run_until(asker).unwrap().send(questions()[0].clone());
    }
}

fn ask_by_streams(main_loop: &Loop, server: &Server, answered: &Rc<Cell<usize>>) {
    let reactor = main_loop.reactor();
    let port = reactor.listen(&TcpServerEndpoint::new(([127, 0, 0, 1], 0)), server.streams());
    let host = main_loop.run_until(port).unwrap().host().ip().unwrap();
    let framed = |question: &Bytes| {
        let length = u16::try_from(question.len()).unwrap();
        Bytes::from([&length.to_be_bytes(), &question[..]].concat())
    };
    let questions: Vec<Bytes> = questions().iter().map(framed).collect();
    let resolver = Rc::new(SystemResolver::new(reactor));
    let client = TcpClientEndpoint::new(host.ip().to_string(), host.port(), resolver);
    let answered = answered.clone();
    let asker = move || StreamAsker {
        questions: questions.clone(),
        answered: answered.clone(),
        heard: BytesMut::with_capacity(1 << 16),
    };
    drop(main_loop.run_until(reactor.connect(&client, asker)).unwrap());
}

/// Drivers that make no list for each wait, and that work here.
fn frugal_drivers() -> impl Iterator<Item = &'static str> {
    ["epoll", "uring"]
        .into_iter()
        .filter(|name| *name == "epoll" || NetDriver::by_name(name).is_ok())
}

#[test]
fn a_question_allocates_nothing() {
    let _profiler = dhat::Profiler::builder().testing().build();
    for begin in [ask_by_datagrams, ask_by_streams] {
        for name in frugal_drivers() {
            let main_loop = new_loop(Some(name)).unwrap();
            let (answered, server) = (Rc::new(Cell::new(0)), server());
            begin(&main_loop, &server, &answered);
            run_to(&main_loop, &answered, 10_000);
            let before = dhat::HeapStats::get().total_blocks;
            run_to(&main_loop, &answered, 30_000);
            let allocated = dhat::HeapStats::get().total_blocks - before;
            assert_eq!(allocated, 0, "{name}: for 20,000 questions");
        }
    }
}
