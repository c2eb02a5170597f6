//! One question over several servers.

use std::rc::Rc;
use std::time::Duration;

use domain::base::iana::{Rcode, Rtype};
use ropewalk_core::{Failure, FailureKind};
use ropewalk_dns::{LookupError, LookupOptions, NameServer, Response, Servers, Via};

use crate::fake_server::{Notes, Query, World, address, question, shown};

const ONE: &str = "192.0.2.1";
const TWO: &str = "192.0.2.2";
const THREE: &str = "192.0.2.3";

fn servers(world: &World, options: LookupOptions) -> Rc<Servers> {
    let list = [ONE, TWO, THREE].map(|ip| NameServer::new(address(ip), Via::Udp));
    Servers::new(&world.exchanger(), list.into(), options)
}

fn ask(world: &World, servers: &Rc<Servers>) -> Result<Response, Failure> {
    world.run(servers.ask(&question("www.example", Rtype::A)))
}

fn right(query: Query) {
    query.say("www A 192.0.2.80");
}

/// Each server's address is noted when it is asked.
fn serve(world: &World, asked: &Notes, ip: &'static str, script: fn(Query)) {
    let asked = asked.clone();
    world.serve(ip, move |query| {
        asked.note(ip);
        script(query);
    });
}

#[test]
fn a_server_that_has_no_answer_is_passed_over() {
    let no_answer: [fn(Query); 5] = [
        |query| query.say_with(Rcode::SERVFAIL, "", ""),
        |query| query.say_with(Rcode::REFUSED, "", ""),
        |query| query.say_with(Rcode::NOTIMP, "", ""),
        |_| (),
        // One that is no authority and asks nobody.
        |query| {
            let mut empty = query.answer("");
            empty[3] &= 0x7F;
            query.reply.send(&empty);
        },
    ];
    for script in no_answer {
        let (world, asked) = (World::new(), Notes::default());
        serve(&world, &asked, ONE, script);
        serve(&world, &asked, TWO, right);
        let response = ask(&world, &servers(&world, LookupOptions::default())).unwrap();
        assert_eq!(shown(response.message()), ["www.example a 192.0.2.80"]);
        assert_eq!(asked.take(), [ONE, TWO]);
    }
}

#[test]
fn that_a_name_does_not_exist_is_an_answer() {
    let (world, asked) = (World::new(), Notes::default());
    serve(&world, &asked, ONE, |query| query.say_with(Rcode::NXDOMAIN, "", ""));
    serve(&world, &asked, TWO, right);
    ask(&world, &servers(&world, LookupOptions::default())).unwrap();
    assert_eq!(asked.take(), [ONE]);
}

#[test]
fn when_all_have_no_answer_the_first_complaint_is_told() {
    let (world, asked) = (World::new(), Notes::default());
    serve(&world, &asked, ONE, |_| ());
    serve(&world, &asked, TWO, |query| query.say_with(Rcode::REFUSED, "", ""));
    serve(&world, &asked, THREE, |query| query.say_with(Rcode::SERVFAIL, "", ""));
    let failure = ask(&world, &servers(&world, LookupOptions::default())).unwrap_err();
    assert_eq!(failure.to_string(), "192.0.2.2:53 refuses to answer www.example A");
    assert!(matches!(failure.check(), Some(LookupError::Refused { .. })));
    assert_eq!(asked.take(), [ONE, TWO, THREE]);
}

#[test]
fn silence_is_waited_for_longer_each_round() {
    let (world, asked) = (World::new(), Notes::default());
    for ip in [ONE, TWO, THREE] {
        serve(&world, &asked, ip, |_| ());
    }
    let options = LookupOptions { attempts: 3, ..LookupOptions::default() };
    let failure = ask(&world, &servers(&world, options)).unwrap_err();
    assert!(failure.is(FailureKind::Timeout));
    // 5 s each, then 10 s for all three, then 20 s.
    assert_eq!(world.elapsed().as_secs_f64().round(), 15.0 + 10.0 + 20.0);
    let said = "asked 192.0.2.1:53, 192.0.2.2:53, 192.0.2.3:53";
    assert!(failure.to_string().ends_with(said), "{failure}");
    assert_eq!(asked.take(), [ONE, TWO, THREE].repeat(3));
}

#[test]
fn a_server_that_was_silent_comes_last_for_half_a_minute() {
    let (world, asked) = (World::new(), Notes::default());
    serve(&world, &asked, ONE, |_| ());
    serve(&world, &asked, TWO, right);
    serve(&world, &asked, THREE, right);
    let servers = servers(&world, LookupOptions::default());
    ask(&world, &servers).unwrap();
    ask(&world, &servers).unwrap();
    assert_eq!(asked.take(), [ONE, TWO, TWO]);
    world.pass(Duration::from_secs(30));
    ask(&world, &servers).unwrap();
    assert_eq!(asked.take(), [ONE, TWO]);
}

#[test]
fn they_take_turns_where_that_is_wanted() {
    let (world, asked) = (World::new(), Notes::default());
    for ip in [ONE, TWO, THREE] {
        serve(&world, &asked, ip, right);
    }
    let servers = servers(&world, LookupOptions { rotate: true, ..LookupOptions::default() });
    for _ in 0..4 {
        ask(&world, &servers).unwrap();
    }
    assert_eq!(asked.take(), [ONE, TWO, THREE, ONE]);
}

#[test]
fn without_servers_there_is_nobody_to_ask() {
    let world = World::new();
    let servers = Servers::new(&world.exchanger(), Vec::new(), LookupOptions::default());
    let failure = ask(&world, &servers).unwrap_err();
    assert_eq!(failure.to_string(), "there is no name server to ask");
}

#[test]
fn what_is_cancelled_asks_nobody_else() {
    let (world, asked) = (World::new(), Notes::default());
    serve(&world, &asked, ONE, |_| ());
    let servers = servers(&world, LookupOptions::default());
    let asking = servers.ask(&question("www.example", Rtype::A));
    world.pass(Duration::from_secs(1));
    asking.cancel();
    assert!(asking.into_result().unwrap().unwrap_err().is(FailureKind::Cancelled));
    world.pass(Duration::from_secs(60));
    assert_eq!(asked.take(), [ONE]);
}
