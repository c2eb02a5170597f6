//! Requests that are wrong, and what RFC 9110 and RFC 9112 have a server answer.
//!
//! Each case is fed whole and a byte at a time; the answer must be the same, the connection must end, and the
//! responder must never see the request.

use crate::{served, statuses, tell, text};

/// A status, and a request that must be answered with it. `\n` alone is a bare line feed.
type Case = (u16, &'static str);

#[track_caller]
fn check(cases: &[Case]) {
    for (status, request) in cases {
        check_bytes(*status, request.as_bytes());
    }
}

#[track_caller]
fn check_bytes(status: u16, request: &[u8]) {
    let shown = String::from_utf8_lossy(&request[..request.len().min(300)]);
    for piece in [request.len(), 1] {
        let server = served(tell);
        server.feed_pieces(request.chunks(piece));
        assert_eq!(
            statuses(&text(&server)),
            [status],
            "{shown:?} in pieces of {piece}: {}",
            text(&server)
        );
        assert!(server.has_ended(), "{shown:?} leaves the connection open");
        assert!(text(&server).contains("Connection: close\r\n"), "{shown:?}");
    }
}

#[test]
fn request_lines() {
    check(&[
        (400, "GET\r\n\r\n"),
        (400, "GET /\r\n\r\n"),
        (400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /  HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"),
        (400, " GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "\tGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /\tHTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET / a HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "G[T / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GE T / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "G\u{e9}T / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "\"GET\" / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET,POST / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "HTTP/1.1 200 OK\r\nHost: x\r\n\r\n"),
        (400, "GET / http/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/11\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.10\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/01.1\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1,1\r\nHost: x\r\n\r\n"),
        (400, "GET / XTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET / ICE/1.0\r\nHost: x\r\n\r\n"),
        (505, "GET / HTTP/1.2\r\nHost: x\r\n\r\n"),
        (505, "GET / HTTP/1.9\r\nHost: x\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"),
        (505, "GET / HTTP/0.9\r\nHost: x\r\n\r\n"),
        (505, "GET / HTTP/9.9\r\nHost: x\r\n\r\n"),
        (505, "PRI * HTTP/2.0\r\n\r\n"),
    ]);
}

#[test]
fn line_ends() {
    check(&[
        (400, "GET / HTTP/1.1\nHost: x\n\n"),
        (400, "GET / HTTP/1.1\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\n\n"),
        (400, "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nA: b\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\rHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n"),
        (400, "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /a\rb HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: \rb\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA\r: b\r\n\r\n"),
        (400, "\r\n\r\n\r\n\r\n\r\n\r\n\r\n"),
    ]);
}

#[test]
fn field_lines() {
    check(&[
        (400, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost\t: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\n A: folded\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tfolded\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n\tHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA(: c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA@b: c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA\"b: c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA[0]: c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA\u{e9}: c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA\0: c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\u{1}c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\u{7f}c\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\u{8}\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\u{b}\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length\0: 5\r\n\r\nhello"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        (417, "GET / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n"),
        (417, "GET / HTTP/1.1\r\nHost: x\r\nExpect: \r\n\r\n"),
        (417, "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue, 200-ok\r\n\r\n"),
    ]);
}

#[test]
fn hosts() {
    check(&[
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nA: b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: user@x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: http://x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x:y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x:80:80\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x:-1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x:999999\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: [x]\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x?y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x#y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: x\\y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: <x>\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n"),
    ]);
}

#[test]
fn targets() {
    check(&[
        (400, "GET a HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET ?a HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"),
        (400, "GET ../etc HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET \\a HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET /\u{1} HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET http:// HTTP/1.1\r\nHost: \r\n\r\n"),
        (400, "GET http:///a HTTP/1.1\r\nHost: \r\n\r\n"),
        (400, "GET http:/a HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET file:///etc/passwd HTTP/1.1\r\nHost: \r\n\r\n"),
        (400, "GET javascript:1 HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET http://user:pw@x/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET http://x:y/ HTTP/1.1\r\nHost: x:y\r\n\r\n"),
        (400, "GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET http://x:81/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "GET https://x.evil/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "CONNECT x: HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "CONNECT :80 HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "CONNECT x:70000 HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "CONNECT http://x:80/ HTTP/1.1\r\nHost: x:80\r\n\r\n"),
        (400, "CONNECT y:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"),
        (400, "CONNECT u@x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"),
        (400, "CONNECT * HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "OPTIONS ** HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, "POST * HTTP/1.1\r\nHost: x\r\n\r\n"),
    ]);
}

#[test]
fn lengths() {
    check(&[
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5.0\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5e0\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5 5\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5,5\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5;\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \"5\"\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \u{665}\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello"),
        (
            400,
            "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            400,
            "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
        ),
        (400, "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ,\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        (
            400,
            "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            400,
            "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
        ),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chun ked\r\n\r\n0\r\n\r\n"),
    ]);
}

#[test]
fn chunks() {
    for body in [
        "\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5_\r\nhello\r\n",
        "5.\r\nhello\r\n",
        ";a\r\nhello\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\r\nhellos\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5;a\0b\r\nhello\r\n0\r\n\r\n",
        "5;a\u{7f}b\r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\n",
        "00000000000000005\r\nhello\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "0\r\n\n",
        "0\r\nA: b\n\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\nA : b\r\n\r\n",
        "0\r\n: b\r\n\r\n",
        "0\r\nA: b\0\r\n\r\n",
        "0\r\nA: b\r\n folded\r\n\r\n",
        "0\n\r\n",
    ] {
        let head = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        check_bytes(400, format!("{head}{body}").as_bytes());
    }
    let head = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_bytes(400, format!("{head}5;{}\r\nhello\r\n", "x".repeat(300)).as_bytes());
    check_bytes(400, format!("{head}0\r\nA: {}\r\n\r\n", "x".repeat(9000)).as_bytes());
}

#[test]
fn limits() {
    let fields = |count: usize| "A: b\r\n".repeat(count);
    check_bytes(431, format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", fields(100)).as_bytes());
    check_bytes(
        431,
        format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "x".repeat(40_000)).as_bytes(),
    );
    check_bytes(431, format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", fields(10_000)).as_bytes());
    check_bytes(414, format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(20_000)).as_bytes());
    check_bytes(414, format!("GET /{}", "x".repeat(40_000)).as_bytes());
    check_bytes(414, format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(40_000)).as_bytes());
}

#[test]
fn other_protocols() {
    check_bytes(400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    check_bytes(400, b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
    check_bytes(400, b"EHLO x\r\n\r\n");
    check_bytes(400, b"\x05\x01\x00\r\n\r\n");
    check_bytes(400, b"\0\0\0\0");
}

#[test]
fn what_looks_odd_and_is_right() {
    for request in [
        "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \t x \t\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: \u{e9}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: a\tb\r\n\r\n",
        "get / HTTP/1.1\r\nHost: x\r\n\r\n",
        "FROB / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET //a//b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a|b\"<>{}^`\\ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%zz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET HTTP://X/a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://[::1]:80/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 005\r\n\r\nhello",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: , chunked ,\r\n\r\n000;x\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5 ; a=\"b;c\" ; d\r\nhello\r\n0\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        for piece in [request.len(), 1] {
            let server = served(tell);
            server.feed_pieces(request.as_bytes().chunks(piece));
            assert_eq!(statuses(&text(&server)), [200], "{request:?} in pieces of {piece}");
        }
    }
}
