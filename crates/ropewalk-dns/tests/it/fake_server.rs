//! A network in memory with servers that answer as the test says.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::{Message, MessageBuilder, StaticCompressor};
use domain::zonefile::inplace::{Entry, Zonefile};
use ropewalk_core::{
    Address, Cx, DatagramProtocol, DatagramTransport, Deferred, Endpoints, Failure, Loop, Protocol,
    Reactor, Transport, Wait, defer_later,
};
use ropewalk_dns::{
    ClientLimits, Dial, Exchanger, Question, Random, ResolvConf, Resolver, ResolverOptions,
};
use ropewalk_framing::{FrameDecoder, LengthPrefixDecoder, PrefixWidth};
use ropewalk_testing::{MemoryDriver, Network, register_internet};

/// A loop with a network in memory.
pub(crate) struct World {
    pub(crate) event_loop: Loop,
}

/// A query that a server has got.
#[derive(Clone)]
pub(crate) struct Query {
    pub(crate) message: Message<Vec<u8>>,
    pub(crate) by_tcp: bool,
    pub(crate) from: Address,
    pub(crate) reply: Reply,
}

/// Where an answer goes.
#[derive(Clone)]
pub(crate) enum Reply {
    Datagram(DatagramTransport, Address),
    Stream(Transport),
}

impl Reply {
    pub(crate) fn send(&self, message: &[u8]) {
        match self {
            Self::Datagram(transport, to) => transport.send_to(message.to_vec(), to),
            Self::Stream(transport) => {
                let length = u16::try_from(message.len()).unwrap();
                transport.write(&length.to_be_bytes());
                transport.write(message);
            }
        }
    }
}

impl Query {
    pub(crate) fn name(&self) -> String {
        self.message.sole_question().unwrap().qname().to_string()
    }

    /// `www.example A`, in small letters.
    pub(crate) fn asked(&self) -> String {
        let question = self.message.sole_question().unwrap();
        format!("{} {}", self.name().to_ascii_lowercase(), question.qtype())
    }

    pub(crate) fn has_edns(&self) -> bool {
        self.message.opt().is_some()
    }

    /// An answer with these records, written as in a zone file, in the answer section.
    pub(crate) fn answer(&self, records: &str) -> Vec<u8> {
        self.answer_with(Rcode::NOERROR, records, "")
    }

    pub(crate) fn answer_with(&self, rcode: Rcode, answers: &str, authorities: &str) -> Vec<u8> {
        let mut answer = MessageBuilder::from_target(StaticCompressor::new(Vec::new()))
            .unwrap()
            .start_answer(&self.message, rcode)
            .unwrap();
        answer.header_mut().set_ra(true);
        for record in records(answers) {
            answer.push(record).unwrap();
        }
        let mut authority = answer.authority();
        for record in records(authorities) {
            authority.push(record).unwrap();
        }
        let mut additional = authority.additional();
        if self.has_edns() {
            let sized = additional.opt(|opt| {
                opt.set_udp_payload_size(1232);
                Ok(())
            });
            sized.unwrap();
        }
        additional.finish().into_target()
    }

    /// Sends that at once.
    pub(crate) fn say(&self, records: &str) {
        self.reply.send(&self.answer(records));
    }

    pub(crate) fn say_with(&self, rcode: Rcode, answers: &str, authorities: &str) {
        self.reply.send(&self.answer_with(rcode, answers, authorities));
    }

    /// An empty answer with the TC bit.
    pub(crate) fn say_truncated(&self) {
        let mut answer = self.answer("");
        answer[2] |= 2;
        self.reply.send(&answer);
    }
}

fn records(text: &str) -> Vec<domain::zonefile::inplace::ScannedRecord> {
    let mut zone = Zonefile::from(format!("{text}\n").as_str());
    zone.set_origin("example.".parse().unwrap());
    zone.set_default_class(Class::IN);
    let mut records = Vec::new();
    while let Some(entry) = zone.next_entry().unwrap() {
        if let Entry::Record(record) = entry {
            records.push(record);
        }
    }
    records
}

/// What a server does with a query.
pub(crate) type Script = Rc<dyn Fn(Query)>;

struct Datagrams(Script);

impl DatagramProtocol for Datagrams {
    fn datagram_received(&mut self, transport: &DatagramTransport, data: &[u8], from: &Address) {
        let reply = Reply::Datagram(transport.clone(), from.clone());
        let message = Message::from_octets(data.to_vec()).unwrap();
        (self.0)(Query { message, by_tcp: false, from: from.clone(), reply });
    }
}

struct Stream(Script, LengthPrefixDecoder);

impl Protocol for Stream {
    fn data_received(&mut self, cx: &mut Cx<'_>, mut data: &[u8]) {
        while let Some(frame) = self.1.next_frame(&mut data).unwrap() {
            let message = Message::from_octets(frame.to_vec()).unwrap();
            let from = cx.transport().peer();
            let reply = Reply::Stream(cx.transport().clone());
            (self.0)(Query { message, by_tcp: true, from, reply });
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_network(Network::default())
    }

    pub(crate) fn with_network(network: Network) -> Self {
        Self { event_loop: Loop::new(MemoryDriver::new(network)) }
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    pub(crate) fn endpoints() -> Endpoints {
        let mut endpoints = Endpoints::new();
        register_internet(&mut endpoints);
        endpoints
    }

    pub(crate) fn dial() -> Dial {
        Dial::new(Self::endpoints())
    }

    pub(crate) fn exchanger(&self) -> Exchanger {
        self.exchanger_with(ClientLimits::default())
    }

    pub(crate) fn exchanger_with(&self, limits: ClientLimits) -> Exchanger {
        Exchanger::with_random(self.reactor(), Self::dial(), limits, Random::from_seed(1))
    }

    /// A resolver that goes by this text of a file.
    pub(crate) fn resolver(&self, conf: &str) -> Resolver {
        self.resolver_with(ResolverOptions {
            conf: ResolvConf::parse(conf),
            ..ResolverOptions::default()
        })
    }

    pub(crate) fn resolver_with(&self, options: ResolverOptions) -> Resolver {
        Resolver::with_random(self.reactor(), Self::dial(), options, Random::from_seed(1))
    }

    /// A server at `ip`, port 53, over UDP and TCP.
    pub(crate) fn serve(&self, ip: &str, script: impl Fn(Query) + 'static) {
        let script: Script = Rc::new(script);
        self.serve_datagrams(&address(ip).to_string(), script.clone());
        self.serve_streams("tcp", 53, ip, script);
    }

    /// A socket of this name; gives its transport.
    pub(crate) fn serve_datagrams(&self, name: &str, script: Script) -> DatagramTransport {
        let endpoint = ropewalk_testing::MemoryDatagramEndpoint::new(name);
        let opened = self.reactor().open(&endpoint, Datagrams(script));
        self.run(opened).unwrap()
    }

    pub(crate) fn serve_streams(&self, word: &str, port: u16, ip: &str, script: Script) {
        let endpoint =
            Self::endpoints().server(&format!("{word}:{port}:interface=[{ip}]")).unwrap();
        let factory = move || {
            let mut decoder = LengthPrefixDecoder::new(PrefixWidth::U16);
            decoder.frame_bytes_max = 65_535;
            Stream(script.clone(), decoder)
        };
        self.run(self.reactor().listen(&endpoint, factory)).unwrap();
    }

    pub(crate) fn run<T: 'static>(&self, deferred: Deferred<T>) -> Result<T, Failure> {
        self.event_loop.run_until(deferred)
    }

    /// Lets so much time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.run(defer_later(self.reactor(), time, || Ok(()))).unwrap();
        for _ in 0..8 {
            self.event_loop.turn(Wait::No).unwrap().unwrap();
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.reactor().now().since(ropewalk_core::Time::START)
    }
}

pub(crate) fn address(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 53)
}

pub(crate) fn question(name: &str, rtype: Rtype) -> Question {
    Question::new(name.parse().unwrap(), rtype, Class::IN)
}

/// The records of an answer section, as in a zone file.
pub(crate) fn shown(message: &Message<Bytes>) -> Vec<String> {
    use domain::rdata::AllRecordData;
    let records = message.answer().unwrap();
    records
        .map(|record| {
            let record = record.unwrap().into_any_record::<AllRecordData<_, _>>().unwrap();
            let (owner, rtype, data) = (record.owner(), record.rtype(), record.data());
            format!("{owner} {rtype} {data}").to_ascii_lowercase()
        })
        .collect()
}

/// A list that a script writes to and the test reads.
#[derive(Clone, Default)]
pub(crate) struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// A script that notes what is asked, and then goes on.
    pub(crate) fn before(&self, script: impl Fn(Query) + 'static) -> impl Fn(Query) + 'static {
        let notes = self.clone();
        move |query| {
            notes.note(query.asked());
            script(query);
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}
