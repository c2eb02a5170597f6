//! A flood of garbage: good questions among it are answered all the same, and nothing is kept of it.

use std::sync::Arc;

use ropewalk_dns::zone::{Authority, Catalogue, read_zone};
use ropewalk_testing::{Random, Seed};

use super::rig::{Rig, framed, query};

const ZONE: &str = "$TTL 60\n@ SOA ns hm 1 1 1 1 30\n NS ns\nns A 192.0.2.1\n*.w CNAME ns\n\
    d DNAME w\nsub NS ns.sub\nns.sub A 192.0.2.2\n";

fn rig() -> Rig {
    let include = &mut |_: &str, _: &str| Err(String::new());
    let apex = "example".parse().unwrap();
    let (zone, _) = read_zone(Some(&apex), "", ZONE.as_bytes(), include).unwrap();
    let catalogue = Catalogue::new();
    catalogue.put(Arc::new(zone));
    Rig::new(Authority::new(&catalogue))
}

/// Any bytes, or a question of which some bytes are others or missing.
fn garbage(random: &mut Random) -> Vec<u8> {
    let number = |random: &mut Random, bound: usize| {
        usize::try_from(random.below(bound as u64)).expect("it is below a usize")
    };
    let byte = |random: &mut Random| u8::try_from(random.below(256)).expect("it is a byte");
    if random.number().is_multiple_of(2) {
        return (0..number(random, 200)).map(|_| byte(random)).collect();
    }
    let names =
        ["x.w.example A +do", "a.d.example MX", "x.sub.example A +edns=4096", "example AXFR"];
    let mut message = query(names[number(random, names.len())]);
    for _ in 0..1 + number(random, 4) {
        let at = number(random, message.len());
        message[at] = byte(random);
    }
    if random.number().is_multiple_of(4) {
        message.truncate(number(random, message.len()));
    }
    message
}

#[test]
fn good_questions_among_garbage_are_answered() {
    let (rig, mut random) = (rig(), Random::new(Seed::from_env()));
    for round in 0..200 {
        let flood: Vec<Vec<u8>> = (0..100).map(|_| garbage(&mut random)).collect();
        let good = query(&format!("ns.example A +id={}", 1000 + round));
        let heard = rig.send_all(flood.iter().chain([&good]));
        let answers = heard.iter().filter(|said| said[..2] == good[..2]);
        assert!(answers.clone().any(|said| said.ends_with(&[192, 0, 2, 1])), "round {round}");
        assert!(heard.iter().all(|said| said.len() <= 1232 && said[2] & 0x80 != 0));
    }
    assert_eq!(rig.server.replies_waiting(), 0);
}

#[test]
fn garbage_on_a_connection_is_the_end_of_that_connection_at_most() {
    let (rig, mut random) = (rig(), Random::new(Seed::from_env()));
    for _ in 0..100 {
        let (bad, _) = rig.connect();
        for _ in 0..20 {
            bad.write(&framed(&garbage(&mut random)));
        }
        bad.write(&garbage(&mut random));
        let (good, heard) = rig.connect();
        good.write(&framed(&query("ns.example A")));
        rig.run_for(std::time::Duration::from_millis(100));
        assert!(heard.borrow()[0].ends_with(&[192, 0, 2, 1]));
        bad.abort_connection();
        good.abort_connection();
    }
}
