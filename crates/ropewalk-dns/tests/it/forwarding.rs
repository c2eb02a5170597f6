//! Answers out of the mouths of other resolvers.

use std::time::Duration;

use domain::base::iana::{OptRcode, Rcode, Rtype};
use ropewalk_dns::server::Resolving;
use ropewalk_dns::{Forwarder, NameServer, QueryOptions, Response, Via};

use crate::fake_server::{Notes, Query, World, address, question, shown};
use crate::recursor::tree::Tree;

const HERE: &str = "198.51.100.53";
const ABOVE: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

/// A forwarder to two resolvers; what they are asked is noted.
fn forwarder(say: impl Fn(&Query) + Clone + 'static) -> (Tree, Notes) {
    forwarder_to(move |_, query| say(query))
}

/// The same; they know who of them is asked.
fn forwarder_to(say: impl Fn(&str, &Query) + Clone + 'static) -> (Tree, Notes) {
    let (tree, notes) = (Tree::bare(), Notes::default());
    for ip in ABOVE {
        let (notes, say) = (notes.clone(), say.clone());
        tree.world.serve(ip, move |query| {
            notes.note(format!("{ip} {}", query.name().to_ascii_lowercase()));
            say(ip, &query);
        });
    }
    let servers = ABOVE.map(|ip| NameServer::new(address(ip), Via::Udp)).to_vec();
    let forwarder = Forwarder::new(&tree.world.exchanger(), servers);
    tree.answer_by(HERE, Resolving::new(forwarder));
    (tree, notes)
}

fn ask(world: &World, name: &str, options: QueryOptions) -> Response {
    let server = NameServer::new(address(HERE), Via::Udp);
    let (question, time) = (question(name, Rtype::A), Duration::from_secs(60));
    world.run(world.exchanger().ask(&server, &question, &options, time)).unwrap()
}

#[test]
fn what_a_resolver_says_is_said_and_kept() {
    let (tree, notes) = forwarder(|query| query.say("www 60 CNAME x\nx 30 A 192.0.2.80"));
    for _ in 0..3 {
        let answer = ask(&tree.world, "www.example", QueryOptions::default());
        assert_eq!(
            shown(answer.message()),
            ["www.example cname x.example.", "x.example a 192.0.2.80"]
        );
    }
    assert_eq!(notes.take(), ["192.0.2.1 www.example"]);
    tree.world.pass(Duration::from_secs(27)); // Nine tenths of the least.
    ask(&tree.world, "www.example", QueryOptions::default());
    assert_eq!(notes.take().len(), 1);
}

#[test]
fn a_resolver_that_fails_or_is_silent_is_passed_over() {
    for fails in [true, false] {
        let (tree, notes) = forwarder_to(move |ip, query| match (ip == ABOVE[0], fails) {
            (true, true) => query.say_with(Rcode::SERVFAIL, "", ""),
            (true, false) => {}
            (false, _) => query.say("www A 192.0.2.80"),
        });
        let answer = ask(&tree.world, "www.example", QueryOptions::default());
        assert_eq!((answer.rcode(), answer.answers().count()), (OptRcode::NOERROR, 1));
        assert_eq!(notes.take().len(), 2);
    }
}

#[test]
fn when_none_answers_that_is_a_failure() {
    let (tree, _) = forwarder(|query| query.say_with(Rcode::SERVFAIL, "", ""));
    let answer = ask(&tree.world, "www.example", QueryOptions::default());
    assert_eq!(answer.rcode(), OptRcode::SERVFAIL);
}

#[test]
fn that_there_is_nothing_is_kept_as_long_as_the_zone_says() {
    let soa = "@ 300 SOA ns h 1 1 1 1 60";
    let (tree, notes) = forwarder(move |query| query.say_with(Rcode::NXDOMAIN, "", soa));
    for _ in 0..2 {
        let answer = ask(&tree.world, "www.example", QueryOptions::default());
        assert_eq!((answer.rcode(), answer.authorities().count()), (OptRcode::NXDOMAIN, 1));
    }
    assert_eq!(notes.take().len(), 1);
    tree.world.pass(Duration::from_secs(54));
    ask(&tree.world, "www.example", QueryOptions::default());
    assert_eq!(notes.take().len(), 1);
}

#[test]
fn signatures_are_asked_for_by_who_wants_them_and_kept_apart() {
    let (tree, notes) = forwarder(|query| {
        let signed = query.message.opt().is_some_and(|opt| opt.dnssec_ok());
        query.say(if signed { "www A 192.0.2.1\nwww A 192.0.2.2" } else { "www A 192.0.2.1" });
    });
    let signed = QueryOptions { dnssec_ok: true, ..QueryOptions::default() };
    for _ in 0..2 {
        assert_eq!(ask(&tree.world, "www.example", signed).answers().count(), 2);
        assert_eq!(ask(&tree.world, "www.example", QueryOptions::default()).answers().count(), 1);
    }
    assert_eq!(notes.take().len(), 2);
}
