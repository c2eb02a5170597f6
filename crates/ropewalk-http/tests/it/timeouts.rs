//! How long a server waits, in virtual time.

use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_http::HttpLimits;

use crate::{Kept, served, served_with, statuses, tell, text};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_connection_that_says_nothing_is_lost_quietly() {
    let server = served(tell);
    server.advance(seconds(29));
    assert!(!server.has_ended());
    server.advance(seconds(2));
    assert!(server.has_ended() && server.written().is_empty());
}

#[test]
fn a_head_that_drips_is_a_408() {
    let server = served(tell);
    server.feed(b"GET / HTTP/1.1\r\n");
    for _ in 0..19 {
        server.advance(seconds(1));
        server.feed(b"X: y\r\n");
    }
    assert!(server.written().is_empty());
    server.advance(seconds(2));
    assert_eq!(statuses(&text(&server)), [408]);
    assert!(server.has_ended());
    server.advance(seconds(6));
    assert!(server.lost().is_some(), "it does not linger for ever");
}

#[test]
fn an_idle_connection_is_lost_after_its_time_and_not_before() {
    let server = served(tell);
    for _ in 0..5 {
        server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        server.advance(seconds(70));
    }
    assert!(!server.has_ended());
    server.advance(seconds(6));
    assert!(server.has_ended());
    assert_eq!(statuses(&text(&server)).len(), 5);
}

#[test]
fn a_body_must_come_at_a_certain_rate() {
    let server = served(tell);
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for _ in 0..60 {
        server.advance(seconds(1));
        server.feed(&[b'x'; 600]);
    }
    assert!(server.written().is_empty(), "600 bytes a second are enough");
    let server = served(tell);
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for _ in 0..30 {
        server.advance(seconds(1));
        server.feed(b"x");
    }
    assert_eq!(statuses(&text(&server)), [408]);
}

#[test]
fn a_client_that_is_held_back_is_not_late() {
    let kept = Kept::default();
    let limits = HttpLimits { body_buffer_bytes_max: 100, ..HttpLimits::default() };
    let server = served_with(limits, kept.keeping());
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    server.feed(&[b'x'; 500]);
    server.advance(seconds(600));
    let request = kept.take();
    let body = request.take_body().collect(1000);
    server.feed(&[b'x'; 500]);
    assert_eq!(body.into_result().unwrap().unwrap().len(), 1000);
    request.finish();
    server.feed(b"");
    assert_eq!(statuses(&text(&server)), [200]);
}

#[test]
fn a_waiting_request_waits_as_long_as_it_likes() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    server.advance(seconds(3600 * 24));
    assert!(server.lost().is_none());
    kept.take().finish_with("at last");
    server.feed(b"");
    assert!(text(&server).ends_with("at last"));
}

#[test]
fn a_client_that_takes_nothing_loses_the_connection() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.peer().transport().pause_producing();
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let request = kept.take();
    for _ in 0..40 {
        request.write_bytes(vec![b'x'; 100_000]);
    }
    let drained = request.drained();
    server.advance(seconds(59));
    assert!(!drained.is_fired());
    server.advance(seconds(62));
    assert!(server.lost().unwrap().is(FailureKind::Timeout));
    assert!(drained.into_result().unwrap().is_err());
}

#[test]
fn a_client_that_waits_for_continue_is_not_late() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    server.advance(seconds(300));
    assert!(server.written().is_empty(), "{}", text(&server));
    let request = kept.take();
    let body = request.take_body().collect(10);
    server.advance(seconds(19));
    server.feed(b"hi");
    assert_eq!(body.into_result().unwrap().unwrap(), "hi");
}

#[test]
fn a_client_that_was_held_back_until_just_now_is_not_late() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n");
    server.feed(&[b'x'; 100_000]);
    let request = kept.take();
    let body = request.take_body();
    // Long after the body was due for the last time, and right before it is looked at again.
    for _ in 0..399 {
        server.advance(seconds(1));
    }
    while let Ok(Ok(Some(_))) = body.next().into_result() {}
    server.feed(b"");
    server.advance(seconds(2));
    server.feed(b"x");
    server.advance(seconds(2));
    server.feed(b"x");
    for _ in 0..14 {
        server.advance(seconds(1));
        assert!(server.written().is_empty(), "{}", text(&server));
    }
}

#[test]
fn a_head_that_is_longer_than_what_may_be_pipelined_is_read_all_the_same() {
    let limits = HttpLimits { pipelined_bytes_max: 100, ..HttpLimits::default() };
    let server = served_with(limits, tell);
    server.feed(format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}", "y".repeat(500)).as_bytes());
    server.feed(b"\r\n\r\n");
    assert_eq!(statuses(&text(&server)), [200]);
}
