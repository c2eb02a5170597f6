//! `ropewalk chat`, for people by lines and by IRC at the same time, and over a restart.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{Directory, Program, has, ropewalk, serve};

const ANY_PORT: &str = "tcp:0:interface=127.0.0.1";

/// A chat for lines and IRC; gives the ports of both.
fn chat(more: &[&str]) -> (Program, String, String) {
    let arguments = [&["chat", "--listen", ANY_PORT, "--irc", ANY_PORT], more].concat();
    let (mut server, lines) = serve(&arguments);
    server.expect("listening on irc ");
    let irc = server.expect("\n");
    let port = |address: &str| address.trim().rsplit(':').next().expect("a port").to_owned();
    (server, port(&lines), port(&irc))
}

fn nc(port: &str) -> Program {
    Program::start(Command::new("nc").args(["127.0.0.1", port]))
}

fn by_lines(port: &str, name: &str) -> Program {
    let mut person = nc(port);
    person.expect("What is your name?\r\n");
    person.say(name);
    person.expect(" here: ");
    person
}

#[test]
fn lines_and_irc_are_in_the_same_rooms() {
    if !has("lines_and_irc_are_in_the_same_rooms", "nc") {
        return;
    }
    let (_server, lines, irc) = chat(&[]);
    let mut alice = by_lines(&lines, "alice");
    let mut irene = nc(&irc);
    irene.say("NICK irene\r\nUSER irene 0 * :Irene\r\nJOIN #lobby\r");
    irene.expect(" JOIN #lobby\r\n");
    alice.expect("*** irene has joined\r\n");
    irene.say("PRIVMSG #lobby :\u{1}ACTION waves\u{1}\r");
    alice.expect("* irene waves\r\n");
    alice.say("/topic boats");
    irene.expect(" TOPIC #lobby :boats\r\n");
    alice.say("/msg irene psst");
    irene.expect(" PRIVMSG irene :psst\r\n");
    irene.say("NICK ALICE\r");
    irene.expect(" 433 ");
    alice.say("/nick IRENE");
    alice.expect("*** Not done: somebody has that name already.\r\n");
    irene.say("JOIN #boats\r");
    irene.expect(" JOIN #boats\r\n");
    alice.say("/join boats");
    alice.expect("*** 2 here: alice, irene\r\n");
    irene.say("KICK #boats alice :full\r");
    alice.expect("*** irene has sent alice away (full)\r\n");
    irene.say("QUIT :gone fishing\r");
    alice.expect("irene has left (Quit: gone fishing)\r\n");
}

/// irssi in a terminal of its own. It ends with this.
struct Irssi {
    /// The socket of its terminal's server, which is nobody else's.
    socket: String,
    _home: Directory,
}

impl Irssi {
    fn start(port: &str, nick: &str) -> Self {
        let home = Directory::new();
        let socket = home.path("tmux");
        let irssi = format!("irssi --home={} -c 127.0.0.1 -p {port} -n {nick}", home.path("irssi"));
        let terminal = Self { socket, _home: home };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "50", &irssi]);
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-u", "-S", &self.socket]).args(arguments).output();
        String::from_utf8_lossy(&output.expect("it runs").stdout).into_owned()
    }

    fn type_line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Waits until its screen shows `text`.
    #[track_caller]
    fn shows(&self, text: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if screen.contains(text) {
                return;
            }
            assert!(Instant::now() < end, "no {text:?} on the screen:\n{screen}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Irssi {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn irssi_is_in_the_same_room_and_both_see_both() {
    let test = "irssi_is_in_the_same_room_and_both_see_both";
    if !["nc", "tmux", "irssi"].into_iter().all(|name| has(test, name)) {
        return;
    }
    let (_server, lines, irc) = chat(&[]);
    let mut alice = by_lines(&lines, "alice");
    let irene = Irssi::start(&irc, "irene");
    irene.shows("Welcome to the ");
    irene.type_line("/join #lobby");
    alice.expect("*** irene has joined\r\n");
    irene.shows("[#lobby]");
    irene.type_line("good evening");
    alice.expect("<irene> good evening\r\n");
    irene.type_line("/me rows");
    alice.expect("* irene rows\r\n");
    alice.say("good evening, naïve 日本");
    irene.shows("good evening, naïve 日本");
    alice.say("/topic boats & ropes");
    irene.shows("boats & ropes");
    irene.type_line("/quit");
    alice.expect("*** irene has left (");
}

#[test]
fn what_was_said_is_there_after_a_restart() {
    if !has("what_was_said_is_there_after_a_restart", "nc") {
        return;
    }
    let directory = Directory::new();
    let file = directory.path("history.db");
    for (round, word) in ["one", "two", "three"].into_iter().enumerate() {
        let (mut server, lines, _) = chat(&["--history", &file, "--workers", "2"]);
        let mut alice = by_lines(&lines, "alice");
        if round > 0 {
            alice.say("/history");
            alice.expect("<alice> one\r\n");
        }
        if round > 1 {
            alice.expect("<alice> two\r\n");
        }
        alice.say(word);
        alice.say("/who"); // Once this is answered, it was said.
        alice.expect("1 here");
        server.signal(Signal::TERM);
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn a_client_of_irc_reads_what_was_said_before_a_restart() {
    if !has("a_client_of_irc_reads_what_was_said_before_a_restart", "nc") {
        return;
    }
    let directory = Directory::new();
    let file = directory.path("history.db");
    {
        let (mut server, lines, _) = chat(&["--history", &file]);
        let mut alice = by_lines(&lines, "alice");
        alice.say("/join boats");
        alice.expect("1 here");
        for line in ["one", "/topic ropes", "/me two", "/who"] {
            alice.say(line);
        }
        alice.expect("1 here"); // Now all of it was said.
        server.signal(Signal::TERM);
        assert_eq!(server.wait().code(), Some(0));
    }
    let (_server, _, irc) = chat(&["--history", &file]);
    let mut irene = nc(&irc);
    irene.say(
        "CAP REQ :batch draft/chathistory\r\nNICK irene\r\nUSER irene 0 * :Irene\r\nCAP END\r",
    );
    irene.say("JOIN #boats\r\nPRIVMSG #boats :three\r\nCHATHISTORY LATEST #boats * 50\r");
    irene.expect(" chathistory #boats\r\n");
    let page = irene.expect("BATCH -");
    let said = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?} in {page}"));
    let places =
        [" PRIVMSG #boats :one\r", " PRIVMSG #boats :\u{1}ACTION two", " PRIVMSG #boats :three\r"];
    assert!(places.map(said).is_sorted(), "{page}");
    assert!(!page.contains("ropes"), "{page}");
}

#[test]
fn a_history_that_cannot_be_is_one_line() {
    let directory = Directory::new();
    let letter = directory.path("letter.txt");
    std::fs::write(&letter, "Dear mother, this is no database.\n".repeat(50)).expect("a file");
    for (file, why) in
        [(directory.path("no/where.db"), "cannot be opened"), (letter, "it is no SQLite file")]
    {
        let output = ropewalk(&["chat", "--listen", ANY_PORT, "--history", &file]).output();
        let output = output.expect("it can be started");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(stderr.starts_with("ropewalk: ") && stderr.contains(why), "{stderr}");
    }
}

#[test]
fn the_irc_server_is_what_its_settings_say() {
    if !has("the_irc_server_is_what_its_settings_say", "nc") {
        return;
    }
    let directory = Directory::new();
    let file = directory.path("irc.toml");
    let settings = "name = 'irc.harbour'\nnetwork = 'Harbour'\nmotd = '''\nMind the\ngap.'''\n\
        password = 'all hands'\n\
        [[operator]]\nname = 'captain'\npassword = 'ahoy'\n\
        [[account]]\nname = 'irene'\npassword = 'rope'\n";
    std::fs::write(&file, settings).expect("a file");
    let (_server, _, irc) = chat(&["--irc-settings", &file]);
    let mut stranger = nc(&irc);
    stranger.say("NICK stranger\r\nUSER s 0 * :S\r");
    stranger.expect(":irc.harbour 464 ");
    let mut irene = nc(&irc);
    irene.say("PASS :all hands\r\nCAP REQ sasl\r\nNICK irene\r\nUSER irene 0 * :Irene\r");
    irene.expect(" ACK :sasl\r\n");
    irene.say("AUTHENTICATE PLAIN\r\nAUTHENTICATE AGlyZW5lAHJvcGU=\r\nCAP END\r"); // \0irene\0rope
    irene.expect(" 900 ");
    irene.expect(" 903 ");
    irene.expect("Harbour");
    irene.expect(" 372 irene :- gap.\r\n");
    irene.say("OPER captain avast\r");
    irene.expect(" 464 ");
    irene.say("OPER captain ahoy\r");
    irene.expect(" 381 ");

    std::fs::write(&file, "behind_proxy = true\n").expect("a file");
    let (_server, _, irc) = chat(&["--irc-settings", &file]);
    let mut far = nc(&irc);
    far.say("PROXY TCP4 192.0.2.7 192.0.2.1 4000 6667\r\nNICK far\r\nUSER f 0 * :F\r\nWHOIS far\r");
    far.expect(" 001 far ");

    std::fs::write(&file, "\nnetwrk = 'x'\n").expect("a file");
    let refused = ropewalk(&["chat", "--irc", ANY_PORT, "--irc-settings", &file]).output();
    let refused = refused.expect("it can be started");
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!((refused.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    assert!(stderr.contains("irc.toml, line 2: ") && stderr.contains("netwrk"), "{stderr}");
}
