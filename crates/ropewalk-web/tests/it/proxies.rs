//! A reverse proxy between a real client and a real server.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;
use ropewalk_core::{Cx, Deferred, Protocol, Resolver};
use ropewalk_http::{Agent, Ask, Content, Method};
use ropewalk_web::{Answer, Request, ReverseProxy, Router, Tree, page};

use crate::rig::{TempDir, World, has};

fn proxy(world: &World, to: &str) -> ReverseProxy {
    let endpoints = ropewalk_net::endpoints(world.main_loop.reactor());
    let agent =
        Agent::with_options(world.main_loop.reactor(), endpoints, ReverseProxy::agent_options());
    ReverseProxy::new(agent, to)
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, cx: &mut Cx<'_>, data: &[u8]) {
        cx.transport().write(data);
    }
}

/// Says `ping`, and hears what comes back.
struct Pings(Option<Resolver<Bytes>>);

impl Protocol for Pings {
    fn connection_made(&mut self, cx: &mut Cx<'_>) {
        cx.transport().write(b"ping");
    }

    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        if let Some(resolver) = self.0.take() {
            resolver.callback(Bytes::copy_from_slice(data));
        }
    }
}

fn upstream() -> Router {
    Router::new()
        .any(
            "/base/tell",
            page(|request: &Request| {
                let field = |name| request.header_text(name).unwrap_or("-").to_owned();
                request.set_header(http::header::CONNECTION, "x-hop");
                format!(
                    "{} {} for={} proto={} host={} own={} hop={} te={}",
                    request.method(),
                    request.target(),
                    field("x-forwarded-for"),
                    field("x-forwarded-proto"),
                    field("x-forwarded-host"),
                    field("host"),
                    field("x-hop"),
                    field("te"),
                )
            }),
        )
        .any(
            "/base/echo",
            page(|request: &Request| {
                let body = request.take_body();
                request.respond_with(Content::from(body));
                Answer::NotDoneYet
            }),
        )
        .get(
            "/base/hints",
            page(|request: &Request| {
                let mut hints = http::HeaderMap::new();
                hints.insert("link", "</a.css>; rel=preload".parse().expect("a value"));
                hints.insert("connection", "close".parse().expect("a value"));
                request.inform(StatusCode::EARLY_HINTS, &hints);
                "the answer"
            }),
        )
        .get("/base/teapot", page(|_| StatusCode::IM_A_TEAPOT))
        .get("/base/moves", page(|request: &Request| request.redirect("/x")))
        .get(
            "/base/socket",
            page(|request: &Request| {
                request.upgrade("echo", Echo);
                Answer::NotDoneYet
            }),
        )
}

#[test]
fn requests_go_on_and_answers_come_back() {
    let world = World::new();
    let behind = world.serve(upstream());
    let url = world.serve(Tree::new().with_child("p", proxy(&world, &format!("{behind}/base"))));
    let host = url.strip_prefix("http://").expect("a URL").to_owned();
    let fields = [
        ("x-forwarded-for", "9.9.9.9"),
        ("connection", "x-hop, close"),
        ("x-hop", "1"),
        ("te", "trailers"),
    ];
    let (_, text) = world.read(world.ask(Method::GET, &format!("{url}/p/tell?a=b"), &fields));
    let own = behind.strip_prefix("http://").expect("a URL");
    assert_eq!(
        text,
        format!(
            "GET /base/tell?a=b for=9.9.9.9, 127.0.0.1 proto=http host={host} own={own} hop=- te=-"
        )
    );
    assert_eq!(world.get(&format!("{url}/p/teapot")).0, 418);
    let moves = world.ask(Method::GET, &format!("{url}/p/moves"), &[]);
    assert_eq!((moves.status.as_u16(), moves.header("location")), (302, Some("/x")));
    for _ in 0..3 {
        let mut ask = Ask::new(Method::PUT, &format!("{url}/p/echo")).expect("a URL");
        ask.content = vec![b'x'; 5_000_000].into();
        let response = world.run(world.agent.ask(ask)).expect("an answer");
        assert_eq!(world.read(response).1.len(), 5_000_000);
    }
}

#[test]
fn what_is_said_before_the_answer_is_handed_on() {
    let world = World::new();
    let behind = world.serve(upstream());
    let url = world.serve(Tree::new().with_child("p", proxy(&world, &format!("{behind}/base"))));
    let heard = Rc::new(RefCell::new(Vec::new()));
    let noting = heard.clone();
    let mut ask = Ask::new(Method::GET, &format!("{url}/p/hints")).expect("a URL");
    ask.informed = Some(Rc::new(move |status, headers| {
        let names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        noting.borrow_mut().push((status.as_u16(), names));
    }));
    let response = world.run(world.agent.ask(ask)).expect("an answer");
    assert_eq!(world.read(response).1, "the answer");
    assert_eq!(*heard.borrow(), [(103, vec!["link".to_owned()])]);
}

#[test]
fn an_upgrade_joins_the_two_connections() {
    let world = World::new();
    let behind = world.serve(upstream());
    let url = world.serve(Tree::new().with_child("p", proxy(&world, &format!("{behind}/base"))));
    let response = world.ask(
        Method::GET,
        &format!("{url}/p/socket"),
        &[("connection", "Upgrade"), ("upgrade", "echo")],
    );
    assert_eq!((response.status.as_u16(), response.header("upgrade")), (101, Some("echo")));
    let (resolver, heard) = Deferred::new();
    drop(response.upgrade.expect("an upgrade").switch(Pings(Some(resolver))));
    assert_eq!(world.run(heard).expect("an echo"), "ping");
}

#[test]
fn a_server_that_is_not_there_is_a_502() {
    let world = World::new();
    let url = world.serve(proxy(&world, "http://127.0.0.1:1"));
    let (status, page) = world.get(&url);
    assert_eq!(status, 502);
    assert!(!page.contains("127.0.0.1:1"), "the inside is nobody's business");
}

/// nginx behind, on a UNIX socket: answers with a head and a body of its own framing.
struct Nginx(std::process::Child, TempDir);

impl Nginx {
    fn start() -> Self {
        let place = TempDir::new();
        let (path, socket) = (place.path().display(), place.path().join("nginx.sock"));
        place.write("www/large", vec![b'x'; 3_000_000]);
        let config = format!(
            "daemon off; master_process off; pid {path}/pid; error_log {path}/log;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; client_body_temp_path {path}/body; proxy_temp_path {path}/p;\n\
             fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
             server {{ listen unix:{}; root {path}/www; client_max_body_size 0; etag on;\n\
             location /told {{ return 200 \"$request_method $uri $http_x_forwarded_for\"; }} }} }}\n",
            socket.display()
        );
        let config = place.write("nginx.conf", config);
        let mut nginx = std::process::Command::new("nginx");
        nginx.arg("-e").arg(place.path().join("log")).arg("-c").arg(config);
        let child = nginx.spawn().expect("nginx starts");
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            std::thread::yield_now();
        }
        Self(child, place)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_behind_is_asked_and_heard() {
    if !has("nginx_behind_is_asked_and_heard", "nginx") {
        return;
    }
    let (world, nginx) = (World::new(), Nginx::start());
    let to = format!("unix:{}:", nginx.1.path().join("nginx.sock").display());
    let url = world.serve(proxy(&world, &to));
    assert_eq!(
        world.get(&format!("{url}/told/x%20y")),
        (200, "GET /told/x y 127.0.0.1".to_owned())
    );
    assert_eq!(world.get(&format!("{url}/large")).1.len(), 3_000_000);
    let large = world.ask(Method::GET, &format!("{url}/large"), &[("range", "bytes=0-9")]);
    assert_eq!(
        (large.status.as_u16(), large.header("content-range")),
        (206, Some("bytes 0-9/3000000"))
    );
    let etag = large.header("etag").expect("a tag").to_owned();
    drop(large);
    let same = world.ask(Method::GET, &format!("{url}/large"), &[("if-none-match", &etag)]);
    assert_eq!(same.status, 304);
    let head = world.ask(Method::HEAD, &format!("{url}/large"), &[]);
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, Some("3000000")));
    assert_eq!(world.get(&format!("{url}/nothing")).0, 404);
}

#[test]
fn a_client_does_not_say_how_it_was_reached() {
    let world = World::new();
    let behind = world.serve(upstream());
    let url = world.serve(Tree::new().with_child("p", proxy(&world, &format!("{behind}/base"))));
    let fields = [("x-forwarded-proto", "https"), ("x-forwarded-host", "evil")];
    let (_, text) = world.read(world.ask(Method::GET, &format!("{url}/p/tell"), &fields));
    assert!(text.contains("proto=http host=127.0.0.1"), "{text}");
}

#[test]
fn what_the_proxy_answers_itself_is_not_asked_for_behind_it() {
    let world = World::new();
    let behind = world.serve(page(|request: &Request| {
        let field = |name| request.header_text(name).unwrap_or("-").to_owned();
        format!("{} {} {}", field("expect"), field("upgrade"), field("http2-settings"))
    }));
    let url = world.serve(proxy(&world, &behind));
    let mut ask = Ask::new(Method::PUT, &format!("{url}/")).expect("a URL");
    ask.content = "body".into();
    ask.headers.insert("expect", "100-continue".parse().unwrap());
    let response = world.run(world.agent.ask(ask)).expect("an answer");
    assert_eq!(world.read(response), (200, "- - -".to_owned()));
    let fields =
        [("connection", "upgrade, http2-settings"), ("upgrade", "h2c"), ("http2-settings", "x")];
    let (_, text) = world.read(world.ask(Method::GET, &format!("{url}/"), &fields));
    assert_eq!(text, "- - -", "nobody here could look into what would be asked there");
}
