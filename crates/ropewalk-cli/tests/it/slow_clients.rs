//! `ropewalk web` under clients that take their time: slowhttptest's four modes, and a reader of a gigabyte who stops
//! in the middle. nginx stands before it on a UNIX socket.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::program::{Directory, Program, has, ropewalk, serve_tcp, wait_for};

/// What a gigabyte may add to the server's memory at its peak: pieces on their way, not the file.
const GROWTH_KIB_MAX: u64 = 32 << 10;

/// A download that no buffer of the system holds.
const LARGE: u64 = 1 << 30;

fn site() -> Directory {
    let site = Directory::new();
    fs::write(site.path("hello.txt"), "hello world\n").expect("a file");
    // A sparse file: it takes no room.
    File::create(site.path("large.bin")).and_then(|file| file.set_len(LARGE)).expect("a file");
    site
}

fn hello(url: &str) -> String {
    let curl = Command::new("curl").args(["-sS", "-m", "20", &format!("{url}/hello.txt")]).output();
    String::from_utf8_lossy(&curl.expect("curl starts").stdout).into_owned()
}

/// Begins an attack of two seconds by fifty connections.
fn attack(mode: &str, url: &str) -> Child {
    let reading = ["-w", "10", "-y", "20", "-n", "1", "-z", "5"];
    let pace: &[&str] = if mode == "-X" { &reading } else { &["-i", "1", "-x", "10"] };
    Command::new("slowhttptest")
        .args([mode, "-c", "50", "-r", "200", "-l", "2", "-p", "2"])
        .args(pace)
        .args(["-u", &format!("{url}/large.bin")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("slowhttptest starts")
}

#[test]
fn slow_clients_keep_nobody_else_waiting() {
    let test = "slow_clients_keep_nobody_else_waiting";
    if !has(test, "slowhttptest") || !has(test, "curl") {
        return;
    }
    let site = site();
    let (server, address) = serve_tcp(&["web", "--log", "off", "--path", &site.path("")]);
    let url = format!("http://{address}");
    assert_eq!(hello(&url), "hello world\n");
    let before = server.peak_kib();
    for mode in ["-H", "-B", "-R", "-X"] {
        let mut slow = attack(mode, &url);
        let mut answered = 0;
        while slow.try_wait().expect("it is ours").is_none() {
            assert_eq!(hello(&url), "hello world\n", "under {mode}");
            answered += 1;
        }
        assert!(answered > 1, "{mode}: nobody asked while it went on");
    }
    assert!(server.peak_kib() - before < GROWTH_KIB_MAX, "{} kB more", server.peak_kib() - before);
}

#[test]
fn a_reader_who_stops_in_a_gigabyte_costs_no_memory() {
    let test = "a_reader_who_stops_in_a_gigabyte_costs_no_memory";
    if !has(test, "curl") {
        return;
    }
    let site = site();
    let (server, address) = serve_tcp(&["web", "--log", "off", "--path", &site.path("")]);
    assert_eq!(hello(&format!("http://{address}")), "hello world\n");
    let before = server.peak_kib();
    let mut reader = TcpStream::connect(address).expect("it listens");
    let request = b"GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    reader.write_all(request).expect("it reads");
    let mut piece = vec![0; 256 << 10];
    let mut read = reader.read(&mut piece).expect("it answers") as u64;
    // The server has turns to fill whatever would be filled, while this end reads nothing.
    (0..20).for_each(|_| assert_eq!(hello(&format!("http://{address}")), "hello world\n"));
    loop {
        match reader.read(&mut piece).expect("all of it comes") {
            0 => break,
            count => read += count as u64,
        }
    }
    assert!((LARGE..LARGE + 1000).contains(&read), "{read} bytes came");
    assert!(server.peak_kib() - before < GROWTH_KIB_MAX, "{} kB more", server.peak_kib() - before);
}

#[test]
fn nginx_passes_requests_on_over_a_unix_socket() {
    let test = "nginx_passes_requests_on_over_a_unix_socket";
    if !has(test, "nginx") || !has(test, "curl") {
        return;
    }
    let (site, place) = (site(), Directory::new());
    let (socket, front) = (place.path("web"), place.path("front"));
    let listen = format!("unix:{socket}");
    let _server =
        Program::start(&mut ropewalk(&["web", "--path", &site.path(""), "--listen", &listen]));
    wait_for(&socket);
    let here = place.path("");
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .concat();
    let settings = format!(
        "daemon off; master_process off; user root; pid {here}/pid; error_log stderr crit; events {{}}
        http {{ access_log off; {paths} upstream web {{ server unix:{socket}; keepalive 4; }}
        server {{ listen unix:{front}; location / {{ proxy_pass http://web; proxy_http_version 1.1;
        proxy_set_header Connection \"\"; }} }} }}"
    );
    fs::write(place.path("nginx.conf"), settings).expect("a file");
    let configured = ["-p", &here, "-c", &place.path("nginx.conf")].map(str::to_owned);
    let _nginx = Program::start(Command::new("nginx").args(configured));
    wait_for(&front);
    let through = |more: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-m", "20", "--unix-socket", &front]).args(more);
        String::from_utf8_lossy(&curl.output().expect("curl starts").stdout).into_owned()
    };
    let hello = "http://x/hello.txt";
    assert_eq!(through(&[hello, hello]), "hello world\nhello world\n");
    assert_eq!(through(&["-r", "6-", hello]), "world\n");
    assert_eq!(through(&["-o", "/dev/null", "-w", "%{http_code}", "http://x/none"]), "404");
}
