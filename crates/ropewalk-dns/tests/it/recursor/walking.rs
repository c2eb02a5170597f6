//! From the root to the answer.

use std::time::Duration;

use domain::base::iana::{OptRcode, Rtype};
use ropewalk_core::FailureKind;
use ropewalk_dns::server::{Answer, Query, Responder, Verdict};
use ropewalk_dns::{RecursorLimits, RecursorOptions};
use ropewalk_testing::MemoryNetwork;

use super::tree::{Tree, shown};
use crate::fake_server::question;

#[test]
fn a_name_is_found_from_the_root_on_and_then_remembered() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    let found = tree.find(&recursor, "www.example", Rtype::A).unwrap();
    assert_eq!(shown(&found), ["www.example a 192.0.2.80"]);
    let way = ["198.51.100.1: . NS", "198.51.100.1: example A", "198.51.100.2: www.example A"];
    assert_eq!(tree.asked(), way);
    assert_eq!(shown(&tree.find(&recursor, "WWW.example", Rtype::A).unwrap()), shown(&found));
    assert_eq!(tree.asked(), [""; 0]);
    assert!(recursor.recall(&question("www.example", Rtype::A)).is_some());
    assert!(recursor.recall(&question("www.example", Rtype::MX)).is_none());
    // Its time to live is 60 s, and that of its zone's servers an hour.
    tree.world.pass(Duration::from_secs(61));
    tree.find(&recursor, "www.example", Rtype::A).unwrap();
    assert_eq!(tree.asked(), ["198.51.100.2: www.example A"]);
}

#[test]
fn servers_are_told_no_more_of_a_name_than_they_need() {
    let tree = Tree::grown();
    let found = tree.find(&tree.recursor(), "deep.down.below.example", Rtype::TXT).unwrap();
    assert_eq!((shown(&found).len(), found.rcode), (0, OptRcode::NOERROR));
    assert_eq!(
        tree.asked()[1..],
        [
            "198.51.100.1: example A",
            "198.51.100.2: below.example A",
            "198.51.100.2: down.below.example A",
            "198.51.100.2: deep.down.below.example TXT",
        ]
    );
}

#[test]
fn aliases_are_followed_within_a_zone_and_to_others() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    let found = |name: &str| shown(&tree.find(&recursor, name, Rtype::A).unwrap());
    assert_eq!(
        found("alias.example"),
        ["alias.example cname www.example.", "www.example a 192.0.2.80"]
    );
    assert_eq!(found("far.example"), ["far.example cname www.test.", "www.test a 192.0.2.90"]);
    assert_eq!(
        found("a.old.example"),
        [
            "old.example dname new.example.",
            "a.old.example cname a.new.example.",
            "a.new.example a 192.0.2.9"
        ]
    );
    let alias = tree.find(&recursor, "alias.example", Rtype::CNAME).unwrap();
    assert_eq!(shown(&alias), ["alias.example cname www.example."]);
    let failure = tree.find(&recursor, "loop.example", Rtype::A).unwrap_err();
    assert!(failure.is(FailureKind::Peer) || failure.is(FailureKind::Limit), "{failure}");
}

#[test]
fn that_there_is_nothing_is_remembered_as_long_as_the_zone_says() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    let rcode = |name: &str, rtype| tree.find(&recursor, name, rtype).unwrap().rcode;
    assert_eq!(rcode("nobody.example", Rtype::A), OptRcode::NXDOMAIN);
    assert_eq!(rcode("www.example", Rtype::MX), OptRcode::NOERROR);
    tree.asked();
    assert_eq!(rcode("nobody.example", Rtype::MX), OptRcode::NXDOMAIN);
    assert_eq!(rcode("www.example", Rtype::MX), OptRcode::NOERROR);
    assert_eq!(tree.asked(), [""; 0]);
    let found = tree.find(&recursor, "nobody.example", Rtype::A).unwrap();
    assert_eq!(found.soa.as_ref().unwrap().zone.to_string(), "example");
    tree.world.pass(Duration::from_secs(61)); // The last number of its SOA is 60.
    assert_eq!(rcode("nobody.example", Rtype::A), OptRcode::NXDOMAIN);
    assert_eq!(tree.asked(), ["198.51.100.2: nobody.example A"]);
}

#[test]
fn what_delegates_a_zone_is_asked_of_its_parent() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    tree.find(&recursor, "www.example", Rtype::A).unwrap();
    tree.asked();
    assert_eq!(tree.find(&recursor, "example", Rtype::DS).unwrap().rcode, OptRcode::NOERROR);
    assert_eq!(tree.asked(), ["198.51.100.1: example DS"]);
}

#[test]
fn one_search_answers_all_who_ask_meanwhile() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    let all: Vec<_> = (0..50).map(|_| recursor.find(&question("www.test", Rtype::A))).collect();
    for found in all {
        assert_eq!(shown(&tree.world.run(found).unwrap()), ["www.test a 192.0.2.90"]);
    }
    let times = tree.asked().iter().filter(|asked| asked.ends_with("www.test A")).count();
    assert_eq!(times, 1);
}

/// Says nothing.
struct Silent;

impl Responder for Silent {
    fn respond(&self, _: &Query<'_>, _: &mut Answer<'_>) -> Verdict {
        Verdict::Ignored
    }
}

/// Says that it is not responsible.
struct Refuses;

impl Responder for Refuses {
    fn respond(&self, _: &Query<'_>, answer: &mut Answer<'_>) -> Verdict {
        answer.set_rcode(OptRcode::REFUSED);
        Verdict::Answered
    }
}

/// A root that delegates `lame` to three servers, the first of which is of no use.
fn with_a_bad_server(bad: impl Responder) -> Tree {
    let tree = Tree::bare();
    tree.serve(
        super::tree::ROOT,
        &[". 3600 SOA a.root. h.root. 1 1 1 1 60\n. NS a.root.\na.root. A 198.51.100.1\n\
         lame. NS a.lame.\nlame. NS b.lame.\na.lame. A 198.51.100.66\nb.lame. A 198.51.100.67"],
    );
    tree.answer_by("198.51.100.66", bad);
    tree.serve(
        "198.51.100.67",
        &["lame. 3600 SOA a.lame. h.lame. 1 1 1 1 60\nlame. NS a.lame.\nlame. NS b.lame.\n\
         a.lame. A 198.51.100.66\nb.lame. A 198.51.100.67\n*.lame. 1 A 192.0.2.1"],
    );
    tree
}

#[test]
fn a_server_that_does_not_answer_is_passed_over_for_others() {
    let tree = with_a_bad_server(Silent);
    let recursor = tree.recursor();
    for number in 0..20 {
        tree.find(&recursor, &format!("x{number}.lame"), Rtype::A).unwrap();
    }
    // It may be asked first once or twice, and is known then.
    assert!(tree.world.elapsed() < Duration::from_secs(6), "{:?}", tree.world.elapsed());
}

#[test]
fn a_server_that_does_not_answer_for_its_zone_is_not_asked_for_it_again() {
    let tree = with_a_bad_server(Refuses);
    let recursor = tree.recursor();
    for number in 0..20 {
        tree.find(&recursor, &format!("x{number}.lame"), Rtype::A).unwrap();
    }
    assert_eq!(tree.world.elapsed(), Duration::ZERO);
}

#[test]
fn what_was_found_once_is_found_while_nobody_answers_if_that_is_wanted() {
    let tree = Tree::grown();
    let (stale, strict) = (tree.stale_recursor(), tree.recursor());
    for recursor in [&stale, &strict] {
        tree.find(recursor, "www.example", Rtype::A).unwrap();
    }
    MemoryNetwork::of(tree.world.reactor()).unwrap().partition();
    tree.world.pass(Duration::from_secs(4000));
    assert!(tree.find(&strict, "www.example", Rtype::A).unwrap_err().is(FailureKind::Timeout));
    let found = tree.find(&stale, "www.example", Rtype::A).unwrap();
    assert_eq!(shown(&found), ["www.example a 192.0.2.80"]);
    assert_eq!(found.records[0].records.ttl, Duration::from_secs(30));
}

#[test]
fn what_is_in_use_is_looked_up_anew_before_it_runs_out() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    tree.find(&recursor, "www.example", Rtype::A).unwrap();
    tree.asked();
    tree.world.pass(Duration::from_secs(55));
    tree.find(&recursor, "www.example", Rtype::A).unwrap();
    tree.world.pass(Duration::from_secs(1));
    assert_eq!(tree.asked(), ["198.51.100.2: www.example A"]);
    tree.world.pass(Duration::from_secs(30));
    tree.find(&recursor, "www.example", Rtype::A).unwrap();
    assert_eq!(tree.asked(), [""; 0]);
}

#[test]
fn what_an_alias_leads_to_is_looked_up_anew_too() {
    let tree = Tree::grown();
    let recursor = tree.recursor();
    tree.find(&recursor, "far.example", Rtype::A).unwrap();
    tree.asked();
    tree.world.pass(Duration::from_secs(28)); // Its own time is twice that of what it leads to.
    tree.find(&recursor, "far.example", Rtype::A).unwrap();
    tree.world.pass(Duration::from_secs(1));
    assert!(tree.asked().iter().any(|asked| asked.ends_with("www.test A")));
}

#[test]
fn one_question_costs_no_more_queries_than_it_may() {
    let tree = Tree::grown();
    let limits = RecursorLimits { queries_max: 3, ..RecursorLimits::default() };
    let recursor = tree.recursor_with(RecursorOptions { limits, ..RecursorOptions::default() });
    let failure = tree.find(&recursor, "www.test", Rtype::A).unwrap_err();
    assert!(failure.is(FailureKind::Limit), "{failure}");
    assert_eq!(tree.asked().len(), 3);
    // The failure is remembered for a while.
    tree.find(&recursor, "www.test", Rtype::A).unwrap_err();
    assert_eq!(tree.asked().len(), 0);
    tree.find(&recursor, "www.example", Rtype::A).unwrap();
}
