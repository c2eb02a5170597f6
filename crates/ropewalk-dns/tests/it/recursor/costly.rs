//! Questions that are made to cost somebody many queries: each has its bound.

use std::cell::Cell;
use std::rc::Rc;

use domain::base::iana::{OptRcode, Rtype};
use ropewalk_core::FailureKind;
use ropewalk_dns::server::Section;

use super::script::{EVIL, Script, Words, tree, wire};
use super::tree::Tree;
use crate::fake_server::question;

/// The zone of the second label from the right: `a.evil` of `x.a.evil`.
fn zone_of(name: &str) -> Option<String> {
    let mut labels = name.rsplit('.').skip(1);
    labels.next().map(|label| format!("{label}.evil"))
}

/// Delegates each zone below `evil` to servers whose names are these; `%` is the zone's name.
fn refer_to(names: &'static [&'static str]) -> impl Fn(&str, Rtype, &mut Words<'_, '_>) {
    move |name, _, words| {
        let Some(zone) = zone_of(name) else { return words.0.set_authoritative() };
        let names: Vec<_> = names.iter().map(|name| name.replace('%', &zone)).collect();
        let servers: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
        words.refer(&zone, &servers);
    }
}

#[test]
fn a_zone_with_many_servers_to_be_looked_up_costs_four_lookups() {
    // CVE-2020-8616: each of them would cost a search of its own.
    let tree = tree(|name, _, words| {
        let names: Vec<String> = (0..200).map(|n| format!("ns{n}.victim.example")).collect();
        let servers: Vec<_> = names.iter().map(|name| (name.as_str(), None)).collect();
        match zone_of(name) {
            Some(zone) => words.refer(&zone, &servers),
            None => words.0.set_authoritative(),
        }
    });
    tree.find(&tree.recursor(), "x.a.evil", Rtype::A).unwrap_err();
    let asked = tree.asked();
    assert_eq!(asked.len(), 4, "{asked:?}");
}

#[test]
fn a_server_with_a_long_name_costs_one_query() {
    let tree = tree(refer_to(&["a.b.c.d.e.f.g.h.i.j.k.example"]));
    tree.find(&tree.recursor(), "x.a.evil", Rtype::A).unwrap_err();
    assert_eq!(tree.asked(), ["198.51.100.2: a.b.c.d.e.f.g.h.i.j.k.example A"]);
}

#[test]
fn aliases_through_zones_with_servers_in_somebodys_zone_cost_sixteen_lookups() {
    // Of each zone's servers the last one can be found, and sends on to the next zone.
    let tree = tree(|name, _, words| match zone_of(name) {
        Some(zone) if zone == "own.evil" => words.answer(name, [198, 51, 100, 67]),
        Some(zone) => {
            let victims = [1, 2, 3].map(|n| format!("ns{n}.{zone}.example"));
            let [one, two, three] = victims.each_ref().map(|name| (name.as_str(), None));
            let own = format!("{zone}.own.evil").replace(".evil.own", ".own");
            words.refer(&zone, &[one, two, three, (&own, None)]);
        }
        None => words.0.set_authoritative(),
    });
    tree.answer_by(
        "198.51.100.67",
        Script(|name: &str, _, words: &mut Words<'_, '_>| {
            let zone = zone_of(name).unwrap();
            words.alias(name, &format!("x.{}x.evil", zone.trim_end_matches(".evil")));
        }),
    );
    tree.find(&tree.recursor(), "x.z.evil", Rtype::A).unwrap_err();
    let asked = tree.asked();
    assert!((6..=16).contains(&asked.len()), "{asked:?}");
}

#[test]
fn a_server_that_cannot_be_found_is_not_looked_up_for_each_name_of_its_zone() {
    let (count, asked) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (counted, all) = (count.clone(), asked.clone());
    let tree = tree(move |name, rtype, words| {
        all.set(all.get() + 1);
        if name.ends_with("victim.evil") {
            counted.set(counted.get() + 1);
            return words.0.set_rcode(OptRcode::SERVFAIL);
        }
        refer_to(&["ns1.victim.evil", "ns2.victim.evil"])(name, rtype, words);
    });
    let recursor = tree.recursor();
    for number in 0..50 {
        tree.find(&recursor, &format!("x{number}.a.evil"), Rtype::A).unwrap_err();
    }
    assert_eq!(count.get(), 2, "of {}", asked.get());
}

#[test]
fn addresses_that_come_with_a_referral_are_not_all_asked() {
    let tree = tree(|_, _, words| {
        for server in 0..12 {
            words.say(Section::Authority, "sub.evil", Rtype::NS, &wire(&format!("n{server}.evil")));
        }
        for server in 0..12 {
            for host in 0..8 {
                let (owner, address) =
                    (format!("n{server}.evil"), [203, 0, 113, server * 8 + host]);
                words.say(Section::Additional, &owner, Rtype::A, &address);
            }
        }
    });
    let count = Rc::new(Cell::new(0));
    for host in 0..96 {
        let count = count.clone();
        tree.answer_by(
            &format!("203.0.113.{host}"),
            Script(move |_: &str, _, words: &mut Words<'_, '_>| {
                count.set(count.get() + 1);
                words.0.set_rcode(OptRcode::REFUSED);
            }),
        );
    }
    tree.find(&tree.recursor(), "x.sub.evil", Rtype::A).unwrap_err();
    assert_eq!(count.get(), 16);
}

#[test]
fn aliases_without_end_are_given_up() {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let tree = tree(move |name, _, words| {
        counted.set(counted.get() + 1);
        words.alias(name, &format!("x.{name}"));
    });
    let failure = tree.find(&tree.recursor(), "a.evil", Rtype::A).unwrap_err();
    assert!(failure.is(FailureKind::Limit), "{failure}");
    assert!(count.get() <= 24, "{}", count.get());
}

#[test]
fn trees_that_move_to_trees_without_end_are_given_up() {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let tree = tree(move |name, _, words| {
        counted.set(counted.get() + 1);
        words.0.set_authoritative();
        let tree = name.rsplit('.').nth(1).unwrap_or("t");
        words.say(
            Section::Answer,
            &format!("{tree}.evil"),
            Rtype::DNAME,
            &wire(&format!("{tree}t.evil")),
        );
    });
    let failure = tree.find(&tree.recursor(), "a.t.evil", Rtype::A).unwrap_err();
    assert!(failure.is(FailureKind::Limit), "{failure}");
    assert!(count.get() <= 24, "{}", count.get());
}

#[test]
fn zones_whose_servers_are_in_others_without_end_are_given_up() {
    // Each zone's servers are in four others: without a bound, four to the power of the depth.
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let tree = tree(move |name, rtype, words| {
        counted.set(counted.get() + 1);
        refer_to(&["ns.a%", "ns.b%", "ns.c%", "ns.d%"])(name, rtype, words);
    });
    tree.find(&tree.recursor(), "x.z.evil", Rtype::A).unwrap_err();
    assert!(count.get() <= 20, "{}", count.get());
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
fn a_long_name_of_zones_in_zones_costs_what_one_question_may() {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let tree = tree(move |name, _, words| {
        counted.set(counted.get() + 1);
        words.refer(name, &[(&format!("n.{name}"), Some(EVIL))]);
    });
    let long = format!("{}evil", "a.".repeat(120));
    let failure = tree.find(&tree.recursor(), &long, Rtype::A).unwrap_err();
    assert!(failure.is(FailureKind::Limit) || failure.is(FailureKind::Peer), "{failure}");
    assert!(count.get() <= 100, "{}", count.get());
}

#[test]
fn names_without_end_in_a_zone_that_does_not_answer_do_not_wait_for_it_all() {
    let tree =
        tree(|_, _, words| words.refer("sub.evil", &[("ns.sub.evil", Some([203, 0, 113, 9]))]));
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    tree.world.serve("203.0.113.9", move |_| counted.set(counted.get() + 1));
    let recursor = tree.recursor();
    for number in 0..3 {
        tree.find(&recursor, &format!("first{number}.sub.evil"), Rtype::A).unwrap_err();
    }
    count.set(0);
    let ask = |number| recursor.find(&question(&format!("x{number}.sub.evil"), Rtype::A));
    let all: Vec<_> = (0..1000).map(ask).collect();
    for found in all {
        assert!(tree.world.run(found).unwrap_err().is(FailureKind::Timeout));
    }
    assert!((100..=200).contains(&count.get()), "{}", count.get());
}

#[test]
fn many_first_questions_ask_the_root_for_itself_once() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    let ask = |number| recursor.find(&question(&format!("x{number}.example"), Rtype::A));
    let all: Vec<_> = (0..50).map(ask).collect();
    for found in all {
        assert_eq!(tree.world.run(found).unwrap().rcode, OptRcode::NXDOMAIN);
    }
    let primed = tree.asked().iter().filter(|asked| asked.ends_with(": . NS")).count();
    assert_eq!(primed, 1);
}
