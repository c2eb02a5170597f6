//! Many addresses at once.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::Rcode;
use ropewalk_core::{Deferred, defer_later};
use ropewalk_dns::{Bulk, BulkOptions, BulkSummary, BulkWork, Finished, Next, Outcome, Random};
use ropewalk_testing::Network;

use crate::fake_server::{Notes, Query, World, address};

const SERVER: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

/// Addresses 10.0.0.0 and on, and what became of them.
struct Numbers {
    next: Rc<Cell<u32>>,
    end: u32,
    told: Notes,
}

impl BulkWork for Numbers {
    fn next(&mut self) -> Next {
        let number = self.next.get();
        if number == self.end {
            return Next::End;
        }
        self.next.set(number + 1);
        let [_, a, b, c] = number.to_be_bytes();
        Next::Address(IpAddr::from([10, a, b, c]))
    }

    fn finished(&mut self, finished: &Finished<'_>) {
        self.told.note(shown(finished));
    }
}

fn shown(finished: &Finished<'_>) -> String {
    let IpAddr::V4(ip) = finished.address else { panic!("only IPv4 was asked for") };
    let number = u32::from(ip) & 0xFF_FFFF;
    match finished.outcome {
        Outcome::Names(names) => format!("{number} {names}"),
        other => format!("{number} {other:?}"),
    }
}

struct Run {
    bulk: Bulk,
    ended: Deferred<BulkSummary>,
    told: Notes,
    next: Rc<Cell<u32>>,
}

fn start(world: &World, servers: &[&str], count: u32, options: BulkOptions) -> Run {
    let (next, told) = (Rc::default(), Notes::default());
    let work = Numbers { next: Rc::clone(&next), end: count, told: told.clone() };
    let servers: Vec<_> = servers.iter().map(|ip| address(ip)).collect();
    let random = Random::from_seed(1);
    let dial = World::dial();
    let (bulk, ended) =
        Bulk::start_with_random(world.reactor(), &dial, &servers, options, work, random);
    Run { bulk, ended, told, next }
}

/// All of `count` addresses at one server.
fn all(world: &World, count: u32, options: BulkOptions) -> (Vec<String>, BulkSummary) {
    let Run { ended, told, bulk, .. } = start(world, &[SERVER], count, options);
    let summary = world.run(ended).unwrap();
    assert_eq!(bulk.summary(), summary);
    (told.take(), summary)
}

/// The number of the address that a query is for.
fn number(query: &Query) -> u32 {
    let name = query.name().to_ascii_lowercase();
    let mut labels = name.split('.').map(|label| label.parse::<u32>().unwrap_or_default());
    let mut label = || labels.next().unwrap();
    label() | label() << 8 | label() << 16
}

/// Its name is the number.
fn say(query: &Query) {
    let pointer = format!("{}. PTR n{}.example.", query.name(), number(query));
    query.say(&pointer);
}

const SOA: &str = "@ 60 SOA ns hostmaster 1 2 3 4 60";

#[test]
fn results_come_in_the_order_of_the_addresses_or_as_they_come() {
    for in_order in [true, false] {
        let network = Network { jitter: Duration::from_millis(50), ..Network::default() };
        let world = World::with_network(network);
        world.serve(SERVER, |query| say(&query));
        let options = BulkOptions { in_order, ..BulkOptions::default() };
        let (mut told, summary) = all(&world, 1000, options);
        let expected: Vec<String> = (0..1000).map(|n| format!("{n} n{n}.example")).collect();
        assert_eq!(told == expected, in_order);
        told.sort_by_key(|line| line.split(' ').next().unwrap().parse::<u32>().unwrap());
        assert_eq!(told, expected);
        assert_eq!((summary.answered, summary.sent), (1000, 1000));
    }
}

#[test]
fn what_becomes_of_each_is_told() {
    let world = World::new();
    world.serve(SERVER, |query| match number(&query) {
        0 => say(&query),
        1 => query.say_with(Rcode::NXDOMAIN, "", SOA),
        2 => query.say_with(Rcode::NOERROR, "", SOA),
        3 => query.say_with(Rcode::SERVFAIL, "", ""),
        4 => query.say_with(Rcode::REFUSED, "", ""),
        _ => {}
    });
    let (told, summary) = all(&world, 6, BulkOptions::default());
    let failed = |code| format!("Failed({code:?})");
    use ropewalk_dns::base::iana::OptRcode;
    assert_eq!(
        told,
        [
            "0 n0.example".to_owned(),
            "1 NoSuchName".to_owned(),
            "2 NoData".to_owned(),
            format!("3 {}", failed(OptRcode::SERVFAIL)),
            format!("4 {}", failed(OptRcode::REFUSED)),
            "5 TimedOut".to_owned(),
        ]
    );
    let counts = (summary.answered, summary.none, summary.failed, summary.timed_out);
    assert_eq!((counts, summary.done()), ((1, 2, 2, 1), 6));
    // 2 s, 4 s and 8 s.
    let slowest = (IpAddr::from([10, 0, 0, 5]), Duration::from_secs(14));
    assert_eq!((summary.slowest, world.elapsed()), (Some(slowest), Duration::from_secs(14)));
    assert_eq!(summary.sent, 3 + 3 * 3);
}

#[test]
fn each_try_goes_to_the_next_server() {
    let world = World::new();
    let asked = Notes::default();
    for ip in [SERVER, OTHER] {
        let asked = asked.clone();
        world.serve(ip, move |query| {
            asked.note(format!("{} {ip}", number(&query)));
            match ip {
                SERVER => query.say_with(Rcode::SERVFAIL, "", ""),
                _ => say(&query),
            }
        });
    }
    let Run { ended, told, .. } = start(&world, &[SERVER, OTHER], 4, BulkOptions::default());
    let summary = world.run(ended).unwrap();
    assert_eq!((told.take().len(), summary.answered, summary.sent), (4, 4, 6));
    let mut asked = asked.take();
    asked.sort();
    assert_eq!(
        asked,
        ["0 192.0.2.1", "0 192.0.2.2", "1 192.0.2.2", "2 192.0.2.1", "2 192.0.2.2", "3 192.0.2.2"]
    );
}

#[test]
fn a_slow_one_holds_back_no_more_than_the_window() {
    let world = World::new();
    world.serve(SERVER, |query| {
        if number(&query) != 10 {
            say(&query);
        }
    });
    let options = BulkOptions { window: 500, ..BulkOptions::default() };
    let Run { ended, told, next, .. } = start(&world, &[SERVER], 2000, options);
    world.pass(Duration::from_secs(10));
    assert_eq!((told.take().len(), next.get()), (10, 510));
    let summary = world.run(ended).unwrap();
    assert_eq!((told.take().len(), summary.answered, summary.timed_out), (1990, 1999, 1));
    assert_eq!(world.elapsed(), Duration::from_secs(14));
}

#[test]
fn no_more_are_under_way_than_was_asked_for() {
    let world = Rc::new(World::new());
    let (open, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (weak, seen) = (Rc::downgrade(&world), most.clone());
    world.serve(SERVER, move |query| {
        open.set(open.get() + 1);
        seen.set(seen.get().max(open.get()));
        let (open, world) = (open.clone(), weak.upgrade().unwrap());
        drop(defer_later(world.reactor(), Duration::from_millis(10), move || {
            open.set(open.get() - 1);
            say(&query);
        }));
    });
    all(&world, 3000, BulkOptions { concurrency: 333, ..BulkOptions::default() });
    assert_eq!(most.get(), 333);
}

#[test]
fn a_rate_is_kept() {
    let world = World::new();
    world.serve(SERVER, |query| say(&query));
    all(&world, 500, BulkOptions { rate: Some(50), ..BulkOptions::default() });
    let seconds = world.elapsed().as_secs_f64();
    assert!((9.8..10.2).contains(&seconds), "{seconds}");
}

#[test]
fn what_is_too_long_or_may_be_forged_is_asked_for_by_tcp() {
    let world = World::new();
    let asked = Notes::default();
    world.serve(SERVER, {
        let asked = asked.clone();
        move |query| {
            asked.note(format!("{} {}", number(&query), if query.by_tcp { "tcp" } else { "udp" }));
            match (number(&query), query.by_tcp) {
                (0, false) => query.say_truncated(),
                (1, false) => {
                    for _ in 0..5 {
                        let mut forged = query.answer("");
                        forged[13] ^= 1;
                        query.reply.send(&forged);
                    }
                }
                (2, false) => {
                    let answer = query.answer("x A 192.0.2.1");
                    query.reply.send(&answer[..answer.len() - 3]);
                }
                _ => say(&query),
            }
        }
    });
    let (told, summary) = all(&world, 3, BulkOptions::default());
    assert_eq!(told, ["0 n0.example", "1 n1.example", "2 n2.example"]);
    assert_eq!((summary.answered, world.elapsed()), (3, Duration::ZERO));
    let mut asked = asked.take();
    asked.sort();
    assert_eq!(asked, ["0 tcp", "0 udp", "1 tcp", "1 udp", "2 tcp", "2 udp"]);
}

#[test]
fn a_server_that_changes_letters_costs_two_connections_at_the_beginning() {
    let world = World::new();
    let by_tcp = Rc::new(Cell::new(0));
    world.serve(SERVER, {
        let by_tcp = by_tcp.clone();
        move |query: Query| {
            by_tcp.set(by_tcp.get() + u32::from(query.by_tcp));
            let pointer = format!("{}. PTR n{}.example.", query.name(), number(&query));
            let mut answer = query.answer(&pointer);
            let end = 12 + query.name().len() + 2;
            answer[12..end].make_ascii_lowercase();
            query.reply.send(&answer);
        }
    });
    let options = BulkOptions { concurrency: 10, ..BulkOptions::default() };
    let (told, summary) = all(&world, 500, options);
    assert_eq!((told.len(), summary.answered), (500, 500));
    assert!(by_tcp.get() < 30, "{}", by_tcp.get());
}

#[test]
fn names_behind_aliases_and_several_names_are_told() {
    let world = World::new();
    world.serve(SERVER, |query| {
        let name = query.name();
        match number(&query) {
            0 => query.say(&format!("{name}. CNAME 0.sub\n0.sub PTR a.example.\n0.sub PTR b")),
            1 => query.say(&format!("{name}. CNAME 1.sub")),
            2 => query.say(&format!("{name}. CNAME {name}.")),
            3 => query.say(&format!("other PTR evil.example.\n{name}. PTR good.example.")),
            4 => query.say(&format!("{name}. PTR a\\ b\\,\\\"\\(\\001\\.\\\\c.example.")),
            5 => query.say(&format!("{name}. PTR .")),
            _ => query.say(&format!("{name}. PTR {name}.")),
        }
    });
    let (told, _) = all(&world, 7, BulkOptions::default());
    assert_eq!(
        told,
        [
            "0 a.example b.example",
            "1 NoData",
            "2 NoData",
            "3 good.example",
            r"4 a\032b\044\034\040\001\.\\c.example",
            "5 .",
            "6 6.0.0.10.in-addr.arpa",
        ]
    );
}

#[test]
fn work_that_waits_is_woken_and_may_be_stopped() {
    struct Fed(Rc<RefCell<Vec<Next>>>, Notes);
    impl BulkWork for Fed {
        fn next(&mut self) -> Next {
            self.0.borrow_mut().pop().unwrap_or(Next::Wait)
        }
        fn finished(&mut self, finished: &Finished<'_>) {
            self.1.note(shown(finished));
        }
    }
    let world = World::new();
    world.serve(SERVER, |query| {
        if number(&query) != 3 {
            say(&query);
        }
    });
    let (food, told) = (Rc::<RefCell<Vec<Next>>>::default(), Notes::default());
    let (bulk, ended) = Bulk::start(
        world.reactor(),
        &World::dial(),
        &[address(SERVER)],
        BulkOptions::default(),
        Fed(food.clone(), told.clone()),
    );
    let feed = |last| {
        food.borrow_mut().push(Next::Address(IpAddr::from([10, 0, 0, last])));
        bulk.wake();
        world.pass(Duration::from_millis(10));
    };
    feed(1);
    assert_eq!(told.take(), ["1 n1.example"]);
    feed(2);
    feed(3);
    feed(4);
    assert_eq!(told.take(), ["2 n2.example"], "the one after the silent one waits");
    bulk.stop();
    let summary = ended.into_result().unwrap().unwrap();
    assert_eq!((summary.answered, summary.done()), (3, 3));
    world.pass(Duration::from_secs(60));
    assert!(told.take().is_empty());
}

#[test]
fn addresses_of_ipv6_are_looked_up_too() {
    struct One(Option<IpAddr>, Notes);
    impl BulkWork for One {
        fn next(&mut self) -> Next {
            self.0.take().map_or(Next::End, Next::Address)
        }
        fn finished(&mut self, finished: &Finished<'_>) {
            self.1.note(format!("{} {:?}", finished.address, finished.outcome));
        }
    }
    let world = World::new();
    world.serve("2001:db8::53", |query| {
        let pointer = format!("{}. PTR six.example.", query.name());
        query.say(&pointer);
    });
    let told = Notes::default();
    let work = One(Some("2001:db8::567:89ab".parse().unwrap()), told.clone());
    let servers = [address("2001:db8::53")];
    let options = BulkOptions::default();
    let (_, ended) = Bulk::start(world.reactor(), &World::dial(), &servers, options, work);
    world.run(ended).unwrap();
    assert_eq!(told.take(), ["2001:db8::567:89ab Names(\"six.example\")"]);
}
