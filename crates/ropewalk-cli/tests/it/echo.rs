//! `ropewalk echo`, for programs that others wrote.

use std::process::Command;

use crate::program::{Directory, Program, has, serve, serve_tcp};

#[track_caller]
fn assert_echoes(command: &mut Command) {
    let mut client = Program::start(command);
    for line in ["hello", "there"] {
        client.say(line);
        client.expect(&format!("{line}\n"));
    }
}

#[test]
fn nc_hears_itself_under_every_reactor() {
    if !has("nc_hears_itself_under_every_reactor", "nc") {
        return;
    }
    for reactor in ["epoll", "poll", "select", "uring"] {
        let (_server, address) = serve_tcp(&["echo", "--reactor", reactor]);
        let mut nc = Command::new("nc");
        assert_echoes(nc.arg(address.ip().to_string()).arg(address.port().to_string()));
    }
}

#[test]
fn socat_hears_itself_over_a_unix_socket() {
    if !has("socat_hears_itself_over_a_unix_socket", "socat") {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("echo.sock");
    let (_server, address) = serve(&["echo", "--listen", &format!("unix:{path}")]);
    assert_eq!(address, path);
    assert_echoes(Command::new("socat").args(["-", &format!("UNIX-CONNECT:{path}")]));
}

#[test]
fn openssl_hears_itself_over_tls() {
    if !has("openssl_hears_itself_over_tls", "openssl") {
        return;
    }
    let directory = Directory::new();
    let (cert, key) = (directory.path("cert.pem"), directory.path("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-out", &cert, "-keyout", &key])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let listen = format!("tls:0:interface=127.0.0.1:cert={cert}:key={key}");
    let (_server, address) = serve(&["echo", "--listen", &listen]);
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-verify_return_error", "-CAfile", &cert]);
    assert_echoes(client.args(["-connect", &address]));
}

#[test]
fn socat_hears_itself_over_udp() {
    if !has("socat_hears_itself_over_udp", "socat") {
        return;
    }
    let (_server, address) = serve(&["echo", "--listen", "udp:0:interface=127.0.0.1"]);
    assert_echoes(Command::new("socat").args(["-", &format!("UDP:{address}")]));
}

#[test]
fn standard_output_that_is_a_connection_carries_its_bytes_alone() {
    use std::io::Write;
    use std::process::Stdio;

    let mut server = Command::new(env!("CARGO_BIN_EXE_ropewalk"))
        .args(["echo", "--listen", "tcp:0:interface=127.0.0.1", "--listen", "stdio:"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.stdin.as_mut().unwrap().write_all(b"only this").unwrap();
    // It goes on for the port, so it is read byte for byte and then stopped.
    let mut heard = [0; 9];
    std::io::Read::read_exact(server.stdout.as_mut().unwrap(), &mut heard).unwrap();
    server.kill().unwrap();
    let rest = server.wait_with_output().unwrap();
    assert_eq!((&heard[..], &rest.stdout[..]), (&b"only this"[..], &b""[..]));
    assert!(String::from_utf8_lossy(&rest.stderr).contains("listening on tcp"));
}
