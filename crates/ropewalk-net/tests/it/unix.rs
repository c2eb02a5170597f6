//! UNIX sockets: their files, names, datagrams, and the open files that they carry.

use std::any::Any;
use std::fs;
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Address, Cx, Deferred, FailureKind, Loop, Protocol, Resolver, Wait};
use ropewalk_net::{UnixClientEndpoint, UnixDatagramEndpoint, UnixServerEndpoint};

use crate::rig::{
    Directory, Echo, Heard, Letters, any_driver, each_driver, get, noise, unique_name, until,
};

/// Listens, connects, echoes a little, and stops.
fn round_trip(main_loop: &Loop, server: &UnixServerEndpoint, client: &UnixClientEndpoint) {
    let reactor = main_loop.reactor();
    let port = get(main_loop, reactor.listen(server, || Echo)).unwrap();
    assert_eq!(port.host().to_string(), client.address.to_string());
    let heard = Heard::default();
    let connected = reactor.connect(client, {
        let heard = heard.clone();
        move || heard.ear(b"hello")
    });
    get(main_loop, connected).unwrap();
    until(main_loop, || heard.bytes() == b"hello");
    heard.transport().lose_connection();
    get(main_loop, heard.lost()).unwrap().trap_kind(FailureKind::ConnectionDone).unwrap();
    get(main_loop, port.stop_listening()).unwrap();
}

#[test]
fn the_file_has_its_mode_and_goes_with_the_port() {
    each_driver(|main_loop| {
        let directory = Directory::new();
        let path = directory.join("socket");
        let mut server = UnixServerEndpoint::new(&path);
        server.mode = Some(0o662);
        let port = get(main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o662);
        get(main_loop, port.stop_listening()).unwrap();
        assert!(!path.exists());
        round_trip(main_loop, &server, &UnixClientEndpoint::new(&path));
    });
}

#[test]
fn an_abstract_name_has_no_file() {
    each_driver(|main_loop| {
        let name = unique_name();
        let server = UnixServerEndpoint::abstract_name(&name);
        round_trip(main_loop, &server, &UnixClientEndpoint::abstract_name(&name));
    });
}

#[test]
fn a_stale_file_is_replaced_and_a_living_server_is_not() {
    let main_loop = any_driver();
    let directory = Directory::new();
    let path = directory.join("socket");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "it was left behind");
    let server = UnixServerEndpoint::new(&path);
    let port = get(&main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
    let second = get(&main_loop, main_loop.reactor().listen(&server, || Echo)).err().unwrap();
    assert_eq!(
        second.to_string(),
        format!("listen on unix {}: Address already in use (os error 98)", path.display())
    );
    assert!(path.exists(), "the refused one left the file alone");
    get(&main_loop, port.stop_listening()).unwrap();
    // A datagram socket that somebody has bound is in use too.
    let _bound = UnixDatagram::bind(&path).unwrap();
    let refused = get(&main_loop, main_loop.reactor().listen(&server, || Echo)).err().unwrap();
    assert!(refused.to_string().ends_with("Address already in use (os error 98)"), "{refused}");
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let main_loop = any_driver();
    let directory = Directory::new();
    let path = directory.join("letter");
    fs::write(&path, "dear all").unwrap();
    let server = UnixServerEndpoint::new(&path);
    let refused = get(&main_loop, main_loop.reactor().listen(&server, || Echo)).err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!(
            "listen on unix {}: there is something else than a socket, and it is left alone",
            path.display()
        )
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear all");
    let client = UnixClientEndpoint::new(&path);
    let refused = get(&main_loop, main_loop.reactor().connect(&client, || Echo)).err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!("connect to unix {}: Connection refused (os error 111)", path.display())
    );
    assert!(refused.is(FailureKind::Peer));
}

#[test]
fn a_file_that_took_the_place_stays() {
    let main_loop = any_driver();
    let directory = Directory::new();
    let path = directory.join("socket");
    let server = UnixServerEndpoint::new(&path);
    let port = get(&main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "new").unwrap();
    get(&main_loop, port.stop_listening()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn the_file_goes_though_only_the_loop_is_dropped() {
    let main_loop = any_driver();
    let directory = Directory::new();
    let path = directory.join("socket");
    let server = UnixServerEndpoint::new(&path);
    let _port = get(&main_loop, main_loop.reactor().listen(&server, || Echo)).unwrap();
    drop(main_loop);
    assert!(!path.exists());
}

#[test]
fn errors_of_paths_are_one_clear_line() {
    let main_loop = any_driver();
    let reactor = main_loop.reactor();
    let directory = Directory::new();
    let long = directory.join(&"x".repeat(120));
    let failure = get(&main_loop, reactor.listen(&UnixServerEndpoint::new(&long), || Echo));
    let said = failure.err().unwrap().to_string();
    let why = "the path is too long for a UNIX socket (107 bytes, by the system)";
    assert_eq!(said, format!("listen on unix {}: {why}", long.display()));
    let nowhere = directory.join("no/socket");
    let failure = get(&main_loop, reactor.listen(&UnixServerEndpoint::new(&nowhere), || Echo));
    let said = failure.err().unwrap().to_string();
    let why = "No such file or directory (os error 2)";
    assert_eq!(said, format!("listen on unix {}: {why}", nowhere.display()));
    let failure = get(&main_loop, reactor.connect(&UnixClientEndpoint::new(&nowhere), || Echo));
    let said = failure.err().unwrap().to_string();
    assert_eq!(said, format!("connect to unix {}: {why}", nowhere.display()));
}

#[test]
fn a_full_backlog_is_waited_for_and_not_for_ever() {
    let main_loop = any_driver();
    let directory = Directory::new();
    let path = directory.join("socket");
    let mut server = UnixServerEndpoint::new(&path);
    server.backlog = 0;
    let other_loop = any_driver();
    let _port = get(&other_loop, other_loop.reactor().listen(&server, || Echo)).unwrap();
    let mut client = UnixClientEndpoint::new(&path);
    let (first, second, late) = (Heard::default(), Heard::default(), Heard::default());
    let connect = |client: &UnixClientEndpoint, heard: &Heard| {
        let heard = heard.clone();
        main_loop.reactor().connect(client, move || heard.ear(b"hi"))
    };
    get(&main_loop, connect(&client, &first)).unwrap();
    client.timeout = Duration::from_millis(50);
    let failure = get(&main_loop, connect(&client, &late)).err().unwrap();
    assert!(failure.is(FailureKind::Timeout), "{failure:?}");
    let said = format!("connect to unix {}: timed out after 50ms", path.display());
    assert_eq!(failure.to_string(), said);
    client.timeout = Duration::from_secs(60);
    let connected = connect(&client, &second);
    assert!(!connected.is_fired());
    until(&other_loop, || {
        main_loop.turn(Wait::No).unwrap().unwrap();
        connected.is_fired() && second.bytes() == b"hi"
    });
    assert!(!late.is_connected());
}

/// Keeps the file that comes along.
struct Receiver {
    file: Option<OwnedFd>,
    done: Option<Resolver<(OwnedFd, Vec<u8>)>>,
}

impl Protocol for Receiver {
    fn attachment_received(&mut self, _: &mut Cx<'_>, object: Box<dyn Any>) {
        self.file = object.downcast::<OwnedFd>().ok().map(|file| *file);
    }

    fn data_received(&mut self, _: &mut Cx<'_>, data: &[u8]) {
        if let (Some(file), Some(done)) = (self.file.take(), self.done.take()) {
            done.callback((file, data.to_vec()));
        }
    }
}

#[test]
fn an_open_file_rides_along() {
    each_driver(|main_loop| {
        let directory = Directory::new();
        let reactor = main_loop.reactor();
        let (done, received) = Deferred::new();
        let done = std::cell::Cell::new(Some(done));
        let server = UnixServerEndpoint::new(directory.join("socket"));
        let receiver = move || Receiver { file: None, done: done.take() };
        let port = get(main_loop, reactor.listen(&server, receiver)).unwrap();
        let mut file = fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(directory.join("file"))
            .unwrap();
        file.write_all(b"contents").unwrap();
        file.rewind().unwrap();
        let heard = Heard::default();
        let client = UnixClientEndpoint::new(directory.join("socket"));
        get(
            main_loop,
            reactor.connect(&client, {
                let heard = heard.clone();
                move || heard.ear(b"")
            }),
        )
        .unwrap();
        heard.transport().attach(OwnedFd::from(file));
        heard.transport().write(b"look");
        let (file, said) = get(main_loop, received).unwrap();
        let mut contents = String::new();
        fs::File::from(file).read_to_string(&mut contents).unwrap();
        assert_eq!((contents.as_str(), &said[..]), ("contents", &b"look"[..]));
        get(main_loop, port.stop_listening()).unwrap();
    });
}

#[test]
fn what_cannot_be_attached_costs_the_connection() {
    each_driver(|main_loop| {
        let directory = Directory::new();
        let reactor = main_loop.reactor();
        let server = UnixServerEndpoint::new(directory.join("socket"));
        let _port = get(main_loop, reactor.listen(&server, || Echo)).unwrap();
        let client = UnixClientEndpoint::new(directory.join("socket"));
        for paused in [false, true] {
            let heard = Heard::default();
            let ear = heard.clone();
            get(main_loop, reactor.connect(&client, move || ear.ear(b""))).unwrap();
            if paused {
                heard.transport().pause_producing();
            }
            heard.transport().attach("not a file");
            heard.transport().write(b"look");
            let lost = get(main_loop, heard.lost()).unwrap();
            assert_eq!(lost.to_string(), "what was attached is not an OwnedFd");
        }
    });
}

#[test]
fn attachments_behind_bytes_that_cannot_be_sent_are_counted_too() {
    each_driver(|main_loop| {
        let directory = Directory::new();
        let reactor = main_loop.reactor();
        let server = UnixServerEndpoint::new(directory.join("socket"));
        let (theirs, heard) = (Heard::default(), Heard::default());
        let ear = |heard: &Heard| {
            let heard = heard.clone();
            move || heard.ear(b"")
        };
        let _port = get(main_loop, reactor.listen(&server, ear(&theirs))).unwrap();
        let client = UnixClientEndpoint::new(directory.join("socket"));
        get(main_loop, reactor.connect(&client, ear(&heard))).unwrap();
        until(main_loop, || theirs.is_connected());
        theirs.transport().pause_producing();
        let transport = heard.transport();
        transport.write_bytes(vec![0; 8 << 20]);
        (0..253).for_each(|_| transport.attach("one of many"));
        let _ = main_loop.turn(Wait::No).unwrap();
        assert!(transport.buffered() > 0 && transport.is_connected());
        transport.attach("one too many");
        let lost = get(main_loop, heard.lost()).unwrap();
        assert!(lost.is(FailureKind::Limit), "{lost}");
    });
}

#[test]
fn ten_million_bytes_come_back_the_same() {
    each_driver(|main_loop| {
        let directory = Directory::new();
        let reactor = main_loop.reactor();
        let server = UnixServerEndpoint::new(directory.join("socket"));
        let port = get(main_loop, reactor.listen(&server, || Echo)).unwrap();
        let (heard, bytes) = (Heard::default(), Rc::new(noise(10_000_000)));
        let client = UnixClientEndpoint::new(directory.join("socket"));
        let ear = {
            let (heard, bytes) = (heard.clone(), bytes.clone());
            move || heard.ear(&bytes)
        };
        get(main_loop, reactor.connect(&client, ear)).unwrap();
        until(main_loop, || heard.len() >= bytes.len());
        assert!(heard.bytes() == *bytes);
        get(main_loop, port.stop_listening()).unwrap();
    });
}

#[test]
fn datagrams_have_files_names_and_no_answers_without_them() {
    each_driver(|main_loop| {
        let directory = Directory::new();
        let reactor = main_loop.reactor();
        let (one, other) = (Letters::default(), Letters::default());
        let mut endpoint = UnixDatagramEndpoint::new(directory.join("one"));
        endpoint.mode = Some(0o600);
        let first = get(main_loop, reactor.open(&endpoint, one.clone())).unwrap();
        let mode = fs::metadata(directory.join("one")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let endpoint = UnixDatagramEndpoint {
            connect_to: Some(first.host()),
            ..UnixDatagramEndpoint::default()
        };
        let second = get(main_loop, reactor.open(&endpoint, other.clone())).unwrap();
        second.send(&b"hello"[..]);
        until(main_loop, || one.texts() == ["hello"]);
        assert_eq!(one.received()[0].1, Address::Unnamed);
        get(main_loop, first.stop_listening()).unwrap();
        assert!(one.is_stopped() && !directory.join("one").exists());
        // Asked again: a program that another test forks holds the closed socket for a moment, and takes it.
        until(main_loop, || {
            second.send(&b"anybody?"[..]);
            !other.failures().is_empty()
        });
        let said = other.failures()[0].to_string();
        assert!(said.contains("Connection refused"), "{said}");
    });
}

#[test]
fn a_full_receiver_is_a_failed_send_and_not_a_spin() {
    each_driver(|main_loop| {
        let directory = Directory::new();
        let reactor = main_loop.reactor();
        let _deaf = UnixDatagram::bind(directory.join("deaf")).unwrap();
        let letters = Letters::default();
        let endpoint = UnixDatagramEndpoint::new(directory.join("one"));
        let sender = get(main_loop, reactor.open(&endpoint, letters.clone())).unwrap();
        let to = Address::Unix(std::sync::Arc::new(directory.join("deaf")));
        (0..5000).for_each(|_| sender.send_to(vec![b'x'; 1000], &to));
        until(main_loop, || !letters.failures().is_empty());
        get(main_loop, sender.stop_listening()).unwrap();
    });
}
