//! Two processes of `ropewalk chat` that are one over a real `nats-server`, or a cluster of two, which are killed and
//! started again.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::guest::Guest;
use crate::program::{has, serve_tcp};

/// A NATS server. It is killed when this is dropped.
struct Nats(Child);

impl Nats {
    fn start(port: u16) -> Self {
        Self::start_with(port, &[])
    }

    /// One of a cluster, which listens for the others there, and tries to be joined with the one at `other`.
    fn start_in_cluster(port: u16, cluster: u16, other: u16) -> Self {
        let url = |port: u16| format!("nats://127.0.0.1:{port}");
        let name = ["--cluster_name", "chat", "--cluster", &url(cluster), "--routes", &url(other)];
        Self::start_with(port, &name)
    }

    fn start_with(port: u16, more: &[&str]) -> Self {
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("it is on the PATH"))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.0.kill(); // It may have ended.
        let _ = self.0.wait();
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Waits until both see each other.
fn meet(alice: &mut Guest, here: SocketAddr, bob: &mut Guest, there: SocketAddr) {
    for (one, place) in [(alice, there), (bob, here)] {
        // Somebody who comes on the other process is seen on this one, if not by this one then by the next.
        let name = format!("visitor{}", place.port());
        let mut visitor = Guest::join(place, &name);
        one.hear(&format!("{name} has joined"));
        visitor.say("/quit");
        one.hear(&format!("{name} has left"));
    }
}

#[test]
fn two_processes_are_one_chat_and_a_restart_of_nats_loses_and_doubles_nothing() {
    if !has(
        "two_processes_are_one_chat_and_a_restart_of_nats_loses_and_doubles_nothing",
        "nats-server",
    ) {
        return;
    }
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let mut nats = Nats::start(port);
    let (mut one, here) = serve_tcp(&["chat", "--backplane", &url]);
    let (mut two, there) = serve_tcp(&["chat", "--workers", "2", "--backplane", &url]);
    let (mut alice, mut bob) = (Guest::join(here, "alice"), Guest::join(there, "bob"));
    meet(&mut alice, here, &mut bob, there);
    alice.say("/msg bob psst");
    bob.hear("[alice] psst");
    bob.say("/nick ALICE");
    bob.hear("somebody has that name already");

    let mut said = 0;
    for _ in 0..3 {
        // Some of these are on their way when it falls, and some are said while it is away.
        for part in 0..3 {
            for _ in 0..4 {
                said += 1;
                alice.say(&format!("a{said}."));
                bob.say(&format!("b{said}."));
            }
            match part {
                0 => drop(nats.0.kill().and_then(|()| nats.0.wait())),
                1 => nats = Nats::start(port),
                _ => {}
            }
        }
        for number in said - 11..=said {
            bob.hear_next("<alice> ", &format!("<alice> a{number}."));
            alice.hear_next("<bob> ", &format!("<bob> b{number}."));
        }
    }
    alice.say("/who");
    alice.hear("2 here: alice, bob");
    two.signal(Signal::TERM);
    assert_eq!(two.wait().code(), Some(0));
    alice.hear("bob has left (Server closed)");
    one.signal(Signal::TERM);
    assert_eq!(one.wait().code(), Some(0));
}

#[test]
fn a_process_that_was_cut_off_until_the_other_took_it_for_gone_loses_and_doubles_nothing() {
    let name =
        "a_process_that_was_cut_off_until_the_other_took_it_for_gone_loses_and_doubles_nothing";
    if !has(name, "nats-server") {
        return;
    }
    let [port, other_port, cluster, other_cluster] = [(); 4].map(|()| free_port());
    let _nats = Nats::start_in_cluster(port, cluster, other_cluster);
    let mut other_nats = Nats::start_in_cluster(other_port, other_cluster, cluster);
    let url = |port: u16| format!("nats://127.0.0.1:{port}");
    let (_one, here) = serve_tcp(&["chat", "--backplane", &url(port)]);
    let (_two, there) = serve_tcp(&["chat", "--backplane", &url(other_port)]);
    let (mut alice, mut bob) = (Guest::join(here, "alice"), Guest::join(there, "bob"));
    meet(&mut alice, here, &mut bob, there);

    drop(other_nats.0.kill().and_then(|()| other_nats.0.wait()));
    for number in 0..5 {
        bob.say(&format!("b{number}."));
        alice.say(&format!("a{number}."));
    }
    alice.hear("bob has left (connection lost)");
    for number in 5..10 {
        bob.say(&format!("b{number}."));
        alice.say(&format!("a{number}."));
    }
    let _other_nats = Nats::start_in_cluster(other_port, other_cluster, cluster);
    alice.hear("bob has joined");
    for number in 0..10 {
        alice.hear_next("<bob> ", &format!("<bob> b{number}."));
        bob.hear_next("<alice> ", &format!("<alice> a{number}."));
    }
    alice.say("/who");
    alice.hear("2 here: alice, bob");
}

#[test]
fn a_chat_without_its_backplane_is_a_chat_and_stops_as_one() {
    let port = free_port();
    let (mut server, address) =
        serve_tcp(&["chat", "--backplane", &format!("nats://127.0.0.1:{port}")]);
    let (mut alice, mut bob) = (Guest::join(address, "alice"), Guest::join(address, "bob"));
    alice.say("hello");
    bob.hear("<alice> hello");
    server.signal(Signal::TERM);
    bob.hear("The room is closed. Goodbye.");
    assert_eq!(server.wait().code(), Some(0));
}
