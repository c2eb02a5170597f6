//! Servers that say what is not theirs to say.

use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_core::FailureKind;
use ropewalk_dns::server::{Answer, Need, Query, Responder, Section, Verdict};

use super::tree::{ROOT, Tree, shown};

/// Writes answers by hand.
struct Script<F>(F);

impl<F: Fn(&str, Rtype, &mut Words<'_, '_>) + 'static> Responder for Script<F> {
    fn respond(&self, query: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        let name = ropewalk_dns::Name::from_octets(query.name().to_ascii_lowercase().into());
        (self.0)(&name.unwrap().to_string(), query.rtype(), &mut Words(answer));
        Verdict::Answered
    }
}

/// An answer, in words.
struct Words<'a, 'b>(&'a mut Answer<'b>);

impl Words<'_, '_> {
    fn say(&mut self, section: Section, owner: &str, rtype: Rtype, data: &[u8]) {
        let owner: ropewalk_dns::Name = owner.parse().unwrap();
        let owner = owner.as_slice();
        self.0.push_rrset(section, Need::Required, owner, rtype, Class::IN, 3600, [data]);
    }

    fn answer(&mut self, owner: &str, address: [u8; 4]) {
        self.0.set_authoritative();
        self.say(Section::Answer, owner, Rtype::A, &address);
    }

    fn alias(&mut self, owner: &str, target: &str) {
        self.0.set_authoritative();
        self.say(Section::Answer, owner, Rtype::CNAME, &wire(target));
    }

    fn refer(&mut self, zone: &str, servers: &[(&str, Option<[u8; 4]>)]) {
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

fn wire(name: &str) -> Vec<u8> {
    name.parse::<ropewalk_dns::Name>().unwrap().as_slice().to_vec()
}

const EVIL: [u8; 4] = [198, 51, 100, 66];
const GOOD: [u8; 4] = [198, 51, 100, 2];

/// A root that delegates `evil` to one server and `example` to another.
fn tree(evil: impl Fn(&str, Rtype, &mut Words<'_, '_>) + 'static) -> Tree {
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

fn www(tree: &Tree, recursor: &ropewalk_dns::Recursor) -> Vec<String> {
    shown(&tree.find(recursor, "www.example", Rtype::A).unwrap())
}

const TRUE: [&str; 1] = ["www.example a 192.0.2.80"];

#[test]
fn what_a_server_says_of_other_zones_is_not_believed() {
    let tree = tree(|name, _, words| {
        words.answer(name, [192, 0, 2, 1]);
        words.answer("www.example", [192, 0, 2, 66]);
        words.say(Section::Authority, "example", Rtype::NS, &wire("ns.evil"));
        words.say(Section::Authority, ".", Rtype::NS, &wire("ns.evil"));
        words.say(Section::Additional, "ns.example", Rtype::A, &EVIL);
        words.say(Section::Additional, "a.root", Rtype::A, &EVIL);
    });
    let recursor = tree.recursor();
    let found = tree.find(&recursor, "a.evil", Rtype::A).unwrap();
    assert_eq!(shown(&found), ["a.evil a 192.0.2.1"]);
    assert_eq!(www(&tree, &recursor), TRUE);
}

#[test]
fn what_an_alias_leads_to_is_asked_of_who_answers_for_it() {
    let tree = tree(|name, _, words| {
        words.alias(name, "www.example");
        words.answer("www.example", [192, 0, 2, 66]);
    });
    let found = tree.find(&tree.recursor(), "a.evil", Rtype::A).unwrap();
    assert_eq!(shown(&found), ["a.evil cname www.example.", TRUE[0]]);
}

#[test]
fn a_referral_goes_down_and_never_up_or_aside() {
    for zone in [".", "example", "evil", "b.evil"] {
        let tree = tree(move |_, _, words| words.refer(zone, &[("ns.evil", Some(EVIL))]));
        let recursor = tree.recursor();
        let failure = tree.find(&recursor, "a.evil", Rtype::A).unwrap_err();
        assert!(failure.is(FailureKind::Peer), "{zone}: {failure}");
        assert_eq!(www(&tree, &recursor), TRUE, "{zone}");
    }
}

#[test]
fn addresses_that_come_with_a_referral_are_nobodys_answer() {
    let tree = tree(|_, _, words| {
        words.refer("sub.evil", &[("ns.sub.evil", Some([198, 51, 100, 67]))]);
    });
    tree.answer_by(
        "198.51.100.67",
        Script(|name: &str, _, words: &mut Words<'_, '_>| {
            words.answer(name, [192, 0, 2, 5]);
        }),
    );
    let recursor = tree.recursor();
    for name in ["x.sub.evil", "ns.sub.evil"] {
        let found = tree.find(&recursor, name, Rtype::A).unwrap();
        assert_eq!(shown(&found), [format!("{name} a 192.0.2.5")]);
    }
}

#[test]
fn a_zone_with_a_thousand_servers_to_be_looked_up_costs_little() {
    // CVE-2020-8616: each of them would cost a search of its own.
    let tree = tree(|name, _, words| {
        let names: Vec<String> = (0..200).map(|n| format!("ns{n}.victim.example")).collect();
        let servers: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
        let labels: Vec<_> = name.rsplit('.').collect();
        if labels.len() >= 2 {
            words.refer(&format!("{}.evil", labels[1]), &servers);
        } else {
            words.0.set_authoritative();
        }
    });
    let recursor = tree.recursor();
    tree.find(&recursor, "x.a.evil", Rtype::A).unwrap_err();
    let asked = tree.asked();
    assert!(asked.len() < 20, "{asked:?}");
}

#[test]
fn zones_whose_servers_are_in_each_other_are_given_up() {
    let tree = tree(|name, _, words| match name {
        _ if name.ends_with("a.evil") => words.refer("a.evil", &[("ns.b.evil", None)]),
        _ if name.ends_with("b.evil") => words.refer("b.evil", &[("ns.a.evil", None)]),
        _ => words.0.set_authoritative(),
    });
    let failure = tree.find(&tree.recursor(), "www.a.evil", Rtype::A).unwrap_err();
    assert!(failure.is(FailureKind::Peer) || failure.is(FailureKind::Limit), "{failure}");
}

#[test]
fn aliases_without_end_are_given_up() {
    let tree = tree(|name, _, words| words.alias(name, &format!("x.{name}")));
    let failure = tree.find(&tree.recursor(), "a.evil", Rtype::A).unwrap_err();
    assert!(failure.is(FailureKind::Limit) || failure.is(FailureKind::Peer), "{failure}");
}
