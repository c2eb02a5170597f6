//! How a program ends that is told to.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{Directory, ropewalk, serve, serve_tcp};

#[test]
fn a_signal_ends_it_cleanly_with_status_0() {
    for (program, signal) in [
        ("echo", Signal::TERM),
        ("echo", Signal::INT),
        ("chat", Signal::TERM),
        ("chat", Signal::INT),
    ] {
        let (mut server, address) = serve_tcp(&[program]);
        let _idle = TcpStream::connect(address).expect("it listens");
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{program} {signal:?}");
    }
}

#[test]
fn a_socket_file_is_gone_afterwards_and_a_stale_one_is_taken_over() {
    let directory = Directory::new();
    let path = directory.path("echo.sock");
    let arguments = ["echo", "--listen", &format!("unix:{path}")];
    let (mut killed, _) = serve(&arguments);
    killed.signal(Signal::KILL);
    killed.wait();
    assert!(std::fs::exists(&path).expect("one may look"), "nobody could remove it");
    let (mut server, _) = serve(&arguments);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!std::fs::exists(&path).expect("one may look"));
}

/// More than the system takes for a peer that does not read, less than what makes the server give up on it.
const UNREAD_BYTES: usize = 12 << 20;

#[test]
fn a_second_signal_ends_it_at_once() {
    let (mut server, address) = serve_tcp(&["echo"]);
    let mut deaf = TcpStream::connect(address).expect("it listens");
    deaf.write_all(&vec![b'x'; UNREAD_BYTES]).expect("the server reads");
    server.signal(Signal::TERM);
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "it goes on listening");
    }
    // Now it waits for the peer to read, for some seconds.
    let asked = Instant::now();
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(3), "that was not at once");
}

#[test]
fn nobody_to_hear_where_it_listens_is_no_reason_to_stop() {
    let directory = Directory::new();
    let path = directory.path("echo.sock");
    let mut command = ropewalk(&["echo", "--listen", &format!("unix:{path}")]);
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let mut child = command.stdout(writer).spawn().expect("it can be started");
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::os::unix::net::UnixStream::connect(&path).is_err() {
        assert!(child.try_wait().expect("it is a child").is_none(), "it has stopped");
        assert!(Instant::now() < deadline, "it does not listen");
    }
    child.kill().expect("it runs");
    child.wait().expect("it is a child");
}
