//! Request bodies: streamed, held back, collected, refused, thrown away.

use std::cell::RefCell;
use std::rc::Rc;

use ropewalk_core::FailureKind;
use ropewalk_http::{Body, HttpLimits, Request};

use crate::{Kept, served, served_with, statuses, tell, text};

#[test]
fn a_body_is_collected_from_both_framings() {
    let server = served(tell);
    server.feed(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
    assert!(server.written().is_empty());
    server.feed(b"lo");
    assert!(text(&server).ends_with("PUT /a 5"));
    server.feed(b"PUT /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    server.feed(b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    assert!(text(&server).ends_with("PUT /b 11"));
}

#[test]
fn a_body_that_is_longer_than_its_collector_allows_fails_it() {
    let server = served(|request: Request| {
        let body = request.take_body().collect(4);
        drop(body.add_both(move |body| {
            request.finish_with(if body.is_ok() { "short" } else { "long" });
        }));
    });
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert!(text(&server).ends_with("long"));
    server.feed(
        b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    assert!(text(&server).ends_with("long"));
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nhell");
    assert!(text(&server).ends_with("short"), "{}", text(&server));
}

#[test]
fn a_client_that_expects_continue_gets_it_when_the_body_is_read() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
    assert!(server.written().is_empty());
    let request = kept.take();
    let body = request.take_body().collect(10);
    server.feed(b"");
    assert_eq!(text(&server), "HTTP/1.1 100 Continue\r\n\r\n");
    server.feed(b"hi");
    assert_eq!(body.into_result().unwrap().unwrap(), "hi");
    request.finish();
    server.feed(b"");
    assert_eq!(statuses(&text(&server)), [100, 200]);
}

#[test]
fn a_refusal_before_the_body_sends_no_continue() {
    let server = served(|request: Request| request.fail(http::StatusCode::FORBIDDEN));
    server.feed(
        b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(statuses(&text(&server)), [403]);
    assert!(server.has_ended(), "a body that nobody wants is not waited for");
}

#[test]
fn a_little_of_an_unwanted_body_is_thrown_away_and_much_costs_the_connection() {
    let server = served(|request: Request| request.finish_with("no"));
    let request =
        format!("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000));
    server.feed(request.as_bytes());
    server.feed(request.as_bytes());
    assert_eq!(statuses(&text(&server)), [200, 200]);
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nxxx");
    assert_eq!(statuses(&text(&server)), [200, 200, 200]);
    assert!(server.has_ended() && server.lost().is_none(), "it lingers");
    server.feed(&[b'x'; 100_000]);
    server.close_peer();
    assert!(server.lost().unwrap().is(FailureKind::ConnectionDone));
}

#[test]
fn a_reader_that_does_not_read_holds_the_client_back() {
    let kept = Kept::default();
    let limits = HttpLimits { body_buffer_bytes_max: 1000, ..HttpLimits::default() };
    let server = served_with(limits, kept.keeping());
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    let request = kept.take();
    let body = request.take_body();
    for _ in 0..100 {
        server.feed(&[b'x'; 1000]);
    }
    assert!(!server.transport().is_receiving(), "the client is not held back");
    let total = drain(body);
    server.feed(b"");
    while *total.borrow() < 100_000 {
        let before = *total.borrow();
        server.feed(b"");
        assert!(*total.borrow() > before, "the body stopped at {before}");
    }
    request.finish();
    server.feed(b"");
    assert_eq!(statuses(&text(&server)), [200]);
}

/// Reads all of a body; gives how much it was so far.
fn drain(body: Body) -> Rc<RefCell<usize>> {
    fn read_on(body: Body, total: Rc<RefCell<usize>>) {
        let next = body.next();
        drop(next.add_callback(move |piece| {
            if let Some(piece) = piece {
                *total.borrow_mut() += piece.len();
                read_on(body, total);
            }
        }));
    }
    let total = Rc::new(RefCell::new(0));
    read_on(body, total.clone());
    total
}

#[test]
fn a_body_that_breaks_off_fails_its_reader() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let told = seen.clone();
    let server = served(move |request: Request| {
        let (body, told) = (request.take_body().collect(100), told.clone());
        drop(body.add_both(move |body| told.borrow_mut().push((body, request))));
    });
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    server.close_peer();
    let (body, _request) = seen.borrow_mut().pop().unwrap();
    assert!(body.unwrap_err().is(FailureKind::Peer));
    assert_eq!(statuses(&text(&server)), [400]);
}

#[test]
fn a_body_over_its_limit_is_413_whether_it_is_announced_or_not() {
    let limits = || HttpLimits { body_bytes_max: 10, ..HttpLimits::default() };
    for request in [
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n",
    ] {
        let server = served_with(limits(), tell);
        server.feed(request.as_bytes());
        assert_eq!(statuses(&text(&server)), [413], "{request}");
        assert!(server.has_ended());
    }
}

#[test]
fn a_body_that_nobody_took_does_not_hold_up_the_next_request() {
    for (framing, body) in [
        ("Content-Length: 200000".to_owned(), vec![b'x'; 200_000]),
        ("Transfer-Encoding: chunked".to_owned(), {
            let mut chunked = b"30d40\r\n".to_vec();
            chunked.extend_from_slice(&[b'x'; 200_000]);
            chunked.extend_from_slice(b"\r\n0\r\n\r\n");
            chunked
        }),
    ] {
        let server = served(|request: Request| request.finish_with("no"));
        server.feed(format!("PUT / HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n").as_bytes());
        server.feed(&body);
        server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(statuses(&text(&server)), [200, 200], "{framing}");
    }
}

#[test]
fn an_answer_instead_of_continue_ends_the_connection() {
    let server = served(|request: Request| request.fail(http::StatusCode::UNAUTHORIZED));
    server.feed(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 33\r\nExpect: 100-continue\r\n\r\n");
    assert!(text(&server).contains("\r\nConnection: close\r\n"), "{}", text(&server));
    // Is this the body, or has the client kept that back? Nobody can know.
    server.feed(b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n");
    server.feed(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(statuses(&text(&server)), [401]);
}
