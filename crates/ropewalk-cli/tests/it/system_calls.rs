//! What an echo costs in system calls: one to read and one to write.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::program::{Directory, Program, has, ropewalk};

const MESSAGES: usize = 500;

#[test]
fn an_echo_is_one_read_and_one_write() {
    if !has("an_echo_is_one_read_and_one_write", "strace") {
        return;
    }
    let directory = Directory::new();
    let trace = directory.path("trace");
    let echo = ropewalk(&["echo", "--reactor", "epoll", "--listen", "tcp:0:interface=127.0.0.1"]);
    let mut strace = std::process::Command::new("strace");
    // With -D the server is our child, and strace is not.
    strace.args([
        "-D",
        "-f",
        "-e",
        "trace=read,write,recvfrom,sendto,recvmsg,sendmsg",
        "-o",
        &trace,
    ]);
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
    let lines = std::fs::read_to_string(&trace).expect("strace has written it");
    let count = |start: &str, end: &str| {
        lines.lines().filter(|line| line.contains(start) && line.ends_with(end)).count()
    };
    assert_eq!(count("\"hello\"", "= 5"), 2 * MESSAGES, "a read and a write each:\n{lines}");
    // A read that finds nothing would be one more for each.
    assert!(count("", "(Resource temporarily unavailable)") < 20, "{lines}");
}
