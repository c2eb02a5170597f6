//! `ropewalk rdns` against Debian's nsd.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use crate::names_peers::{Peer, nsd};
use crate::program::{Directory, Program, has, ropewalk};

/// Every address in 10/8 has a name, but those in 10.0.1.0/24 that have none, of two kinds.
const ZONE: &str = "$ORIGIN 10.in-addr.arpa.\n$TTL 300\n\
    @ SOA ns.example. hostmaster.example. 1 3600 600 86400 60\n@ NS ns.example.\n\
    * PTR host.example.\n1.1.0 TXT \"no name\"\n2.1.0 CNAME 2.sub\n2.sub PTR two.example.\n";

fn peer(test: &str, directory: &Directory) -> Option<Peer> {
    has(test, "nsd").then(|| nsd(directory, "", &[("10.in-addr.arpa", ZONE)], ""))
}

fn rdns(peer: &Peer, arguments: &[&str]) -> Command {
    let server = peer.address.to_string();
    ropewalk(&[&["rdns", "--server", &server, "--timeout", "20"], arguments].concat())
}

/// What it makes of this input.
fn run(command: &mut Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_comes_in_is_looked_up_in_its_order() {
    let directory = Directory::new();
    let Some(peer) = peer("what_comes_in_is_looked_up_in_its_order", &directory) else { return };
    let input = "10.9.0.1\n# comment\nnonsense\n10.0.1.0/30\n11.0.0.1\n10.7.0.9-10.7.0.10\n";
    let done = run(&mut rdns(&peer, &["--retries", "0"]), input);
    assert_eq!(
        text(&done.stdout),
        "10.9.0.1\thost.example\n10.0.1.0\t(no such name)\n10.0.1.1\t(no name)\n\
         10.0.1.2\ttwo.example\n10.0.1.3\t(no such name)\n11.0.0.1\t(refused)\n\
         10.7.0.9\thost.example\n10.7.0.10\thost.example\n"
    );
    let said = text(&done.stderr);
    assert!(said.contains("ropewalk: line 3: \"nonsense\" is no address, network or range\n"));
    assert!(said.contains("8 addresses in "), "{said}");
    assert!(said.contains(": 4 have names, 3 have none, 1 failed, 0 timed out; "), "{said}");
    assert!(said.trim_end().ends_with("1 bad lines"), "{said}");
    assert!(done.status.success());
    let csv = run(&mut rdns(&peer, &["--format", "csv", "-q"]), "10.9.0.1\n10.0.1.1\n");
    let expected = "address,status,names\n10.9.0.1,ok,host.example\n10.0.1.1,nodata,\n";
    assert_eq!((text(&csv.stdout), text(&csv.stderr)), (expected.to_owned(), String::new()));
}

#[test]
fn many_are_looked_up_in_either_order() {
    let directory = Directory::new();
    let Some(peer) = peer("many_are_looked_up_in_either_order", &directory) else { return };
    let expected: Vec<String> =
        (0..20_480).map(|n| format!("10.8.{}.{}\thost.example", n >> 8, n & 255)).collect();
    let input = "10.8.0.0/18\n10.8.64.0/20\n";
    let in_order = text(&run(&mut rdns(&peer, &["-q"]), input).stdout);
    assert_eq!(in_order.lines().collect::<Vec<_>>(), expected);
    let done = text(&run(&mut rdns(&peer, &["-q", "--order", "done"]), input).stdout);
    let (mut done, mut expected): (Vec<_>, Vec<_>) =
        (done.lines().collect(), expected.iter().map(String::as_str).collect());
    done.sort_unstable();
    expected.sort_unstable();
    assert_eq!(done, expected);
}

#[test]
fn what_was_stopped_is_resumed_with_no_line_lost_or_doubled() {
    let directory = Directory::new();
    let test = "what_was_stopped_is_resumed_with_no_line_lost_or_doubled";
    let Some(peer) = peer(test, &directory) else { return };
    let (input, output) = (directory.path("input"), directory.path("output"));
    fs::write(&input, "10.8.0.0/23\nbad\n10.9.0.0/23\n").expect("a file");
    let arguments = [input.as_str(), "-o", &output, "--rate", "1000", "--resume"];
    let mut stops = 0;
    let seen = || fs::read_to_string(&output).unwrap_or_default().lines().count();
    loop {
        let before = seen();
        let mut command = rdns(&peer, &arguments);
        let mut program = Program::start(command.stderr(Stdio::null()));
        // A few hundred more, and then it is stopped; the last of them are left to come to the end.
        if before < 700 {
            while seen() < before + 200 {
                std::thread::yield_now();
            }
            program.signal(Signal::INT);
        }
        match program.wait().code() {
            Some(130) => stops += 1,
            Some(0) => break,
            other => panic!("{other:?}"),
        }
        // As if the machine had stopped in the middle of a line.
        let text = fs::read_to_string(&output).expect("it is there");
        fs::write(&output, &text[..text.len() - 3]).expect("it is there");
        assert!(stops < 20);
    }
    assert!(stops > 1, "{stops}");
    let address =
        |n: usize| format!("10.{}.{}.{}\thost.example\n", 8 + n / 512, n / 256 % 2, n % 256);
    let whole: String = (0..1024).map(address).collect();
    assert_eq!(fs::read_to_string(&output).expect("it is there"), whole);

    // Another input is noticed.
    fs::write(&input, "10.8.0.0/24\n10.11.0.0/16\n").expect("a file");
    let other = rdns(&peer, &arguments).output().expect("it runs");
    let said = text(&other.stderr);
    assert!(said.contains("the output is not of this input, so it cannot be resumed"), "{said}");
    assert_eq!(other.status.code(), Some(2));
}

#[test]
fn what_is_asked_wrongly_is_told() {
    for (arguments, said) in [
        (&["--resume", "-o", "x", "--order", "done"][..], "--resume needs --order input"),
        (&["--timeout", "0"], "--timeout is a number of seconds"),
        (&["/no/such/file"], "open /no/such/file: No such file"),
        (&["-o", "/no/such/directory/x"], "open /no/such/directory/x: No such file"),
    ] {
        let wrong = ropewalk(&[&["rdns"], arguments].concat()).output().expect("it runs");
        let text = text(&wrong.stderr);
        assert!(text.starts_with(&format!("ropewalk: {said}")), "{text}");
        assert_eq!(wrong.status.code(), Some(2));
    }
}
