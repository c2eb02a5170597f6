//! `ropewalk get`, from servers that others wrote.

use std::fs;
use std::process::{Command, Output};

use crate::nginx::nginx;
use crate::program::{Directory, Program, has, ropewalk};

fn get(arguments: &[&str]) -> Output {
    let mut command = ropewalk(&[&["get"], arguments].concat());
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name);
    }
    command.output().expect("it runs")
}

fn text(arguments: &[&str]) -> String {
    let output = get(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn site() -> Directory {
    let site = Directory::new();
    fs::create_dir(site.path("www")).expect("a directory");
    fs::write(site.path("www/hello.txt"), "hello world\n").expect("a file");
    let numbers: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    fs::write(site.path("www/numbers.bin"), numbers).expect("a file");
    site
}

/// nginx with a site, a redirect, a password and compression.
fn site_of_nginx(site: &Directory) -> Program {
    let www = site.path("www");
    fs::write(site.path("www/long.txt"), "a line of text\n".repeat(1000)).expect("a file");
    fs::write(site.path("passwords"), "ann:{PLAIN}secret\n").expect("a file");
    let passwords = site.path("passwords");
    nginx(
        site,
        &format!(
            "root {www};\n\
             location /moved {{ return 302 /hello.txt; }}\n\
             location /loop {{ return 302 /loop; }}\n\
             location /secret {{ auth_basic x; auth_basic_user_file {passwords}; alias {www}/hello.txt; }}\n\
             location /closes {{ keepalive_timeout 0; alias {www}/hello.txt; }}"
        ),
    )
}

#[test]
fn nginx_answers() {
    if !has("nginx_answers", "nginx") {
        return;
    }
    let site = site();
    let _server = site_of_nginx(&site);
    let at = |path: &str| format!("unix:{}:{path}", site.path("nginx.sock"));
    assert_eq!(text(&[&at("/hello.txt")]), "hello world\n");
    assert_eq!(text(&[&at("/moved")]), "hello world\n");
    assert_eq!(text(&[&at("/closes")]), "hello world\n");
    assert_eq!(text(&[&at("/long.txt")]), "a line of text\n".repeat(1000));
    assert!(
        text(&["--include", "--no-redirects", &at("/moved")]).starts_with("HTTP/1.1 302 Found\n")
    );
    assert_eq!(
        text(&["-H", "Authorization: Basic YW5uOnNlY3JldA==", &at("/secret")]),
        "hello world\n"
    );
    assert_eq!(text(&["-H", "Range: bytes=6-", &at("/hello.txt")]), "world\n");
    let file = site.path("got");
    text(&["-o", &file, &at("/numbers.bin")]);
    let numbers = fs::read(site.path("www/numbers.bin")).expect("a file");
    assert!(fs::read(&file).expect("a file") == numbers);
    fs::write(&file, &numbers[..1_000_000]).expect("a file");
    text(&["--resume", "-o", &file, &at("/numbers.bin")]);
    assert!(fs::read(&file).expect("a file") == numbers, "the rest was not fetched");
    text(&["--resume", "-o", &file, &at("/numbers.bin")]);
    assert!(fs::read(&file).expect("a file") == numbers, "there was nothing to fetch");
    for (path, why) in [("/nothing", "404"), ("/secret", "401"), ("/loop", "redirects")] {
        let failed = get(&["-o", &site.path("not"), &at(path)]);
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(2), "{path}");
        assert!(said.contains(why) && said.lines().count() == 1, "{path}: {said}");
    }
}

#[test]
fn pythons_server_answers() {
    if !has("pythons_server_answers", "python3") {
        return;
    }
    let site = site();
    let mut python = Command::new("python3");
    python.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "-d", &site.path("www"), "0"]);
    let mut server = Program::start(&mut python);
    server.expect("port ");
    let port = server.expect(" ").trim().to_owned();
    let url = format!("http://127.0.0.1:{port}");
    assert_eq!(text(&[&format!("{url}/hello.txt")]), "hello world\n");
    assert_eq!(text(&[&format!("127.0.0.1:{port}/hello.txt")]), "hello world\n");
    assert!(text(&[&url]).contains("numbers.bin"));
    assert!(!get(&["-X", "DELETE", &url]).status.success());
}

#[test]
fn what_cannot_be_fetched_says_why_in_one_line() {
    for (url, why) in [
        ("http://127.0.0.1:1/", "Connection refused"),
        ("ftp://127.0.0.1/", "scheme"),
        ("http://", "no URL"),
        ("unix:/nowhere/at/all:/", "/nowhere/at/all"),
        ("http://name.invalid/", "name.invalid"),
    ] {
        let failed = get(&[url]);
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(2), "{url}");
        assert!(said.contains(why) && said.lines().count() == 1, "{url}: {said}");
    }
}
