//! [`Rig`]: a server on a network in memory, and somebody who asks it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::{OptRcode, Rcode, Rtype};
use domain::base::{Message, MessageBuilder, Name};
use domain::rdata::AllRecordData;
use ropewalk_core::{
    Address, Cx, DatagramProtocol, DatagramTransport, Failure, Loop, Protocol, Transport, Wait,
};
use ropewalk_dns::server::{Responder, Server, ServerSettings};
use ropewalk_testing::{
    MemoryClientEndpoint, MemoryDatagramEndpoint, MemoryDriver, MemoryServerEndpoint, Network,
};

/// A server called `dns`, and an asker.
pub(crate) struct Rig {
    pub(crate) main_loop: Loop,
    pub(crate) server: Server,
    asker: DatagramTransport,
    heard: Heard,
}

/// What somebody heard.
pub(crate) type Heard = Rc<RefCell<Vec<Vec<u8>>>>;

struct Ear(Heard);

impl DatagramProtocol for Ear {
    fn datagram_received(&mut self, _: &DatagramTransport, data: &[u8], _: &Address) {
        self.0.borrow_mut().push(data.to_vec());
    }
}

impl Rig {
    pub(crate) fn new(responder: impl Responder) -> Self {
        Self::with_settings(responder, ServerSettings::default())
    }

    pub(crate) fn with_settings(responder: impl Responder, settings: ServerSettings) -> Self {
        let main_loop = Loop::new(MemoryDriver::new(Network::default()));
        let (reactor, heard) = (main_loop.reactor(), Heard::default());
        let server = Server::new(responder, settings);
        let socket = reactor.open(&MemoryDatagramEndpoint::new("dns"), server.datagrams());
        main_loop.run_until(socket).unwrap();
        let port = reactor.listen(&MemoryServerEndpoint::new("dns"), server.streams());
        main_loop.run_until(port).unwrap();
        let ear = Ear(heard.clone());
        let asker = reactor.open(&MemoryDatagramEndpoint::connected_to("dns"), ear);
        let asker = main_loop.run_until(asker).unwrap();
        Self { main_loop, server, asker, heard }
    }

    /// Runs for so long.
    pub(crate) fn run_for(&self, time: Duration) {
        let end = self.main_loop.reactor().now() + time;
        while self.main_loop.reactor().now() < end {
            self.main_loop.turn(Wait::Until(end)).unwrap().unwrap();
        }
    }

    /// Sends a datagram; gives what came back within a second.
    pub(crate) fn send(&self, message: &[u8]) -> Vec<Vec<u8>> {
        self.asker.send(message.to_vec());
        self.run_for(Duration::from_secs(1));
        self.heard.take()
    }

    /// Sends datagrams; gives what came back within a second.
    pub(crate) fn send_all<'m>(&self, messages: impl Iterator<Item = &'m Vec<u8>>) -> Vec<Vec<u8>> {
        messages.for_each(|message| self.asker.send(message.clone()));
        self.run_for(Duration::from_secs(1));
        self.heard.take()
    }

    /// Asks; gives the one answer.
    pub(crate) fn ask(&self, message: &[u8]) -> Message<Bytes> {
        let mut heard = self.send(message);
        assert_eq!(heard.len(), 1, "one answer to one question");
        Message::from_octets(heard.remove(0).into()).expect("it has a header")
    }

    /// Asks; gives the answer as text: see [`shown`].
    pub(crate) fn answer(&self, question: &str) -> String {
        shown(&self.ask(&query(question)))
    }

    /// Opens a connection; gives it and what is heard on it, as frames.
    pub(crate) fn connect(&self) -> (Transport, Heard) {
        let heard = Heard::default();
        let ear = heard.clone();
        let factory = move || StreamEar(ear.clone(), Vec::new());
        let client = MemoryClientEndpoint::new("dns");
        let connected = self.main_loop.reactor().connect(&client, factory);
        let connected = self.main_loop.run_until(connected).unwrap();
        (connected.transport().unwrap(), heard)
    }
}

struct StreamEar(Heard, Vec<u8>);

impl Protocol for StreamEar {
    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        self.1.extend_from_slice(data);
        while let Some((frame, rest)) = split_frame(&self.1) {
            self.0.borrow_mut().push(frame);
            self.1 = rest;
        }
    }

    fn connection_lost(&mut self, _: &mut Cx<'_>, _: Failure) {
        // What ends a list of frames is an empty one.
        self.0.borrow_mut().push(Vec::new());
    }
}

fn split_frame(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (length, rest) = bytes.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (frame, rest) = rest.split_at_checked(length)?;
    Some((frame.to_vec(), rest.to_vec()))
}

/// A message with its length before it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes(), message].concat()
}

/// A query from `name type [+do] [+edns=SIZE] [+id=ID]`.
pub(crate) fn query(text: &str) -> Vec<u8> {
    let mut words = text.split_whitespace();
    let name: Name<Vec<u8>> = words.next().unwrap().parse().unwrap();
    let rtype: Rtype = words.next().unwrap().parse().unwrap();
    let (mut dnssec_ok, mut size, mut id) = (false, None, 7);
    for word in words {
        match word.split_once('=') {
            None if word == "+do" => (dnssec_ok, size) = (true, size.or(Some(4096))),
            Some(("+edns", bytes)) => size = Some(bytes.parse().unwrap()),
            Some(("+id", number)) => id = number.parse().unwrap(),
            _ => panic!("{word} is unknown"),
        }
    }
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(id);
    let mut builder = builder.question();
    builder.push((name, rtype)).unwrap();
    let mut builder = builder.additional();
    if let Some(size) = size {
        let opt = builder.opt(|opt| {
            opt.set_dnssec_ok(dnssec_ok);
            opt.set_udp_payload_size(size);
            Ok(())
        });
        opt.unwrap();
    }
    builder.finish()
}

/// The whole code of an answer, of header and OPT.
pub(crate) fn rcode(message: &Message<Bytes>) -> OptRcode {
    message.opt_rcode()
}

/// An answer as text: the code, the flags that are set, and the records of each section, each in order of the text.
///
/// `NOERROR aa; www.example. 60 A 192.0.2.1 | | `
pub(crate) fn shown(message: &Message<Bytes>) -> String {
    let header = message.header();
    assert!(header.qr(), "an answer says that it is one");
    let flags = [(header.aa(), " aa"), (header.tc(), " tc"), (header.ra(), " ra")];
    let flags: String = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
    let sections = [
        records(message.answer().unwrap()),
        records(message.authority().unwrap()),
        records(message.additional().unwrap()),
    ];
    let rcode = match rcode(message) {
        code if code == OptRcode::from(Rcode::NOERROR) => "NOERROR".to_owned(),
        code => code.to_string(),
    };
    format!("{rcode}{flags}; {}", sections.join(" | "))
}

fn records(section: domain::base::message::RecordSection<'_, Bytes>) -> String {
    let mut lines = Vec::new();
    for record in section {
        let record = record.expect("it can be read");
        if record.rtype() == Rtype::OPT {
            continue;
        }
        let data: AllRecordData<_, _> = record.to_any_record().expect("so can it").into_data();
        let (owner, ttl, rtype) = (record.owner(), record.ttl().as_secs(), record.rtype());
        lines.push(format!("{owner}. {ttl} {rtype} {data}"));
    }
    lines.sort();
    lines.join(", ")
}
