//! `ropewalk chat`, for people with `nc`, `ncat` and `socat`.

use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;

use crate::program::{Directory, Program, has, serve, serve_tcp};

/// Comes in by `command` as `name`.
fn join(command: &mut Command, name: &str) -> Program {
    let mut client = Program::start(command);
    client.expect("What is your name?\r\n");
    client.say(name);
    client.expect(&format!("*** Hello {name}."));
    client.expect(" here: ");
    client
}

fn nc(address: SocketAddr) -> Command {
    let mut command = Command::new("nc");
    command.arg(address.ip().to_string()).arg(address.port().to_string());
    command
}

#[test]
fn the_hint_how_to_join_is_right() {
    if !has("the_hint_how_to_join_is_right", "nc") {
        return;
    }
    let (mut server, _) = serve_tcp(&["chat"]);
    server.expect("join with: ");
    let hint = server.expect("\n");
    let words: Vec<&str> = hint.split_whitespace().collect();
    join(Command::new(words[0]).args(&words[1..]), "alice");
}

#[test]
fn two_ncs_talk_to_each_other() {
    if !has("two_ncs_talk_to_each_other", "nc") {
        return;
    }
    let (_server, address) = serve_tcp(&["chat"]);
    let mut alice = join(&mut nc(address), "alice");
    let mut bob = join(&mut nc(address), "bob");
    alice.expect("*** bob has joined\r\n");
    alice.say("good evening");
    bob.expect("<alice> good evening\r\n");
    bob.say("/me bows");
    alice.expect("* bob bows\r\n");
    bob.say("/quit");
    bob.expect("*** Goodbye.\r\n");
    alice.expect("*** bob has left (quit)\r\n");
    let mut carol = join(&mut nc(address), "carol");
    carol.say("/who");
    carol.expect("*** 2 here: alice, carol\r\n");
    drop(carol); // Killed: its socket is closed by the system.
    alice.expect("*** carol has left (");
}

#[test]
fn one_room_has_many_doors() {
    let test = "one_room_has_many_doors";
    if !["nc", "ncat", "socat"].into_iter().all(|name| has(test, name)) {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("chat.sock");
    let unix = format!("unix:{path}");
    let tcp = "tcp:0:interface=127.0.0.1";
    let (_server, address) = serve(&["chat", "--listen", tcp, "--listen", &unix]);
    let address: SocketAddr = address.parse().expect("TCP is the first");
    let port = address.port().to_string();

    let mut alice = join(&mut nc(address), "alice");
    // It does telnet's negotiation, and sends CR LF.
    let mut bob = join(Command::new("ncat").args(["-t", "-C", "127.0.0.1", &port]), "bob");
    let mut carol =
        join(Command::new("socat").args(["-", &format!("UNIX-CONNECT:{path}")]), "carol");
    bob.expect("*** carol has joined\r\n");
    alice.say("/msg CAROL psst");
    carol.expect("[alice] psst\r\n");
    carol.say("naïve 日本");
    for client in [&mut alice, &mut bob] {
        client.expect("<carol> naïve 日本\r\n");
    }
}

#[test]
fn members_hear_a_goodbye_when_it_is_stopped() {
    if !has("members_hear_a_goodbye_when_it_is_stopped", "nc") {
        return;
    }
    for signal in [Signal::TERM, Signal::INT] {
        let (mut server, address) = serve_tcp(&["chat"]);
        let mut alice = join(&mut nc(address), "alice");
        let mut nameless = Program::start(&mut nc(address));
        nameless.expect("What is your name?\r\n");
        server.signal(signal);
        alice.expect("*** The room is closed. Goodbye.\r\n");
        assert_eq!(server.wait().code(), Some(0));
        assert!(alice.wait().success(), "its connection ended as it should");
        assert!(nameless.wait().success());
    }
}
