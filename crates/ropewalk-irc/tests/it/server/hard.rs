//! The server under random and hostile input.

use std::time::SystemTime;

use proptest::prelude::*;
use ropewalk_core::FailureKind;
use ropewalk_irc::network::{Network, NetworkLimits, Server};
use ropewalk_irc::server::{IrcFactory, IrcLimits, IrcSettings};
use ropewalk_irc::{LineLimits, Message};
use ropewalk_testing::check_protocol;

use super::{Client, Hall, limits, settings};

fn factory() -> IrcFactory {
    let server = Server::with_calendar(&Network::new(limits()), || SystemTime::UNIX_EPOCH);
    IrcFactory::new(server, settings())
}

#[test]
fn a_session_is_the_same_however_its_bytes_are_cut() {
    let script = "CAP LS 302\r\nCAP REQ :labeled-response batch sasl\nNICK dan\r\nUSER d 0 * :D\u{e9}\r\n\
                  AUTHENTICATE PLAIN\r\nAUTHENTICATE AGRhbgBzZWNyZXQ=\r\nCAP END\r\n\
                  @label=1;+x JOIN #a,#b k\r\n\r\nMODE #a +kl x 5\nPRIVMSG #a :\u{1}ACTION x\u{1}\r\nQUIT :x\r\n";
    check_protocol(factory, script.as_bytes());
}

#[test]
fn malformed_lines_are_survived() {
    let hall = Hall::new();
    let client = hall.enter("dan");
    let pieces: &[&[u8]] = &[
        b"\r\n",
        b"\n\n\n",
        b"\0\r\n",
        b"@\r\n",
        b"@ \r\n",
        b"@a\r\n",
        b"@a=\\ PING\r\n",
        b":\r\n",
        b": \r\n",
        b":x\r\n",
        b": PING x\r\n",
        b"\x80\xff\r\n",
        b" PING x\r\n",
        b"PING\tx\r\n",
        b"JOIN \xc3\xa9\r\n",
        b"MODE #\r\n",
        b"JOIN #a\rQUIT\r\n",
        b"PRIVMSG #a :\r\r\n",
        b"@label=\\n PING x\r\n",
        b"CAP REQ :\r\n",
        b"CAP REQ : - --x \r\n",
        b"WHO %,\r\n",
        b"LIST ,,,!\r\n",
        b"MONITOR + ,,:\r\n",
        b"KICK , ,\r\n",
        b"MODE dan +-+-\r\n",
        b"MODE #a +bbb : : :\r\n",
        b"CHATHISTORY BETWEEN #a = = 99999999999999999999\r\n",
        b"INVITE : :\r\n",
        b"ISON :\r\n",
        b"USERHOST : : :\r\n",
        b"WHOIS a b c d e f\r\n",
        b"TOPIC : :\r\n",
        b"NAMES ,\r\n",
        b"SETNAME :\0\r\n",
        b"OPER : :\r\n",
        b"STATS :\r\n",
    ];
    for piece in pieces {
        hall.send_bytes(&client, piece);
        assert_eq!(client.lost(), None, "{}", piece.escape_ascii());
    }
    client.told();
    hall.check(&client, &[("PING x", &[":irc.test PONG irc.test :x"])]);
}

const COMMANDS: [&str; 45] = [
    "PRIVMSG",
    "NOTICE",
    "TAGMSG",
    "JOIN",
    "JOIN",
    "JOIN",
    "JOIN",
    "PART",
    "MODE",
    "MODE",
    "MODE",
    "WHO",
    "NICK",
    "AWAY",
    "TOPIC",
    "NAMES",
    "LIST",
    "KICK",
    "INVITE",
    "WHOIS",
    "WHOWAS",
    "ISON",
    "USERHOST",
    "MONITOR",
    "CHATHISTORY",
    "SETNAME",
    "OPER",
    "KILL",
    "WALLOPS",
    "LUSERS",
    "MOTD",
    "VERSION",
    "TIME",
    "ADMIN",
    "INFO",
    "LINKS",
    "STATS",
    "HELP",
    "PASS",
    "USER",
    "CAP",
    "AUTHENTICATE",
    "PING",
    "PONG",
    "QUIT",
];

const WORDS: [&str; 48] = [
    "#a",
    "#A",
    "#b",
    "#a,#b",
    "@#a",
    "+#b",
    "#",
    "##",
    "ann",
    "Bob",
    "carl",
    "ann,bob",
    "BOB,carl",
    "",
    ":",
    "::x",
    ":two words",
    "*",
    "0",
    "-1",
    "5",
    "+o",
    "-o+v",
    "+bbb",
    "b",
    "+kl",
    "+imnstC",
    "-imnst",
    "+eI",
    "+xyz",
    "*!*@*",
    "a!b@c",
    "LS",
    "REQ",
    ":batch -batch",
    "END",
    "302",
    "PLAIN",
    "LATEST",
    "BEFORE",
    "TARGETS",
    "msgid=1-1",
    "timestamp=2023-11-14T22:13:20.000Z",
    "root",
    "toor",
    "%tcuihsnfdlaor,1",
    "\u{e9}\u{301}\u{200b}",
    ":\u{1}ACTION \u{1}",
];

fn line() -> impl Strategy<Value = String> {
    let tags = prop::sample::select(vec![
        "",
        "",
        "",
        "@label=x ",
        "@+typing=active;a ",
        "@+x=\\:\\;label=y ",
    ]);
    let params = prop::collection::vec(prop::sample::select(&WORDS[..]), 0..5);
    let made = (tags, prop::sample::select(&COMMANDS[..]), params)
        .prop_map(|(tags, command, params)| format!("{tags}{command} {}", params.join(" ")));
    prop_oneof![
        20 => made,
        1 => "[^\r\n]{0,40}",
        1 => prop::collection::vec(prop::sample::select(&WORDS[..]), 0..60).prop_map(|w| w.join(" ")),
    ]
}

const ALL_CAPABILITIES: &str = "account-notify account-tag away-notify batch draft/chathistory echo-message extended-join \
     extended-monitor invite-notify labeled-response message-tags multi-prefix server-time setname \
     userhost-in-names";

/// Each line is one, is no longer than it may be, and comes from somebody.
fn check_lines(told: &[String]) {
    for line in told {
        let message = Message::parse(line, &LineLimits::FROM_SERVER);
        let message = message.unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let is_bare = message.is("PING") || message.is("ERROR");
        assert!(is_bare || message.source_str().is_some(), "{line:?}");
    }
}

/// Every batch that begins ends.
fn check_batches(told: &[String]) {
    let names = |sign: &str| {
        let of = |line: &String| {
            Some(line.split_once(&format!("BATCH {sign}"))?.1.split(' ').next()?.to_owned())
        };
        let mut names: Vec<String> = told.iter().filter_map(of).collect();
        names.sort();
        names
    };
    assert_eq!(names("+"), names("-"));
}

fn check_alive(hall: &Hall, clients: &[Client]) {
    let present = clients.iter().filter(|client| client.lost().is_none()).count();
    assert!(hall.server.counts().users <= present);
    for client in clients {
        let kind = client.lost();
        assert!(matches!(kind, None | Some(FailureKind::ConnectionDone)), "{kind:?}");
        let told = client.told();
        check_lines(&told);
        check_batches(&told);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_clients_say_what_they_are_told_is_irc(
        lines in prop::collection::vec((0..4_usize, line()), 1..100),
    ) {
        let own = IrcLimits { line_burst: 10_000, wrong_passwords_max: 100, ..IrcLimits::default() };
        let hall = Hall::with(NetworkLimits { masks_per_list_max: 3, ..limits() }, IrcSettings { limits: own, ..settings() });
        let mut clients = vec![
            hall.enter_with("ann", ALL_CAPABILITIES),
            hall.enter("Bob"),
            hall.enter_with("carl", "labeled-response batch"),
            hall.connect(),
        ];
        for (who, line) in &lines {
            if clients[*who].lost().is_some() {
                clients[*who] = hall.connect();
                hall.send(&clients[*who], &format!("NICK guest{who}"));
                hall.send(&clients[*who], "USER guest 0 * :Guest");
            }
            hall.send(&clients[*who], line);
        }
        check_alive(&hall, &clients);
        let connected = clients.iter().filter(|client| client.lost().is_none());
        connected.for_each(|client| client.log().transport().abort_connection());
        hall.settle();
        prop_assert_eq!(hall.server.counts().users, 0);
        prop_assert_eq!(hall.server.counts().channels, 0);
    }

    #[test]
    fn random_bytes_are_survived(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..20),
    ) {
        let hall = Hall::new();
        let (fresh, registered) = (hall.connect(), hall.enter("dan"));
        for chunk in &chunks {
            for client in [&fresh, &registered] {
                if client.lost().is_none() {
                    hall.send_bytes(client, chunk);
                }
            }
        }
        for client in [fresh, registered] {
            prop_assert!(matches!(client.lost(), None | Some(FailureKind::ConnectionDone)));
            check_lines(&client.told());
        }
    }
}
