//! What an echo costs in system calls: one to read and one to write; under io_uring one to wait and one to write.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::program::{Directory, Program, has, ropewalk};

const MESSAGES: usize = 500;

/// Echoes so many messages under strace; gives the lines about the calls named.
fn trace(reactor: &str, calls: &str) -> String {
    let directory = Directory::new();
    let trace = directory.path("trace");
    let echo = ropewalk(&["echo", "--reactor", reactor, "--listen", "tcp:0:interface=127.0.0.1"]);
    let mut strace = std::process::Command::new("strace");
    // With -D the server is our child, and strace is not.
    strace.args(["-D", "-f", "-e", &format!("trace={calls}"), "-o", &trace]);
    let mut server = Program::start(strace.arg(echo.get_program()).args(echo.get_args()));
    server.expect("listening on tcp ");
    let address = server.expect("\n").trim_end().to_owned();
    let mut stream = TcpStream::connect(address).expect("it listens");
    for _ in 0..MESSAGES {
        stream.write_all(b"hello").expect("it reads");
        stream.read_exact(&mut [0; 5]).expect("it answers");
    }
    drop(stream);
    server.signal(Signal::TERM);
    server.wait();
    std::fs::read_to_string(&trace).expect("strace has written it")
}

fn count(lines: &str, start: &str, end: &str) -> usize {
    lines.lines().filter(|line| line.contains(start) && line.ends_with(end)).count()
}

#[test]
fn an_echo_is_one_read_and_one_write() {
    if !has("an_echo_is_one_read_and_one_write", "strace") {
        return;
    }
    let lines = trace("epoll", "read,write,recvfrom,sendto,recvmsg,sendmsg");
    assert_eq!(
        count(&lines, "\"hello\"", "= 5"),
        2 * MESSAGES,
        "a read and a write each:\n{lines}"
    );
    // A read that finds nothing would be one more for each.
    let in_vain = count(&lines, "", "(Resource temporarily unavailable)");
    assert!(in_vain < 20, "{lines}");
}

#[test]
fn an_echo_under_io_uring_is_one_wait_and_one_write() {
    let test = "an_echo_under_io_uring_is_one_wait_and_one_write";
    if !has(test, "strace") || ropewalk::net::NetDriver::by_name("uring").is_err() {
        return;
    }
    let lines = trace("uring", "all");
    let (_, lines) = lines.split_once("listening on").expect("it says so");
    assert_eq!(count(lines, "sendto", "= 5"), MESSAGES, "{lines}");
    for call in ["recv", "accept", "epoll_ctl", "fstat", "timerfd"] {
        assert!(count(lines, call, "") < 5, "{call}:\n{lines}");
    }
    let waits = count(lines, "io_uring_enter", "");
    assert!(waits < MESSAGES + 50, "{waits} waits");
}
