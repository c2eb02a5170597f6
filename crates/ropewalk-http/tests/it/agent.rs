//! The client against the server, over a network in memory and in virtual time.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{Method, StatusCode};
use ropewalk_core::{
    ClientEndpoint, Cx, Deferred, Endpoints, Failure, FailureKind, Loop, Outcome, Protocol,
};
use ropewalk_http::{
    Agent, AgentOptions, Ask, Content, CookieJar, HttpFactory, PoolLimits, Request, Responder,
    Response,
};
use ropewalk_testing::{MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network};

/// A loop with an agent on it, for which every host is one in memory.
pub(crate) struct World {
    pub(crate) event_loop: Loop,
    pub(crate) agent: Agent,
}

impl World {
    pub(crate) fn new(options: AgentOptions) -> Self {
        let event_loop = Loop::new(MemoryDriver::new(Network::default()));
        let mut endpoints = Endpoints::new();
        for word in ["tcp", "unix"] {
            endpoints.register_client(word, |description| {
                let name = description.require("host")?.value().to_owned();
                let _port = description.take("port");
                Ok(Rc::new(MemoryClientEndpoint::new(name)) as Rc<dyn ClientEndpoint>)
            });
        }
        let agent = Agent::with_options(event_loop.reactor(), endpoints, options);
        Self { event_loop, agent }
    }

    pub(crate) fn serve(&self, name: &str, responder: impl Responder) {
        self.serve_with(name, HttpFactory::new(responder));
    }

    pub(crate) fn serve_with(&self, name: &str, factory: impl ropewalk_core::Factory) {
        let endpoint = MemoryServerEndpoint::new(name);
        let port = self.event_loop.reactor().listen(&endpoint, factory);
        assert!(matches!(port.into_result(), Ok(Ok(_))), "{name} is taken");
    }

    pub(crate) fn run<R: Outcome>(&self, outcome: R) -> Result<R::Value, Failure> {
        self.event_loop.run_until(outcome.into_deferred())
    }

    pub(crate) fn text(&self, response: Deferred<Response>) -> Result<String, Failure> {
        self.run(response.add_callback(|response| response.text(1 << 20)))
    }

    pub(crate) fn get(&self, url: &str) -> Result<String, Failure> {
        self.text(self.agent.get(url))
    }
}

pub(crate) fn world() -> World {
    World::new(AgentOptions::default())
}

pub(crate) fn ask(method: Method, url: &str, content: impl Into<Content>) -> Ask {
    Ask { content: content.into(), ..Ask::new(method, url).expect("a URL") }
}

/// Says what was asked, with the fields that an agent sets, and the body.
pub(crate) fn tell(request: Request) {
    let field = |name| request.header_text(name).unwrap_or("-").to_owned();
    let (host, authorization, cookie) = (field("host"), field("authorization"), field("cookie"));
    let line = format!("{} {}", request.method(), request.target());
    let body = request.take_body().collect(1 << 20);
    drop(body.add_callback(move |body| {
        let body = String::from_utf8_lossy(&body);
        request.finish_with(format!("{line} {host} {authorization} {cookie} [{body}]"));
    }));
}

#[test]
fn a_url_is_asked_for() {
    let world = world();
    world.serve("a", tell);
    assert_eq!(world.get("http://a/b?c=d").unwrap(), "GET /b?c=d a - - []");
    assert_eq!(world.get("http://A:80").unwrap(), "GET / a - - []");
    assert_eq!(world.get("http://u:p%40@a:81/").unwrap(), "GET / a:81 Basic dTpwQA== - []");
    let post = world.agent.ask(ask(Method::POST, "http://a/form", "x=1"));
    assert_eq!(world.text(post).unwrap(), "POST /form a - - [x=1]");
    let through = Ask { socket: Some("s".to_owned()), ..ask(Method::GET, "http://named/", ()) };
    world.serve("s", tell);
    assert_eq!(world.text(world.agent.ask(through)).unwrap(), "GET / named - - []");
    assert_eq!(world.get("unix:s:/x").unwrap(), "GET /x localhost - - []");
}

#[test]
fn what_cannot_be_asked_says_why() {
    let world = world();
    for (url, kind) in [
        ("nonsense", FailureKind::Local),
        ("ftp://a/", FailureKind::Local),
        ("http://nobody/", FailureKind::Peer),
        ("https://a/", FailureKind::Local),
    ] {
        let why = world.get(url).unwrap_err();
        assert!(why.is(kind), "{url}: {why:?}");
        assert!(why.to_string().contains(url), "{url}: {why}");
    }
}

#[test]
fn a_body_streams_both_ways() {
    let world = world();
    world.serve("a", |request: Request| {
        let body = request.take_body();
        request.respond_with(Content::from(body));
    });
    world.serve("b", |request: Request| request.finish_with(vec![b'x'; 3_000_000]));
    let agent = world.agent.clone();
    let echoed = world.event_loop.reactor().spawn(async move {
        let source = agent.get("http://b/").await?;
        let echo = agent.ask(ask(Method::PUT, "http://a/", source.body)).await?;
        let mut total = 0;
        while let Some(piece) = echo.body.next().await? {
            assert!(piece.iter().all(|byte| *byte == b'x'));
            total += piece.len();
        }
        Ok(total)
    });
    assert_eq!(world.run(echoed).unwrap(), 3_000_000);
}

#[test]
fn a_connection_is_used_again_and_their_number_is_capped() {
    let options = AgentOptions {
        pool: PoolLimits { connections_per_origin_max: 2, ..PoolLimits::default() },
        ..AgentOptions::default()
    };
    let world = World::new(options);
    let factory = HttpFactory::new(tell);
    world.serve_with("a", factory.clone());
    for _ in 0..3 {
        world.get("http://a/").unwrap();
        assert_eq!(factory.connections(), 1);
    }
    let many: Vec<_> = (0..20).map(|_| world.agent.get("http://a/")).collect();
    let all = world.event_loop.reactor().spawn(async move {
        for one in many {
            one.await?.text(1000).await?;
        }
        Ok(())
    });
    world.run(all).unwrap();
    assert_eq!(factory.connections(), 2);
}

#[test]
fn a_request_that_waits_for_a_connection_has_a_limit() {
    let pool = PoolLimits {
        connections_per_origin_max: 1,
        waiting_per_origin_max: 1,
        ..PoolLimits::default()
    };
    let world = World::new(AgentOptions { pool, ..AgentOptions::default() });
    world.serve("a", tell);
    let _first = world.agent.get("http://a/1");
    let second = world.agent.get("http://a/2");
    let third = world.agent.get("http://a/3");
    assert!(world.run(third).unwrap_err().is(FailureKind::Limit));
    second.cancel();
    assert!(world.get("http://a/4").is_ok(), "one that no longer waits is in the way");
}

/// Answers the first request of a connection, and resets it at the second.
struct OnceOnly(bool);

impl Protocol for OnceOnly {
    fn data_received(&mut self, cx: &mut Cx<'_>, _: &[u8]) {
        if std::mem::replace(&mut self.0, true) {
            return cx.transport().abort_connection();
        }
        cx.transport().write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

#[test]
fn a_dead_connection_is_replaced_where_asking_again_does_no_harm() {
    let world = world();
    world.serve_with("a", || OnceOnly(false));
    for _ in 0..4 {
        assert_eq!(world.get("http://a/").unwrap(), "ok");
    }
    let post = |content| world.text(world.agent.ask(ask(Method::POST, "http://a/", content)));
    let answers = [post("1"), post("2")];
    assert!(answers.iter().any(Result::is_err), "a POST was sent twice");
}

#[test]
fn redirects_are_followed_and_secrets_stay_at_home() {
    let world = world();
    world.serve("a", |request: Request| {
        let to = match request.path() {
            "/here" => "there?x",
            "/away" => "http://b/x",
            "/loop" => "/loop",
            _ => return tell(request),
        };
        request.set_status(StatusCode::FOUND);
        request.set_header(LOCATION, to);
        request.finish_with("moved");
    });
    world.serve("b", tell);
    assert_eq!(world.get("http://u@a/here").unwrap(), "GET /there?x a Basic dTo= - []");
    let away = http::Request::get("http://a/away").header("authorization", "secret").body(());
    assert_eq!(world.text(world.agent.ask(away.unwrap())).unwrap(), "GET /x b - - []");
    let post = world.agent.ask(ask(Method::POST, "http://a/away", "body"));
    assert_eq!(world.text(post).unwrap(), "GET /x b - - []");
    let put = world.agent.ask(ask(Method::PUT, "http://a/away", "body"));
    assert_eq!(world.text(put).unwrap(), "PUT /x b - - [body]");
    assert!(world.get("http://a/loop").unwrap_err().is(FailureKind::Limit));
    let response = world.run(world.agent.get("http://a/away")).unwrap();
    assert_eq!(response.url, "http://b/x");
}

#[test]
fn without_redirects_they_are_the_answer() {
    let world = World::new(AgentOptions { redirects_max: 0, ..AgentOptions::default() });
    world.serve("a", |request: Request| {
        request.set_status(StatusCode::FOUND);
        request.set_header(LOCATION, "/elsewhere");
        request.finish();
    });
    assert_eq!(world.run(world.agent.get("http://a/")).unwrap().status, StatusCode::FOUND);
}

#[test]
fn cookies_are_kept_and_sent() {
    let jar = CookieJar::new();
    let options = AgentOptions { cookies: Some(jar.clone()), ..AgentOptions::default() };
    let world = World::new(options);
    world.serve("a", |request: Request| {
        if request.path() == "/set" {
            request.append_header(SET_COOKIE, "a=1; Path=/");
            request.append_header(SET_COOKIE, "b=2; Path=/");
        }
        tell(request);
    });
    assert_eq!(world.get("http://a/set").unwrap(), "GET /set a - - []");
    assert_eq!(world.get("http://a/").unwrap(), "GET / a - a=1; b=2 []");
    assert_eq!(jar.len(), 2);
}

#[test]
fn a_compressed_answer_is_decompressed_and_a_bomb_stays_small() {
    let world = world();
    world.serve("a", |request: Request| {
        assert_eq!(request.header_text("accept-encoding"), Some("gzip, deflate"));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b'x'; 4_000_000]).unwrap();
        request.set_header(CONTENT_ENCODING, "gzip");
        request.set_header(CONTENT_TYPE, "text/plain");
        request.finish_with(gzip.finish().unwrap());
    });
    let agent = world.agent.clone();
    let read = world.event_loop.reactor().spawn(async move {
        let response = agent.get("http://a/").await?;
        assert_eq!(response.header("content-encoding"), None);
        let mut total = 0;
        while let Some(piece) = response.body.next().await? {
            assert!(piece.len() <= 64 << 10, "a piece of {}", piece.len());
            total += piece.len();
        }
        Ok(total)
    });
    assert_eq!(world.run(read).unwrap(), 4_000_000);
    let whole = world.text(world.agent.get("http://a/"));
    assert!(whole.unwrap_err().is(FailureKind::Limit));
}

#[test]
fn a_slow_server_is_given_up() {
    let world = World::new(AgentOptions {
        head_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        ..AgentOptions::default()
    });
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keeping = kept.clone();
    world.serve("silent", move |request: Request| keeping.borrow_mut().push(request));
    let keeping = kept.clone();
    world.serve("stalls", move |request: Request| {
        request.write(b"some");
        keeping.borrow_mut().push(request);
    });
    assert!(world.get("http://silent/").unwrap_err().is(FailureKind::Timeout));
    assert!(world.get("http://stalls/").unwrap_err().is(FailureKind::Timeout));
    let total = Some(Duration::from_secs(1));
    let hurried = World::new(AgentOptions { total_timeout: total, ..AgentOptions::default() });
    hurried.serve("silent", move |request: Request| kept.borrow_mut().push(request));
    assert!(hurried.get("http://silent/").unwrap_err().is(FailureKind::Timeout));
}

/// Answers a head at once, and counts the bytes of a body that come.
struct Refuses(&'static [u8], Rc<Cell<usize>>, bool);

impl Protocol for Refuses {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        if std::mem::replace(&mut self.2, true) {
            self.1.set(self.1.get() + data.len());
        } else {
            cx.transport().write(self.0);
        }
    }
}

#[test]
fn a_body_waits_until_it_is_asked_for() {
    let world = world();
    let expecting = |host: &str| {
        let mut ask = ask(Method::PUT, &format!("http://{host}/"), vec![b'x'; 100_000]);
        ask.headers.insert("expect", "100-continue".parse().unwrap());
        ask
    };
    let began = world.event_loop.reactor().now();
    world.serve("takes", tell);
    let response = world.agent.ask(expecting("takes"));
    assert!(world.text(response).unwrap().ends_with("xxx]"));
    let waited = world.event_loop.reactor().now().since(began);
    assert!(waited < AgentOptions::default().continue_timeout, "it was asked for");

    // One that never asks gets it all the same, and one that refuses does not.
    let refusals: [(&[u8], usize, u16); 2] = [
        (b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", 0, 413),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            100_000,
            200,
        ),
    ];
    for (answer, bytes, status) in refusals {
        let (count, world) = (Rc::new(Cell::new(0)), self::world());
        let counting = count.clone();
        world.serve_with("a", move || Refuses(answer, counting.clone(), false));
        let response = world.run(world.agent.ask(expecting("a"))).unwrap();
        wait(&world, 5);
        assert_eq!((response.status.as_u16(), count.get()), (status, bytes));
    }
    let (count, world) = (Rc::new(Cell::new(0)), self::world());
    let counting = count.clone();
    world.serve_with("silent", move || Refuses(b"", counting.clone(), false));
    let asked = world.agent.ask(expecting("silent"));
    wait(&world, 5);
    assert_eq!(count.get(), 100_000);
    drop(asked);
}

#[test]
fn a_server_that_knows_no_expectation_is_asked_again_without() {
    let world = world();
    world.serve("old", |request: Request| {
        if request.header("expect").is_some() {
            request.fail(StatusCode::EXPECTATION_FAILED);
        } else {
            tell(request);
        }
    });
    let mut ask = ask(Method::PUT, "http://old/", "the body");
    ask.headers.insert("expect", "100-continue".parse().unwrap());
    assert!(world.text(world.agent.ask(ask)).unwrap().ends_with("[the body]"));
}

#[test]
fn cancelling_a_request_loses_its_connection() {
    let world = world();
    let gone = Rc::new(Cell::new(false));
    let noted = gone.clone();
    world.serve("a", move |request: Request| {
        let noted = noted.clone();
        let finished = request.notify_finish();
        drop(finished.add_errback(move |_| {
            let _request = request;
            noted.set(true);
        }));
    });
    let asked = world.agent.get("http://a/");
    wait(&world, 1);
    asked.cancel();
    wait(&world, 1);
    assert!(asked.into_result().unwrap().unwrap_err().is(FailureKind::Cancelled));
    assert!(gone.get());
}

pub(crate) fn wait(world: &World, seconds: u64) {
    let reactor = world.event_loop.reactor();
    let later = ropewalk_core::defer_later(reactor, Duration::from_secs(seconds), || ());
    world.run(later).expect("time passes");
}

/// Says these bytes to whoever connects and asks.
struct Says(&'static [u8]);

impl Protocol for Says {
    fn data_received(&mut self, cx: &mut Cx<'_>, _: &[u8]) {
        cx.transport().write(self.0);
        cx.transport().lose_connection();
    }
}

#[test]
fn odd_answers_are_understood_or_refused() {
    let good: &[(&str, &str)] = &[
        ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
        ("HTTP/1.0 200 OK\r\n\r\nold", "old"),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
            "!",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: x\r\n\r\n", "a"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
    ];
    let bad: &[&str] = &[
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        "HTTP/3.0 200 OK\r\n\r\n",
        "220 smtp ready\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA",
    ];
    for (answer, text) in good {
        let world = world();
        world.serve_with("a", move || Says(answer.as_bytes()));
        assert_eq!(world.get("http://a/").unwrap(), *text, "{answer:?}");
    }
    for answer in bad {
        let world = world();
        world.serve_with("a", move || Says(answer.as_bytes()));
        assert!(world.get("http://a/").is_err(), "{answer:?}");
    }
}

#[test]
fn an_upgrade_hands_the_connection_over() {
    struct Echo;
    impl Protocol for Echo {
        fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
            cx.transport().write(data);
        }
    }
    struct Hears(Option<ropewalk_core::Resolver<Bytes>>);
    impl Protocol for Hears {
        fn connection_made(&mut self, cx: &mut Cx<'_>) {
            cx.transport().write(b"ping");
        }
        fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
            if let Some(resolver) = self.0.take() {
                resolver.callback(Bytes::copy_from_slice(data));
            }
        }
    }
    let world = world();
    world.serve("a", |request: Request| request.upgrade("echo", Echo));
    let asked =
        http::Request::get("http://a/").header("connection", "upgrade").header("upgrade", "echo");
    let response = world.run(world.agent.ask(asked.body(()).unwrap())).unwrap();
    assert_eq!(response.status, StatusCode::SWITCHING_PROTOCOLS);
    let (resolver, heard) = Deferred::new();
    drop(response.upgrade.unwrap().switch(Hears(Some(resolver))));
    assert_eq!(world.run(heard).unwrap(), "ping");
}

#[test]
fn a_plain_proxy_gets_the_whole_url() {
    let proxy = Some("http://u:p@proxy:3128".parse().unwrap());
    let world = World::new(AgentOptions { proxy, ..AgentOptions::default() });
    world.serve("proxy", |request: Request| {
        let credentials = request.header_text("proxy-authorization").unwrap_or("-");
        request.finish_with(format!("{} {credentials}", request.target()));
    });
    assert_eq!(world.get("http://a/b?c").unwrap(), "http://a/b?c Basic dTpw");
}
