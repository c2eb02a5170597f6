//! The chat's page, for curl as the browser; the room is the same as the lines'.

use std::process::{Command, Stdio};

use crate::program::{Program, has, serve_tcp};

/// The room with both its doors: the lines' address and the page's.
fn chat() -> (Program, String, String) {
    let (mut server, address) = serve_tcp(&["chat", "--web", "tcp:0:interface=127.0.0.1"]);
    server.expect("or open: ");
    let url = server.expect("/\n");
    (server, address.to_string(), url.trim_end_matches("/\n").to_owned())
}

/// What curl gets, and the status on a line of its own.
fn asking(arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(["-sS", "-m", "30", "-w", "\n%{http_code}"]).args(arguments);
    command
}

fn ask(arguments: &[&str]) -> String {
    let output = asking(arguments).stderr(Stdio::inherit()).output().expect("curl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Comes in by the page as `name`; gives the token.
fn join(url: &str, name: &str) -> String {
    let answer = ask(&["-d", &format!("name={name}"), &format!("{url}/join")]);
    let (_, rest) = answer.split_once("\"token\":\"").unwrap_or_else(|| panic!("{answer}"));
    rest.split('"').next().expect("a token").to_owned()
}

/// The field that says who asks.
fn field(token: &str) -> String {
    format!("Chat-Token: {token}")
}

fn say(url: &str, token: &str, text: &str) -> String {
    let text = format!("text={text}");
    let room = ["--data-urlencode", "room=#lobby", "--data-urlencode", &text];
    ask(&[&["-H", &field(token)], &room[..], &[&format!("{url}/say")]].concat())
}

#[test]
fn a_browser_and_a_line_talk_to_each_other() {
    let test = "a_browser_and_a_line_talk_to_each_other";
    if !has(test, "curl") || !has(test, "nc") {
        return;
    }
    let (_server, address, url) = chat();
    let (host, port) = address.split_once(':').expect("a host and a port");
    let mut alice = Program::start(Command::new("nc").args([host, port]));
    alice.expect("What is your name?\r\n");
    alice.say("alice");
    alice.expect(" here: ");

    let token = join(&url, "bob");
    alice.expect("*** bob has joined\r\n");
    say(&url, &token, "good <evening> & \"more\"");
    alice.expect("<bob> good <evening> & \"more\"\r\n");

    // What was not seen is given at once, and again until the browser says that it has it.
    let (news, own) = (format!("{url}/news?since="), field(&token));
    for _ in 0..2 {
        let first = ask(&["-H", &own, &format!("{news}0")]);
        assert!(first.contains("{\"n\":1,") && first.contains("\"kind\":\"room\""), "{first}");
        assert!(first.contains("{\"n\":2,") && first.contains("\"name\":\"bob\""), "{first}");
        assert!(!first.contains("\"n\":3"), "{first}");
    }
    // Then a poll waits, and is answered by what is said, which stands in it once.
    let mut poll = Program::start(&mut asking(&["-H", &own, &format!("{news}2")]));
    alice.say("hello bob");
    let shown = poll.expect("\n200");
    assert!(shown.starts_with("[{\"n\":3,") && shown.contains("\"text\":\"hello bob\""), "{shown}");
    assert_eq!(shown.matches("hello bob").count(), 1, "{shown}");
    assert!(poll.wait().success());

    // Server-sent events go on from the one that was seen last.
    let events = ["-N", "-H", &own, "-H", "Last-Event-ID: 2", &format!("{url}/events")];
    let mut stream = Program::start(&mut asking(&events));
    stream.expect("id: 3\n");
    alice.say("/me waves");
    stream.expect("\"kind\":\"acted\",\"n");

    ask(&["-d", &format!("token={token}"), &format!("{url}/leave")]);
    alice.expect("*** bob has left (quit)\r\n");
}

#[test]
fn nobody_comes_in_who_may_not() {
    if !has("nobody_comes_in_who_may_not", "curl") {
        return;
    }
    let (_server, _, url) = chat();
    let token = join(&url, "bob");
    let join = format!("{url}/join");
    let refused = |arguments: &[&str], status: &str| {
        let answer = ask(arguments);
        assert!(answer.ends_with(&format!("\n{status}")), "{arguments:?}: {answer}");
    };
    refused(&["-d", "name=BOB", &join], "409");
    refused(&["-d", "name=", &join], "422");
    refused(&["-d", "name=eve", "-H", "Origin: http://elsewhere.example", &join], "403");
    let long = format!("name={}", "x".repeat(20_000));
    refused(&["-d", &long, &join], "413");
    refused(&["-H", "Chat-Token: guessed", &format!("{url}/news")], "410");
    refused(&[&format!("{url}/news?token={token}")], "410"); // What stands in a URL is no token.
    refused(&["-d", "token=guessed&text=hello", &format!("{url}/say")], "410");
    assert!(say(&url, &token, "still here").ends_with("\n200"));
}
