//! Debian's `nats-server`, also as it is killed and started again.

use std::cell::{Cell, RefCell};
use std::fs::OpenOptions;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Deferred, Failure, FailureKind, Loop, defer_later};
use ropewalk_nats::{NatsClient, NatsNews, NatsOptions, NatsUrl};
use ropewalk_net::{endpoints, new_loop};

/// A real server. It is killed when this is dropped.
struct Server(Child);

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

impl Server {
    /// Starts one on that port, with more arguments. It need not listen yet.
    fn start(port: u16, more: &[&str]) -> Self {
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("it is on the PATH"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill(); // It may have ended.
        let _ = self.0.wait();
    }
}

/// Whether there is a server; if not, `test` is noted as skipped.
fn is_there(test: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join("nats-server").is_file());
    if !found && let Some(file) = std::env::var_os("ROPEWALK_SKIPS") {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let line = format!("{test}: there is no nats-server\n");
        opened.and_then(|mut file| file.write_all(line.as_bytes())).expect("it can be written");
    }
    found
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

fn client(event_loop: &Loop, url: &str, options: NatsOptions) -> NatsClient {
    let url: NatsUrl = url.parse().expect("it is one");
    let mut options = options;
    url.identify(&mut options);
    let reactor = event_loop.reactor();
    let endpoint = endpoints(reactor).client(&url.endpoint()).expect("it is one");
    NatsClient::new(reactor, endpoint, options)
}

/// Lets the loop run until it is so.
fn until(event_loop: &Loop, is_so: impl Fn() -> bool) {
    let end = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < end, "it does not happen");
        let later = defer_later(event_loop.reactor(), Duration::from_millis(5), || ());
        event_loop.run_until(later).expect("time passes");
    }
}

fn done<T: 'static>(event_loop: &Loop, deferred: Deferred<T>) -> Result<T, Failure> {
    event_loop.run_until(deferred.add_timeout(event_loop.reactor(), PATIENCE))
}

#[test]
fn two_clients_talk_over_a_real_server() {
    if !is_there("two_clients_talk_over_a_real_server") {
        return;
    }
    let port = free_port();
    let _server = Server::start(port, &[]);
    let event_loop = new_loop(None).expect("a loop");
    let url = format!("nats://127.0.0.1:{port}");
    let one = client(&event_loop, &url, NatsOptions { no_echo: true, ..NatsOptions::default() });
    let two = client(&event_loop, &url, NatsOptions::default());
    let heard = Rc::<RefCell<Vec<usize>>>::default();
    let (ones, twos) = (heard.clone(), heard.clone());
    let _ones =
        one.subscribe("talk.*", move |message| ones.borrow_mut().push(message.payload.len()));
    let _twos =
        two.subscribe("talk.>", move |message| twos.borrow_mut().push(message.payload.len()));
    let answering = two.clone();
    let _answers = two.subscribe("double", move |message| {
        let reply = message.reply.as_deref().expect("one asks");
        answering.publish(reply, message.payload.repeat(2)).expect("it is up");
    });
    done(&event_loop, one.connected()).expect("it is there");
    done(&event_loop, two.connected()).expect("it is there");
    done(&event_loop, two.flush()).expect("it is there");

    let payload_max = one.server_info().expect("it is up").payload_bytes_max;
    one.publish("talk.a", "").expect("it is up");
    one.publish("talk.a", vec![b'x'; payload_max]).expect("it is up");
    assert!(one.publish("talk.a", vec![b'x'; payload_max + 1]).is_err());
    one.publish("talk.räume", "\r\n\0").expect("it is up");
    let answer = done(&event_loop, one.request("double", "ab", PATIENCE)).expect("two answers");
    assert_eq!(&answer.payload[..], b"abab");
    assert_eq!(*heard.borrow(), [0, payload_max, 3], "and nothing of it by the one that published");
}

#[test]
fn a_real_server_that_wants_a_password_gets_it_or_says_no() {
    if !is_there("a_real_server_that_wants_a_password_gets_it_or_says_no") {
        return;
    }
    let port = free_port();
    let _server = Server::start(port, &["--user", "bob", "--pass", "secret"]);
    let event_loop = new_loop(None).expect("a loop");
    let known =
        client(&event_loop, &format!("nats://bob:secret@127.0.0.1:{port}"), NatsOptions::default());
    done(&event_loop, known.connected()).expect("the password is right");
    let unknown =
        client(&event_loop, &format!("nats://bob:guess@127.0.0.1:{port}"), NatsOptions::default());
    let why = Rc::<RefCell<String>>::default();
    let noted = why.clone();
    unknown.watch(move |news| {
        if let NatsNews::WentAway(failure) = news {
            assert_eq!(failure.kind(), FailureKind::Peer);
            noted.replace(failure.to_string());
        }
    });
    until(&event_loop, || why.borrow().contains("Authorization Violation"));
}

#[test]
fn a_real_server_that_is_killed_is_found_again() {
    if !is_there("a_real_server_that_is_killed_is_found_again") {
        return;
    }
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let event_loop = new_loop(None).expect("a loop");
    let (one, two) = (
        client(&event_loop, &url, NatsOptions::default()),
        client(&event_loop, &url, NatsOptions::default()),
    );
    let heard = Rc::new(Cell::new(0));
    let counted = heard.clone();
    let _hearing = two.subscribe("count", move |_| counted.set(counted.get() + 1));
    for round in 1..=3 {
        let server = Server::start(port, &[]);
        done(&event_loop, one.connected()).expect("it comes back");
        done(&event_loop, two.connected()).expect("it comes back");
        done(&event_loop, two.flush()).expect("it is there");
        one.publish("count", "x").expect("it is up");
        done(&event_loop, one.flush()).expect("it is there");
        until(&event_loop, || heard.get() == round);
        drop(server);
        until(&event_loop, || !one.is_up() && !two.is_up());
    }
}
