//! A real client on the server: weechat, without a terminal, on a socket of this machine.

use std::cell::RefCell;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ropewalk_core::{Loop, Wait};
use ropewalk_irc::network::{Event, Listener, Network, Notice, Registration, Server, Speech, User};
use ropewalk_irc::server::IrcFactory;
use ropewalk_net::new_loop;
use ropewalk_tls::endpoints;

use super::{limits, settings};
use crate::servers::programs::{Directory, has};

/// Longer than anything takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What somebody on the channel hears.
#[derive(Default)]
struct Ears(RefCell<Vec<String>>);

impl Ears {
    fn has(&self, what: &str) -> bool {
        self.0.borrow().iter().any(|heard| heard.starts_with(what))
    }
}

impl Listener for Ears {
    fn notified(&self, notice: &Notice) {
        let nick = notice.source().nick();
        self.0.borrow_mut().push(match notice.event() {
            Event::Joined { channel, .. } => format!("{nick} joins {channel}"),
            Event::Said { speech, .. } => format!("{nick}: {}", speech.text),
            Event::Quit { reason } => format!("{nick} quits: {reason}"),
            other => format!("{nick}: {other:?}"),
        });
    }
}

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill(); // It may have ended.
        let _ = self.0.wait();
    }
}

/// weechat, which joins `#ropes` and asks for all capabilities that it knows.
fn weechat(directory: &Path, port: u16) -> Program {
    let commands = [
        "/set logger.file.flush_delay 0".to_owned(),
        format!("/server add ours 127.0.0.1/{port} -notls -nicks=wanda -autojoin=#ropes"),
        "/set irc.server.ours.capabilities *".to_owned(),
        "/connect ours".to_owned(),
    ];
    let mut command = Command::new("weechat-headless");
    command
        .arg("--dir")
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for line in &commands {
        command.args(["--run-command", line]);
    }
    Program(command.spawn().expect("it is installed"))
}

#[track_caller]
fn turn_until(event_loop: &Loop, what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited for: {what}");
        let soon = event_loop.reactor().now() + Duration::from_millis(20);
        event_loop.turn(Wait::Until(soon)).expect("not busy").expect("it waits");
    }
}

fn say(user: &User, event_loop: &Loop, to: &str, text: &str) {
    let said = user.say(event_loop.reactor().now(), to, Speech::message(text));
    said.expect("they may");
}

#[test]
fn weechat_joins_talks_and_shows_what_is_said() {
    if !has("weechat_joins_talks_and_shows_what_is_said", "weechat-headless") {
        return;
    }
    let event_loop = new_loop(None).expect("there is a driver");
    let server = Server::on(&Network::new(limits()));
    let endpoint = endpoints(event_loop.reactor()).server("tcp:0:interface=127.0.0.1");
    let factory = IrcFactory::new(server.clone(), settings());
    let listening = event_loop.reactor().listen(&*endpoint.expect("an endpoint"), factory);
    let port = event_loop.run_until(listening).expect("there is a free port");
    let port = port.host().ip().expect("it is TCP").port();

    let ears = Rc::new(Ears::default());
    let now = event_loop.reactor().now();
    let alice = server.connect(now, &Registration::new("alice"), ears.clone());
    let alice = alice.expect("nobody else is there");
    alice.join(now, "#ropes", None).expect("it is made");

    let directory = Directory::new();
    let _weechat = weechat(directory.path(), port);
    turn_until(&event_loop, "weechat joins", || ears.has("wanda joins #ropes"));
    say(&alice, &event_loop, "#ropes", "good evening, grüße, 日本");
    say(&alice, &event_loop, "wanda", "\u{1}VERSION\u{1}");
    turn_until(&event_loop, "weechat answers", || ears.has("wanda: \u{1}VERSION WeeChat"));
    let log = directory.path().join("logs/irc.ours.#ropes.weechatlog");
    turn_until(&event_loop, "weechat shows it", || {
        std::fs::read_to_string(&log).is_ok_and(|shown| shown.contains("good evening, grüße, 日本"))
    });
    alice.make_operator().expect("she is there");
    alice.kill(event_loop.reactor().now(), "wanda", "the test is over").expect("she may");
    turn_until(&event_loop, "weechat is off", || ears.has("wanda quits: Killed"));
}
