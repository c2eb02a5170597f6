//! Answers that come later.

use std::cell::RefCell;
use std::rc::Rc;

use domain::base::iana::{Class, OptRcode, Rtype};
use ropewalk_dns::server::{
    Answer, Need, Query, Reply, Responder, Section, ServerSettings, Verdict,
};

use super::rig::{Rig, framed, query, rcode};

/// Keeps the replies.
#[derive(Clone, Default)]
struct Keeper(Rc<RefCell<Vec<Reply>>>);

impl Responder for Keeper {
    fn respond(&self, _: &Query<'_>, _: &mut Answer<'_>) -> Verdict {
        let kept = self.0.clone();
        Verdict::later(move |reply| kept.borrow_mut().push(reply))
    }
}

/// An address, as the answer.
fn answer_now(reply: Reply) {
    reply.finish(|query, answer| {
        let (owner, data) = (query.name(), [&[192, 0, 2, 1][..]]);
        answer.push_rrset(Section::Answer, Need::Required, owner, Rtype::A, Class::IN, 60, data);
    });
}

#[test]
fn a_reply_is_sent_when_it_is_finished() {
    let keeper = Keeper::default();
    let rig = Rig::new(keeper.clone());
    assert!(rig.send(&query("a.x A +do +id=5")).is_empty());
    assert_eq!(rig.server.replies_waiting(), 1);
    let reply = keeper.0.borrow_mut().pop().unwrap();
    assert_eq!(reply.with_query(|query| query.rtype()), Rtype::A);
    answer_now(reply);
    let answer = rig.ask(&query("b.x A +id=6"));
    assert_eq!((answer.header().id(), answer.header_counts().ancount()), (5, 1));
    assert!(answer.opt().is_some());
}

#[test]
fn a_reply_that_is_dropped_says_servfail() {
    let keeper = Keeper::default();
    let rig = Rig::new(keeper.clone());
    rig.send(&query("a.x A"));
    keeper.0.borrow_mut().clear();
    let answer = rig.ask(&query("b.x A"));
    assert_eq!(rcode(&answer), OptRcode::SERVFAIL);
    assert_eq!(rig.server.replies_waiting(), 1);
}

#[test]
fn too_many_replies_are_servfail() {
    let settings = ServerSettings { replies_max: 2, ..ServerSettings::default() };
    let keeper = Keeper::default();
    let rig = Rig::with_settings(keeper.clone(), settings);
    assert!(rig.send(&query("a.x A")).is_empty() && rig.send(&query("b.x A")).is_empty());
    assert_eq!(rcode(&rig.ask(&query("c.x A"))), OptRcode::SERVFAIL);
    assert_eq!((keeper.0.borrow().len(), rig.server.counts().overloaded), (2, 1));
}

#[test]
fn answers_of_a_connection_come_in_any_order() {
    let keeper = Keeper::default();
    let rig = Rig::new(keeper.clone());
    let (transport, heard) = rig.connect();
    for id in 1..=3 {
        transport.write(&framed(&query(&format!("a.x A +id={id}"))));
    }
    rig.run_for(std::time::Duration::from_secs(1));
    let mut replies = keeper.0.take();
    replies.rotate_left(1);
    replies.into_iter().for_each(answer_now);
    rig.run_for(std::time::Duration::from_secs(1));
    let ids: Vec<u8> = heard.borrow().iter().map(|message| message[1]).collect();
    assert_eq!(ids, [2, 3, 1]);
}

#[test]
fn a_connection_that_owes_many_answers_reads_no_more() {
    let settings = ServerSettings { pipelined_max: 4, ..ServerSettings::default() };
    let keeper = Keeper::default();
    let rig = Rig::with_settings(keeper.clone(), settings);
    let (transport, heard) = rig.connect();
    transport.write(&framed(&query("a.x A")).repeat(10));
    rig.run_for(std::time::Duration::from_secs(1));
    assert_eq!(keeper.0.borrow().len(), 4);
    for _ in 0..3 {
        keeper.0.take().into_iter().for_each(answer_now);
        rig.run_for(std::time::Duration::from_secs(1));
    }
    assert_eq!(heard.borrow().len(), 10);
}

#[test]
fn nobody_waits_for_a_connection_that_was_lost() {
    let keeper = Keeper::default();
    let rig = Rig::new(keeper.clone());
    let (transport, _) = rig.connect();
    transport.write(&framed(&query("a.x A")));
    rig.run_for(std::time::Duration::from_secs(1));
    transport.abort_connection();
    rig.run_for(std::time::Duration::from_secs(1));
    let reply = keeper.0.borrow_mut().pop().unwrap();
    assert!(!reply.is_wanted());
    answer_now(reply);
    assert_eq!(rig.server.replies_waiting(), 0);
}
