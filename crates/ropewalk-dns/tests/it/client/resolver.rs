//! A program's resolver: aliases, what is known, many askers, search list, hosts file.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{Rcode, Rtype};
use ropewalk_core::{
    Deferred, DeferredList, DeferredListOptions, Failure, FailureKind, ListResult, defer_later,
    gather_results,
};
use ropewalk_dns::{CacheOptions, Hosts, LookupError, Name, ResolvConf, Resolver, ResolverOptions};

use crate::fake_server::{Notes, Query, World};

const SERVER: &str = "192.0.2.1";
const CONF: &str = "nameserver 192.0.2.1";
const SOA: &str = "@ 60 SOA ns hostmaster 1 2 3 4 60";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// `web.example: 192.0.2.80`, or what failed.
fn told(found: Result<ropewalk_dns::Answer, Failure>) -> String {
    match found {
        Ok(answer) => {
            let data: Vec<String> = answer.records.data().map(|data| data.to_string()).collect();
            format!("{}: {}", answer.name, data.join(" "))
        }
        Err(failure) => failure.to_string(),
    }
}

fn lookup(world: &World, resolver: &Resolver, asked: &str) -> String {
    told(world.run(resolver.lookup(&name(asked), Rtype::A)))
}

fn resolve(world: &World, resolver: &Resolver, asked: &str) -> Result<Vec<String>, String> {
    let found = world.run(resolver.addresses(asked));
    found
        .map(|ips| ips.iter().map(IpAddr::to_string).collect())
        .map_err(|failure| failure.to_string())
}

#[test]
fn aliases_in_one_answer_are_followed_and_known() {
    let (world, asked) = (World::new(), Notes::default());
    let all = "www CNAME web\nweb CNAME host\nhost A 192.0.2.80";
    world.serve(SERVER, asked.before(move |query| query.say(all)));
    let resolver = world.resolver(CONF);
    for _ in 0..2 {
        assert_eq!(lookup(&world, &resolver, "www.example"), "host.example: 192.0.2.80");
        assert_eq!(lookup(&world, &resolver, "web.example"), "host.example: 192.0.2.80");
        assert_eq!(lookup(&world, &resolver, "HOST.example"), "HOST.example: 192.0.2.80");
    }
    assert_eq!(asked.take(), ["www.example A"]);
}

#[test]
fn an_alias_that_leads_out_of_the_answer_is_asked_for() {
    let (world, asked) = (World::new(), Notes::default());
    world.serve(
        SERVER,
        asked.before(|query| match query.asked().as_str() {
            "www.example A" => query.say("www CNAME web"),
            "web.example A" => query.say("web CNAME host"),
            _ => query.say("host A 192.0.2.80"),
        }),
    );
    let resolver = world.resolver(CONF);
    assert_eq!(lookup(&world, &resolver, "www.example"), "host.example: 192.0.2.80");
    assert_eq!(asked.take(), ["www.example A", "web.example A", "host.example A"]);
}

#[test]
fn aliases_without_end_are_given_up() {
    let told = "www.example is an alias of more than 16 aliases";
    for answer in ["www CNAME web\nweb CNAME www", "www CNAME www", "www CNAME web"] {
        let (world, asked) = (World::new(), Notes::default());
        world.serve(
            SERVER,
            asked.before(move |query| match query.asked().as_str() {
                "web.example A" => query.say("web CNAME www"),
                _ => query.say(answer),
            }),
        );
        let resolver = world.resolver(CONF);
        assert_eq!(lookup(&world, &resolver, "www.example"), told);
        assert!(asked.take().len() <= 2);
    }
    // Each another name.
    let world = World::new();
    world.serve(SERVER, |query| {
        let name = query.name().to_ascii_lowercase();
        let next = format!("{name}. 0 CNAME a{name}.");
        query.say(&next);
    });
    assert_eq!(lookup(&world, &world.resolver(CONF), "www.example"), told);
}

#[test]
fn answers_for_other_names_are_not_kept() {
    let (world, asked) = (World::new(), Notes::default());
    world.serve(
        SERVER,
        asked.before(|query| match query.asked().as_str() {
            "www.example A" => {
                query.say("bank A 203.0.113.6\nwww A 192.0.2.80\nbank A 203.0.113.7")
            }
            _ => query.say("bank A 192.0.2.99"),
        }),
    );
    let resolver = world.resolver(CONF);
    assert_eq!(lookup(&world, &resolver, "www.example"), "www.example: 192.0.2.80");
    assert_eq!(lookup(&world, &resolver, "bank.example"), "bank.example: 192.0.2.99");
    assert_eq!(asked.take().len(), 2);
}

#[test]
fn absence_is_told_and_known_for_as_long_as_its_zone_says() {
    let cases = [
        (Rcode::NXDOMAIN, "no such name: www.example"),
        (Rcode::NOERROR, "www.example has no A record"),
    ];
    for (rcode, said) in cases {
        let (world, asked) = (World::new(), Notes::default());
        world.serve(SERVER, asked.before(move |query| query.say_with(rcode, "", SOA)));
        let resolver = world.resolver(CONF);
        let first = lookup(&world, &resolver, "www.example");
        assert_eq!(first, format!("{said} (asked 192.0.2.1:53 for A)"));
        assert_eq!(lookup(&world, &resolver, "www.example"), said);
        assert_eq!(asked.take().len(), 1);
        world.pass(Duration::from_secs(61));
        lookup(&world, &resolver, "www.example");
        assert_eq!(asked.take().len(), 1);
    }
}

#[test]
fn absence_that_another_zone_tells_of_is_not_kept() {
    let (world, asked) = (World::new(), Notes::default());
    let other = "other. 60 SOA ns hostmaster 1 2 3 4 60";
    world.serve(SERVER, asked.before(move |query| query.say_with(Rcode::NXDOMAIN, "", other)));
    let resolver = world.resolver(CONF);
    for _ in 0..2 {
        lookup(&world, &resolver, "www.example");
    }
    assert_eq!(asked.take().len(), 2);
}

#[test]
fn many_askers_share_one_question_and_one_may_leave() {
    let (world, asked) = (Rc::new(World::new()), Notes::default());
    let weak = Rc::downgrade(&world);
    world.serve(
        SERVER,
        asked.before(move |query| {
            let world = weak.upgrade().unwrap();
            let second = Duration::from_secs(1);
            drop(defer_later(world.reactor(), second, move || query.say("www A 192.0.2.80")));
        }),
    );
    let resolver = world.resolver(CONF);
    let ask = || resolver.lookup(&name("www.example"), Rtype::A);
    let mut askers: Vec<_> = (0..100).map(|_| ask()).collect();
    world.pass(Duration::from_millis(500));
    let leaver = askers.remove(40);
    leaver.cancel();
    assert!(leaver.into_result().unwrap().unwrap_err().is(FailureKind::Cancelled));
    assert_eq!(world.run(gather_results(askers)).unwrap().len(), 99);
    assert_eq!(asked.take().len(), 1);

    // When all have left, nobody waits for the answer.
    resolver.clear_cache();
    let askers = [ask(), ask()];
    world.pass(Duration::from_millis(500));
    assert_eq!(resolver.exchanger().in_flight(), 1);
    askers.iter().for_each(Deferred::cancel);
    assert_eq!(resolver.exchanger().in_flight(), 0);
    drop(askers.map(|asker| asker.into_result().unwrap().unwrap_err()));
    // And who comes after that asks anew.
    assert!(world.run(ask()).is_ok());
    assert_eq!(asked.take().len(), 2);
}

#[test]
fn both_families_are_asked_for_at_once_and_one_is_enough() {
    let (world, asked) = (World::new(), Notes::default());
    world.serve(
        SERVER,
        asked.before(|query| match query.asked().as_str() {
            "both.example A" => query.say("both A 192.0.2.80"),
            "both.example AAAA" => query.say("both AAAA 2001:db8::80"),
            "four.example A" => query.say("four A 192.0.2.80"),
            "four.example AAAA" => query.say_with(Rcode::NOERROR, "", SOA),
            "half.example A" => query.say("half A 192.0.2.80"),
            "half.example AAAA" => query.say_with(Rcode::SERVFAIL, "", ""),
            "broken.example A" => query.say_with(Rcode::NOERROR, "", SOA),
            "broken.example AAAA" => query.say_with(Rcode::SERVFAIL, "", ""),
            _ => query.say_with(Rcode::NXDOMAIN, "", SOA),
        }),
    );
    let resolver = world.resolver(CONF);
    let found = |name: &str| resolve(&world, &resolver, name);
    assert_eq!(found("both.example").unwrap(), ["2001:db8::80", "192.0.2.80"]);
    assert_eq!(asked.take(), ["both.example A", "both.example AAAA"]);
    assert_eq!(found("four.example").unwrap(), ["192.0.2.80"]);
    assert_eq!(found("half.example").unwrap(), ["192.0.2.80"]);
    let failed = "192.0.2.1:53 fails to answer broken.example AAAA: SERVFAIL";
    assert_eq!(found("broken.example").unwrap_err(), failed);
    let none = "no such name: none.example (asked 192.0.2.1:53 for A)";
    assert_eq!(found("none.example").unwrap_err(), none);
}

#[test]
fn options_say_which_families_and_in_which_order() {
    let both = |query: Query| match query.asked().ends_with("AAAA") {
        true => query.say("www 0 AAAA 2001:db8::80"),
        false => query.say("www 0 A 192.0.2.80"),
    };
    let (world, asked) = (World::new(), Notes::default());
    world.serve(SERVER, asked.before(both));
    let four = world.resolver("nameserver 192.0.2.1\noptions no-aaaa");
    assert_eq!(resolve(&world, &four, "www.example").unwrap(), ["192.0.2.80"]);
    assert_eq!(asked.take(), ["www.example A"]);
    let four_first = world.resolver_with(ResolverOptions {
        conf: ResolvConf::parse("nameserver 192.0.2.1\noptions single-request"),
        ipv6_first: false,
        ..ResolverOptions::default()
    });
    let found = resolve(&world, &four_first, "www.example").unwrap();
    assert_eq!(found, ["192.0.2.80", "2001:db8::80"]);
    let over_tcp = world.resolver("nameserver 192.0.2.1\noptions use-vc");
    resolve(&world, &over_tcp, "www.example").unwrap();
    assert_eq!(over_tcp.exchanger().open_ports(), 0);
}

#[test]
fn the_search_list_is_tried_in_order() {
    let (world, asked) = (World::new(), Notes::default());
    world.serve(
        SERVER,
        asked.before(|query| match query.asked().as_str() {
            "www.b.example A" => query.say("www.b A 192.0.2.80"),
            "www.b.example AAAA" | "www AAAA" => query.say_with(Rcode::NOERROR, "", SOA),
            _ => query.say_with(Rcode::NXDOMAIN, "", SOA),
        }),
    );
    let conf = "nameserver 192.0.2.1\nsearch a.example b.example\noptions no-aaaa";
    let resolver = world.resolver(conf);
    assert_eq!(resolve(&world, &resolver, "www").unwrap(), ["192.0.2.80"]);
    assert_eq!(asked.take(), ["www.a.example A", "www.b.example A"]);
    let none = "no such name: x.y.b.example (asked 192.0.2.1:53 for A)";
    assert_eq!(resolve(&world, &resolver, "x.y").unwrap_err(), none);
    assert_eq!(asked.take(), ["x.y A", "x.y.a.example A", "x.y.b.example A"]);
    resolve(&world, &resolver, "x.y.").unwrap_err();
    assert_eq!(asked.take(), ["x.y A"], "nobody says which zone that name is missing from");
}

#[test]
fn what_needs_no_question_is_not_asked() {
    let (world, asked) = (World::new(), Notes::default());
    world.serve(SERVER, asked.before(|query| query.say_with(Rcode::NXDOMAIN, "", SOA)));
    let resolver = world.resolver_with(ResolverOptions {
        conf: ResolvConf::parse(CONF),
        hosts: Hosts::parse("192.0.2.7 box.example box\n2001:db8::7 box\n"),
        ..ResolverOptions::default()
    });
    let found = |name: &str| resolve(&world, &resolver, name).unwrap();
    assert_eq!(found("192.0.2.9"), ["192.0.2.9"]);
    assert_eq!(found("2001:db8::9"), ["2001:db8::9"]);
    assert_eq!(found("BOX"), ["2001:db8::7", "192.0.2.7"]);
    assert_eq!(found("localhost"), ["::1", "127.0.0.1"]);
    assert_eq!(found("www.localhost."), ["::1", "127.0.0.1"]);
    let pointers = world.run(resolver.lookup_pointer("192.0.2.7".parse().unwrap())).unwrap();
    assert_eq!(pointers[0].to_string(), "box.example");
    let long = "x".repeat(64);
    let failure = resolve(&world, &resolver, &long).unwrap_err();
    assert_eq!(failure, format!("{long:?} is not a domain name"));
    assert!(asked.take().is_empty());
}

#[test]
fn new_files_are_gone_by_from_then_on() {
    let (world, asked) = (World::new(), Notes::default());
    for ip in [SERVER, "192.0.2.2"] {
        let asked = asked.clone();
        world.serve(ip, move |query| {
            asked.note(ip);
            query.say("www A 192.0.2.80");
        });
    }
    let resolver = world.resolver(CONF);
    lookup(&world, &resolver, "www.example");
    resolver.configure(ResolvConf::parse(CONF), Hosts::parse("192.0.2.7 box"));
    lookup(&world, &resolver, "www.example");
    assert_eq!(resolve(&world, &resolver, "box").unwrap(), ["192.0.2.7"]);
    resolver.configure(ResolvConf::parse("nameserver 192.0.2.2"), Hosts::default());
    lookup(&world, &resolver, "www.example");
    assert_eq!(asked.take(), [SERVER, "192.0.2.2"]);
}

#[test]
fn what_is_in_use_is_asked_for_before_it_runs_out() {
    let (world, asked) = (World::new(), Notes::default());
    world.serve(SERVER, asked.before(|query| query.say("www 100 A 192.0.2.80")));
    let resolver = world.resolver(CONF);
    lookup(&world, &resolver, "www.example");
    world.pass(Duration::from_secs(95));
    for _ in 0..5 {
        lookup(&world, &resolver, "www.example");
    }
    world.pass(Duration::from_secs(50));
    lookup(&world, &resolver, "www.example");
    assert_eq!(asked.take().len(), 2);
}

#[test]
fn what_was_right_is_told_when_nobody_answers_where_that_is_wanted() {
    let (world, asked) = (World::new(), Notes::default());
    let count = std::cell::Cell::new(0);
    world.serve(
        SERVER,
        asked.before(move |query| {
            count.set(count.get() + 1);
            if count.get() == 1 {
                query.say("www 100 A 192.0.2.80");
            }
        }),
    );
    let day = Duration::from_secs(86_400);
    let resolver = world.resolver_with(ResolverOptions {
        conf: ResolvConf::parse(CONF),
        cache: CacheOptions { serve_stale: day, ..CacheOptions::default() },
        ..ResolverOptions::default()
    });
    lookup(&world, &resolver, "www.example");
    world.pass(Duration::from_secs(200));
    assert_eq!(lookup(&world, &resolver, "www.example"), "www.example: 192.0.2.80");
    world.pass(day);
    assert!(lookup(&world, &resolver, "www.example").starts_with("no answer to www.example A"));
}

#[test]
fn each_way_to_fail_is_told_from_the_others() {
    let world = World::new();
    world.serve(SERVER, |query| match query.name().to_ascii_lowercase().as_str() {
        "none.example" => query.say_with(Rcode::NXDOMAIN, "", SOA),
        "empty.example" => query.say_with(Rcode::NOERROR, "", SOA),
        "refused.example" => query.say_with(Rcode::REFUSED, "", ""),
        "failed.example" => query.say_with(Rcode::SERVFAIL, "", ""),
        _ => {}
    });
    let resolver = world.resolver(CONF);
    let failure = |asked: &str| world.run(resolver.lookup(&name(asked), Rtype::A)).unwrap_err();
    let error = |asked| failure(asked).check::<LookupError>().unwrap().clone();
    assert!(matches!(error("none.example"), LookupError::NoSuchName { .. }));
    assert!(matches!(error("empty.example"), LookupError::NoData { .. }));
    assert!(matches!(error("refused.example"), LookupError::Refused { .. }));
    assert!(matches!(error("failed.example"), LookupError::ServerFailed { .. }));
    assert!(matches!(error("silent.example"), LookupError::TimedOut { .. }));
    assert!(failure("silent.example").is(FailureKind::Timeout));
    assert_eq!(error("silent.example").question().qname(), &name("silent.example"));
}

#[test]
fn a_batch_waits_as_long_as_its_slowest_lookup() {
    let world = Rc::new(World::new());
    let weak = Rc::downgrade(&world);
    world.serve(SERVER, move |query| {
        let name = query.name().to_ascii_lowercase();
        let last: u64 = name.split('.').next().unwrap().parse().unwrap();
        let pointer = format!("{name}. PTR host{last}.example.");
        let slow = Duration::from_millis(if last == 77 { 4000 } else { 10 * last });
        let world = weak.upgrade().unwrap();
        drop(defer_later(world.reactor(), slow, move || query.say(&pointer)));
    });
    let resolver = world.resolver(CONF);
    let addresses = (1..=100).map(|last| IpAddr::from([198, 51, 100, last]));
    let lookups = addresses.map(|ip| resolver.lookup_pointer(ip)).collect();
    let all = DeferredList::new(lookups, DeferredListOptions::default());
    let ListResult::All(results) = world.run(all).unwrap() else { panic!("all were waited for") };
    let names: Vec<String> = results.into_iter().map(|one| one.unwrap()[0].to_string()).collect();
    assert_eq!((names.len(), names[76].as_str()), (100, "host77.example"));
    assert_eq!(world.elapsed(), Duration::from_secs(4));
}
