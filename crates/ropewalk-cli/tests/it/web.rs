//! `ropewalk web`, for curl, openssl and wrk; behind and beside nginx.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::program::{Directory, Program, has, ropewalk, serve, serve_tcp};

/// What a program writes, once it has ended.
fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn curl(arguments: &[&str]) -> String {
    output(Command::new("curl").args(["--http1.1", "-sS", "-m", "60"]).args(arguments))
}

/// A directory with files in it.
fn site() -> Directory {
    let site = Directory::new();
    fs::write(site.path("hello.txt"), "hello world\n").expect("a file");
    let numbers: Vec<u8> = (0..5_000_000u32).map(|number| (number % 251) as u8).collect();
    fs::write(site.path("numbers.bin"), numbers).expect("a file");
    fs::write(site.path("long.css"), "p { color: red }\n".repeat(1000)).expect("a file");
    fs::create_dir(site.path("sub")).expect("a directory");
    fs::write(site.path("sub/index.html"), "<h1>index</h1>").expect("a file");
    site
}

fn serve_site(site: &Directory, more: &[&str]) -> (Program, String) {
    let path = site.path("");
    let (server, address) = serve_tcp(&[&["web", "--path", &path], more].concat());
    (server, format!("http://{address}"))
}

#[test]
fn curl_gets_what_it_asks_for() {
    if !has("curl_gets_what_it_asks_for", "curl") {
        return;
    }
    let site = site();
    let (mut server, url) = serve_site(&site, &["--compress"]);
    let hello = format!("{url}/hello.txt");
    assert_eq!(curl(&[&hello]), "hello world\n");
    assert!(curl(&["-I", &hello]).contains("Content-Length: 12\r\n"));
    assert_eq!(curl(&["-r", "6-", &hello]), "world\n");
    let parts = curl(&["-r", "0-0,6-6", &hello]);
    assert!(
        parts.contains("Content-Range: bytes 0-0/12\r\n\r\nh\r\n--")
            && parts.contains("\r\nw\r\n--")
    );
    assert_eq!(curl(&["-L", &format!("{url}/sub")]), "<h1>index</h1>");
    let code = ["-o", "/dev/null", "-w", "%{http_code} %{size_download}"];
    let coded = |more: &[&str]| curl(&[&code[..], more].concat());
    let etag = curl(&["-o", "/dev/null", "-w", "%header{etag}", &hello]);
    if etag.starts_with('"') {
        assert_eq!(coded(&["-H", &format!("If-None-Match: {etag}"), &hello]), "304 0");
    }
    assert_eq!(coded(&["-z", &site.path("hello.txt"), &hello]), "304 0");
    assert_eq!(
        coded(&["--path-as-is", &format!("{url}/../../etc/passwd")]).split(' ').next(),
        Some("404")
    );
    assert_eq!(coded(&["-X", "DELETE", &hello]).split(' ').next(), Some("405"));
    assert_eq!(coded(&["-d", "x=1", &hello]).split(' ').next(), Some("405"));
    let small: u32 =
        coded(&["--compressed", &format!("{url}/long.css")])[4..].parse().expect("a size");
    assert!(small < 1000, "{small} bytes are not compressed");
    let once = curl(&["-w", "%{num_connects} ", &hello, &hello, &hello]);
    assert_eq!(once, "hello world\n1 hello world\n0 hello world\n0 ", "a connection is used again");
    curl(&["-o", &site.path("got"), &format!("{url}/numbers.bin")]);
    assert!(
        fs::read(site.path("got")).expect("a file")
            == fs::read(site.path("numbers.bin")).expect("a file")
    );
    server.expect("\"GET /hello.txt HTTP/1.1\" 200 12 \"-\" \"curl/");
}

#[test]
fn curl_and_openssl_speak_tls() {
    let test = "curl_and_openssl_speak_tls";
    if !has(test, "curl") || !has(test, "openssl") {
        return;
    }
    let (site, secrets) = (site(), Directory::new());
    let (cert, key) = (secrets.path("cert.pem"), secrets.path("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=example.test",
            "-addext",
            "subjectAltName=DNS:example.test",
        ])
        .args(["-keyout", &key, "-out", &cert])
        .stderr(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let listen = format!("tls:0:cert={cert}:key={key}:interface=127.0.0.1");
    let (_server, address) = serve(&["web", "--path", &site.path(""), "--listen", &listen]);
    let port = address.rsplit(':').next().expect("a port").to_owned();
    let resolve = format!("example.test:{port}:127.0.0.1");
    let url = format!("https://example.test:{port}/hello.txt");
    assert_eq!(curl(&["--cacert", &cert, "--resolve", &resolve, &url]), "hello world\n");
    assert_eq!(curl(&["-k", &format!("https://{address}/hello.txt")]), "hello world\n");
    assert_eq!(curl(&["--resolve", &resolve, &url]), "", "a certificate that nobody trusts");
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_quiet", "-connect", &address, "-CAfile", &cert])
        .args(["-servername", "example.test"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl starts");
    let mut stdin = client.stdin.take().expect("it is piped");
    stdin
        .write_all(b"GET /hello.txt HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n")
        .expect("openssl reads");
    let mut answer = String::new();
    let mut stdout = client.stdout.take().expect("it is piped");
    stdout.read_to_string(&mut answer).expect("text");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello world\n"),
        "{answer}"
    );
    drop(stdin);
    client.wait().expect("openssl ends");
}

#[test]
fn wrk_gets_no_errors() {
    if !has("wrk_gets_no_errors", "wrk") {
        return;
    }
    let site = site();
    let (_server, url) = serve_site(&site, &["--log", "off"]);
    let said =
        output(Command::new("wrk").args(["-t1", "-c50", "-d1s", &format!("{url}/hello.txt")]));
    assert!(said.contains("requests in"), "{said}");
    assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
}

#[test]
fn a_head_in_single_bytes_is_answered_and_garbage_is_refused() {
    let site = site();
    let (_server, url) = serve_site(&site, &["--log", "off"]);
    let address = url.strip_prefix("http://").expect("a URL");
    let mut slow = TcpStream::connect(address).expect("it listens");
    for byte in b"GET /hello.txt HTTP/1.0\r\n\r\n" {
        slow.write_all(&[*byte]).expect("it reads");
    }
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("text");
    assert!(answer.ends_with("\r\n\r\nhello world\n"), "{answer}");
    let mut bad = TcpStream::connect(address).expect("it listens");
    bad.write_all(b"GET /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    bad.read_to_string(&mut answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
}

#[test]
fn stopping_lets_a_download_end() {
    const LEN: u64 = 40_000_000; // More than the system holds between the two.
    let site = site();
    let large = fs::File::create(site.path("large")).expect("a file");
    large.set_len(LEN).expect("room");
    let (mut server, url) = serve_site(&site, &[]);
    let mut download =
        TcpStream::connect(url.strip_prefix("http://").expect("a URL")).expect("it listens");
    download.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
    let mut first = [0; 1000];
    download.read_exact(&mut first).expect("an answer");
    let head = first.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    server.signal(Signal::INT);
    let mut rest = Vec::new();
    download.read_to_end(&mut rest).expect("the rest");
    assert_eq!((first.len() - head + rest.len()) as u64, LEN, "the download broke off");
    assert!(server.wait().success());
}

#[test]
fn clients_that_leave_in_the_middle_are_no_errors() {
    if !has("clients_that_leave_in_the_middle_are_no_errors", "curl") {
        return;
    }
    let site = site();
    let large = fs::File::create(site.path("large.bin")).expect("a file");
    large.set_len(1 << 30).expect("a file may have holes");
    let log = Directory::new();
    let (path, said) = (site.path(""), log.path("said"));
    let listen = ["web", "--path", &path, "--listen", "tcp:0:interface=127.0.0.1"];
    let mut command = ropewalk(&listen);
    let mut server = Program::start(command.stderr(fs::File::create(&said).expect("a file")));
    server.expect("listening on tcp ");
    let url = format!("http://{}/large.bin", server.expect("\n").trim());
    for _ in 0..2 {
        // More than is held back for it, and less than all.
        let taken = output(Command::new("sh").args(["-c", "curl -sS $0 | head -c 1000000", &url]));
        assert_eq!(taken.len(), 1_000_000);
        server.expect("GET /large.bin HTTP/1.1\" 499 ");
    }
    server.signal(Signal::TERM);
    server.wait();
    assert_eq!(fs::read_to_string(&said).expect("it is there"), "");
}

#[test]
fn what_cannot_be_served_says_so_in_one_line() {
    let command = ["web", "--path", "/nowhere/at/all", "--listen", "tcp:0:interface=127.0.0.1"];
    let refused = ropewalk(&command).output().expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said.contains("/nowhere/at/all") && said.lines().count() == 1, "{said}");
}

#[test]
fn chromium_shows_a_listing() {
    if !has("chromium_shows_a_listing", "chromium") {
        return;
    }
    let site = site();
    let (_server, url) = serve_site(&site, &[]);
    let profile = Directory::new();
    let shown = output(
        Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .arg(format!("--user-data-dir={}", profile.path("")))
            .args(["--dump-dom", &format!("{url}/")]),
    );
    assert!(shown.contains("<a href=\"./hello.txt\">hello.txt</a>"), "{shown}");
}
