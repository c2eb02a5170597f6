//! One question to one server.

use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{OptRcode, Rcode, Rtype};
use ropewalk_core::{Failure, FailureKind};
use ropewalk_dns::{Exchanger, LookupError, NameServer, QueryOptions, Response, Via};
use ropewalk_testing::Network;

use crate::fake_server::{Notes, Query, World, address, question, shown};

const SERVER: &str = "192.0.2.1";

fn server() -> Rc<NameServer> {
    NameServer::new(address(SERVER), Via::Udp)
}

fn ask(world: &World, exchanger: &Exchanger, server: &Rc<NameServer>) -> Result<Response, Failure> {
    let question = question("www.example", Rtype::A);
    let second = Duration::from_secs(1);
    world.run(exchanger.ask(server, &question, &QueryOptions::default(), second))
}

fn how(query: &Query) -> String {
    let over = if query.by_tcp { "tcp" } else { "udp" };
    let edns = if query.has_edns() { "with edns" } else { "without" };
    format!("{over} {edns}")
}

#[test]
fn a_question_is_answered_by_a_datagram() {
    let world =
        World::with_network(Network { latency: Duration::from_millis(10), ..Network::default() });
    world.serve(SERVER, |query| query.say("www 60 A 192.0.2.80"));
    let (exchanger, server) = (world.exchanger(), server());
    let response = ask(&world, &exchanger, &server).unwrap();
    assert_eq!(shown(response.message()), ["www.example a 192.0.2.80"]);
    assert_eq!(response.rcode(), OptRcode::NOERROR);
    assert_eq!(response.server(), address(SERVER));
    assert!(response.recursion_available() && !response.is_authoritative());
    assert!(!response.authentic_data() && !response.is_truncated() && response.has_edns());
    assert_eq!(server.round_trip(), Some(Duration::from_millis(20)));
    assert_eq!((exchanger.in_flight(), exchanger.strays()), (0, 0));
}

#[test]
fn every_code_is_an_answer() {
    let world = World::new();
    world.serve(SERVER, |query| query.say_with(Rcode::SERVFAIL, "", ""));
    let response = ask(&world, &world.exchanger(), &server()).unwrap();
    assert_eq!(response.rcode(), OptRcode::SERVFAIL);
    assert!(response.answers().next().is_none());
}

#[test]
fn silence_is_a_timeout_that_says_who_was_asked_what() {
    let world = World::new();
    world.serve(SERVER, |_| ());
    let server = server();
    let failure = ask(&world, &world.exchanger(), &server).unwrap_err();
    assert!(failure.is(FailureKind::Timeout));
    assert_eq!(failure.to_string(), "no answer to www.example A in 1s; asked 192.0.2.1:53");
    assert!(matches!(failure.check(), Some(LookupError::TimedOut { .. })));
    assert_eq!((world.elapsed(), server.failures()), (Duration::from_secs(1), 1));
}

#[test]
fn an_answer_cut_short_is_asked_for_by_tcp() {
    let world = World::new();
    let notes = Notes::default();
    world.serve(SERVER, {
        let notes = notes.clone();
        move |query: Query| {
            notes.note(how(&query));
            if query.by_tcp { query.say("www A 192.0.2.80") } else { query.say_truncated() }
        }
    });
    let response = ask(&world, &world.exchanger(), &server()).unwrap();
    assert_eq!(shown(response.message()), ["www.example a 192.0.2.80"]);
    assert_eq!(notes.take(), ["udp with edns", "tcp with edns"]);
}

#[test]
fn a_garbled_answer_is_asked_for_by_tcp_and_then_given_up() {
    let world = World::new();
    let notes = Notes::default();
    world.serve(SERVER, {
        let notes = notes.clone();
        move |query: Query| {
            notes.note(how(&query));
            let answer = query.answer("www A 192.0.2.80");
            query.reply.send(&answer[..answer.len() - 14]);
        }
    });
    let failure = ask(&world, &world.exchanger(), &server()).unwrap_err();
    assert!(failure.is(FailureKind::Peer), "{failure}");
    assert!(
        failure.to_string().starts_with("the answer of 192.0.2.1:53 to www.example A is garbled: ")
    );
    assert_eq!(notes.take().len(), 2);
}

#[test]
fn a_loop_of_compression_is_garbled() {
    let world = World::new();
    world.serve(SERVER, |query| {
        let mut answer = query.answer("www A 192.0.2.80");
        let at = 12 + "3www7example0".len() + 4;
        assert_eq!(answer[at] & 0xC0, 0xC0, "the owner is a pointer");
        let [high, low] = u16::try_from(0xC000 | at).unwrap().to_be_bytes();
        answer[at] = high;
        answer[at + 1] = low; // Points at itself.
        query.reply.send(&answer);
    });
    let failure = ask(&world, &world.exchanger(), &server()).unwrap_err();
    assert!(failure.is(FailureKind::Peer), "{failure}");
}

#[test]
fn what_stands_behind_an_answer_is_not_read() {
    let world = World::new();
    world.serve(SERVER, |query| {
        let mut answer = query.answer("www A 192.0.2.80");
        answer.resize(65_000, 0xC0);
        query.reply.send(&answer);
    });
    let response = ask(&world, &world.exchanger(), &server()).unwrap();
    assert_eq!(shown(response.message()), ["www.example a 192.0.2.80"]);
}

#[test]
fn counts_that_promise_more_than_there_is_are_garbled() {
    for count_at in [6, 8, 10] {
        let world = World::new();
        world.serve(SERVER, move |query| {
            let mut answer = query.answer("www A 192.0.2.80");
            answer[count_at] = 0xFF;
            query.reply.send(&answer);
        });
        let failure = ask(&world, &world.exchanger(), &server()).unwrap_err();
        assert!(failure.is(FailureKind::Peer), "{failure}");
    }
}

#[test]
fn a_server_that_minds_edns_is_asked_without_for_an_hour() {
    for complaint in [Rcode::FORMERR, Rcode::NOTIMP] {
        let world = World::new();
        let notes = Notes::default();
        world.serve(SERVER, {
            let notes = notes.clone();
            move |query: Query| {
                notes.note(how(&query));
                match query.has_edns() {
                    // Of servers that know no EDNS some give the header alone.
                    true => {
                        let mut header = query.message.as_slice()[..12].to_vec();
                        header[2] |= 0x80;
                        header[3] = complaint.to_int();
                        header[4..].fill(0);
                        query.reply.send(&header);
                    }
                    false => query.say("www A 192.0.2.80"),
                }
            }
        });
        let (exchanger, server) = (world.exchanger(), server());
        ask(&world, &exchanger, &server).unwrap();
        assert_eq!(notes.take(), ["udp with edns", "udp without"]);
        world.pass(Duration::from_secs(3500));
        ask(&world, &exchanger, &server).unwrap();
        assert_eq!(notes.take(), ["udp without"]);
        world.pass(Duration::from_secs(200));
        ask(&world, &exchanger, &server).unwrap();
        assert_eq!(notes.take(), ["udp with edns", "udp without"]);
    }
}

#[test]
fn a_server_that_has_edns_and_minds_something_else_is_not_asked_twice() {
    let world = World::new();
    let notes = Notes::default();
    world.serve(SERVER, {
        let notes = notes.clone();
        move |query: Query| {
            notes.note(how(&query));
            query.say_with(Rcode::FORMERR, "", "");
        }
    });
    let response = ask(&world, &world.exchanger(), &server()).unwrap();
    assert_eq!(response.rcode(), OptRcode::FORMERR);
    assert_eq!(notes.take(), ["udp with edns"]);
}

#[test]
fn a_server_that_changes_letters_is_asked_by_tcp_twice_and_then_in_plain_letters() {
    let world = World::new();
    let notes = Notes::default();
    world.serve(SERVER, {
        let notes = notes.clone();
        move |query: Query| {
            notes.note(format!("{} {}", if query.by_tcp { "tcp" } else { "udp" }, query.name()));
            let mut answer = query.answer("www A 192.0.2.80");
            answer[12..24].make_ascii_lowercase();
            query.reply.send(&answer);
        }
    });
    let (exchanger, server) = (world.exchanger(), server());
    for _ in 0..2 {
        let response = ask(&world, &exchanger, &server).unwrap();
        assert_eq!(shown(response.message()), ["www.example a 192.0.2.80"]);
        let asked = notes.take();
        assert_eq!(asked.len(), 2);
        assert!(asked[0].starts_with("udp") && asked[1].starts_with("tcp"), "{asked:?}");
    }
    assert!(server.mangles_case());
    ask(&world, &exchanger, &server).unwrap();
    assert_eq!(notes.take(), ["udp www.example"]);
}

#[test]
fn what_is_cancelled_is_forgotten() {
    let world = World::new();
    world.serve(SERVER, |_| ());
    let exchanger = world.exchanger();
    for via in [Via::Udp, Via::Tcp] {
        let server = NameServer::new(address(SERVER), via);
        let question = question("www.example", Rtype::A);
        let second = Duration::from_secs(1);
        let response = exchanger.ask(&server, &question, &QueryOptions::default(), second);
        world.pass(Duration::from_millis(100));
        response.cancel();
        let failure = response.into_result().unwrap().unwrap_err();
        assert!(failure.is(FailureKind::Cancelled));
        world.pass(Duration::from_secs(10));
        assert_eq!((exchanger.in_flight(), server.failures()), (0, 0));
    }
}
