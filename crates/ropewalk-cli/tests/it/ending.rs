//! When a program ends by itself, and when it goes on.

use std::fs::File;
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
fn one_that_cannot_write_to_standard_output_says_so() {
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut command = ropewalk(&["echo", "--listen", "stdio:"]);
    command.stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it can be started");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(b"hello").expect("it reads");
    let output = child.wait_with_output().expect("it ends, though the input does not");
    drop(input);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr,
        "ropewalk: standard input and output: No space left on device (os error 28)\n"
    );
}

#[test]
fn one_whose_output_nobody_reads_ends_quietly() {
    let mut command = ropewalk(&["echo", "--listen", "stdio:"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it can be started");
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(b"hello").expect("it reads");
    let output = child.wait_with_output().expect("it ends, though the input does not");
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
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
