//! Standard input and output, adopted sockets and systemd's, through the example program `echo_on`.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use ropewalk_core::Wait;
use ropewalk_net::{AdoptedClientEndpoint, AdoptedServerEndpoint, NetDriver, endpoints};

use crate::rig::{
    Directory, Echo, Heard, Running, any_driver, each_driver, echo_on, get, next_line, noise,
    program, until,
};

/// The example on standard I/O, under each driver.
fn each_echo(test: impl Fn(&mut Command)) {
    for name in NetDriver::names() {
        eprintln!("reactor {name}");
        test(echo_on().arg("stdio:").env("ROPEWALK_REACTOR", name));
    }
}

#[test]
fn a_pipeline_gets_all_though_the_reader_is_slow_and_the_input_ends_first() {
    each_echo(|command| {
        let mut echo = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let (mut stdin, mut stdout) = (echo.0.stdin.take().unwrap(), echo.0.stdout.take().unwrap());
        let sent = noise(1_000_000);
        let input = sent.clone();
        let writer = std::thread::spawn(move || {
            stdin.write_all(&input).unwrap();
            drop(stdin);
        });
        // All that the pipe does not take is in the program by the time that it sees the end.
        writer.join().unwrap();
        let mut received = Vec::new();
        stdout.read_to_end(&mut received).unwrap();
        assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
        assert_eq!(echo.wait().code(), Some(0));
    });
}

#[test]
fn files_are_read_and_written_to_their_ends() {
    each_echo(|command| {
        let directory = Directory::new();
        let sent = noise(1_000_000);
        fs::write(directory.join("in"), &sent).unwrap();
        command.stdin(File::open(directory.join("in")).unwrap());
        command.stdout(File::create(directory.join("out")).unwrap());
        assert_eq!(Running::start(command).wait().code(), Some(0));
        assert!(fs::read(directory.join("out")).unwrap() == sent);
    });
}

#[test]
fn a_file_goes_into_a_full_pipe() {
    each_echo(|command| {
        let directory = Directory::new();
        let sent = noise(1_000_000);
        fs::write(directory.join("in"), &sent).unwrap();
        command.stdin(File::open(directory.join("in")).unwrap()).stdout(Stdio::piped());
        let mut echo = Running::start(command);
        let mut received = Vec::new();
        echo.0.stdout.take().unwrap().read_to_end(&mut received).unwrap();
        assert!(received == sent);
        assert_eq!(echo.wait().code(), Some(0));
    });
}

#[test]
fn inetds_one_socket_for_both_will_do() {
    each_echo(|command| {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let theirs = OwnedFd::from(theirs);
        command.stdin(theirs.try_clone().unwrap()).stdout(theirs);
        let mut echo = Running::start(command);
        command.stdin(Stdio::null()).stdout(Stdio::null()); // Closes its copies of the socket.
        ours.write_all(b"hello").unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        let mut received = String::new();
        ours.read_to_string(&mut received).unwrap();
        assert_eq!(received, "hello");
        assert_eq!(echo.wait().code(), Some(0));
    });
}

#[test]
fn flags_that_are_shared_with_the_shell_are_put_back() {
    each_echo(|command| {
        let (input, mut feed) = std::io::pipe().unwrap();
        let (drain, output) = std::io::pipe().unwrap();
        let flags = |fd: &dyn AsRawFd| {
            // What a shell would see: its own descriptor of the same open pipe.
            let path = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
            let info = fs::read_to_string(path).unwrap();
            info.lines().find(|line| line.starts_with("flags:")).unwrap().to_owned()
        };
        let before = (flags(&input), flags(&output));
        command.stdin(input.try_clone().unwrap()).stdout(output.try_clone().unwrap());
        let mut echo = Running::start(command);
        feed.write_all(b"hello").unwrap();
        let mut said = [0; 5];
        (&drain).read_exact(&mut said).unwrap();
        assert_ne!(before, (flags(&input), flags(&output)), "they do not wait now");
        drop(feed);
        assert_eq!(echo.wait().code(), Some(0));
        assert_eq!(before, (flags(&input), flags(&output)));
    });
}

#[test]
fn a_reader_that_is_gone_ends_it() {
    each_echo(|command| {
        let mut echo = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        drop(echo.0.stdout.take());
        let mut stdin = echo.0.stdin.take().unwrap();
        stdin.write_all(b"anybody?").unwrap();
        assert_eq!(echo.wait().code(), Some(0));
    });
}

#[test]
fn a_terminal_is_a_peer() {
    let Some(mut script) = program("stdio::a_terminal_is_a_peer", "script") else { return };
    let echo = echo_on();
    let run = format!("{} stdio:", echo.get_program().display());
    script.args(["-q", "-e", "-c", &run, "/dev/null"]);
    let mut terminal = Running::start(script.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let mut stdin = terminal.0.stdin.take().unwrap();
    stdin.write_all(b"hello\n\x04").unwrap();
    let mut heard = String::new();
    terminal.0.stdout.take().unwrap().read_to_string(&mut heard).unwrap();
    assert!(heard.matches("hello").count() == 2, "the terminal's echo and ours: {heard:?}");
    assert_eq!(terminal.wait().code(), Some(0));
}

#[test]
fn standard_io_is_one_connection_at_a_time() {
    let mut command = echo_on();
    command.args(["stdio:", "stdio:"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut echo = Running::start(command.stderr(Stdio::piped()));
    let mut lines = echo.error_lines();
    assert_eq!(next_line(&mut lines), "listening on unnamed");
    let said = "echo_on: use standard input and output: they are in use already";
    assert_eq!(next_line(&mut lines), said);
    assert_eq!(echo.wait().code(), Some(2));
}

#[test]
fn an_inherited_listener_is_served() {
    each_driver(|main_loop| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = AdoptedServerEndpoint { fd: listener.as_raw_fd() };
        let port = get(main_loop, main_loop.reactor().listen(&endpoint, || Echo)).unwrap();
        assert_eq!(port.host().ip(), Some(address));
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(b"hello").unwrap();
        until(main_loop, || port.live() == 1);
        main_loop.turn(Wait::No).unwrap().unwrap();
        peer.read_exact(&mut [0; 5]).unwrap();
        get(main_loop, port.stop_listening()).unwrap();
        assert_eq!(listener.local_addr().unwrap(), address, "ours is still open");
    });
}

#[test]
fn an_inherited_connection_is_a_peer_and_a_port_that_stops_with_it() {
    each_driver(|main_loop| {
        let reactor = main_loop.reactor();
        let (one, other) = UnixStream::pair().unwrap();
        let server = AdoptedServerEndpoint { fd: one.as_raw_fd() };
        let port = get(main_loop, reactor.listen(&server, || Echo)).unwrap();
        assert_eq!(port.live(), 1);
        let client = AdoptedClientEndpoint { fd: other.as_raw_fd() };
        let heard = Heard::default();
        let ear = heard.clone();
        get(main_loop, reactor.connect(&client, move || ear.ear(b"hello"))).unwrap();
        until(main_loop, || heard.bytes() == b"hello");
        drop((one, other));
        heard.transport().lose_connection();
        get(main_loop, heard.lost()).unwrap();
        get(main_loop, port.drained()).unwrap();
        until(main_loop, || reactor.sources() == 0);
    });
}

#[test]
fn the_peer_of_an_inherited_connection_hears_its_end_though_it_stays_open_here() {
    each_driver(|main_loop| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let (unix, other) = UnixStream::pair().unwrap();
        unix.set_nonblocking(true).unwrap();
        tcp.set_nonblocking(true).unwrap();
        for (kept, mut peer) in [
            (OwnedFd::from(accepted), Box::new(tcp) as Box<dyn Read>),
            (OwnedFd::from(other), Box::new(unix)),
        ] {
            let heard = Heard::default();
            let ear = heard.clone();
            let server = AdoptedServerEndpoint { fd: kept.as_raw_fd() };
            let listening = main_loop.reactor().listen(&server, move || ear.ear(b"hello"));
            let port = get(main_loop, listening).unwrap();
            heard.transport().lose_connection();
            get(main_loop, port.stopped()).unwrap();
            let mut said = Vec::new();
            until(main_loop, || peer.read_to_end(&mut said).is_ok());
            assert_eq!(said, b"hello");
        }
    });
}

#[test]
fn what_cannot_be_adopted_is_a_clear_error() {
    let main_loop = any_driver();
    let known = endpoints(main_loop.reactor());
    let said = |text: &str| {
        let endpoint = known.server(text).unwrap();
        get(&main_loop, main_loop.reactor().listen(&endpoint, || Echo)).err().unwrap().to_string()
    };
    assert_eq!(said("fd:999999"), "listen on fd 999999: it is not open");
    let file = File::open("/dev/null").unwrap();
    let fd = file.as_raw_fd();
    assert_eq!(said(&format!("fd:{fd}")), format!("listen on fd {fd}: it is not a socket"));
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let fd = datagrams.as_raw_fd();
    let why = "it is a socket, but not one for streams";
    assert_eq!(said(&format!("fd:{fd}")), format!("listen on fd {fd}: {why}"));
    let why = "systemd has passed no sockets to this process";
    assert_eq!(said("systemd:"), format!("listen on a socket from systemd: {why}"));
}

#[test]
fn a_child_serves_the_descriptor_that_its_parent_names() {
    let Some(mut shell) = program("stdio::a_child_serves_the_descriptor", "sh") else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The shell gives the child our listener, which is its standard input, as descriptor 3.
    shell.args(["-c", "exec \"$0\" fd:3 3<&0 0</dev/null"]).arg(echo_on().get_program());
    let mut echo = Running::start(shell.stdin(OwnedFd::from(listener)).stderr(Stdio::piped()));
    assert_eq!(next_line(&mut echo.error_lines()), format!("listening on {address}"));
    let mut peer = TcpStream::connect(address).unwrap();
    peer.write_all(b"hello").unwrap();
    peer.read_exact(&mut [0; 5]).unwrap();
}

#[test]
fn systemd_passes_its_sockets() {
    let name = "stdio::systemd_passes_its_sockets";
    let Some(activate) = program(name, "systemd-socket-activate") else { return };
    let directory = Directory::new();
    let path = directory.join("socket");
    let path = path.to_str().unwrap();
    for (text, reason) in [
        ("systemd:domain=UNIX:index=0", None),
        ("systemd:name=echo", None),
        ("systemd:domain=INET", Some("descriptor 3 is not of the domain INET")),
        ("systemd:index=1", Some("systemd has passed 1 of them, none with the index 1")),
        ("systemd:name=web", Some("systemd has passed no socket \"web\" with the index 0")),
    ] {
        let _ = fs::remove_file(path);
        let mut command = Command::new(activate.get_program());
        command.args(["--fdname=echo", "-l", path]).arg(echo_on().get_program()).arg(text);
        let mut activated = Running::start(command.stderr(Stdio::piped()));
        let mut lines = activated.error_lines();
        assert!(next_line(&mut lines).starts_with("Listening on"));
        let mut peer = UnixStream::connect(path).unwrap();
        let mut line = next_line(&mut lines);
        while !line.starts_with("listening on") && !line.starts_with("echo_on:") {
            line = next_line(&mut lines);
        }
        match reason {
            None => {
                assert_eq!(line, format!("listening on {path}"));
                peer.write_all(b"hello").unwrap();
                peer.read_exact(&mut [0; 5]).unwrap();
            }
            Some(why) => {
                assert_eq!(line, format!("echo_on: listen on a socket from systemd: {why}"));
                assert_eq!(activated.wait().code(), Some(2));
            }
        }
    }
}
