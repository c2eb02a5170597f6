//! What a server says on connections.

use std::time::Duration;

use ropewalk_dns::server::{Answer, Messages, Query, Responder, ServerSettings, Verdict};

use super::datagrams::Texts;
use super::rig::{Rig, framed, query};

const SOON: Duration = Duration::from_secs(1);

#[test]
fn questions_are_answered_one_byte_at_a_time_and_all_at_once() {
    let rig = Rig::new(Texts);
    let (transport, heard) = rig.connect();
    for byte in framed(&query("2.x TXT +id=1")) {
        transport.write(&[byte]);
        rig.run_for(Duration::from_millis(10));
    }
    let more: Vec<u8> =
        (2..=5).flat_map(|id| framed(&query(&format!("1.x TXT +id={id}")))).collect();
    transport.write(&more);
    rig.run_for(SOON);
    let ids: Vec<u8> = heard.borrow().iter().map(|message| message[1]).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
}

#[test]
fn an_answer_is_longer_than_a_datagram() {
    let rig = Rig::new(Texts);
    let (transport, heard) = rig.connect();
    transport.write(&framed(&query("200.x TXT")));
    rig.run_for(SOON);
    assert!(heard.borrow()[0].len() > 40_000);
}

#[test]
fn what_is_no_query_gets_nothing_and_what_is_malformed_an_error() {
    let rig = Rig::new(Texts);
    let (transport, heard) = rig.connect();
    let mut answer = query("1.x TXT");
    answer[2] |= 0x80;
    transport.write(&framed(&answer));
    transport.write(&framed(b"short"));
    transport.write(&framed(b""));
    transport.write(&framed(&query("1.x TXT")[..15]));
    rig.run_for(SOON);
    assert_eq!(heard.borrow().len(), 1);
    assert_eq!(heard.borrow()[0][3] & 15, 1, "FORMERR");
}

#[test]
fn a_silent_connection_is_lost() {
    let rig = Rig::new(Texts);
    let (_silent, heard) = rig.connect();
    rig.run_for(Duration::from_secs(4));
    assert!(heard.borrow().is_empty());
    rig.run_for(Duration::from_secs(2));
    assert_eq!(*heard.borrow(), [Vec::new()], "nobody asked within five seconds");

    let (transport, heard) = rig.connect();
    transport.write(&framed(&query("1.x TXT")));
    rig.run_for(Duration::from_secs(29));
    assert_eq!(heard.borrow().len(), 1);
    transport.write(&framed(&query("1.x TXT")));
    rig.run_for(Duration::from_secs(29));
    assert_eq!(heard.borrow().len(), 2);
    rig.run_for(Duration::from_secs(2));
    assert_eq!(heard.borrow().len(), 3, "it is lost 30 seconds after the last question");
}

#[test]
fn one_peer_has_a_share_of_the_connections() {
    let settings = ServerSettings { connections_max: 2, ..ServerSettings::default() };
    let rig = Rig::with_settings(Texts, settings);
    let all: Vec<_> = (0..3).map(|_| rig.connect()).collect();
    rig.run_for(SOON);
    let lost = all.iter().map(|(_, heard)| heard.borrow().len()).collect::<Vec<_>>();
    assert_eq!(lost, [0, 0, 1]);
}

#[test]
fn half_a_connection_is_enough_to_be_answered() {
    let rig = Rig::new(Texts);
    let (transport, heard) = rig.connect();
    transport.write(&framed(&query("1.x TXT")));
    transport.lose_write_connection();
    rig.run_for(SOON);
    assert_eq!(heard.borrow().len(), 2, "the answer, and then the end");
}

/// Answers with a hundred messages, numbered by their RCODE's place.
struct Parts;

struct Countdown(usize);

impl Messages for Countdown {
    fn next_message(&mut self, _: &Query<'_>, _: &mut Answer<'_>) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

impl Responder for Parts {
    fn respond(&self, _: &Query<'_>, _: &mut Answer<'_>) -> Verdict {
        Verdict::Messages(Box::new(Countdown(101)))
    }
}

#[test]
fn an_answer_may_be_many_messages() {
    let rig = Rig::new(Parts);
    let (transport, heard) = rig.connect();
    transport.write(&framed(&query("x A +id=1")).repeat(2));
    rig.run_for(SOON);
    assert_eq!(heard.borrow().len(), 200);
    transport.write(&framed(&query("x A +id=1")));
    rig.run_for(SOON);
    assert_eq!(heard.borrow().len(), 300);
    assert_eq!(rig.server.replies_waiting(), 0);
    // Over datagrams there is room for one.
    assert!(rig.ask(&query("x A")).header().tc());
}
