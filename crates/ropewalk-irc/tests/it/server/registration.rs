//! How a connection becomes a user: `PASS`, `NICK`, `USER`, `CAP`, and what it is told then.

use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_framing::behind_proxy;
use ropewalk_irc::network::{Network, Server};
use ropewalk_irc::server::{IrcFactory, IrcSettings};
use ropewalk_testing::Conversation;

use super::{Hall, limits, settings};

#[test]
fn the_welcome_says_who_where_and_what_is_supported() {
    let hall = Hall::with(limits(), IrcSettings { motd: vec!["Hello.".into()], ..settings() });
    let client = hall.connect();
    hall.check(&client, &[("NICK dan", &[])]);
    let told = hall.ask(&client, "USER d 0 * :Dan Smith");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        told[..4],
        [
            ":irc.test 001 dan :Welcome to the Test Network, dan!~d@localhost".to_owned(),
            format!(":irc.test 002 dan :Your host is irc.test, running version ropewalk-{version}"),
            ":irc.test 003 dan :This server was created 2023-11-14T22:13:20.000Z".to_owned(),
            format!(":irc.test 004 dan irc.test ropewalk-{version} Biow CIbeiklmnostv Ibeklov"),
        ]
    );
    let support: Vec<&String> = told.iter().filter(|line| line.contains(" 005 ")).collect();
    let tokens: Vec<&str> = support.iter().flat_map(|line| line.split(' ').skip(3)).collect();
    for token in [
        "CASEMAPPING=ascii",
        "CHANMODES=Ibe,k,l,Cimnst",
        "CHANTYPES=#",
        "NETWORK=Test",
        "NICKLEN=32",
        "PREFIX=(ov)@+",
        "STATUSMSG=@+",
        "UTF8ONLY",
        "WHOX",
    ] {
        assert!(tokens.contains(&token), "{token} in {tokens:?}");
    }
    assert!(
        support
            .iter()
            .all(|line| line.split(" :").next().expect("a line").split(' ').count() <= 16)
    );
    assert_eq!(
        told[4 + support.len()..],
        [
            ":irc.test 251 dan :There are 1 users and 0 invisible on 1 servers",
            ":irc.test 255 dan :I have 1 clients and 0 servers",
            ":irc.test 265 dan 1 1 :Current local users 1, max 1",
            ":irc.test 266 dan 1 1 :Current global users 1, max 1",
            ":irc.test 375 dan :- irc.test Message of the day - ",
            ":irc.test 372 dan :- Hello.",
            ":irc.test 376 dan :End of /MOTD command",
        ]
    );
}

#[test]
fn what_is_wrong_before_registration_is_said_to_a_star() {
    let hall = Hall::new();
    let _alice = hall.enter("Alice");
    let client = hall.connect();
    let register = ":irc.test 451 * :You have not registered";
    let user = ":irc.test 461 * USER :Not enough parameters";
    let bad = |nick: &str| format!(":irc.test 432 * {nick} :Erroneous nickname");
    hall.check(
        &client,
        &[
            ("JOIN #ropes", &[register]),
            ("PRIVMSG alice :hello", &[register]),
            ("LUSERS", &[register]),
            ("NONSENSE", &[":irc.test 421 * NONSENSE :Unknown command"]),
            ("NICK", &[":irc.test 431 * :No nickname given"]),
            ("NICK :", &[":irc.test 431 * :No nickname given"]),
            ("NICK aLICE", &[":irc.test 433 * aLICE :Nickname is already in use"]),
            ("NICK 1dan", &[&bad("1dan")]),
            ("NICK #dan", &[&bad("#dan")]),
            ("NICK :d n", &[&bad("d")]),
            ("NICK *", &[&bad("*")]),
            ("NICK d@n", &[&bad("d@n")]),
            ("USER", &[user]),
            ("USER dan 0 *", &[user]),
            ("USER dan 0 * :", &[user]),
            ("USER :", &[user]),
            ("PASS", &[":irc.test 461 * PASS :Not enough parameters"]),
            ("PING 1", &[":irc.test PONG irc.test :1"]),
            ("PING", &[":irc.test 409 * :No origin specified"]),
            ("PONG", &[]),
            ("", &[]),
            ("   ", &[]),
            (":dan", &[]),
        ],
    );
    assert_eq!(client.lost(), None);
}

#[test]
fn commands_are_taken_in_any_case_and_order() {
    let hall = Hall::new();
    let client = hall.connect();
    hall.check(&client, &[("user d 0 * :Dan", &[])]);
    assert!(hall.ask(&client, ":x nIcK   dan")[0].starts_with(":irc.test 001 dan "));
    let again = ":irc.test 462 dan :You may not reregister";
    hall.check(&client, &[("USER d 0 * :Dan", &[again]), ("PASS x", &[again])]);
}

#[test]
fn who_is_slower_has_to_take_another_name() {
    let hall = Hall::new();
    let (slow, fast) = (hall.connect(), hall.connect());
    hall.check(&slow, &[("NICK dan", &[])]);
    hall.check(&fast, &[("NICK Dan", &[])]);
    assert!(hall.ask(&fast, "USER d 0 * :Dan")[0].contains(" 001 "));
    let taken = ":irc.test 433 * dan :Nickname is already in use";
    hall.check(&slow, &[("USER d 0 * :Dan", &[taken])]);
    hall.check(&slow, &[("JOIN #ropes", &[":irc.test 451 * :You have not registered"])]);
    assert!(hall.ask(&slow, "NICK daniel")[0].contains(" 001 daniel "));
}

#[test]
fn a_password_is_asked_for_if_there_is_one() {
    let hall = Hall::with(limits(), IrcSettings { password: Some("sesame".into()), ..settings() });
    for (password, is_right) in [(None, false), (Some("open"), false), (Some("sesame"), true)] {
        let client = hall.connect();
        if let Some(password) = password {
            hall.send(&client, &format!("PASS {password}"));
        }
        hall.send(&client, "NICK dan");
        let told = hall.ask(&client, "USER d 0 * :Dan");
        if is_right {
            assert!(told[0].contains(" 001 "));
        } else {
            let wrong =
                [":irc.test 464 * :Password incorrect", "ERROR :Closing link: Password incorrect"];
            assert_eq!(told, wrong);
            assert_eq!(client.lost(), Some(FailureKind::ConnectionDone));
        }
    }
}

#[test]
fn registration_waits_for_the_end_of_negotiation() {
    let hall = Hall::new();
    let client = hall.connect();
    let offered = "account-notify account-tag away-notify batch cap-notify draft/chathistory \
                   echo-message extended-join extended-monitor invite-notify labeled-response \
                   message-tags multi-prefix draft/no-implicit-names sasl=PLAIN server-time setname \
                   standard-replies userhost-in-names";
    hall.check(
        &client,
        &[
            ("CAP LS 302", &[&format!(":irc.test CAP * LS :{offered}")]),
            ("NICK dan", &[]),
            ("USER d 0 * :Dan", &[]),
            ("CAP LIST", &[":irc.test CAP * LIST :cap-notify"]),
            ("CAP REQ :server-time away-notify", &[":irc.test CAP * ACK :server-time away-notify"]),
            ("CAP REQ :-away-notify nonsense", &[":irc.test CAP * NAK :-away-notify nonsense"]),
            ("CAP LIST", &[":irc.test CAP * LIST :away-notify cap-notify server-time"]),
            ("CAP REQ :-away-notify", &[":irc.test CAP * ACK :-away-notify"]),
            ("CAP REQ :-cap-notify", &[":irc.test CAP * ACK :-cap-notify"]),
            ("CAP LIST", &[":irc.test CAP * LIST :cap-notify server-time"]),
            ("CAP NONSENSE", &[":irc.test 410 * NONSENSE :Invalid CAP command"]),
            ("CAP", &[":irc.test 461 * CAP :Not enough parameters"]),
        ],
    );
    assert!(hall.ask(&client, "CAP END")[0].contains(" 001 dan "));
    hall.check(&client, &[("CAP END", &[]), ("CAP REQ :batch", &[":irc.test CAP dan ACK :batch"])]);
}

#[test]
fn an_old_client_is_told_no_values() {
    let hall = Hall::new();
    let told = hall.ask(&hall.connect(), "CAP LS");
    assert!(told[0].contains(" sasl ") && !told[0].contains('='), "{told:?}");
}

#[test]
fn who_does_not_register_is_lost() {
    let hall = Hall::new();
    let client = hall.connect();
    hall.send(&client, "NICK dan");
    hall.advance(Duration::from_secs(59));
    assert_eq!(client.lost(), None);
    hall.advance(Duration::from_secs(2));
    assert_eq!(client.told(), ["ERROR :Closing link: Registration timed out"]);
    assert_eq!(client.lost(), Some(FailureKind::ConnectionDone));
}

#[test]
fn who_is_silent_is_asked_and_then_lost() {
    let hall = Hall::new();
    let (alice, dan) = (hall.enter_ropes("alice"), hall.enter_ropes("dan"));
    alice.told();
    hall.advance(Duration::from_secs(121));
    assert_eq!(dan.told(), ["PING :irc.test"]);
    hall.check(&alice, &[("PONG :irc.test", &[])]);
    hall.advance(Duration::from_secs(60));
    let lost = "Ping timeout: 180 seconds";
    assert_eq!(dan.told(), [format!("ERROR :Closing link: {lost}")]);
    assert_eq!(alice.told(), [format!(":dan!~user@localhost QUIT :{lost}")]);
}

#[test]
fn who_answers_is_asked_again_another_time() {
    let hall = Hall::new();
    let dan = hall.enter("dan");
    for _ in 0..3 {
        hall.advance(Duration::from_secs(121));
        hall.check(&dan, &[("PONG :irc.test", &[])]);
    }
    hall.advance(Duration::from_secs(122));
    assert_eq!(dan.told(), ["PING :irc.test"]);
    hall.advance(Duration::from_secs(50));
    assert_eq!(dan.lost(), None);
}

#[test]
fn who_is_not_silent_is_not_asked() {
    let hall = Hall::new();
    let dan = hall.enter("dan");
    for _ in 0..10 {
        hall.advance(Duration::from_secs(100));
        hall.check(&dan, &[("PING x", &[":irc.test PONG irc.test :x"])]);
    }
}

#[test]
fn who_quits_is_told_goodbye_and_the_others_why() {
    let hall = Hall::new();
    let (alice, bob, carol) =
        (hall.enter_ropes("alice"), hall.enter_ropes("bob"), hall.enter_ropes("carol"));
    alice.told();
    hall.check(&bob, &[("QUIT :supper", &["ERROR :Closing link: Quit: supper"])]);
    assert_eq!(bob.lost(), Some(FailureKind::ConnectionDone));
    carol.log().transport().abort_connection();
    hall.settle();
    let quits =
        [":bob!~user@localhost QUIT :Quit: supper", ":carol!~user@localhost QUIT :Connection lost"];
    assert_eq!(alice.told(), quits);
    let unregistered = hall.connect();
    hall.check(&unregistered, &[("QUIT", &["ERROR :Closing link: Quit"])]);
    assert!(hall.ask(&alice, "LUSERS").iter().all(|line| !line.contains(" 253 ")));
}

#[test]
fn a_servers_name_is_one_word_whatever_it_is_set_to() {
    let hall =
        Hall::with(limits(), IrcSettings { server_name: "my server\r\n".into(), ..settings() });
    let client = hall.connect();
    hall.check(&client, &[("PING x", &[":my_server__ PONG my_server__ :x"])]);
}

/// The host that is shown of who comes from there, through a proxy.
fn shown_host(address: &str, hides_hosts: bool) -> String {
    let server = Server::on(&Network::with_host_secret(limits(), b"sesame"));
    let factory = IrcFactory::new(server, IrcSettings { hides_hosts, ..settings() });
    let talk = Conversation::new(behind_proxy(factory));
    let family = if address.contains(':') { "TCP6" } else { "TCP4" };
    talk.feed(format!("PROXY {family} {address} {address} 1 2\r\n").as_bytes());
    talk.feed(b"NICK dan\r\nUSER d 0 * :Dan\r\n");
    let told = String::from_utf8(talk.written()).expect("it is UTF-8");
    let welcome = told.lines().next().expect("there is a welcome");
    welcome.rsplit_once('@').expect("there is a host").1.to_owned()
}

#[test]
fn a_proxy_says_where_a_client_is_and_others_do_not_see_it() {
    assert_eq!(shown_host("192.0.2.7", false), "192.0.2.7");
    assert_eq!(shown_host("2001:db8::7", false), "2001:db8::7");
    assert_eq!(shown_host("::1", false), "0::1", "no parameter begins with a colon");
    assert_eq!(shown_host("::ffff:192.0.2.7", false), "192.0.2.7");
    let hidden = shown_host("192.0.2.7", true);
    assert!(hidden.ends_with(".irc") && !hidden.contains("192"), "{hidden}");
    assert_eq!(hidden, shown_host("192.0.2.7", true), "so that a ban holds");
    assert_ne!(hidden, shown_host("192.0.2.8", true));
}
