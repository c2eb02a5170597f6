//! What an echo costs in system calls: one to read and one to write; under io_uring one to wait and one to write.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::program::{Directory, Program, has, ropewalk};

const MESSAGES: usize = 500;

/// Runs a server under strace while `talk` is had with it; gives the lines about the calls named.
fn trace(server: &[&str], calls: &str, talk: impl FnOnce(TcpStream)) -> String {
    let directory = Directory::new();
    let trace = directory.path("trace");
    let server = ropewalk(&[server, &["--listen", "tcp:0:interface=127.0.0.1"]].concat());
    let mut strace = std::process::Command::new("strace");
    // With -D the server is our child, and strace is not.
    strace.args(["-D", "-f", "-e", &format!("trace={calls}"), "-o", &trace]);
    let mut server = Program::start(strace.arg(server.get_program()).args(server.get_args()));
    server.expect("listening on ");
    let line = server.expect("\n");
    let address = line.split_whitespace().next_back().expect("the address is the last word");
    talk(TcpStream::connect(address).expect("it listens"));
    server.signal(Signal::TERM);
    server.wait();
    std::fs::read_to_string(&trace).expect("strace has written it")
}

/// Echoes so many messages.
fn trace_echo(reactor: &str, calls: &str) -> String {
    trace(&["echo", "--reactor", reactor], calls, |mut stream| {
        for _ in 0..MESSAGES {
            stream.write_all(b"hello").expect("it reads");
            stream.read_exact(&mut [0; 5]).expect("it answers");
        }
    })
}

fn count(lines: &str, start: &str, end: &str) -> usize {
    lines.lines().filter(|line| line.contains(start) && line.ends_with(end)).count()
}

#[test]
fn an_echo_is_one_read_and_one_write() {
    if !has("an_echo_is_one_read_and_one_write", "strace") {
        return;
    }
    let lines = trace_echo("epoll", "read,write,recvfrom,sendto,recvmsg,sendmsg");
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
    let lines = trace_echo("uring", "all");
    let (_, lines) = lines.split_once("listening on").expect("it says so");
    assert_eq!(count(lines, "sendto", "= 5"), MESSAGES, "{lines}");
    for call in ["recv", "accept", "epoll_ctl", "fstat", "timerfd"] {
        assert!(count(lines, call, "") < 5, "{call}:\n{lines}");
    }
    let waits = count(lines, "io_uring_enter", "");
    assert!(waits < MESSAGES + 50, "{waits} waits");
}

#[test]
fn a_file_is_sent_from_where_it_lies() {
    if !has("a_file_is_sent_from_where_it_lies", "strace") {
        return;
    }
    let site = Directory::new();
    let file: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(site.path("file"), &file).expect("a file");
    for reactor in ["epoll", "uring"] {
        if ropewalk::net::NetDriver::by_name(reactor).is_err() {
            continue;
        }
        let path = site.path("");
        let server = ["web", "--reactor", reactor, "--path", &path];
        let calls = "sendfile,preadv2,pread64,sendto,sendmsg,io_uring_enter";
        let lines = trace(&server, calls, |mut stream| {
            let request = b"GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            stream.write_all(request).expect("it reads");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("it answers");
            assert!(answer.ends_with(&file), "the file comes whole");
        });
        let sent = lines.lines().filter(|line| line.contains("sendfile"));
        let sent = sent.filter_map(|line| line.rsplit_once("= ")?.1.parse::<usize>().ok());
        assert_eq!(sent.sum::<usize>(), file.len(), "{reactor}:\n{lines}");
        assert_eq!(count(&lines, "preadv2", "= 65536"), 0, "nothing of it is read");
    }
}
