//! CGI, with real programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use ropewalk_http::{Ask, Method};
use ropewalk_web::{Cgi, CgiOptions, Compression, Site, Tree};

use crate::rig::{TempDir, World};

fn program(directory: &TempDir, name: &str, text: &str) {
    let path = directory.write(name, format!("#!/bin/sh\n{text}"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

fn programs() -> TempDir {
    let directory = TempDir::new();
    program(&directory, "env", "printf 'Content-Type: text/plain\\r\\n\\r\\n'; env");
    program(&directory, "cat", "printf 'Status: 201 Made\\nX-Own: 1\\n\\n'; cat");
    program(&directory, "deaf", "printf 'Content-Type: text/plain\\n\\nnot read'");
    program(&directory, "moves", "printf 'Location: /elsewhere\\n\\n'");
    program(&directory, "silent", "exit 0");
    program(&directory, "broken", "echo no colon; echo");
    program(&directory, "slow", "exec sleep 1000");
    program(&directory, "long", "printf 'Content-Type: x/y\\n\\n'; head -c 3000000 /dev/zero");
    let raw = "printf 'HTTP/1.1 218 Own\\r\\nX-Raw: 1\\r\\nConnection: close\\r\\n\\r\\nas it is'";
    program(&directory, "nph-raw", raw);
    program(&directory, "nph-silent", "exit 0");
    directory.write("not-executable", "x");
    directory
}

#[test]
fn programs_answer() {
    let (world, directory) = (World::new(), programs());
    let url = world.serve(Tree::new().with_child("cgi", Cgi::new(directory.path(), &world.pool)));
    let response = world.ask(
        Method::GET,
        &format!("{url}/cgi/env/a%20b/c?x=1&y"),
        &[("x-own-field", "v"), ("proxy", "evil"), ("authorization", "Basic eA==")],
    );
    let (status, text) = world.read(response);
    assert_eq!(status, 200);
    for line in [
        "GATEWAY_INTERFACE=CGI/1.1",
        "REQUEST_METHOD=GET",
        "SCRIPT_NAME=/cgi/env",
        "PATH_INFO=/a b/c",
        "QUERY_STRING=x=1&y",
        "HTTP_X_OWN_FIELD=v",
        "SERVER_PROTOCOL=HTTP/1.1",
        "REMOTE_ADDR=127.0.0.1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    assert!(
        !text.contains("HTTP_PROXY") && !text.contains("AUTHORIZATION") && !text.contains("HOME=")
    );
    let mut ask = Ask::new(Method::POST, &format!("{url}/cgi/cat")).expect("a URL");
    ask.content = vec![b'x'; 1_000_000].into();
    let response = world.run(world.agent.ask(ask)).expect("an answer");
    assert_eq!((response.status.as_u16(), response.header("x-own")), (201, Some("1")));
    assert_eq!(world.read(response).1.len(), 1_000_000);
    let mut ask = Ask::new(Method::POST, &format!("{url}/cgi/deaf")).expect("a URL");
    ask.content = vec![b'x'; 100_000].into();
    let response = world.run(world.agent.ask(ask)).expect("an answer");
    assert_eq!(world.read(response).1, "not read");
    assert_eq!(world.get(&format!("{url}/cgi/long")).1.len(), 3_000_000);
    let moves = world.ask(Method::GET, &format!("{url}/cgi/moves"), &[]);
    assert_eq!((moves.status.as_u16(), moves.header("location")), (302, Some("/elsewhere")));
}

#[test]
fn programs_that_do_not_answer_are_errors_and_are_ended() {
    let (world, directory) = (World::new(), programs());
    let options = CgiOptions { timeout: Duration::from_millis(300), ..CgiOptions::default() };
    let cgi = Cgi::with_options(directory.path(), &world.pool, options);
    let url = world.serve(Tree::new().with_child("cgi", cgi));
    for (name, status) in [
        ("silent", 502),
        ("nph-silent", 502),
        ("broken", 502),
        ("slow", 504),
        ("nothing", 404),
        ("not-executable", 403),
        ("..%2f..%2fbin%2fsh", 404),
        (".hidden", 404),
        ("", 404),
    ] {
        assert_eq!(world.get(&format!("{url}/cgi/{name}")).0, status, "{name}");
    }
}

#[test]
fn a_program_that_speaks_http_itself_is_not_edited() {
    let (world, directory) = (World::new(), programs());
    let cgi = Cgi::new(directory.path(), &world.pool);
    let mut site = Site::new(cgi);
    site.compression = Some(Compression::default());
    let url = world.serve_site(site);
    for _ in 0..2 {
        let fields = [("accept-encoding", "gzip")];
        let response = world.ask(Method::GET, &format!("{url}/nph-raw"), &fields);
        assert_eq!((response.status.as_u16(), response.header("x-raw")), (218, Some("1")));
        assert_eq!((response.header("date"), response.header("vary")), (None, None));
        assert_eq!(world.read(response).1, "as it is");
    }
}

#[test]
fn fields_cannot_pretend_to_be_others_and_repeated_ones_are_joined() {
    let (world, directory) = (World::new(), programs());
    let url = world.serve(Tree::new().with_child("cgi", Cgi::new(directory.path(), &world.pool)));
    let fields = [("x-real-ip", "1"), ("x_real_ip", "2"), ("x-list", "a"), ("x-list", "b")];
    let (_, text) = world.read(world.ask(Method::GET, &format!("{url}/cgi/env"), &fields));
    for line in ["HTTP_X_REAL_IP=1", "HTTP_X_LIST=a, b"] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}

#[test]
fn a_program_whose_client_reads_slowly_is_not_late() {
    let (world, directory) = (World::new(), programs());
    let options = CgiOptions { timeout: Duration::from_secs(1), ..CgiOptions::default() };
    let cgi = Cgi::with_options(directory.path(), &world.pool, options);
    let url = world.serve(Tree::new().with_child("cgi", cgi));
    program(&directory, "huge", "printf 'Content-Type: x/y\\n\\n'; head -c 30000000 /dev/zero");
    let response = world.ask(Method::GET, &format!("{url}/cgi/huge"), &[]);
    let later =
        ropewalk_core::defer_later(world.main_loop.reactor(), Duration::from_secs(2), || ());
    world.run(later).expect("time passes");
    assert_eq!(world.read(response).1.len(), 30_000_000);
}
