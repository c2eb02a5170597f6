//! The chat's page in Chromium, which `browser_pages.cjs` beside this file operates as people do, by Playwright.
//!
//! With `ROPEWALK_PICTURES=DIRECTORY`, pictures of the page are written there, for the docs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::program::{Program, has, note_skip, serve_tcp};

/// Where the library that operates Chromium is; it is fetched the first time.
pub(crate) fn playwright(test: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("playwright");
    let modules = place.join("node_modules");
    if modules.join("playwright-core/package.json").is_file() {
        return Some(modules);
    }
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"]).arg(&place);
    let installed = install.arg("playwright-core@1.65.1").stdout(Stdio::null()).status();
    if installed.is_ok_and(|status| status.success()) {
        return Some(modules);
    }
    note_skip(test, "playwright-core");
    None
}

#[test]
fn two_pages_and_a_line_talk_and_a_page_comes_back_without_loss() {
    spend_an_evening("two_pages_and_a_line_talk_and_a_page_comes_back_without_loss", "");
}

#[test]
fn a_page_by_server_sent_events_is_the_same() {
    spend_an_evening("a_page_by_server_sent_events_is_the_same", "?transport=sse");
}

/// `query` stands behind the URL of the page on the phone.
fn spend_an_evening(test: &str, query: &str) {
    if !["chromium", "node", "npm"].into_iter().all(|name| has(test, name)) {
        return;
    }
    let Some(modules) = playwright(test) else { return };
    let (mut server, lines) = serve_tcp(&["chat", "--web", "tcp:0:interface=127.0.0.1"]);
    server.expect("or open: ");
    let url = server.expect("\n");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/browser_pages.cjs");
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules).arg(script);
    command.args([url.trim(), &lines.port().to_string(), query]);
    let mut people = Program::start(&mut command);
    people.expect("stop the server\n");
    server.signal(Signal::TERM);
    assert!(people.wait().success(), "what went wrong is in its error output");
    assert!(server.wait().success());
}
