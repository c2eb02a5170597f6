//! Help, and what is said of mistakes.

use std::net::TcpListener;

use crate::program::{Directory, ropewalk};

/// Runs a command that ends by itself; gives its exit status and what it wrote.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = ropewalk(arguments).output().expect("it can be started");
    let text = |bytes| String::from_utf8(bytes).expect("it is UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn assert_mistake(arguments: &[&str], what: &str) {
    let (status, stdout, stderr) = run(arguments);
    assert_eq!(status, Some(2), "{arguments:?}: {stderr}");
    assert_eq!((stderr.lines().count(), stdout.as_str()), (1, ""), "{arguments:?}: {stderr}");
    assert!(stderr.starts_with("ropewalk: ") && stderr.contains(what), "{stderr}");
}

/// As [`assert_mistake`], of a program that has spoken on its standard output already.
#[track_caller]
fn assert_mistake_after_words(arguments: &[&str]) {
    let (status, _, stderr) = run(arguments);
    assert_eq!((status, stderr.lines().count()), (Some(2), 1), "{arguments:?}: {stderr}");
}

#[test]
fn help_names_what_can_be_said() {
    for (arguments, what) in [
        (&["--help"][..], "chat"),
        (&["help"], "echo"),
        (&["echo", "--help"], "--listen"),
        (&["chat", "--help"], "tcp:8023:interface=127.0.0.1"),
        (&["--version"], "ropewalk "),
    ] {
        let (status, stdout, stderr) = run(arguments);
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(stdout.contains(what), "{arguments:?}: {stdout}");
    }
}

#[test]
fn a_mistake_is_one_line_and_status_2() {
    assert_mistake(&[], "subcommand");
    assert_mistake(&["dance"], "'dance'");
    assert_mistake(&["echo", "--loud"], "'--loud'");
    assert_mistake(&["chat", "--listen"], "value is required");
    assert_mistake(&["--reactor", "perpetuum", "echo"], "there are epoll, uring, poll, select");
    for program in ["echo", "chat"] {
        assert_mistake(&[program, "--listen", "tcp:http"], "at character 5");
        assert_mistake(&[program, "--listen", ""], "");
        assert_mistake(&[program, "--listen", "carrier-pigeon:7"], "carrier-pigeon");
        assert_mistake(&[program, "--listen", "tcp:80:color=red"], "color");
        assert_mistake(&[program, "--listen", "tcp:0:interface=192.0.2.1"], "192.0.2.1");
    }
}

#[test]
fn a_port_in_use_is_one_line_and_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it has one").port().to_string();
    for program in ["echo", "chat"] {
        let endpoint = format!("tcp:{port}:interface=127.0.0.1");
        assert_mistake(
            &[program, "--listen", &endpoint],
            &format!("ropewalk: listen on tcp 127.0.0.1:{port}"),
        );
    }
}

#[test]
fn a_file_where_a_socket_should_be_is_one_line_and_left_alone() {
    let directory = Directory::new();
    let path = directory.path("file");
    std::fs::write(&path, "precious").expect("it can be written");
    assert_mistake(&["chat", "--listen", &format!("unix:{path}")], &path);
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "precious");
}

#[test]
fn standard_input_twice_is_one_line_and_status_2() {
    for program in ["echo", "chat"] {
        assert_mistake_after_words(&[program, "--listen", "stdio:", "--listen", "stdio:"]);
    }
}
