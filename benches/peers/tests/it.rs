//! Every peer that builds without a runtime echoes: bytes in order, a large message that is read late, and the
//! end of the connection. Else what it costs would mean nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

/// The bytes of a message that no socket takes at once, nor all buffers of the io_uring loop.
const LARGE: usize = 24 << 20;

/// A peer that runs, until it is dropped.
struct Peer {
    child: Child,
    address: String,
}

impl Peer {
    /// Starts it, or gives what it says instead of where it listens.
    fn start(program: &str) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.arg("127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the peer was built");
        let stdout = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("it says a line, or ends");
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            let said = child.wait_with_output().expect("it has ended");
            return Err(String::from_utf8_lossy(&said.stderr).trim().to_owned());
        };
        Ok(Self { child, address: address.to_owned() })
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).expect("it listens")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes that are wrong if they come in another order.
fn pattern(count: usize) -> Vec<u8> {
    (0..=250).cycle().step_by(31).take(count).collect()
}

fn echoes(peer: &Peer) {
    several_connections_at_once(peer);
    a_large_message_that_is_read_late(peer);
    a_reset_harms_no_other(peer);
}

fn several_connections_at_once(peer: &Peer) {
    let mut streams: Vec<TcpStream> = (0..20).map(|_| peer.connect()).collect();
    for round in 0..10_u8 {
        let message = |n: usize| vec![round, u8::try_from(n).expect("few"), 7, 9];
        for (n, stream) in streams.iter_mut().enumerate() {
            stream.write_all(&message(n)).expect("it takes");
        }
        for (n, stream) in streams.iter_mut().enumerate() {
            let mut heard = [0; 4];
            stream.read_exact(&mut heard).expect("it answers");
            assert_eq!(heard.as_slice(), message(n));
        }
    }
    streams.iter().for_each(|stream| stream.shutdown(Shutdown::Write).expect("it is open"));
    for mut stream in streams {
        assert_eq!(stream.read(&mut [0; 1]).expect("an orderly end"), 0);
    }
}

fn a_large_message_that_is_read_late(peer: &Peer) {
    let mut stream = peer.connect();
    let mut speaking = stream.try_clone().expect("a descriptor is free");
    let message = pattern(LARGE);
    let spoken = message.clone();
    let speaker = thread::spawn(move || speaking.write_all(&spoken).expect("it takes"));
    // Long before the whole is sent, both directions are full and the peer has to keep what it cannot send.
    let mut heard = vec![0; LARGE];
    let mut at = 0;
    while at < LARGE {
        let end = (at + 1000).min(LARGE);
        stream.read_exact(&mut heard[at..end]).expect("it answers");
        at = end;
    }
    speaker.join().expect("it spoke");
    assert!(heard == message, "the bytes came back in another order");
}

fn a_reset_harms_no_other(peer: &Peer) {
    let mut other = peer.connect();
    let mut lost = peer.connect();
    lost.write_all(b"unread").expect("it takes");
    // Closed with its answer unread, the connection is reset.
    lost.peek(&mut [0; 1]).expect("it answers");
    drop(lost);
    other.write_all(b"still here").expect("it takes");
    let mut heard = [0; 10];
    other.read_exact(&mut heard).expect("it answers");
    assert_eq!(&heard, b"still here");
}

#[test]
fn the_bare_epoll_loop_echoes() {
    echoes(&Peer::start(env!("CARGO_BIN_EXE_peer-epoll")).expect("it listens"));
}

#[test]
fn the_bare_uring_loop_echoes() {
    match Peer::start(env!("CARGO_BIN_EXE_peer-uring")) {
        Ok(peer) => echoes(&peer),
        Err(said) if is_refusal(&said) => skip(&format!("the_bare_uring_loop_echoes: {said}")),
        Err(said) => panic!("{said}"),
    }
}

/// Whether the kernel has no io_uring for us: EPERM, ENOSYS, or EINVAL for one too old.
fn is_refusal(said: &str) -> bool {
    ["code: 1,", "code: 38,", "code: 22,"].iter().any(|code| said.contains(code))
}

/// Says that a test did not run (see `cargo xtask test`).
fn skip(why: &str) {
    let Some(file) = std::env::var_os("ROPEWALK_SKIPS") else { return };
    let file = std::fs::OpenOptions::new().append(true).open(file);
    writeln!(file.expect("xtask made it"), "{why}").expect("a line fits");
}
