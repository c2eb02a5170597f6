//! A root, its children and theirs: real zones behind real servers, each at an address of the network in memory.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use domain::base::iana::Rtype;
use ropewalk_core::Failure;
use ropewalk_dns::server::{Answer, Query, Responder, Server, ServerSettings, Verdict};
use ropewalk_dns::zone::{Authority, Catalogue, read_zone};
use ropewalk_dns::{CacheOptions, Found, Name, Random, Recursor, RecursorOptions, RootHints};

use crate::fake_server::{World, address, question};

pub(crate) const ROOT: &str = "198.51.100.1";

/// What its servers were asked: `198.51.100.1: example A`.
pub(crate) type Log = Rc<RefCell<Vec<String>>>;

/// An internet.
pub(crate) struct Tree {
    pub(crate) world: World,
    pub(crate) log: Log,
}

struct Logged {
    ip: String,
    log: Log,
    authority: Authority,
}

impl Responder for Logged {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        let name = Name::from_octets(query.name().to_ascii_lowercase().into()).unwrap();
        self.log.borrow_mut().push(format!("{}: {name} {}", self.ip, query.rtype()));
        self.authority.respond(query, answer)
    }
}

impl Tree {
    /// Nobody is there.
    pub(crate) fn bare() -> Self {
        Self { world: World::new(), log: Log::default() }
    }

    /// The root, which delegates `example` to 198.51.100.2 and `test` to servers without glue; and these.
    pub(crate) fn grown() -> Self {
        let tree = Self::bare();
        tree.serve(
            ROOT,
            &[". 3600 SOA a.root. h.root. 1 1 1 1 60\n. NS a.root.\na.root. A 198.51.100.1\n\
             example. NS ns.example.\nns.example. A 198.51.100.2\n\
             test. NS ns.servers.example.\ntest. NS ns2.servers.example."],
        );
        tree.serve("198.51.100.2", &[
            "example. 3600 SOA ns.example. h.example. 1 1 1 1 60\nexample. NS ns.example.\n\
             ns.example. A 198.51.100.2\nwww.example. 60 A 192.0.2.80\nalias.example. CNAME www.example.\n\
             far.example. CNAME www.test.\nold.example. DNAME new.example.\na.new.example. A 192.0.2.9\n\
             deep.down.below.example. A 192.0.2.7\nloop.example. CNAME loop2.example.\n\
             loop2.example. CNAME loop.example.\nservers.example. NS ns.servers.example.\n\
             ns.servers.example. A 198.51.100.3",
        ]);
        tree.serve("198.51.100.3", &[
            "servers.example. 3600 SOA ns.servers.example. h.example. 1 1 1 1 60\n\
             servers.example. NS ns.servers.example.\nns.servers.example. A 198.51.100.3\n\
             ns2.servers.example. A 198.51.100.4",
            "test. 3600 SOA ns.servers.example. h.example. 1 1 1 1 60\ntest. NS ns.servers.example.\n\
             www.test. 30 A 192.0.2.90",
        ]);
        tree
    }

    /// A server of zones at an address.
    pub(crate) fn serve(&self, ip: &str, zones: &[&str]) {
        let catalogue = Catalogue::new();
        for text in zones {
            let read = read_zone(None, "zone", format!("{text}\n").as_bytes(), &mut |_, _| {
                Err("there are no others".to_owned())
            });
            catalogue.put(Arc::new(read.unwrap().0));
        }
        let authority = Authority::new(&catalogue);
        self.answer_by(ip, Logged { ip: ip.to_owned(), log: self.log.clone(), authority });
    }

    pub(crate) fn answer_by(&self, ip: &str, responder: impl Responder) {
        let server = Server::new(responder, ServerSettings::default());
        let reactor = self.world.reactor();
        let socket = ropewalk_testing::MemoryDatagramEndpoint::new(address(ip).to_string());
        self.world.run(reactor.open(&socket, server.datagrams())).unwrap();
        let port = World::endpoints().server(&format!("tcp:53:interface=[{ip}]")).unwrap();
        self.world.run(reactor.listen(&port, server.streams())).unwrap();
    }

    pub(crate) fn recursor(&self) -> Recursor {
        self.recursor_with(RecursorOptions::default())
    }

    pub(crate) fn recursor_with(&self, options: RecursorOptions) -> Recursor {
        let hints = RootHints::at([ROOT.parse::<IpAddr>().unwrap()]);
        let options = RecursorOptions { hints, ipv6: false, ..options };
        Recursor::new(&self.world.exchanger(), options, Random::from_seed(2))
    }

    pub(crate) fn stale_recursor(&self) -> Recursor {
        let serve_stale = std::time::Duration::from_secs(86_400);
        let cache = CacheOptions { serve_stale, ..CacheOptions::default() };
        self.recursor_with(RecursorOptions { cache, ..RecursorOptions::default() })
    }

    pub(crate) fn find(
        &self,
        recursor: &Recursor,
        name: &str,
        rtype: Rtype,
    ) -> Result<Rc<Found>, Failure> {
        self.world.run(recursor.find(&question(name, rtype)))
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.log.take()
    }
}

/// What was found, as in a zone file.
pub(crate) fn shown(found: &Found) -> Vec<String> {
    let records = found.records.iter().flat_map(|link| {
        link.records.data().map(|data| format!("{} {} {data}", link.owner, link.records.rtype()))
    });
    records.map(|line| line.to_ascii_lowercase()).collect()
}
