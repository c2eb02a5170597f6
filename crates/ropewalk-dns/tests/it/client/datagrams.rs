//! Whose datagram is believed, and which port it comes to.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::Rtype;
use ropewalk_core::{DatagramTransport, Deferred, FailureKind, defer_later, gather_results};
use ropewalk_dns::{ClientLimits, Exchanger, NameServer, QueryOptions, Response, Via};

use crate::fake_server::{Notes, Query, World, address, question, shown};

const SERVER: &str = "192.0.2.1";

fn ask(exchanger: &Exchanger, name: &str) -> Deferred<Response> {
    let server = NameServer::new(address(SERVER), Via::Udp);
    let question = question(name, Rtype::A);
    exchanger.ask(&server, &question, &QueryOptions::default(), Duration::from_secs(2))
}

/// Sends `forged` before the right answer, which comes a second later; says what was answered, and over what.
fn answered_after(forge: impl Fn(&World, &Query) + 'static) -> (Vec<String>, Vec<String>) {
    let world = Rc::new(World::new());
    let notes = Notes::default();
    let (weak, log) = (Rc::downgrade(&world), notes.clone());
    world.serve(SERVER, move |query| {
        let world = weak.upgrade().unwrap();
        log.note(if query.by_tcp { "tcp" } else { "udp" });
        if !query.by_tcp {
            forge(&world, &query);
        }
        let second = Duration::from_secs(1);
        drop(defer_later(world.reactor(), second, move || query.say("www A 192.0.2.80")));
    });
    let exchanger = world.exchanger();
    let response = world.run(ask(&exchanger, "www.example")).unwrap();
    assert!(exchanger.strays() > 0);
    (shown(response.message()), notes.take())
}

const FORGED: &str = "www A 203.0.113.6";
const RIGHT: &str = "www.example a 192.0.2.80";

#[test]
fn what_comes_from_elsewhere_is_not_believed() {
    // Another address, and another port of the same one.
    for forger in ["203.0.113.6:53", "192.0.2.1:5353"] {
        let socket: Rc<RefCell<Option<DatagramTransport>>> = Rc::default();
        let (answer, over) = answered_after(move |world, query| {
            let endpoint = ropewalk_testing::MemoryDatagramEndpoint::new(forger);
            struct Deaf;
            impl ropewalk_core::DatagramProtocol for Deaf {
                fn datagram_received(
                    &mut self,
                    _: &DatagramTransport,
                    _: &[u8],
                    _: &ropewalk_core::Address,
                ) {
                }
            }
            let (to, forged) = (query.from.clone(), query.answer(FORGED));
            let socket = socket.clone();
            drop(world.reactor().open(&endpoint, Deaf).add_callback(move |opened| {
                opened.send_to(forged, &to);
                socket.replace(Some(opened));
            }));
        });
        assert_eq!((answer, over), (vec![RIGHT.to_owned()], vec!["udp".to_owned()]));
    }
}

/// A change to a right answer that makes it none.
fn changed(change: impl Fn(&mut Vec<u8>) + 'static) -> (Vec<String>, Vec<String>) {
    answered_after(move |_, query| {
        let mut forged = query.answer(FORGED);
        change(&mut forged);
        query.reply.send(&forged);
    })
}

#[test]
fn what_answers_something_else_is_not_believed() {
    let right = (vec![RIGHT.to_owned()], vec!["udp".to_owned()]);
    assert_eq!(changed(|message| message[0] ^= 1), right, "another id");
    assert_eq!(changed(|message| message[2] &= 0x7F), right, "a query");
    assert_eq!(changed(|message| message[13] = b'x'), right, "another name");
    assert_eq!(changed(|message| message[26] = 28), right, "another type");
    assert_eq!(changed(|message| message[5] = 0), right, "no question");
    assert_eq!(changed(|message| message.truncate(20)), right, "half a question");
    assert_eq!(changed(|message| message.truncate(3)), right, "half a header");
    assert_eq!(changed(Vec::clear), right, "nothing");
}

#[test]
fn letters_of_another_case_are_asked_for_by_tcp() {
    let (answer, over) = changed(|message| message[13] ^= 0x20);
    assert_eq!((answer, over), (vec![RIGHT.to_owned()], vec!["udp".into(), "tcp".into()]));
}

#[test]
fn after_some_wrong_answers_a_question_goes_on_by_tcp() {
    let (answer, over) = answered_after(|_, query| {
        for number in 0..200u8 {
            let mut forged = query.answer(FORGED);
            forged[13] = b'0' + number % 10; // the id is guessed, the name is not
            query.reply.send(&forged);
        }
    });
    assert_eq!((answer, over), (vec![RIGHT.to_owned()], vec!["udp".into(), "tcp".into()]));
}

#[test]
fn a_flood_of_guessed_ids_makes_all_of_its_port_go_on_by_tcp() {
    let (answer, over) = answered_after(|_, query| {
        for number in 0..200u8 {
            let mut forged = query.answer(FORGED);
            forged[0] ^= 1 + number;
            query.reply.send(&forged);
        }
    });
    assert_eq!((answer, over), (vec![RIGHT.to_owned()], vec!["udp".into(), "tcp".into()]));
}

/// A server that notes from which port and with which id it was asked.
fn noting(world: &World) -> Notes {
    let notes = Notes::default();
    world.serve(SERVER, {
        let notes = notes.clone();
        move |query: Query| {
            notes.note(format!("{} {}", query.from, query.message.header().id()));
            query.say("");
        }
    });
    notes
}

fn asked_of(notes: &Notes) -> (HashSet<String>, HashSet<String>) {
    let asked = notes.take();
    let words = |place: usize| {
        asked.iter().map(|line| line.split(' ').nth(place).unwrap().to_owned()).collect()
    };
    (words(0), words(1))
}

#[test]
fn each_question_has_an_id_and_at_first_a_port_of_its_own() {
    let world = World::new();
    let notes = noting(&world);
    let exchanger = world.exchanger();
    for number in 0..32 {
        world.run(ask(&exchanger, &format!("n{number}.example"))).unwrap();
    }
    let (ports, ids) = asked_of(&notes);
    assert_eq!((ports.len(), ids.len()), (32, 32));
    // After that a port by chance, each 64 times at most.
    for number in 0..1000 {
        world.run(ask(&exchanger, &format!("n{number}.example"))).unwrap();
    }
    let (ports, ids) = asked_of(&notes);
    assert!((32..64).contains(&ports.len()) && ids.len() > 950, "{} {}", ports.len(), ids.len());
    assert!(exchanger.open_ports() <= 32);
}

#[test]
fn a_port_is_used_for_some_queries_and_some_seconds() {
    let world = World::new();
    let notes = noting(&world);
    let limits = ClientLimits { ports_max: 1, queries_per_port_max: 5, ..Default::default() };
    let exchanger = world.exchanger_with(limits);
    for _ in 0..20 {
        world.run(ask(&exchanger, "www.example")).unwrap();
    }
    assert_eq!(asked_of(&notes).0.len(), 4);
    world.run(ask(&exchanger, "www.example")).unwrap();
    world.pass(Duration::from_secs(9));
    world.run(ask(&exchanger, "www.example")).unwrap();
    assert_eq!((asked_of(&notes).0.len(), exchanger.open_ports()), (1, 1));
    world.pass(Duration::from_secs(2));
    assert_eq!(exchanger.open_ports(), 0);
    world.run(ask(&exchanger, "www.example")).unwrap();
    assert_eq!(asked_of(&notes).0.len(), 1);
}

#[test]
fn a_port_that_has_retired_stays_for_the_answers_that_it_waits_for() {
    let world = Rc::new(World::new());
    let weak = Rc::downgrade(&world);
    world.serve(SERVER, move |query| {
        let slow = Duration::from_millis(1500);
        let world = weak.upgrade().unwrap();
        drop(defer_later(world.reactor(), slow, move || query.say("www A 192.0.2.80")));
    });
    let limits = ClientLimits {
        ports_max: 1,
        queries_per_port_max: 1,
        port_lifetime: Duration::from_millis(100),
        ..Default::default()
    };
    let exchanger = world.exchanger_with(limits);
    let asked = ["a", "b", "c"].map(|name| ask(&exchanger, &format!("{name}.example")));
    world.pass(Duration::from_secs(1));
    assert_eq!(exchanger.open_ports(), 3);
    assert_eq!(world.run(gather_results(asked.into())).unwrap().len(), 3);
    world.pass(Duration::from_secs(1));
    assert_eq!(exchanger.open_ports(), 0);
}

#[test]
fn too_many_questions_are_refused() {
    let world = World::new();
    world.serve(SERVER, |_| ());
    let exchanger = world.exchanger_with(ClientLimits { queries_max: 3, ..Default::default() });
    let asked: Vec<_> = (0..4).map(|_| ask(&exchanger, "www.example")).collect();
    let fates: Vec<_> = asked.into_iter().map(|one| world.run(one).unwrap_err().kind()).collect();
    let timeout = FailureKind::Timeout;
    assert_eq!(fates, [timeout, timeout, timeout, FailureKind::Limit]);
}

#[test]
fn the_last_owner_closes_the_sockets() {
    let world = World::new();
    let count = Rc::new(Cell::new(0));
    world.serve(SERVER, {
        let count = count.clone();
        move |query| {
            count.set(count.get() + 1);
            query.say("");
        }
    });
    let before = world.reactor().sources();
    let exchanger = world.exchanger();
    world.run(ask(&exchanger, "www.example")).unwrap();
    assert_eq!(world.reactor().sources(), before + 1);
    drop(exchanger);
    world.pass(Duration::from_secs(1));
    assert_eq!((world.reactor().sources(), count.get()), (before, 1));
}
