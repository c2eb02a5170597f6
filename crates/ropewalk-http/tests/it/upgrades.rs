//! A connection that becomes another protocol's.

use http::Method;
use ropewalk_core::{Cx, Protocol};
use ropewalk_http::Request;

use crate::{Kept, served, statuses, text};

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

fn switch(request: Request) {
    if request.method() == Method::CONNECT {
        request.connect_tunnel(Echo);
    } else if request.header("upgrade") == Some(b"echo") {
        request.upgrade("echo", Echo);
    } else {
        request.finish_with("plain");
    }
}

#[test]
fn an_upgrade_gets_what_was_sent_behind_it() {
    let server = served(switch);
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly ");
    server.feed(b"late");
    let written = text(&server);
    assert_eq!(statuses(&written), [200, 101]);
    assert!(
        written.ends_with("Upgrade: echo\r\nConnection: Upgrade\r\n\r\nearly late"),
        "{written}"
    );
}

#[test]
fn a_tunnel_has_neither_length_nor_chunks() {
    let server = served(switch);
    server.feed(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nthrough");
    let written = text(&server);
    assert!(written.ends_with("GMT\r\n\r\nthrough"), "{written}");
}

#[test]
fn an_upgrade_may_come_later() {
    let kept = Kept::default();
    let server = served(kept.keeping());
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly ");
    kept.take().upgrade("echo", Echo);
    server.feed(b"late");
    assert!(text(&server).ends_with("\r\n\r\nearly late"));
}

#[test]
fn a_connection_is_not_handed_over_in_the_middle_of_a_body() {
    let server = served(switch);
    server.feed(
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nbo",
    );
    assert_eq!(statuses(&text(&server)), [500], "{}", text(&server));
}

#[test]
fn a_connection_is_handed_over_behind_a_body_that_was_read() {
    let server = served(|request: Request| {
        let body = request.take_body().collect(10);
        drop(body.add_callback(move |_| request.upgrade("echo", Echo)));
    });
    server.feed(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nUpgrade: echo\r\n\r\nbo");
    server.feed(b"dyearly ");
    server.feed(b"late");
    assert!(text(&server).ends_with("\r\n\r\nearly late"), "{}", text(&server));
}
