//! What an answer looks like on the wire.

use std::cell::Cell;
use std::rc::Rc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use ropewalk_core::FailureKind;
use ropewalk_http::{Content, Request};

use crate::{Kept, served, statuses, tell, text};

const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

#[test]
fn a_whole_answer_has_a_date_and_a_length() {
    let server = served(|request: Request| {
        request.set_header(CONTENT_TYPE, "text/plain");
        request.finish_with("hello");
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let expected = format!(
        "HTTP/1.1 200 OK\r\n{DATE}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
    );
    assert_eq!(text(&server), expected);
    assert!(!server.has_ended());
}

#[test]
fn an_answer_in_pieces_is_chunked_for_1_1_and_ends_with_the_connection_for_1_0() {
    let pieces = |request: Request| {
        request.write(b"one");
        request.write(b"");
        request.write(&[b'x'; 10]);
        request.finish();
    };
    let server = served(pieces);
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        text(&server).ends_with(
            "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\na\r\nxxxxxxxxxx\r\n0\r\n\r\n"
        )
    );
    let server = served(pieces);
    server.feed(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert!(text(&server).ends_with("Connection: close\r\n\r\nonexxxxxxxxxx"), "{}", text(&server));
    assert!(server.has_ended());
}

#[test]
fn keep_alive_is_the_rule_in_1_1_and_asked_for_in_1_0() {
    for (request, stays) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
    ] {
        let server = served(tell);
        server.feed(request.as_bytes());
        assert_eq!(statuses(&text(&server)), [200], "{request}");
        assert_eq!(server.has_ended(), !stays, "{request}");
        let says_keep_alive = text(&server).contains("Connection: keep-alive");
        assert_eq!(says_keep_alive, stays && request.contains("1.0"), "{request}");
        assert_eq!(text(&server).contains("Connection: close"), !stays, "{request}");
    }
}

#[test]
fn head_no_content_and_not_modified_have_no_body() {
    let server = served(|request: Request| match request.path() {
        "/none" => {
            request.set_status(StatusCode::NO_CONTENT);
            request.finish_with("never seen");
        }
        "/same" => {
            request.set_status(StatusCode::NOT_MODIFIED);
            request.set_header(ETAG, "\"1\"");
            request.finish_with("never seen");
        }
        "/stream" => {
            request.write(b"never seen");
            request.finish();
        }
        _ => request.finish_with("never seen"),
    });
    server.feed(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).ends_with("Content-Length: 10\r\n\r\n"));
    for path in ["none", "same"] {
        server.feed(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert!(text(&server).ends_with("\r\n\r\n"));
    }
    server.feed(b"HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(statuses(&text(&server)), [200, 204, 304, 200]);
    assert!(!text(&server).contains("never seen"));
    assert_eq!(text(&server).matches("Content-Length").count(), 1);
    assert!(text(&server).contains("ETag: \"1\""));
}

#[test]
fn a_field_is_set_once_and_added_as_often_as_wanted() {
    let server = served(|request: Request| {
        request.set_header(CONTENT_TYPE, "text/css");
        request.set_header(CONTENT_TYPE, "text/html");
        request.append_header(SET_COOKIE, "a=1");
        request.append_header(SET_COOKIE, "b=2\r\nX-Injected: yes");
        assert_eq!(request.reply_header(&CONTENT_TYPE).unwrap(), b"text/html");
        request.finish();
        request.set_header(CONTENT_TYPE, "too/late");
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).contains(
        "Content-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2  X-Injected: yes\r\n"
    ));
    assert!(!text(&server).contains("css") && !text(&server).contains("late"));
}

#[test]
fn a_body_is_held_to_its_declared_length() {
    let server = served(|request: Request| {
        request.set_header(CONTENT_LENGTH, "4");
        request.write(b"abc");
        request.write(b"defg");
        request.finish();
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).ends_with("Content-Length: 4\r\n\r\nabcd"));
    assert!(!server.has_ended());
    let server = served(|request: Request| {
        request.set_header(CONTENT_LENGTH, "4");
        request.finish_with("abc");
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(server.lost().unwrap().is(FailureKind::Local), "a short answer looked complete");
}

#[test]
fn informational_answers_come_first_and_only_for_1_1() {
    let server = served(|request: Request| {
        let mut hints = HeaderMap::new();
        hints.insert("link", HeaderValue::from_static("</a.css>; rel=preload"));
        request.inform(StatusCode::EARLY_HINTS, &hints);
        request.finish_with("page");
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).starts_with(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n"
    ));
    server.feed(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(statuses(&text(&server)), [103, 200, 200]);
}

#[test]
fn a_response_of_the_http_crate_is_an_answer() {
    let server = served(|request: Request| {
        let response = Response::builder().status(201).header("x-a", "1").header("x-a", "2");
        request.respond(response.body("made").unwrap());
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).starts_with("HTTP/1.1 201 Created\r\n"));
    assert!(text(&server).ends_with("X-A: 1\r\nX-A: 2\r\nContent-Length: 4\r\n\r\nmade"));
}

#[test]
fn a_streamed_answer_ends_with_its_trailers() {
    let server = served(|request: Request| {
        let body = request.take_body();
        request.respond_with(Content::from(body));
    });
    server.feed(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    assert!(text(&server).ends_with("chunked\r\n\r\n2\r\nhi\r\n"));
    server.feed(b"0\r\nX-Sum: 7\r\n\r\n");
    assert!(text(&server).ends_with("0\r\nX-Sum: 7\r\n\r\n"));
    server.feed(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    assert!(text(&server).ends_with("Content-Length: 3\r\n\r\nabc"));
}

#[test]
fn a_request_that_is_dropped_or_panics_is_a_500_and_the_connection_lives() {
    let server = served(|request: Request| match request.path() {
        "/drop" => drop(request),
        "/panic" => panic!("on purpose"),
        _ => request.finish_with("fine"),
    });
    for path in ["drop", "panic", "fine"] {
        server.feed(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
    }
    assert_eq!(statuses(&text(&server)), [500, 500, 200]);
    assert!(!server.has_ended());
}

#[test]
fn an_answer_that_breaks_off_does_not_look_whole() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let request = kept.take();
    request.write(b"part");
    drop(request);
    server.feed(b"");
    assert!(server.lost().unwrap().is(FailureKind::Abandoned));
    assert!(!text(&server).contains("0\r\n\r\n"));
}

#[test]
fn a_kept_request_is_answered_from_anywhere_and_tells_when_its_client_left() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    let request = kept.take();
    let finished = request.notify_finish();
    assert!(!finished.is_fired() && server.written().is_empty());
    request.finish_with("later");
    assert!(finished.into_result().unwrap().is_ok());
    server.feed(b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).ends_with("later"));
    let request = kept.take();
    let finished = request.notify_finish();
    server.reset_peer();
    assert!(finished.into_result().unwrap().is_err());
    assert!(request.is_client_gone());
    request.finish_with("into the void");
}

#[test]
fn a_request_whose_head_is_forgotten_is_answered_as_before() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"HEAD /1?a=b HTTP/1.0\r\nHost: x\r\nA: b\r\n\r\n");
    let mut request = kept.take();
    let (other, watching) = (request.clone(), request.downgrade());
    request.forget_head();
    assert_eq!((request.target(), request.query(), request.header("a")), ("", None, None));
    assert!(request.headers().is_empty() && request.authority().is_none());
    assert_eq!((other.target(), other.header_text("a")), ("/1?a=b", Some("b")));
    assert_eq!(watching.upgrade().expect("it is there").path(), "/1");
    drop(other);
    request.set_header(ETAG, "\"x\"");
    request.finish_with("what is not sent to a HEAD");
    server.feed(b"");
    let written = text(&server);
    assert!(written.to_lowercase().contains("\r\netag: \"x\"\r\n"), "{written}");
    assert!(written.contains("Content-Length: 26\r\n") && written.ends_with("\r\n\r\n"));
    assert!(server.has_ended(), "HTTP/1.0 without keep-alive");
}

#[test]
fn a_client_that_half_closes_is_told_as_gone_and_answered_all_the_same() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let request = kept.take();
    let finished = request.notify_finish();
    server.close_peer();
    assert!(finished.into_result().unwrap().is_err());
    request.finish_with("still there?");
    server.feed(b"");
    assert!(text(&server).ends_with("\r\n\r\nstill there?"));
    assert!(server.has_ended());
}

#[test]
fn the_authority_is_not_taken_out_of_a_query() {
    let server = served(|request: Request| {
        let authority = request.authority().unwrap_or("none").to_owned();
        request.finish_with(authority);
    });
    server.feed(b"GET /go?to=http://evil/x HTTP/1.1\r\nHost: good\r\n\r\n");
    assert!(text(&server).ends_with("\r\n\r\ngood"), "{}", text(&server));
    server.feed(b"GET http://good/go?to=http://evil/x HTTP/1.1\r\nHost: good\r\n\r\n");
    assert!(text(&server).ends_with("\r\n\r\ngood"), "{}", text(&server));
}

#[test]
fn what_is_written_behind_the_end_of_an_answer_goes_nowhere() {
    let server = served(|request: Request| {
        request.finish_with("whole");
        request.write(b"late");
        request.write_bytes(vec![b'x'; 5_000]);
        request.finish_with(vec![b'y'; 5_000]);
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).ends_with("\r\n\r\nwhole"), "{}", text(&server));
}

#[test]
fn head_does_not_read_the_stream_that_get_would_send() {
    let read = Rc::new(Cell::new(0));
    let counted = read.clone();
    let server = served(move |request: Request| {
        let read = counted.clone();
        let body = StreamedBody {
            piece: "piece",
            left: 3,
            on_read: Box::new(move || read.set(read.get() + 1)),
        };
        request.respond_with(Content::stream(body));
    });
    server.feed(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text(&server).starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(!text(&server).contains("Content-Length"), "nobody knows it: {}", text(&server));
    assert_eq!(read.get(), 0, "for nothing");
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(read.get(), 3);
    assert_eq!(statuses(&text(&server)), [200, 200]);
}

/// So many pieces.
struct StreamedBody {
    piece: &'static str,
    left: usize,
    on_read: Box<dyn Fn()>,
}

impl http_body::Body for StreamedBody {
    type Data = bytes::Bytes;
    type Error = ropewalk_core::Failure;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, ropewalk_core::Failure>>>
    {
        if self.left == 0 {
            return std::task::Poll::Ready(None);
        }
        self.left -= 1;
        (self.on_read)();
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(self.piece.into()))))
    }
}

#[test]
fn a_body_of_nothing_lets_all_others_have_their_turn() {
    const FRAMES: usize = 10_000;
    let (read, others_turn) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (counting, noting) = (read.clone(), others_turn.clone());
    let server = served(move |request: Request| {
        let (read, counting, noting) = (counting.clone(), counting.clone(), noting.clone());
        let another = move || noting.set(read.get());
        request.transport().reactor().call_later(std::time::Duration::ZERO, another);
        let on_read = Box::new(move || counting.set(counting.get() + 1));
        request.respond_with(Content::stream(StreamedBody { piece: "", left: FRAMES, on_read }));
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!((1..FRAMES).contains(&others_turn.get()), "{} frames before it", others_turn.get());
    assert_eq!(read.get(), FRAMES);
    assert!(text(&server).ends_with("\r\n\r\n0\r\n\r\n"), "and then it is over");
}

#[test]
fn a_1_0_client_that_half_closed_does_not_take_a_part_for_the_whole() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"GET / HTTP/1.0\r\n\r\n");
    let request = kept.take();
    request.write(b"a part");
    server.close_peer();
    drop(request);
    server.feed(b"");
    let why = server.lost().expect("it is lost");
    assert!(!why.is(FailureKind::ConnectionDone), "that would look whole: {why}");
}

#[test]
fn a_request_pipelined_before_a_half_close_knows_that_its_client_has_left() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    server.close_peer();
    kept.take().finish_with("1");
    server.feed(b"");
    let second = kept.take();
    assert!(second.is_client_gone(), "nobody would say so later");
    assert!(matches!(second.notify_finish().into_result(), Ok(Err(_))));
    second.finish_with("2");
    server.feed(b"");
    assert_eq!(statuses(&text(&server)), [200, 200]);
}
