//! Questions over connections.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::Rtype;
use ropewalk_core::{Deferred, FailureKind, gather_results};
use ropewalk_dns::{ClientLimits, Exchanger, NameServer, QueryOptions, Response, Via};

use crate::fake_server::{Notes, Query, Reply, World, address, question, shown};

const SERVER: &str = "192.0.2.1";

fn server() -> Rc<NameServer> {
    NameServer::new(address(SERVER), Via::Tcp)
}

fn ask(exchanger: &Exchanger, server: &Rc<NameServer>, name: &str) -> Deferred<Response> {
    let question = question(name, Rtype::A);
    exchanger.ask(server, &question, &QueryOptions::default(), Duration::from_secs(3))
}

fn ask_all(
    exchanger: &Exchanger,
    server: &Rc<NameServer>,
    names: impl IntoIterator<Item = usize>,
) -> Deferred<Vec<Response>> {
    let asked = names.into_iter().map(|n| ask(exchanger, server, &format!("n{n}.example")));
    gather_results(asked.collect::<Vec<_>>())
}

/// The answer has the number of the name in its address.
fn say(query: &Query) {
    let name = query.name().to_ascii_lowercase();
    let number = name.trim_start_matches('n').trim_end_matches(".example");
    query.say(&format!("{name}. A 192.0.2.{number}"));
}

#[test]
fn questions_share_a_connection_and_are_answered_in_any_order() {
    let world = World::new();
    let (waiting, peers) = (Rc::new(RefCell::new(Vec::new())), Notes::default());
    world.serve(SERVER, {
        let peers = peers.clone();
        move |query: Query| {
            peers.note(query.from.to_string());
            waiting.borrow_mut().push(query);
            if waiting.borrow().len() == 10 {
                waiting.take().iter().rev().for_each(say);
            }
        }
    });
    let (exchanger, server) = (world.exchanger(), server());
    let responses = world.run(ask_all(&exchanger, &server, 0..10)).unwrap();
    for (number, response) in responses.iter().enumerate() {
        assert_eq!(shown(response.message()), [format!("n{number}.example a 192.0.2.{number}")]);
    }
    let mut peers = peers.take();
    peers.dedup();
    assert_eq!(peers.len(), 1);
}

#[test]
fn no_more_than_some_are_in_flight() {
    let world = World::new();
    let waiting: Rc<RefCell<Vec<Query>>> = Rc::default();
    world.serve(SERVER, {
        let waiting = waiting.clone();
        move |query| waiting.borrow_mut().push(query)
    });
    let exchanger = world.exchanger_with(ClientLimits { pipelined_max: 3, ..Default::default() });
    let all = ask_all(&exchanger, &server(), 0..8);
    let mut seen = Vec::new();
    for _ in 0..3 {
        world.pass(Duration::from_millis(10));
        seen.push(waiting.borrow().len());
        waiting.take().iter().for_each(say);
    }
    assert_eq!(seen, [3, 3, 2]);
    assert_eq!(world.run(all).unwrap().len(), 8);
}

#[test]
fn an_idle_connection_is_lost_and_made_again() {
    let world = World::new();
    let peers = Notes::default();
    world.serve(SERVER, {
        let peers = peers.clone();
        move |query: Query| {
            peers.note(query.from.to_string());
            say(&query);
        }
    });
    let (exchanger, server) = (world.exchanger(), server());
    let before = world.reactor().sources();
    for (wait, sources) in [(9, before + 2), (9, before + 2), (11, before)] {
        world.run(ask(&exchanger, &server, "n1.example")).unwrap();
        world.pass(Duration::from_secs(wait));
        assert_eq!(world.reactor().sources(), sources);
    }
    world.run(ask(&exchanger, &server, "n1.example")).unwrap();
    let mut peers = peers.take();
    peers.dedup();
    assert_eq!(peers.len(), 2);
}

#[test]
fn what_a_connection_left_unanswered_is_asked_once_more() {
    let world = World::new();
    let count = Rc::new(Cell::new(0));
    world.serve(SERVER, {
        let count = count.clone();
        move |query: Query| {
            count.set(count.get() + 1);
            match (count.get(), &query.reply) {
                // The first connection answers one of three and ends.
                (1 | 3, Reply::Stream(_)) => {}
                (2, Reply::Stream(transport)) => {
                    say(&query);
                    transport.lose_connection();
                }
                _ => say(&query),
            }
        }
    });
    let exchanger = world.exchanger();
    let responses = world.run(ask_all(&exchanger, &server(), 0..3)).unwrap();
    assert_eq!((responses.len(), world.elapsed()), (3, Duration::ZERO));
}

#[test]
fn a_server_that_only_ends_connections_is_not_asked_for_ever() {
    let world = World::new();
    let count = Rc::new(Cell::new(0));
    world.serve(SERVER, {
        let count = count.clone();
        move |query: Query| {
            count.set(count.get() + 1);
            let Reply::Stream(transport) = &query.reply else { return };
            transport.lose_connection();
        }
    });
    let failure = world.run(ask(&world.exchanger(), &server(), "n1.example")).unwrap_err();
    assert_eq!(count.get(), 1);
    let said = "ask 192.0.2.1:53 by TCP for n1.example A: connection closed cleanly";
    assert_eq!(failure.to_string(), said);
}

#[test]
fn a_question_is_asked_over_two_connections_at_most() {
    let world = World::new();
    let asked = Notes::default();
    world.serve(
        SERVER,
        asked.before(|query| {
            if query.name().contains('7') {
                let Reply::Stream(transport) = &query.reply else { return };
                transport.lose_connection();
            } else {
                say(&query);
            }
        }),
    );
    let (exchanger, server) = (world.exchanger(), server());
    for _ in 0..2 {
        let good = ask(&exchanger, &server, "n1.example");
        let bad = ask(&exchanger, &server, "n7.example");
        assert!(world.run(good).is_ok());
        assert!(world.run(bad).unwrap_err().is(FailureKind::ConnectionDone));
    }
    assert!(asked.take().len() <= 6);
}

#[test]
fn nobody_there_is_told_at_once() {
    let world = World::new();
    let failure = world.run(ask(&world.exchanger(), &server(), "n1.example")).unwrap_err();
    let said = "ask 192.0.2.1:53 by TCP for n1.example A: connect to memory 192.0.2.1:53: \
                connection refused";
    assert_eq!(failure.to_string(), said);
    assert_eq!(world.elapsed(), Duration::ZERO);
}

#[test]
fn silence_over_a_connection_is_a_timeout_of_each_question() {
    let world = World::new();
    world.serve(SERVER, |query| {
        if !query.name().contains('7') {
            say(&query);
        }
    });
    let (exchanger, server) = (world.exchanger(), server());
    let silent = ask(&exchanger, &server, "n7.example");
    assert_eq!(world.run(ask_all(&exchanger, &server, 0..5)).unwrap().len(), 5);
    assert_eq!(world.elapsed(), Duration::ZERO);
    assert!(world.run(silent).unwrap_err().is(FailureKind::Timeout));
    assert_eq!(world.elapsed(), Duration::from_secs(3));
    world.run(ask(&exchanger, &server, "n1.example")).unwrap();
}

#[test]
fn answers_that_nobody_asked_for_end_the_connection() {
    let world = World::new();
    world.serve(SERVER, |query| {
        for number in 1..=255u8 {
            let mut answer = query.answer("");
            answer[1] ^= number;
            query.reply.send(&answer);
        }
    });
    let failure = world.run(ask(&world.exchanger(), &server(), "n1.example")).unwrap_err();
    assert!(failure.is(FailureKind::Peer), "{failure}");
    assert!(failure.to_string().ends_with("the server answers what was not asked"), "{failure}");
}

#[test]
fn a_server_over_tls_is_asked_by_the_word_tls() {
    let world = World::new();
    world.serve_streams("tls", 853, SERVER, Rc::new(|query: Query| say(&query)));
    let at = std::net::SocketAddr::new(SERVER.parse().unwrap(), 853);
    let server = NameServer::new(at, Via::Tls { name: Some("dns.example".into()) });
    let response = world.run(ask(&world.exchanger(), &server, "n5.example")).unwrap();
    assert_eq!(shown(response.message()), ["n5.example a 192.0.2.5"]);
}
