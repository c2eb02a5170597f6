//! What a client must not keep, repeat or wait for: connections, credentials, lengths.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING};
use http::{HeaderValue, Method, StatusCode};
use ropewalk_core::{Cx, Deferred, FailureKind, Protocol, Transport};
use ropewalk_http::{
    AgentOptions, Content, HttpFactory, HttpLimits, PoolLimits, Request, StartTls,
};

use crate::agent::{World, ask, tell, wait, world};

#[test]
fn how_a_body_is_framed_is_not_the_callers_business() {
    let world = world();
    world.serve("a", tell);
    let mut post = ask(Method::POST, "http://a/", "abc");
    post.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("3"));
    post.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    assert_eq!(world.text(world.agent.ask(post)).unwrap(), "POST / a - - [abc]");
}

#[test]
fn a_get_that_follows_a_post_does_not_speak_of_its_body() {
    let world = world();
    world.serve("a", |request: Request| {
        if request.path() == "/form" {
            request.set_header(LOCATION, "/done");
            return request.fail_with_location();
        }
        let kind = request.header_text("content-type").unwrap_or("-").to_owned();
        request.finish_with(format!("{} {kind}", request.method()));
    });
    let mut post = ask(Method::POST, "http://a/form", "a=b");
    post.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/x"));
    assert_eq!(world.text(world.agent.ask(post)).unwrap(), "GET -");
}

/// What the tests above answer with.
trait Redirects {
    fn fail_with_location(&self);
}

impl Redirects for Request {
    fn fail_with_location(&self) {
        self.set_status(StatusCode::SEE_OTHER);
        self.finish();
    }
}

#[test]
fn a_body_that_nobody_reads_gives_its_place_back_at_once() {
    let options = AgentOptions {
        pool: PoolLimits { connections_per_origin_max: 1, ..PoolLimits::default() },
        ..AgentOptions::default()
    };
    let world = World::new(options);
    let left = Rc::new(Cell::new(false));
    let noted = left.clone();
    world.serve("a", move |request: Request| {
        if request.path() != "/events" {
            return request.finish_with("next");
        }
        request.write(b"the first of many");
        let noted = noted.clone();
        let kept = request.clone();
        drop(request.notify_finish().add_errback(move |_| {
            noted.set(true);
            drop(kept);
        }));
    });
    let events = world.run(world.agent.get("http://a/events")).unwrap();
    drop(events);
    wait(&world, 1);
    assert!(left.get(), "the server is told, and not when it next says something");
    assert_eq!(world.get("http://a/").unwrap(), "next");
}

#[test]
fn a_long_upload_may_take_longer_than_its_answer() {
    let options = AgentOptions { head_timeout: Duration::from_secs(10), ..AgentOptions::default() };
    let world = World::new(options);
    let patient = HttpLimits { body_timeout: Duration::from_secs(60), ..HttpLimits::default() };
    let count = |request: Request| {
        let body = request.take_body().collect(1 << 20);
        drop(body.add_callback(move |body| request.finish_with(format!("{}", body.len()))));
    };
    world.serve_with("a", HttpFactory::with_limits(count, patient));
    let reactor = world.event_loop.reactor().clone();
    let slow = SlowBody { left: 6, reactor, waiting: None };
    let asked = world.agent.ask(ask(Method::PUT, "http://a/", Content::stream(slow)));
    assert_eq!(world.text(asked).unwrap(), "30");
}

/// Pieces of five bytes, one every five seconds.
struct SlowBody {
    left: usize,
    reactor: ropewalk_core::Reactor,
    waiting: Option<std::pin::Pin<Box<dyn Future<Output = ()>>>>,
}

impl http_body::Body for SlowBody {
    type Data = bytes::Bytes;
    type Error = ropewalk_core::Failure;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, ropewalk_core::Failure>>>
    {
        if self.left == 0 {
            return std::task::Poll::Ready(None);
        }
        let reactor = self.reactor.clone();
        let waiting = self.waiting.get_or_insert_with(|| {
            let later = ropewalk_core::defer_later(&reactor, Duration::from_secs(5), || ());
            Box::pin(async move { drop(later.await) })
        });
        std::task::ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        self.left -= 1;
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data("piece".into()))))
    }
}

#[test]
fn an_upgrade_that_nobody_takes_is_lost() {
    struct Talks(Rc<Cell<bool>>);
    impl Protocol for Talks {
        fn connection_lost(&mut self, _: &mut Cx<'_>, _: ropewalk_core::Failure) {
            self.0.set(true);
        }
    }
    let world = world();
    let lost = Rc::new(Cell::new(false));
    let noted = lost.clone();
    world.serve("a", move |request: Request| request.upgrade("talk", Talks(noted.clone())));
    let response = world.run(world.agent.get("http://a/")).unwrap();
    assert!(response.upgrade.is_some());
    wait(&world, 1);
    assert!(!lost.get());
    drop(response);
    wait(&world, 1);
    assert!(lost.get(), "nobody could speak over it");
}

#[test]
fn members_of_gzip_that_follow_each_other_are_one_body() {
    let world = world();
    world.serve("a", |request: Request| {
        let mut body = Vec::new();
        for text in ["one ", "two ", "three"] {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            body.extend(gzip.finish().unwrap());
        }
        body.extend([0; 20]); // Padding, as tapes have it.
        request.set_header(CONTENT_ENCODING, "gzip");
        // Each byte for itself, so that a member ends with a piece, too.
        body.chunks(1).for_each(|piece| request.write(piece));
        request.finish();
    });
    assert_eq!(world.get("http://a/").unwrap(), "one two three");
}

#[test]
fn a_large_body_that_was_refused_is_not_sent_before_the_next_request() {
    let world = world();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let noted = seen.clone();
    world.serve("a", move |request: Request| {
        noted.borrow_mut().push(request.method().clone());
        let peer = request.transport().clone();
        drop(request.take_body());
        request.finish_with("no");
        drop(peer);
    });
    let large = vec![b'x'; 700_000];
    let refused = world.text(world.agent.ask(ask(Method::PUT, "http://a/", large)));
    drop(refused);
    assert_eq!(world.get("http://a/").unwrap(), "no");
    assert_eq!(*seen.borrow(), [Method::PUT, Method::GET]);
}

/// Never comes to an end.
struct NoTls;

impl StartTls for NoTls {
    fn start_tls(&self, _: &Transport, _: &str) -> Deferred<()> {
        let (resolver, started) = Deferred::new();
        std::mem::forget(resolver);
        started
    }
}

#[test]
fn a_tunnel_that_is_given_up_half_made_is_lost() {
    struct Hole(Rc<Cell<bool>>);
    impl Protocol for Hole {
        fn connection_lost(&mut self, _: &mut Cx<'_>, _: ropewalk_core::Failure) {
            self.0.set(true);
        }
    }
    let world = World::new(AgentOptions {
        proxy: Some("http://proxy:3128".parse().unwrap()),
        start_tls: Some(Rc::new(NoTls)),
        total_timeout: Some(Duration::from_secs(5)),
        ..AgentOptions::default()
    });
    let lost = Rc::new(Cell::new(false));
    let noted = lost.clone();
    world.serve("proxy", move |request: Request| request.connect_tunnel(Hole(noted.clone())));
    assert!(world.get("https://a/").unwrap_err().is(FailureKind::Timeout));
    wait(&world, 1);
    assert!(lost.get(), "its place in the pool was lost instead");
}

#[test]
fn a_user_and_a_password_are_for_the_origin_that_was_asked() {
    let world = world();
    for (name, other) in [("a", "b"), ("b", "a")] {
        world.serve(name, move |request: Request| {
            if request.path() == "/away" {
                request.set_header(LOCATION, format!("http://{other}/"));
                return request.fail_with_location();
            }
            tell(request);
        });
    }
    let with = |url| ask(Method::GET, url, ()).with_basic_auth("u", "p:w").unwrap();
    let text = |url| world.text(world.agent.ask(with(url))).unwrap();
    assert_eq!(text("http://x:y@a/"), "GET / a Basic dTpwOnc= - []");
    assert_eq!(text("http://a/away"), "GET / b - - []");
    assert!(ask(Method::GET, "http://a/", ()).with_basic_auth("a:b", "").is_err());
}
