//! What `ropewalk dns` does with names that are in none of its zones: it asks others, or says REFUSED.

use std::net::SocketAddr;
use std::path::PathBuf;

use ropewalk::dns::base::iana::OptRcode;
use ropewalk::dns::server::{Access, Answer, Grant, Network, Query, Resolving, Responder, Verdict};
use ropewalk::dns::zone::Authority;
use ropewalk::dns::{
    ClientLimits, Dial, Exchanger, Forwarder, NameServer, Random, Recursor, RecursorOptions,
    RootHints, Via,
};
use ropewalk::{Failure, FailureKind, Reactor};

use super::addresses::parse_server;

/// How names are found that are in none of the zones.
#[derive(clap::Args)]
pub(crate) struct Elsewhere {
    /// Find what is in none of the zones by asking from the root of the internet on down
    #[arg(long, conflicts_with = "forward")]
    recurse: bool,
    /// Where the servers of the root are: a file as IANA's named.root [default: those of the internet]
    #[arg(long, value_name = "FILE", requires = "recurse")]
    root_hints: Option<PathBuf>,
    /// The port at which all servers are asked: for trees of servers that are not the internet's
    #[arg(long, value_name = "PORT", requires = "recurse", default_value_t = 53, hide = true)]
    recurse_port: u16,
    /// Ask others for localhost, invalid, onion and the reverse zones of private networks too: else these are answered here
    /// (RFC 6761, RFC 6303), as nobody on the internet knows them
    #[arg(long, requires = "recurse")]
    no_local_names: bool,
    /// Ask this resolver for what is in none of the zones, as often as wanted
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = parse_server)]
    forward: Vec<SocketAddr>,
    /// For whom to find what is in none of the zones, as often as wanted; without any, this machine
    #[arg(long, value_name = "NETWORK")]
    resolve_for: Vec<Network>,
}

/// Whom it finds names for if nothing is said: a resolver for everybody is a weapon against others (RFC 5358).
const THIS_MACHINE: [&str; 2] = ["127.0.0.0/8", "::1"];

impl Elsewhere {
    /// What answers: the zones, and for other names what was asked for.
    pub(crate) fn behind(
        &self,
        authority: Authority,
        reactor: &Reactor,
    ) -> Result<Box<dyn Responder>, Failure> {
        if !self.recurse && self.forward.is_empty() {
            return Ok(Box::new(authority));
        }
        let dial = Dial::new(ropewalk::endpoints(reactor));
        let exchanger = Exchanger::new(reactor, dial, ClientLimits::default());
        let elsewhere: Box<dyn Responder> = if self.recurse {
            let options = RecursorOptions {
                hints: self.hints()?,
                port: self.recurse_port,
                local_names: !self.no_local_names,
                ..RecursorOptions::default()
            };
            let recursor = Recursor::new(&exchanger, options, Random::new());
            Box::new(Resolving::new(recursor))
        } else {
            let servers = self.forward.iter().map(|address| NameServer::new(*address, Via::Udp));
            Box::new(Resolving::new(Forwarder::new(&exchanger, servers.collect())))
        };
        Ok(Box::new(ZonesFirst { authority, elsewhere, access: self.access() }))
    }

    fn access(&self) -> Access {
        let mut networks = self.resolve_for.clone();
        if networks.is_empty() {
            networks = THIS_MACHINE.map(|text| text.parse().expect("it is a network")).to_vec();
        }
        Access::new(networks.into_iter().map(Grant::Network).collect())
    }

    fn hints(&self) -> Result<RootHints, Failure> {
        let Some(path) = &self.root_hints else { return Ok(RootHints::internet()) };
        let doing = format!("read the root hints {}", path.display());
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::from_error(FailureKind::System, error).context(&doing))?;
        RootHints::parse(&text).map_err(|failure| failure.context(&doing))
    }
}

/// Answers from the zones, and for names in none of them by what is found elsewhere.
struct ZonesFirst {
    authority: Authority,
    elsewhere: Box<dyn Responder>,
    /// Who may have it look there.
    access: Access,
}

impl Responder for ZonesFirst {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        if self.authority.has(query) {
            return self.authority.respond(query, answer);
        }
        if self.access.permits(query.origin()) {
            return self.elsewhere.respond(query, answer);
        }
        answer.set_rcode(OptRcode::REFUSED);
        Verdict::Answered
    }
}
