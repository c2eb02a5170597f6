//! Servers whose answers are written by hand, and an internet with one of them in it.

use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_dns::server::{Answer, Need, Query, Responder, Section, Verdict};

use super::tree::{ROOT, Tree};

/// Writes answers by hand.
pub(super) struct Script<F>(pub(super) F);

impl<F: Fn(&str, Rtype, &mut Words<'_, '_>) + 'static> Responder for Script<F> {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        let name = ropewalk_dns::Name::from_octets(query.name().to_ascii_lowercase().into());
        (self.0)(&name.unwrap().to_string(), query.rtype(), &mut Words(answer, 3600));
        Verdict::Answered
    }
}

/// An answer, in words; and how long they are true, in seconds.
pub(super) struct Words<'a, 'b>(pub(super) &'a mut Answer<'b>, pub(super) u32);

impl Words<'_, '_> {
    pub(super) fn say(&mut self, section: Section, owner: &str, rtype: Rtype, data: &[u8]) {
        let owner: ropewalk_dns::Name = owner.parse().unwrap();
        let owner = owner.as_slice();
        self.0.push_rrset(section, Need::Required, owner, rtype, Class::IN, self.1, [data]);
    }

    pub(super) fn answer(&mut self, owner: &str, address: [u8; 4]) {
        self.0.set_authoritative();
        self.say(Section::Answer, owner, Rtype::A, &address);
    }

    pub(super) fn alias(&mut self, owner: &str, target: &str) {
        self.0.set_authoritative();
        self.say(Section::Answer, owner, Rtype::CNAME, &wire(target));
    }

    pub(super) fn refer(&mut self, zone: &str, servers: &[(&str, Option<[u8; 4]>)]) {
        for (server, _) in servers {
            self.say(Section::Authority, zone, Rtype::NS, &wire(server));
        }
        for (server, glue) in servers {
            if let Some(glue) = glue {
                self.say(Section::Additional, server, Rtype::A, glue);
            }
        }
    }
}

pub(super) fn wire(name: &str) -> Vec<u8> {
    name.parse::<ropewalk_dns::Name>().unwrap().as_slice().to_vec()
}

pub(super) const EVIL: [u8; 4] = [198, 51, 100, 66];
pub(super) const GOOD: [u8; 4] = [198, 51, 100, 2];

/// A root that delegates `evil` to one server and `example` to another.
pub(super) fn tree(evil: impl Fn(&str, Rtype, &mut Words<'_, '_>) + 'static) -> Tree {
    let tree = Tree::bare();
    tree.answer_by(
        ROOT,
        Script(|name: &str, rtype, words: &mut Words<'_, '_>| match (name, rtype) {
            (".", Rtype::NS) => {
                words.0.set_authoritative();
                words.say(Section::Answer, ".", Rtype::NS, &wire("a.root"));
                words.say(Section::Additional, "a.root", Rtype::A, &[198, 51, 100, 1]);
            }
            (name, _) if name.ends_with("evil") => words.refer("evil", &[("ns.evil", Some(EVIL))]),
            (name, _) if name.ends_with("example") => {
                words.refer("example", &[("ns.example", Some(GOOD))]);
            }
            _ => words.0.set_rcode(OptRcode::NXDOMAIN),
        }),
    );
    tree.serve(
        "198.51.100.2",
        &["example. 3600 SOA ns.example. h.example. 1 1 1 1 60\nexample. NS ns.example.\n\
         ns.example. A 198.51.100.2\nwww.example. 60 A 192.0.2.80"],
    );
    tree.answer_by("198.51.100.66", Script(evil));
    tree
}
