//! Servers that do not do what they should, and zones that are not set up as they should be.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{OptRcode, Rcode, Rtype};
use ropewalk_core::{Failure, FailureKind};
use ropewalk_dns::server::Section;
use ropewalk_dns::{Found, Random, Recursor, RecursorLimits, RecursorOptions, RootHints};

use super::script::{EVIL, Script, Words, tree, wire};
use super::tree::{ROOT, Tree, shown};

fn found(result: Result<Rc<Found>, Failure>) -> Vec<String> {
    shown(&result.unwrap())
}

/// Answers everything with this address.
fn answers(address: [u8; 4]) -> Script<impl Fn(&str, Rtype, &mut Words<'_, '_>) + 'static> {
    Script(move |name: &str, _, words: &mut Words<'_, '_>| words.answer(name, address))
}

#[test]
fn a_zone_that_its_parent_has_given_up_is_gone_with_all_below_it() {
    // CVE-2022-30698: its own word on its children must not outlive its parent's on it.
    let tree = Tree::bare();
    let is_there = Rc::new(Cell::new(true));
    let delegated = is_there.clone();
    tree.answer_by(
        ROOT,
        Script(move |name: &str, rtype, words: &mut Words<'_, '_>| match (name, rtype) {
            (".", Rtype::NS) => {
                words.0.set_authoritative();
                words.say(Section::Answer, ".", Rtype::NS, &wire("a.root"));
                words.say(Section::Additional, "a.root", Rtype::A, &[198, 51, 100, 1]);
            }
            _ if delegated.get() => {
                words.1 = 60;
                words.refer("ghost", &[("ns.ghost", Some(EVIL))]);
            }
            _ => words.0.set_rcode(OptRcode::NXDOMAIN),
        }),
    );
    tree.answer_by(
        "198.51.100.66",
        Script(|name: &str, _, words: &mut Words<'_, '_>| {
            words.1 = 86_400;
            match name.strip_suffix(".ghost") {
                Some(below) if !below.contains('.') => {
                    words.refer(name, &[(&format!("ns.{name}"), Some([198, 51, 100, 67]))]);
                }
                _ => words.0.set_authoritative(),
            }
        }),
    );
    tree.answer_by("198.51.100.67", answers([192, 0, 2, 1]));
    let recursor = tree.recursor();
    assert_eq!(found(tree.find(&recursor, "a.b.ghost", Rtype::A)), ["a.b.ghost a 192.0.2.1"]);
    is_there.set(false);
    tree.world.pass(Duration::from_secs(61));
    assert_eq!(tree.find(&recursor, "c.b.ghost", Rtype::A).unwrap().rcode, OptRcode::NXDOMAIN);
}

#[test]
fn nobody_has_this_machine_asked_unless_its_root_is_here() {
    for address in ["127.0.0.1", "127.9.9.9", "0.0.0.0", "255.255.255.255", "224.0.0.1"] {
        let ip: std::net::Ipv4Addr = address.parse().unwrap();
        let tree = tree(move |_, _, words| {
            words.refer("sub.evil", &[("ns.sub.evil", Some(ip.octets()))]);
        });
        if ip.is_loopback() {
            tree.answer_by(address, answers([192, 0, 2, 1]));
        }
        let failure = tree.find(&tree.recursor(), "a.sub.evil", Rtype::A).unwrap_err();
        assert!(failure.is(FailureKind::Peer), "{address}: {failure}");
        assert_eq!(tree.world.elapsed(), Duration::ZERO, "{address}");
    }
    let tree = Tree::bare();
    tree.serve(
        "127.0.0.1",
        &[". 3600 SOA a.root. h.root. 1 1 1 1 60\n. NS a.root.\na.root. A 127.0.0.1\nwww. A 192.0.2.1"],
    );
    let hints = RootHints::at(["127.0.0.1".parse::<IpAddr>().unwrap()]);
    let options = RecursorOptions { hints, ipv6: false, ..RecursorOptions::default() };
    let recursor = Recursor::new(&tree.world.exchanger(), options, Random::from_seed(2));
    assert_eq!(found(tree.find(&recursor, "www", Rtype::A)), ["www a 192.0.2.1"]);
}

#[test]
fn servers_that_have_all_refused_are_asked_again_all_the_same() {
    let refuses = Rc::new(Cell::new(true));
    let mood = refuses.clone();
    let tree = tree(move |name, _, words| match mood.get() {
        true => words.0.set_rcode(OptRcode::REFUSED),
        false => words.answer(name, [192, 0, 2, 1]),
    });
    let recursor = tree.recursor();
    tree.find(&recursor, "a.evil", Rtype::A).unwrap_err();
    refuses.set(false);
    assert_eq!(found(tree.find(&recursor, "b.evil", Rtype::A)), ["b.evil a 192.0.2.1"]);
}

#[test]
fn servers_that_mind_a_part_of_a_name_are_asked_for_the_whole() {
    for rcode in [OptRcode::REFUSED, OptRcode::SERVFAIL, OptRcode::NXDOMAIN, OptRcode::NOTIMP] {
        let tree = tree(move |name, _, words| match name {
            "a.b.c.evil" => words.answer(name, [192, 0, 2, 1]),
            _ => words.0.set_rcode(rcode),
        });
        let recursor = tree.recursor();
        let name = "a.b.c.evil";
        assert_eq!(
            found(tree.find(&recursor, name, Rtype::A)),
            ["a.b.c.evil a 192.0.2.1"],
            "{rcode}"
        );
    }
}

#[test]
fn that_there_is_nothing_is_believed_without_an_soa_and_not_kept() {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let tree = tree(move |_, _, words| {
        counted.set(counted.get() + 1);
        words.0.set_authoritative();
    });
    let recursor = tree.recursor();
    for _ in 0..2 {
        let nothing = tree.find(&recursor, "a.evil", Rtype::A).unwrap();
        assert_eq!((nothing.rcode, nothing.records.len()), (OptRcode::NOERROR, 0));
    }
    assert_eq!(count.get(), 2);
}

#[test]
fn what_is_true_for_no_time_is_given_and_not_kept() {
    for ttl in [0, 0x8000_0000, u32::MAX] {
        let count = Rc::new(Cell::new(0));
        let counted = count.clone();
        let tree = tree(move |name, _, words| {
            counted.set(counted.get() + 1);
            words.1 = ttl;
            words.answer(name, [192, 0, 2, 1]);
        });
        let recursor = tree.recursor();
        for _ in 0..2 {
            assert_eq!(found(tree.find(&recursor, "a.evil", Rtype::A)), ["a.evil a 192.0.2.1"]);
        }
        assert_eq!(count.get(), 2, "{ttl}");
    }
}

#[test]
fn delegations_that_are_true_for_no_time_lead_on() {
    let tree = tree(|_, _, words| {
        words.1 = 0;
        words.refer("sub.evil", &[("ns.sub.evil", Some([198, 51, 100, 67]))]);
    });
    tree.answer_by("198.51.100.67", answers([192, 0, 2, 1]));
    let recursor = tree.recursor();
    for _ in 0..2 {
        let one = found(tree.find(&recursor, "a.b.sub.evil", Rtype::A));
        assert_eq!(one, ["a.b.sub.evil a 192.0.2.1"]);
    }
}

/// `evil` delegates `sub` to servers with these addresses, of which the last may be missing; the example zone knows
/// another address of theirs, where somebody answers.
fn with_servers(servers: &'static [(&'static str, Option<[u8; 4]>)]) -> Tree {
    let tree = tree(move |name, _, words| match name {
        "ns.other.evil" => words.answer(name, [198, 51, 100, 67]),
        _ => words.refer("sub.evil", servers),
    });
    tree.answer_by("198.51.100.67", answers([192, 0, 2, 1]));
    tree
}

#[test]
fn a_server_that_has_to_be_looked_up_is_of_use_when_those_with_addresses_are_dead() {
    let tree = with_servers(&[("ns.sub.evil", Some([198, 51, 100, 99])), ("ns.other.evil", None)]);
    let one = found(tree.find(&tree.recursor(), "a.sub.evil", Rtype::A));
    assert_eq!(one, ["a.sub.evil a 192.0.2.1"]);
}

#[test]
fn a_server_that_has_moved_is_found_where_its_own_zone_says_it_is() {
    let tree = with_servers(&[("ns.other.evil", Some([198, 51, 100, 99]))]);
    let one = found(tree.find(&tree.recursor(), "a.sub.evil", Rtype::A));
    assert_eq!(one, ["a.sub.evil a 192.0.2.1"]);
}

#[test]
fn a_server_that_may_have_moved_is_given_up_when_no_more_may_be_looked_up() {
    let tree = with_servers(&[("ns.other.evil", Some([198, 51, 100, 99]))]);
    for (lookups_max, depth_max) in [(0, 5), (5, 0)] {
        let limits = RecursorLimits { lookups_max, depth_max, ..RecursorLimits::default() };
        let options = RecursorOptions { limits, ..RecursorOptions::default() };
        let failure = tree.find(&tree.recursor_with(options), "a.sub.evil", Rtype::A).unwrap_err();
        assert!(failure.is(FailureKind::Timeout), "{failure}");
    }
}

#[test]
fn servers_that_cannot_be_reached_from_here_are_not_waited_for() {
    let tree = tree(|_, _, words| {
        words.say(Section::Authority, "sub.evil", Rtype::NS, &wire("ns.sub.evil"));
        words.say(Section::Additional, "ns.sub.evil", Rtype::AAAA, &[0x20; 16]);
    });
    let failure = tree.find(&tree.recursor(), "a.sub.evil", Rtype::A).unwrap_err();
    assert!(
        failure.to_string().contains("no server of the zone sub.evil. has an address"),
        "{failure}"
    );
    assert_eq!(tree.world.elapsed(), Duration::ZERO);
}

#[test]
fn a_root_that_says_nothing_of_use_about_itself_is_asked_where_the_hints_say() {
    let tree = Tree::bare();
    tree.serve(
        ROOT,
        &[". 3600 SOA a.root. h.root. 1 1 1 1 60\n. NS a.root.\na.root. AAAA 2001:db8::1\nwww. A 192.0.2.1"],
    );
    assert_eq!(found(tree.find(&tree.recursor(), "www", Rtype::A)), ["www a 192.0.2.1"]);
}

/// A tree in which `old.example` has a server of its own kind.
fn with_old_server(server: impl Fn(crate::fake_server::Query) + 'static) -> Tree {
    let tree = Tree::bare();
    tree.serve(
        ROOT,
        &[". 3600 SOA a.root. h.root. 1 1 1 1 60\n. NS a.root.\na.root. A 198.51.100.1\n\
         old. NS ns.old.\nns.old. A 198.51.100.70"],
    );
    tree.world.serve("198.51.100.70", server);
    tree
}

const OLD: &str = "www.old. 60 A 192.0.2.7";

#[test]
fn servers_that_do_not_know_edns_answer_without() {
    let tree = with_old_server(|query| {
        if !query.has_edns() {
            return query.say(OLD);
        }
        let mut complaint = query.answer_with(Rcode::FORMERR, "", "");
        complaint[11] = 0; // It does not know what an OPT record is.
        complaint.truncate(complaint.len() - 11);
        query.reply.send(&complaint);
    });
    assert_eq!(found(tree.find(&tree.recursor(), "www.old", Rtype::A)), ["www.old a 192.0.2.7"]);
}

#[test]
fn servers_that_answer_by_tcp_only_are_asked_so() {
    let tree = with_old_server(|query| match query.by_tcp {
        true => query.say(OLD),
        false => query.say_truncated(),
    });
    assert_eq!(found(tree.find(&tree.recursor(), "www.old", Rtype::A)), ["www.old a 192.0.2.7"]);
}

#[test]
fn servers_that_know_small_letters_only_are_believed_by_tcp() {
    let tree = with_old_server(|query| {
        let mut answer = query.answer(OLD);
        answer[12..21].make_ascii_lowercase();
        query.reply.send(&answer);
    });
    let recursor = tree.recursor();
    for _ in 0..4 {
        assert_eq!(found(tree.find(&recursor, "www.old", Rtype::A)), ["www.old a 192.0.2.7"]);
        tree.world.pass(Duration::from_secs(61));
    }
}
