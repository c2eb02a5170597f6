//! `ropewalk dns` asked by the tools that people have: dig, kdig, drill, dnsperf; told by signals, limited, and logging.

use std::fs;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::names_peers::{certificate, free_address};
use crate::names_server::{NameServer, serial, wait_until, zone_file};
use crate::program::{Directory, Program, has, ropewalk};

fn text(serial: u32) -> String {
    format!(
        "$ORIGIN example.\n$TTL 300\n@ SOA ns hm {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n\
         www A 192.0.2.80\n"
    )
}

fn started(directory: &Directory, more: &[&str]) -> NameServer {
    let zone = format!("example={}", zone_file(directory, "ours", &text(1)));
    NameServer::start(&[&["--zone", &zone], more].concat())
}

/// What a program prints.
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn dig_kdig_and_drill_have_the_same_answer_every_way() {
    let test = "dig_kdig_and_drill_have_the_same_answer_every_way";
    if !["dig", "kdig", "drill", "openssl"].iter().all(|name| has(test, name)) {
        return;
    }
    let directory = Directory::new();
    certificate(&directory);
    let tls = free_address();
    let listen = format!(
        "tls:{}:interface=127.0.0.1:cert={}:key={}",
        tls.port(),
        directory.path("dns.pem"),
        directory.path("dns.key")
    );
    let ours = started(&directory, &["--listen", &listen]);
    let (ip, port) = (format!("@{}", ours.address.ip()), ours.address.port().to_string());
    let tls_port = tls.port().to_string();
    let question = ["www.example", "A", "+short"];
    let kdig = |arguments: &[&str]| printed("kdig", &[&[&ip[..]], arguments, &question].concat());
    for answer in [
        ours.dig(&question),
        ours.dig(&["+tcp", "www.example", "A", "+short"]),
        kdig(&["-p", &port]),
        kdig(&["-p", &port, "+tcp", "+keepopen"]),
        kdig(&["-p", &tls_port, "+tls"]),
        printed("drill", &["-Q", "-p", &port, "www.example", &ip, "A"]),
    ] {
        assert_eq!(answer, "192.0.2.80\n");
    }
    let anchor = format!("+tls-ca={}", directory.path("dns.pem"));
    let strict = ["-p", &tls_port, "+tls", &anchor, "+tls-hostname=dns.example"];
    assert_eq!(kdig(&strict), "192.0.2.80\n");
}

#[test]
fn a_reload_loses_no_query_and_a_bad_file_changes_nothing() {
    let test = "a_reload_loses_no_query_and_a_bad_file_changes_nothing";
    if !["dig", "dnsperf"].iter().all(|name| has(test, name)) {
        return;
    }
    let directory = Directory::new();
    let ours = started(&directory, &["--workers", "2"]);
    let file = directory.path("ours.zone");
    let queries = zone_file(&directory, "queries", "www.example A\nnone.example A\nexample NS\n");
    let (ip, port) = (ours.address.ip().to_string(), ours.address.port().to_string());
    let arguments = ["-s", &ip, "-p", &port, "-d", &queries, "-l", "4", "-q", "20"];
    let mut load = Program::start(Command::new("dnsperf").args(arguments));
    load.expect("Sending queries");
    for version in 2..20 {
        fs::write(&file, text(version)).expect("a file");
        ours.program.signal(Signal::HUP);
        wait_until("the new version serves", || serial(ours.address) == version.to_string());
    }
    fs::write(&file, "www A not.an.address\n").expect("a file");
    ours.program.signal(Signal::HUP);
    let said = load.expect("Average Latency");
    assert!(said.contains("Queries lost:         0 (0.00%)"), "{said}");
    assert_eq!(serial(ours.address), "19");
}

#[test]
fn a_network_gets_so_many_answers_of_a_kind() {
    let directory = Directory::new();
    let ours = started(&directory, &["--rate-limit", "5"]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.connect(ours.address).expect("UDP connects to anything");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("it may time out");
    let ask = |cookie: &[u8]| {
        let mut query = b"\0\x08\0\0\0\x01\0\0\0\0\0\x01\x03www\x07example\0\0\x01\0\x01".to_vec();
        let length = u8::try_from(cookie.len()).expect("it is short");
        query.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, length + 4, 0, 10, 0, length]);
        query.extend_from_slice(cookie);
        socket.send(&query).expect("it is sent");
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).expect("it is answered");
        buffer[..length].to_vec()
    };
    let cookie: [u8; 24] = *ask(b"01234567").last_chunk().expect("it ends with the cookie");
    // Forty in less than a second; a second may begin in between, so there may be twice as many answers.
    let query = b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\0\0\x01\0\x01";
    for _ in 0..40 {
        socket.send(query).expect("it is sent");
    }
    let (mut whole, mut truncated, mut buffer) = (0, 0, [0; 512]);
    while truncated < 10 {
        socket.recv(&mut buffer).expect("every other answer too many says that it is truncated");
        if buffer[2] & 2 == 0 { whole += 1 } else { truncated += 1 }
    }
    assert!((4..=10).contains(&whole), "{whole} answers were whole");
    // Who has a cookie is not limited.
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("it may time out");
    while socket.recv(&mut buffer).is_ok() {}
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("it may time out");
    for _ in 0..40 {
        assert_eq!(ask(&cookie)[2] & 2, 0, "it is whole");
    }
}

#[test]
fn queries_are_logged() {
    let directory = Directory::new();
    let log = directory.path("queries.log");
    let ours = started(&directory, &["--query-log", &log, "--allow", "127.0.0.0/8"]);
    let test = "queries_are_logged";
    if !has(test, "dig") {
        return;
    }
    ours.dig(&["none.example", "AAAA", "+dnssec"]);
    let line = || fs::read_to_string(&log).unwrap_or_default();
    wait_until("the line is written", || line().ends_with('\n'));
    assert!(line().contains(" udp none.example. IN AAAA +rd+do NXDOMAIN\n"), "{}", line());
}

#[test]
fn who_is_not_allowed_is_refused() {
    if !has("who_is_not_allowed_is_refused", "dig") {
        return;
    }
    let directory = Directory::new();
    let ours = started(&directory, &["--allow", "192.0.2.0/24"]);
    assert!(ours.dig(&["www.example", "A"]).contains("status: REFUSED"));
}

#[test]
fn a_zone_that_is_wrong_is_one_line_with_its_place() {
    let directory = Directory::new();
    let file = zone_file(&directory, "bad", &format!("{}www CNAME ns\n", text(1)));
    let output = ropewalk(&["dns", "--zone", &file]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(
        said,
        format!(
            "ropewalk: read the zone file {file}: {file}:6: www.example.: has a CNAME and also A\n"
        )
    );
}
