//! What a program says while it runs: little, and plainly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use crate::program::{Directory, Program};

const SERVE_WITH_FEW_FILES: &str =
    "ulimit -n 32; exec \"$0\" echo --listen tcp:0:interface=127.0.0.1 2>\"$1\"";

#[test]
fn out_of_descriptors_is_one_line_without_colours() {
    let directory = Directory::new();
    let log = directory.path("log");
    let mut command = Command::new("sh");
    command.args(["-c", SERVE_WITH_FEW_FILES, env!("CARGO_BIN_EXE_ropewalk"), &log]);
    let mut server = Program::start(command.stdin(Stdio::piped()));
    server.expect("listening on tcp ");
    let address: SocketAddr = server.expect("\n").trim().parse().expect("it is an address");
    let mut peers: Vec<_> =
        (0..40).map(|_| TcpStream::connect(address).expect("it listens")).collect();
    // Each that goes lets another in, and accepting pauses once more.
    for mut peer in peers.drain(..) {
        peer.write_all(b"x").expect("it is connected");
        peer.read_exact(&mut [0]).expect("it is served in its turn");
    }
    let said = std::fs::read_to_string(&log).expect("it is there");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("accepting pauses: Too many open files"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}
