//! Several requests on one connection.

use std::time::Duration;

use ropewalk_http::{HttpFactory, HttpLimits, Request};
use ropewalk_testing::Conversation;

use crate::{Kept, served, served_with, statuses, tell, text};

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    let three: String = (1..=3).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    server.feed(three.as_bytes());
    for n in 1..=3 {
        assert_eq!(kept.len(), 1, "one at a time");
        let request = kept.take();
        assert_eq!(request.path(), format!("/{n}"));
        request.finish_with(format!("answer {n}"));
        server.feed(b"");
    }
    let written = text(&server);
    let places: Vec<_> = (1..=3).map(|n| written.find(&format!("answer {n}")).unwrap()).collect();
    assert!(places.is_sorted());
}

#[test]
fn a_client_that_sends_ahead_is_held_back() {
    let kept = Kept::default();
    let limits = HttpLimits { pipelined_bytes_max: 1000, ..HttpLimits::default() };
    let server = served_with(limits, kept.keeping());
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..500 {
        server.feed(request);
    }
    assert!(!server.transport().is_receiving());
    for _ in 0..500 {
        kept.take().finish();
        server.feed(b"");
    }
    assert_eq!(statuses(&text(&server)).len(), 500);
    assert!(server.transport().is_receiving());
}

#[test]
fn many_small_requests_for_large_answers_stay_within_the_write_limit() {
    let server = served(|request: Request| request.finish_with(vec![b'x'; 1 << 20]));
    server.feed(&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(64));
    assert!(server.lost().is_none());
    server.advance(Duration::from_secs(1));
    assert_eq!(server.written().len() >> 20, 64);
}

#[test]
fn what_is_sent_behind_a_last_request_is_not_answered() {
    let server = served(tell);
    server.feed(b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(statuses(&text(&server)), [200]);
    assert!(server.has_ended());
}

#[test]
fn a_client_that_half_closes_behind_its_requests_gets_all_answers() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3));
    server.close_peer();
    for _ in 0..3 {
        kept.take().finish_with("here");
        server.feed(b"");
    }
    assert_eq!(statuses(&text(&server)).len(), 3);
    assert!(server.has_ended());
}

#[test]
fn draining_ends_idle_connections_now_and_busy_ones_after_their_answer() {
    let kept = Kept::default();
    let factory = HttpFactory::new(kept.keeping());
    let idle = Conversation::new(factory.clone());
    let busy = Conversation::new(factory.clone());
    busy.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(factory.connections(), 2);
    let drained = factory.drain(busy.reactor(), Duration::from_secs(10));
    idle.feed(b"");
    busy.feed(b"");
    assert!(idle.has_ended() && !busy.has_ended() && !drained.is_fired());
    kept.take().finish_with("done");
    busy.feed(b"");
    assert!(text(&busy).contains("Connection: close"));
    busy.close_peer();
    assert!(drained.is_fired() && factory.connections() == 0);
}

#[test]
fn draining_gives_waiting_requests_a_503_in_the_end() {
    let kept = Kept::default();
    let factory = HttpFactory::new(kept.keeping());
    let waiting = Conversation::new(factory.clone());
    let sending = Conversation::new(factory.clone());
    waiting.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    sending.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let (first, second) = (kept.take(), kept.take());
    second.write(b"part");
    drop(factory.drain(waiting.reactor(), Duration::from_secs(10)));
    waiting.advance(Duration::from_secs(11));
    sending.feed(b"");
    assert_eq!(statuses(&text(&waiting)), [503]);
    assert!(waiting.has_ended() && sending.lost().is_some());
    drop((first, second));
}

#[test]
fn a_producer_that_was_left_behind_does_not_stop_the_next_answer() {
    let large = |request: &Request| request.write_bytes(vec![b'x'; 600_000]);
    let server = served(move |request: Request| {
        large(&request);
        drop(request.drained().add_both(|_| ())); // Somebody waits for room, and somebody ends the answer.
        request.finish();
    });
    server.peer().transport().pause_producing();
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    server.peer().transport().resume_producing();
    server.feed(b"");
    assert_eq!(statuses(&String::from_utf8_lossy(&server.written())), [200, 200]);
}

#[test]
fn draining_breaks_off_what_a_client_does_not_take_in_the_end() {
    let factory = HttpFactory::new(|request: Request| request.finish_with(vec![b'x'; 900_000]));
    let server = Conversation::new(factory.clone());
    server.peer().transport().pause_producing();
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let drained = factory.drain(server.reactor(), Duration::from_secs(4));
    server.advance(Duration::from_secs(5));
    assert!(drained.is_fired(), "it has waited long enough");
}
