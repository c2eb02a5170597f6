//! `--workers`: several threads behind one address.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::guest::Guest;
use crate::program::{Directory, ropewalk, serve, serve_tcp};

#[test]
fn one_room_is_over_all_workers() {
    // With `fewest`, guests who come one after the other sit on both.
    for balance in ["system", "fewest"] {
        let (mut server, address) =
            serve_tcp(&["chat", "--workers", "2", "--accept-balance", balance]);
        let mut guests: Vec<_> =
            (0..8).map(|number| Guest::join(address, &format!("guest{number}"))).collect();
        guests[0].say("good evening");
        guests[1..].iter_mut().for_each(|guest| {
            guest.hear("<guest0> good evening");
        });
        for number in 1..8 {
            guests[number].say(&format!("/msg guest0 it is {number}"));
            guests[0].hear(&format!("[guest{number}] it is {number}"));
        }
        guests[3].say("/nick GUEST4");
        guests[3].hear("somebody has that name already");
        guests[3].say("/who");
        guests[3].hear("8 here: guest0, guest1");
        drop(guests.remove(5));
        for guest in &mut guests {
            guest.hear("guest5 has left");
        }
        server.signal(Signal::TERM);
        for guest in &mut guests {
            guest.hear("The room is closed. Goodbye.");
        }
        assert_eq!(server.wait().code(), Some(0), "{balance}");
    }
}

#[test]
fn echoes_come_back_from_all_workers() {
    let directory = Directory::new();
    let path = directory.path("echo.sock");
    let unix = format!("unix:{path}");
    let listen = ["--listen", "tcp:0:interface=127.0.0.1", "--listen", &unix];
    let (mut server, address) = serve(&[&["echo", "--workers", "3"], &listen[..]].concat());
    server.expect("listening on unix ");
    let connect = || TcpStream::connect(&address).expect("it listens");
    let mut streams: Vec<_> = (0..24).map(|_| connect()).collect();
    for (number, stream) in (0u8..).zip(&mut streams) {
        stream.write_all(&[number]).expect("it reads");
    }
    for (number, stream) in (0u8..).zip(&mut streams) {
        let mut back = [0];
        stream.read_exact(&mut back).expect("it answers");
        assert_eq!(back, [number]);
    }
    let mut unix = std::os::unix::net::UnixStream::connect(&path).expect("it listens");
    unix.write_all(b"x").expect("it reads");
    unix.read_exact(&mut [0]).expect("it answers");
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!std::fs::exists(&path).expect("one may look"));
}

#[test]
fn mistakes_are_one_line() {
    let (_server, address) = serve(&["echo", "--listen", "tcp:0:interface=127.0.0.1"]);
    let taken = format!("tcp:{}:interface=127.0.0.1", address.split_once(':').expect("a port").1);
    for (arguments, why) in [
        (&["echo", "--workers", "0"][..], "invalid value '0' for '--workers <N>'"),
        (&["echo", "--workers", "2", "--listen", "stdio:"], "several workers cannot share"),
        (&["echo", "--workers", "2", "--listen", &taken], "Address already in use"),
        (&["echo", "--workers", "2", "--listen", "tcp:"], "bad endpoint"),
    ] {
        let output = ropewalk(arguments).output().expect("it can be started");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(stderr.starts_with("ropewalk: ") && stderr.contains(why), "{stderr}");
    }
}
