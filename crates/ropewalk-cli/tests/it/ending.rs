//! When a program ends by itself, and when it goes on.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use crate::program::{Directory, Program, ropewalk};

#[test]
fn one_on_standard_input_ends_with_it() {
    for program in ["echo", "chat"] {
        let mut program = Program::start(&mut ropewalk(&[program, "--listen", "stdio:"]));
        program.say("hello");
        program.expect("hello");
        assert_eq!(program.wait().code(), Some(0));
    }
}

#[test]
fn one_that_also_listens_elsewhere_goes_on() {
    let directory = Directory::new();
    let path = directory.path("echo.sock");
    let unix = format!("unix:{path}");
    let mut server =
        Program::start(&mut ropewalk(&["echo", "--listen", &unix, "--listen", "stdio:"]));
    server.say("it is up");
    server.expect("it is up\n");
    server.hang_up();
    for _ in 0..2 {
        let mut peer = UnixStream::connect(&path).expect("it listens");
        peer.write_all(b"hello").expect("it reads");
        peer.read_exact(&mut [0; 5]).expect("it answers");
    }
}

#[test]
fn one_that_a_super_server_started_for_one_connection_ends_with_it() {
    let (mut peer, theirs) = UnixStream::pair().expect("there are sockets");
    let mut command = ropewalk(&["echo", "--listen", "fd:0"]);
    let child = command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).spawn();
    drop(command); // It holds the other end, too.
    peer.write_all(b"hello").expect("it reads");
    peer.shutdown(std::net::Shutdown::Write).expect("it is up");
    let mut said = Vec::new();
    peer.read_to_end(&mut said).expect("it answers and ends");
    assert_eq!(said, b"hello");
    assert_eq!(child.and_then(|mut child| child.wait()).expect("it ends").code(), Some(0));
}
