//! What members who come by lines see of each other.

use ropewalk_core::FailureKind;

use crate::evening::Evening;

#[test]
fn three_people_spend_an_evening() {
    let evening = Evening::new();
    let (alice, bob) = (evening.join("alice"), evening.join("Bob"));
    let carol = evening.connect();
    assert_eq!(carol.shown(), ["*** Welcome to the room. What is your name?"]);
    evening.say(&carol, "carol");
    assert_eq!(
        carol.shown(),
        ["*** Hello carol. /help says what can be done.", "*** 3 here: alice, Bob, carol"]
    );
    assert_eq!(alice.shown(), ["*** Bob has joined", "*** carol has joined"]);
    bob.shown();

    evening.say(&alice, "good evening");
    evening.say(&bob, "/me bows");
    evening.say(&carol, "/nick caroline");
    evening.say(&alice, "/msg CAROLINE hush");
    evening.say(&bob, "//quit is how to leave");
    evening.say(&bob, "/quit");

    assert_eq!(
        alice.shown(),
        [
            "* Bob bows",
            "*** carol is now called caroline",
            "*** caroline was told.",
            "<Bob> /quit is how to leave",
            "*** Bob has left (quit)",
        ]
    );
    assert_eq!(
        carol.shown(),
        [
            "<alice> good evening",
            "* Bob bows",
            "*** You are now called caroline.",
            "[alice] hush",
            "<Bob> /quit is how to leave",
            "*** Bob has left (quit)",
        ]
    );
    assert_eq!(
        bob.shown(),
        ["<alice> good evening", "*** carol is now called caroline", "*** Goodbye.",]
    );
    assert_eq!(bob.lost(), Some(FailureKind::ConnectionDone));
    evening.say(&alice, "/who");
    assert_eq!(alice.shown(), ["*** 2 here: alice, caroline"]);
}

#[test]
fn a_name_that_is_taken_is_asked_for_again() {
    let evening = Evening::new();
    let alice = evening.join("alice");
    let other = evening.connect();
    other.shown();
    for (name, why) in [
        ("ALICE", "somebody has that name already"),
        ("al ice", "a name cannot have  "),
        ("al\u{1b}[2J", "a name cannot have \\u{1b}"),
        ("abcdefghijklmnopqrstuvwxyz1234567", "a name has at most 32 bytes"),
    ] {
        evening.say(&other, name);
        assert_eq!(other.shown(), [format!("*** Another name, please: {why}.")]);
    }
    evening.say(&other, "/who");
    assert_eq!(other.shown(), ["*** First a name, please."]);
    evening.say(&other, "alicia");
    evening.say(&other, "/nick alice");
    assert_eq!(
        other.shown().last().map(String::as_str),
        Some("*** Not done: somebody has that name already.")
    );
    assert_eq!(alice.shown(), ["*** alicia has joined"]);
}

#[test]
fn what_is_not_understood_is_said_clearly_and_to_one_alone() {
    let evening = Evening::new();
    let (alice, bob) = (evening.join("alice"), evening.join("bob"));
    alice.shown();
    for (line, answer) in [
        ("/dance wildly", "*** There is no command /dance; /help lists them."),
        ("/\u{1b}[2J", "*** There is no command /\u{fffd}[2J; /help lists them."),
        ("/me", "*** Not done: there is nothing to say in that."),
        ("/msg", "*** Not done: there is nothing to say in that."),
        ("/msg nobody hi", "*** Not done: nobody here has that name."),
        ("/nick", "*** Not done: a name has at least one letter."),
    ] {
        evening.say(&alice, line);
        assert_eq!(alice.shown(), [answer], "{line}");
    }
    evening.say(&alice, "");
    evening.say(&alice, "/help");
    assert!(alice.shown().iter().any(|line| line.contains("/who")));
    assert!(bob.shown().is_empty());
}

#[test]
fn nobody_can_play_with_anothers_terminal() {
    let evening = Evening::new();
    let (alice, mallory) = (evening.join("alice"), evening.join("mallory"));
    alice.shown();
    evening.send(&mallory, b"\x1b]0;owned\x07\x1b[2J bad \x80utf-8\x08\n");
    evening.send(&mallory, b"/me \x9b31m\r*** bob has joined\n");
    assert_eq!(
        alice.shown(),
        [
            "<mallory> \u{fffd}]0;owned\u{fffd}\u{fffd}[2J bad \u{fffd}utf-8\u{fffd}",
            "* mallory \u{fffd}31m *** bob has joined",
        ]
    );
}

#[test]
fn a_telnet_client_is_understood_and_refused_politely() {
    let evening = Evening::new();
    let alice = evening.join("alice");
    let telnet = evening.connect();
    telnet.shown();
    // DO 10, which is a line feed, in the middle of the name; and a return as a terminal sends it.
    evening.send(&telnet, b"b\xff\xfd\x0aob\r\0");
    let shown = telnet.log().data();
    assert!(shown.windows(3).any(|three| three == b"\xff\xfc\x0a"), "WONT 10");
    assert_eq!(alice.shown(), ["*** bob has joined"]);
}

#[test]
fn one_line_in_many_pieces_and_many_lines_in_one() {
    let evening = Evening::new();
    let (alice, bob) = (evening.join("alice"), evening.join("bob"));
    alice.shown();
    for byte in "naïve\r\n".as_bytes() {
        evening.send(&bob, &[*byte]);
    }
    evening.send(&bob, b"two\nthree\n/quit\nnever said\n");
    assert_eq!(
        alice.shown(),
        ["<bob> naïve", "<bob> two", "<bob> three", "*** bob has left (quit)"]
    );
}

#[test]
fn who_is_gone_is_announced_with_the_reason() {
    let evening = Evening::new();
    let alice = evening.join("alice");
    let (bob, carol) = (evening.join("bob"), evening.join("carol"));
    alice.shown();
    bob.log().transport().lose_connection();
    evening.settle();
    carol.log().transport().abort_connection();
    evening.settle();
    assert_eq!(alice.shown(), ["*** bob has left (quit)", "*** carol has left (connection lost)"]);
    evening.join("Bob"); // The name is free again.
}

#[test]
fn members_hear_a_goodbye_when_the_room_is_closed() {
    let evening = Evening::new();
    let (alice, nameless) = (evening.join("alice"), evening.connect());
    nameless.shown();
    evening.server.close();
    evening.settle();
    assert_eq!(alice.shown(), ["*** The room is closed. Goodbye."]);
    assert_eq!(alice.lost(), Some(FailureKind::ConnectionDone));
    evening.say(&nameless, "bob");
    assert_eq!(nameless.shown(), ["*** Goodbye: the network is closed."]);
    assert_eq!(nameless.lost(), Some(FailureKind::ConnectionDone));
}
