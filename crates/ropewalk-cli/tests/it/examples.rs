//! The examples of the facade, as programs: what their first lines promise.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::browser_pages::playwright;
use crate::program::{Directory, Program, has, wait_for};

/// An example, which is built beside the tests whenever all of them are.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("it runs");
    let target = test.ancestors().nth(2).expect("it is in a directory of cargo's");
    let program = target.join("examples").join(name);
    assert!(program.is_file(), "cargo build -p ropewalk --examples makes {}", program.display());
    Command::new(program)
}

/// A server that runs on a UNIX socket of its own.
struct Server {
    program: Program,
    directory: Directory,
}

impl Server {
    fn start(name: &str) -> Self {
        let directory = Directory::new();
        let socket = directory.path("socket");
        let address = format!("unix:{socket}");
        let program = Program::start(example(name).arg(address).arg(directory.path("box")));
        wait_for(&socket);
        Self { program, directory }
    }

    fn curl(&self) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-m", "120", "--unix-socket", &self.directory.path("socket")]);
        curl
    }

    fn asked(&self, arguments: &[&str]) -> String {
        output(self.curl().args(arguments))
    }
}

fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn addresses_are_looked_up_at_once() {
    let told = output(example("rdns").args(["127.0.0.1", "127.0.0.1"]));
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.len() == 2 && lines[0] == lines[1] && told.starts_with("127.0.0.1\t"), "{told}");
}

#[test]
fn each_answers_as_it_says() {
    if !has("each_answers_as_it_says", "curl") {
        return;
    }
    let hello = Server::start("hello");
    assert_eq!(hello.asked(&["http://x/"]), "Hello, world!");
    let url = format!("unix:{}:/", hello.directory.path("socket"));
    assert_eq!(output(example("get_page").arg(url)), "Hello, world!");

    let axum = Server::start("axum_router");
    assert_eq!(axum.asked(&["http://x/hello/you"]), "Hello, you!\n");

    let echo = Server::start("echo");
    let endpoint = format!("unix:{}", echo.directory.path("socket"));
    assert!(
        output(example("echo_client").args([&endpoint, "good morning"])).contains("good morning")
    );
}

#[test]
fn a_long_poll_waits_for_what_another_says() {
    if !has("a_long_poll_waits_for_what_another_says", "curl") {
        return;
    }
    let server = Server::start("long_poll");
    let mut waiting = Program::start(server.curl().arg("http://x/"));
    while server.asked(&["-d", "news", "http://x/"]) != "1 heard it\n" {} // Until it waits.
    waiting.expect("news");
}

#[test]
fn a_counter_is_seen_by_all_who_watch() {
    if !has("a_counter_is_seen_by_all_who_watch", "curl") {
        return;
    }
    let server = Server::start("counter");
    let watch = || Program::start(server.curl().args(["-N", "http://x/news"]));
    let (mut one, mut other) = (watch(), watch());
    one.expect("data: 0\n");
    other.expect("data: 0\n");
    assert_eq!(server.asked(&["-d", "", "http://x/count"]), "1");
    one.expect("data: 1\n");
    other.expect("data: 1\n");
}

/// As much as the server may have had at any time: a form's part in memory and what is under way, with room to
/// spare for a build that is not optimised.
const PEAK_KIB_MAX: u64 = 48 << 10;

#[test]
fn a_gigabyte_goes_up_and_down_in_little_memory() {
    if !has("a_gigabyte_goes_up_and_down_in_little_memory", "curl") {
        return;
    }
    let server = Server::start("drop_box");
    let large = server.directory.path("large");
    let file = fs::File::create(&large).expect("a file");
    file.set_len(1_000_000_000).expect("room for a file with nothing in it");
    let code = ["-o", "/dev/null", "-w", "%{http_code} %{size_upload} %{size_download}"];
    let asked = |more: &[&str]| server.asked(&[&code, more].concat());
    assert_eq!(asked(&["-T", &large, "http://x/"]), "201 1000000000 0");
    let len = fs::metadata(server.directory.path("box/large")).expect("it is there").len();
    assert_eq!(len, 1_000_000_000);
    assert_eq!(asked(&["http://x/files/large"]), "200 0 1000000000");
    let peak = server.program.peak_kib();
    assert!(peak < PEAK_KIB_MAX, "{peak} KiB");
}

#[test]
fn chromium_submits_a_form_hears_of_it_and_downloads() {
    let test = "chromium_submits_a_form_hears_of_it_and_downloads";
    if !["chromium", "node", "npm"].into_iter().all(|name| has(test, name)) {
        return;
    }
    let Some(modules) = playwright(test) else { return };
    let directory = Directory::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let address = port.expect("a free port"); // Free again at once.
    let endpoint = format!("tcp:{}:interface=127.0.0.1", address.port());
    let _server = Program::start(example("drop_box").arg(endpoint).arg(directory.path("box")));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/drop_box.cjs");
    let mut browser = Command::new("node");
    browser.env("NODE_PATH", modules).arg(script).arg(format!("http://{address}/"));
    let status = browser.arg(directory.path("")).status().expect("node runs");
    assert!(status.success(), "what went wrong is in its error output");
}
