//! Servers that send rubbish: every question comes to an end, and nothing panics.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

use domain::base::iana::Rtype;
use ropewalk_core::gather_results;
use ropewalk_dns::{Bulk, BulkOptions, BulkWork, Finished, Next, ResolvConf, ResolverOptions};
use ropewalk_testing::{Random, Seed};

use crate::fake_server::{Query, World, address};

const SERVER: &str = "192.0.2.1";

const ANSWER: &str = "www CNAME web\nweb CNAME a.b.c\na.b.c PTR x.y\na.b.c MX 10 mail\nmail A 192.0.2.1\n\
    www TXT \"some text\"\nweb SRV 1 2 3 t\nwww HTTPS 1 . alpn=h2";

/// Answers with a right message in which some bytes are others, or which is cut or longer.
fn rubbish() -> impl Fn(Query) + 'static {
    let random = RefCell::new(Random::new(Seed::from_env()));
    move |query| {
        let mut random = random.borrow_mut();
        let name = query.name();
        let mut message = query.answer(&format!("{ANSWER}\n{name}. CNAME www\n{name}. PTR web"));
        let question = 12 + name.len() + 2 + 4;
        for _ in 0..random.below(6) {
            // Mostly what a question does not protect.
            let from = if random.chance(0.8) { question } else { 2 };
            let at = from + usize::try_from(random.below((message.len() - from) as u64)).unwrap();
            message[at] = random.number().to_be_bytes()[0];
        }
        match random.below(4) {
            0 => message.truncate(usize::try_from(random.below(message.len() as u64)).unwrap()),
            1 => message.extend([0xC0; 40]),
            _ => {}
        }
        query.reply.send(&message);
    }
}

#[test]
fn lookups_come_to_an_end() {
    let world = World::new();
    world.serve(SERVER, rubbish());
    let resolver = world.resolver_with(ResolverOptions {
        conf: ResolvConf::parse("nameserver 192.0.2.1\noptions timeout:1 attempts:1"),
        ..ResolverOptions::default()
    });
    for round in 0..60 {
        let types = [Rtype::A, Rtype::PTR, Rtype::MX, Rtype::TXT, Rtype::HTTPS, Rtype::SRV];
        let asked = types.iter().flat_map(|rtype| {
            let name = move |n: u32| format!("n{n}.r{round}.example").parse().unwrap();
            let resolver = &resolver;
            (0..10).map(move |n| resolver.lookup(&name(n), *rtype).add_both(|_| Ok(())))
        });
        let all = gather_results(asked.collect());
        world.run(all).unwrap();
    }
    world.pass(Duration::from_secs(60));
    assert_eq!((resolver.exchanger().in_flight(), resolver.exchanger().open_ports()), (0, 0));
}

#[test]
fn bulk_lookups_come_to_an_end() {
    struct Work(u32);
    impl BulkWork for Work {
        fn next(&mut self) -> Next {
            let [_, a, b, c] = self.0.to_be_bytes();
            self.0 += 1;
            if self.0 > 5000 { Next::End } else { Next::Address(IpAddr::from([10, a, b, c])) }
        }
        fn finished(&mut self, _: &Finished<'_>) {}
    }
    let world = World::new();
    world.serve(SERVER, rubbish());
    let options = BulkOptions { timeout: Duration::from_secs(1), ..BulkOptions::default() };
    let servers = [address(SERVER)];
    let (_, ended) = Bulk::start(world.reactor(), &World::dial(), &servers, options, Work(0));
    assert_eq!(world.run(ended).unwrap().done(), 5000);
}
