//! Server-sent events.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_web::{Answer, EventStream, Request, page};

use crate::rig::{ask, site};

#[test]
fn a_stream_of_events_stays_open_and_ends() {
    let streams = Rc::new(RefCell::new(Vec::new()));
    let opened = streams.clone();
    let site = site(page(move |request: &Request| {
        let stream = EventStream::begin(request);
        stream.send(format!("since {:?}", stream.last_event_id()));
        opened.borrow_mut().push(stream);
        Answer::NotDoneYet
    }));
    let answer = ask(&site, "GET", "/", "Last-Event-ID: 7\r\n");
    assert!(answer.contains("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"));
    assert!(answer.contains("data: since Some(\"7\")\n\n"));
    let before = site.written().len();
    site.advance(Duration::from_secs(31));
    let silent = String::from_utf8_lossy(&site.written()[before..]).into_owned();
    assert_eq!(silent.matches(":\n\n").count(), 2, "{silent:?}");
    let stream = streams.borrow_mut().remove(0);
    stream.send("more");
    stream.close();
    site.feed(b"");
    assert!(site.written().ends_with(b"data: more\n\n\r\n0\r\n\r\n"));
    assert!(!stream.is_open());
}

#[test]
fn a_client_that_leaves_or_takes_nothing_is_lost() {
    let streams = Rc::new(RefCell::new(Vec::new()));
    let opened = streams.clone();
    let open = move || {
        let opened = opened.clone();
        site(page(move |request: &Request| {
            opened.borrow_mut().push(EventStream::begin(request));
            Answer::NotDoneYet
        }))
    };
    let leaving = open();
    ask(&leaving, "GET", "/", "");
    leaving.reset_peer();
    assert!(!streams.borrow()[0].is_open());
    let deaf = open();
    ask(&deaf, "GET", "/", "");
    deaf.peer().transport().pause_producing();
    for _ in 0..300 {
        streams.borrow()[1].send("x".repeat(10_000));
        deaf.feed(b"");
    }
    assert!(deaf.lost().is_some_and(|why| why.is(FailureKind::Limit)));
}
