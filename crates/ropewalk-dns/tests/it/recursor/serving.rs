//! The recursive resolver behind a server.

use std::time::Duration;

use domain::base::iana::{OptRcode, Rtype};
use ropewalk_dns::server::Resolving;
use ropewalk_dns::{NameServer, QueryOptions, Response, Via};

use super::tree::Tree;
use crate::fake_server::{address, question, shown};

const HERE: &str = "198.51.100.53";

fn tree() -> Tree {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    tree.answer_by(HERE, Resolving::new(recursor));
    tree
}

fn ask_with(tree: &Tree, name: &str, rtype: Rtype, options: QueryOptions) -> Response {
    let server = NameServer::new(address(HERE), Via::Udp);
    let (question, time) = (question(name, rtype), Duration::from_secs(20));
    tree.world.run(tree.world.exchanger().ask(&server, &question, &options, time)).unwrap()
}

fn ask(tree: &Tree, name: &str, rtype: Rtype) -> Response {
    ask_with(tree, name, rtype, QueryOptions::default())
}

fn ttl(response: &Response) -> u32 {
    response.answers().next().unwrap().ttl().as_secs()
}

#[test]
fn an_answer_is_given_again_with_less_time_to_live() {
    let tree = tree();
    let first = ask(&tree, "alias.example", Rtype::A);
    assert_eq!(
        shown(first.message()),
        ["alias.example cname www.example.", "www.example a 192.0.2.80"]
    );
    assert!(first.recursion_available() && !first.is_authoritative());
    assert_eq!(ttl(&first), 60);
    tree.asked();
    tree.world.pass(Duration::from_secs(20));
    let second = ask(&tree, "ALIAS.Example", Rtype::A);
    assert_eq!((shown(second.message()), ttl(&second)), (shown(first.message()), 40));
    let ttls: Vec<_> = second.answers().map(|record| record.ttl().as_secs()).collect();
    assert_eq!((ttls, tree.asked()), (vec![40, 40], vec![]));
    // Its last tenth is left to the resolver, which sees that it is still wanted.
    tree.world.pass(Duration::from_secs(36));
    assert_eq!(ask(&tree, "alias.example", Rtype::A).answers().count(), 2);
}

#[test]
fn that_there_is_nothing_comes_with_the_zone_that_says_so() {
    let tree = tree();
    for _ in 0..2 {
        let none = ask(&tree, "nobody.example", Rtype::A);
        assert_eq!(none.rcode(), OptRcode::NXDOMAIN);
        let soa = none.authorities().next().unwrap();
        assert_eq!((soa.rtype(), soa.ttl().as_secs()), (Rtype::SOA, 60));
        let empty = ask(&tree, "www.example", Rtype::MX);
        assert_eq!((empty.rcode(), empty.answers().count()), (OptRcode::NOERROR, 0));
    }
}

#[test]
fn who_does_not_want_it_to_ask_gets_what_it_knows() {
    let tree = tree();
    let known_only = QueryOptions { recursion_desired: false, ..QueryOptions::default() };
    let before = ask_with(&tree, "www.example", Rtype::A, known_only);
    assert_eq!(before.rcode(), OptRcode::REFUSED);
    ask(&tree, "www.example", Rtype::A);
    let after = ask_with(&tree, "www.example", Rtype::A, known_only);
    assert_eq!((after.rcode(), after.answers().count()), (OptRcode::NOERROR, 1));
}

#[test]
fn what_cannot_be_found_is_a_failure_and_what_makes_no_sense_is_refused() {
    let tree = tree();
    let rcode = |name: &str, rtype| ask(&tree, name, rtype).rcode();
    assert_eq!(rcode("loop.example", Rtype::A), OptRcode::SERVFAIL);
    assert_eq!(rcode("example", Rtype::AXFR), OptRcode::REFUSED);
    assert_eq!(rcode("example", Rtype::MAILB), OptRcode::NOTIMP);
    let any = ask(&tree, "www.example", Rtype::ANY);
    assert_eq!(any.answers().map(|record| record.rtype()).collect::<Vec<_>>(), [Rtype::HINFO]);
}
