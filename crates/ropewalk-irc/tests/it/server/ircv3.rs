//! The capabilities of IRCv3 that change what a client is told.

use super::{Client, Hall};

fn join(hall: &Hall, clients: &[&Client]) {
    clients.iter().for_each(|client| hall.send(client, "JOIN #ropes"));
    clients.iter().for_each(|client| drop(client.told()));
}

const TIME: &str = "time=2023-11-14T22:13:20.000Z";

#[test]
fn server_time_says_when() {
    let hall = Hall::new();
    let (timed, bob) = (hall.enter_with("timed", "server-time"), hall.enter("bob"));
    join(&hall, &[&timed, &bob]);
    hall.send(&bob, "PRIVMSG #ropes :hello");
    assert_eq!(timed.told(), [format!("@{TIME} :bob!~user@localhost PRIVMSG #ropes :hello")]);
}

#[test]
fn a_message_has_one_identity_for_all() {
    let hall = Hall::new();
    let (one, other) =
        (hall.enter_with("one", "message-tags"), hall.enter_with("other", "message-tags"));
    let bob = hall.enter_with("bob", "message-tags echo-message");
    join(&hall, &[&one, &other, &bob]);
    hall.send(&bob, "PRIVMSG #ropes :hello");
    let (told, echoed) = (one.told(), bob.told());
    assert!(told[0].starts_with("@msgid="), "{told:?}");
    assert_eq!(told, other.told());
    assert_eq!(told, echoed);
    hall.send(&bob, "PRIVMSG #ropes :hello");
    assert_ne!(told, one.told(), "another message has another");
}

#[test]
fn echo_message_shows_what_one_has_said() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_with("alice", "echo-message"), hall.enter("bob"));
    join(&hall, &[&alice, &bob]);
    let from = ":alice!~user@localhost";
    let own = format!("{from} PRIVMSG alice :note");
    hall.check(
        &alice,
        &[
            ("PRIVMSG #ropes :hello", &[&format!("{from} PRIVMSG #ropes :hello")]),
            ("NOTICE BOB :hello", &[&format!("{from} NOTICE bob :hello")]),
            ("PRIVMSG alice :note", &[&own, &own]),
            ("PRIVMSG nobody :hello", &[":irc.test 401 alice nobody :No such nick/channel"]),
        ],
    );
}

#[test]
fn extended_join_says_account_and_real_name() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_with("alice", "extended-join"), hall.enter("bob"));
    join(&hall, &[&alice]);
    hall.send(&bob, "JOIN #ropes");
    assert_eq!(alice.told(), [":bob!~user@localhost JOIN #ropes * :Real Name"]);
    assert_eq!(bob.told()[0], ":bob!~user@localhost JOIN #ropes");
}

#[test]
fn away_notify_says_who_is_away_and_who_joins_so() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_with("alice", "away-notify"), hall.enter("bob"));
    join(&hall, &[&alice]);
    hall.send(&bob, "AWAY :supper");
    assert_eq!(alice.told(), [""; 0], "they are on no channel together");
    hall.send(&bob, "JOIN #ropes");
    let from = ":bob!~user@localhost";
    assert_eq!(alice.told(), [format!("{from} JOIN #ropes"), format!("{from} AWAY :supper")]);
    hall.send(&bob, "AWAY");
    assert_eq!(alice.told(), [format!("{from} AWAY")]);
}

#[test]
fn invite_notify_tells_operators_who_is_invited() {
    let hall = Hall::new();
    let (alice, bob, carol) = (
        hall.enter_with("alice", "invite-notify"),
        hall.enter("bob"),
        hall.enter_with("carol", "invite-notify"),
    );
    let _dan = hall.enter("dan");
    join(&hall, &[&alice, &bob, &carol]);
    hall.send(&bob, "INVITE dan #ropes");
    assert_eq!(alice.told(), [":bob!~user@localhost INVITE dan #ropes"]);
    assert_eq!(carol.told(), [""; 0], "she is no operator");
}

#[test]
fn names_have_all_prefixes_and_hosts_for_who_wants_them() {
    let hall = Hall::new();
    let alice = hall.enter_with("alice", "multi-prefix");
    let bob = hall.enter_with("bob", "userhost-in-names");
    join(&hall, &[&alice, &bob]);
    hall.send(&alice, "MODE #ropes +v alice");
    assert_eq!(hall.ask(&alice, "NAMES #ropes")[0], ":irc.test 353 alice = #ropes :@+alice bob");
    let hosts = "@alice!~user@localhost bob!~user@localhost";
    assert_eq!(hall.ask(&bob, "NAMES #ropes")[0], format!(":irc.test 353 bob = #ropes :{hosts}"));
    assert!(hall.ask(&alice, "WHO #ropes")[0].contains(" alice H@+ "));
    let quiet = hall.enter_with("quiet", "draft/no-implicit-names");
    hall.check(&quiet, &[("JOIN #ropes", &[":quiet!~user@localhost JOIN #ropes"])]);
}

#[test]
fn a_bot_is_marked() {
    let hall = Hall::new();
    let (alice, bot) = (hall.enter_with("alice", "message-tags"), hall.enter("bot"));
    join(&hall, &[&alice, &bot]);
    hall.send(&bot, "MODE bot +B");
    hall.send(&bot, "NOTICE #ropes :beep");
    assert!(alice.told()[0].contains(";bot :bot!"));
    assert!(hall.ask(&alice, "WHO bot")[0].contains(" bot HB "));
}

#[test]
fn a_labeled_command_is_answered_as_one() {
    let hall = Hall::new();
    let alice = hall.enter_with("alice", "labeled-response batch echo-message");
    let bob = hall.enter("bob");
    let from = ":alice!~user@localhost";
    hall.check(
        &alice,
        &[
            ("@label=a PING x", &["@label=a :irc.test PONG irc.test :x"]),
            ("@label=b PONG x", &["@label=b :irc.test ACK"]),
            ("@label=c NONSENSE", &["@label=c :irc.test 421 alice NONSENSE :Unknown command"]),
            ("@label=c NON_SENSE x", &["@label=c :irc.test 421 alice NON_SENSE :Unknown command"]),
            ("@label=c;+x :alice N0N x", &["@label=c :irc.test 421 alice N0N :Unknown command"]),
            ("@label=d PRIVMSG bob :x", &[&format!("@label=d {from} PRIVMSG bob :x")]),
            (
                "@label=e PRIVMSG alice :x",
                &[
                    &format!("{from} PRIVMSG alice :x"),
                    &format!("@label=e {from} PRIVMSG alice :x"),
                ],
            ),
            (
                "@label=f JOIN #ropes",
                &[
                    "@label=f :irc.test BATCH +1 labeled-response",
                    &format!("@batch=1 {from} JOIN #ropes"),
                    "@batch=1 :irc.test 353 alice = #ropes :@alice",
                    "@batch=1 :irc.test 366 alice #ropes :End of /NAMES list",
                    ":irc.test BATCH -1",
                ],
            ),
            ("@label=g NICK alicia", &["@label=g :alice!~user@localhost NICK alicia"]),
            ("@label= PING x", &[":irc.test PONG irc.test :x"]),
            (&format!("@label={} PING x", "y".repeat(65)), &[":irc.test PONG irc.test :x"]),
            ("@label=a\\sb PONG", &["@label=a\\sb :irc.test ACK"]),
        ],
    );
    hall.send_bytes(&alice, b"@label=h PRIVMSG bob :\xff\r\n");
    assert!(alice.told()[0].starts_with("@label=h :irc.test FAIL PRIVMSG INVALID_UTF8 :"));
    bob.told();
    hall.check(&bob, &[("@label=a PING x", &[":irc.test PONG irc.test :x"])]);
}

#[test]
fn what_others_do_is_no_answer() {
    let hall = Hall::new();
    let alice = hall.enter_with("alice", "labeled-response batch");
    let bob = hall.enter("bob");
    join(&hall, &[&alice, &bob]);
    hall.send(&bob, "PRIVMSG #ropes :hello");
    assert_eq!(alice.told(), [":bob!~user@localhost PRIVMSG #ropes :hello"]);
    hall.send(&alice, "@label=q QUIT :bye");
    assert_eq!(alice.told(), ["@label=q :irc.test ACK", "ERROR :Closing link: Quit: bye"]);
}
