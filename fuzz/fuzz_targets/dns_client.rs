//! A resolver and bulk lookups whose server answers with any bytes behind the right id and question: each question comes
//! to an end, and nothing panics.
#![no_main]

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ropewalk_core::{
    Address, DatagramProtocol, DatagramTransport, Endpoints, Loop, Reactor, gather_results,
};
use ropewalk_dns::{
    Bulk, BulkOptions, BulkWork, Dial, Finished, Next, Random, ResolvConf, Resolver,
    ResolverOptions,
};
use ropewalk_testing::{MemoryDatagramEndpoint, MemoryDriver, Network, register_internet};

const SERVER: &str = "192.0.2.1:53";

/// Gives back each query as a response, with the input behind its question.
struct Server(Rc<[u8]>);

impl DatagramProtocol for Server {
    fn datagram_received(&mut self, transport: &DatagramTransport, query: &[u8], from: &Address) {
        let Some((counts, rest)) = self.0.split_at_checked(8) else { return };
        let question = 12 + query[12..].iter().position(|byte| *byte == 0).map_or(0, |at| at + 5);
        let mut answer = query[..question.min(query.len())].to_vec();
        answer[2] = 0x80 | counts[0] & 0x07;
        answer[3] = counts[1];
        answer[6..12].copy_from_slice(&counts[2..]);
        answer.extend_from_slice(rest);
        transport.send_to(answer, from);
    }
}

struct OneAddress(bool);

impl BulkWork for OneAddress {
    fn next(&mut self) -> Next {
        match std::mem::replace(&mut self.0, true) {
            false => Next::Address(IpAddr::from([10, 0, 0, 1])),
            true => Next::End,
        }
    }

    fn finished(&mut self, _: &Finished<'_>) {}
}

fn dial() -> Dial {
    let mut endpoints = Endpoints::new();
    register_internet(&mut endpoints);
    Dial::new(endpoints)
}

fn resolver(reactor: &Reactor) -> Resolver {
    let conf = ResolvConf::parse("nameserver 192.0.2.1\noptions timeout:1 attempts:1");
    let options = ResolverOptions { conf, ..ResolverOptions::default() };
    Resolver::with_random(reactor, dial(), options, Random::from_seed(1))
}

fuzz_target!(|input: &[u8]| {
    let event_loop = Loop::new(MemoryDriver::new(Network::default()));
    let reactor = event_loop.reactor();
    let server = reactor.open(&MemoryDatagramEndpoint::new(SERVER), Server(input.into()));
    event_loop.run_until(server).expect("the name is free");
    let resolver = resolver(reactor);
    let lookups = vec![
        resolver.lookup_address("www.example").add_both(|_| Ok(())),
        resolver.lookup_mail_exchange("www.example").add_both(|_| Ok(())),
        resolver.lookup_https("www.example").add_both(|_| Ok(())),
        resolver.lookup_pointer(IpAddr::from([10, 0, 0, 1])).add_both(|_| Ok(())),
    ];
    event_loop.run_until(gather_results(lookups)).expect("they end");
    let servers: [SocketAddr; 1] = [SERVER.parse().expect("an address")];
    let options = BulkOptions { timeout: Duration::from_secs(1), ..BulkOptions::default() };
    let (_bulk, ended) = Bulk::start(reactor, &dial(), &servers, options, OneAddress(false));
    assert_eq!(event_loop.run_until(ended).expect("it ends").done(), 1);
});
