//! `AUTHENTICATE`: SASL PLAIN.

use std::rc::Rc;
use std::time::Duration;

use ropewalk_irc::server::IrcSettings;

use super::{Book, Client, Hall, limits, settings};

/// `\0dan\0secret`
const RIGHT: &str = "AGRhbgBzZWNyZXQ=";
/// `\0dan\0wrong`
const WRONG: &str = "AGRhbgB3cm9uZw==";

fn begin(hall: &Hall) -> Client {
    let client = hall.connect();
    hall.send(&client, "CAP REQ sasl");
    hall.send(&client, "NICK daniel");
    hall.send(&client, "USER d 0 * :Dan");
    hall.check(&client, &[("AUTHENTICATE PLAIN", &[":irc.test AUTHENTICATE +"])]);
    client
}

#[test]
fn who_knows_the_password_owns_the_account() {
    let hall = Hall::new();
    let client = begin(&hall);
    let welcome = [
        ":irc.test 900 daniel *!*@* dan :You are now logged in as dan",
        ":irc.test 903 daniel :SASL authentication successful",
    ];
    let told = hall.ask(&client, &format!("AUTHENTICATE {RIGHT}"));
    assert_eq!(told, welcome.map(|line| line.replace("daniel", "*")));
    hall.check(
        &client,
        &[("AUTHENTICATE PLAIN", &[":irc.test 907 * :You have already authenticated using SASL"])],
    );
    assert!(hall.ask(&client, "CAP END")[0].contains(" 001 "));
    let account = ":irc.test 330 daniel daniel dan :is logged in as".to_owned();
    assert!(hall.ask(&client, "WHOIS daniel").contains(&account));
}

#[test]
fn who_does_not_may_come_without_one() {
    let hall = Hall::new();
    let client = begin(&hall);
    let failed = ":irc.test 904 * :SASL authentication failed";
    hall.check(
        &client,
        &[
            (&format!("AUTHENTICATE {WRONG}"), &[failed]),
            ("AUTHENTICATE", &[":irc.test 461 * AUTHENTICATE :Not enough parameters"]),
            (
                "AUTHENTICATE SCRAM",
                &[":irc.test 908 * PLAIN :are available SASL mechanisms", failed],
            ),
            ("AUTHENTICATE plain", &[":irc.test AUTHENTICATE +"]),
            ("AUTHENTICATE *", &[":irc.test 906 * :SASL authentication aborted"]),
            ("AUTHENTICATE PLAIN", &[":irc.test AUTHENTICATE +"]),
            ("AUTHENTICATE +", &[failed]),
            ("AUTHENTICATE PLAIN", &[":irc.test AUTHENTICATE +"]),
            ("AUTHENTICATE not-base64", &[failed]),
        ],
    );
    assert!(hall.ask(&client, "CAP END")[0].contains(" 001 "));
}

#[test]
fn a_long_message_comes_in_parts_and_a_longer_one_not_at_all() {
    let hall = Hall::new();
    let client = begin(&hall);
    let part = format!("AUTHENTICATE {}", "A".repeat(400));
    let failed = ":irc.test 904 * :SASL authentication failed";
    let long = ":irc.test 905 * :SASL message too long";
    hall.check(&client, &[(&part, &[]), ("AUTHENTICATE +", &[failed])]);
    hall.check(&client, &[("AUTHENTICATE PLAIN", &[":irc.test AUTHENTICATE +"])]);
    (0..4).for_each(|_| hall.check(&client, &[(&part, &[])]));
    hall.check(&client, &[(&part, &[long])]);
    hall.check(&client, &[("AUTHENTICATE PLAIN", &[":irc.test AUTHENTICATE +"])]);
    hall.check(&client, &[(&format!("{part}A"), &[long])]);
}

#[test]
fn passwords_are_not_to_be_guessed() {
    let hall = Hall::new();
    let client = begin(&hall);
    for _ in 0..3 {
        hall.send(&client, &format!("AUTHENTICATE {WRONG}"));
        hall.send(&client, "AUTHENTICATE PLAIN");
    }
    let told = hall.ask(&client, &format!("AUTHENTICATE {WRONG}"));
    assert_eq!(told[1], "ERROR :Closing link: Too many wrong passwords");
}

#[test]
fn what_is_said_while_the_answer_is_awaited_is_heard_after_it() {
    let book = Rc::new(Book::slow());
    let hall = Hall::with(limits(), IrcSettings { accounts: Some(book.clone()), ..settings() });
    let client = begin(&hall);
    let line = format!("AUTHENTICATE {RIGHT}\r\nCAP END\r\nWHOIS daniel");
    hall.check(&client, &[(&line, &[])]);
    book.answer();
    hall.settle();
    let told = client.told();
    assert!(told[0].contains(" 900 ") && told[1].contains(" 903 ") && told[2].contains(" 001 "));
    let account = ":irc.test 330 daniel daniel dan :is logged in as".to_owned();
    assert!(told.contains(&account), "{told:?}");
}

#[test]
fn who_is_never_answered_is_lost_in_time() {
    let book = Rc::new(Book::slow());
    let hall = Hall::with(limits(), IrcSettings { accounts: Some(book.clone()), ..settings() });
    let client = begin(&hall);
    hall.send(&client, &format!("AUTHENTICATE {RIGHT}"));
    hall.advance(Duration::from_secs(61));
    assert_eq!(client.told(), ["ERROR :Closing link: Registration timed out"]);
    book.answer();
    hall.settle();
    assert_eq!(client.told(), [""; 0]);
}

#[test]
fn who_leaves_while_the_answer_is_awaited_is_gone() {
    let book = Rc::new(Book::slow());
    let hall = Hall::with(limits(), IrcSettings { accounts: Some(book.clone()), ..settings() });
    let client = begin(&hall);
    hall.send(&client, &format!("AUTHENTICATE {RIGHT}"));
    client.log().transport().abort_connection();
    hall.settle();
    book.answer();
    hall.settle();
    assert_eq!(hall.server.counts().users, 0);
}

#[test]
fn a_user_may_log_in_later_and_friends_are_told() {
    let hall = Hall::new();
    let alice = hall.enter_with("alice", "account-notify account-tag");
    hall.send(&alice, "JOIN #ropes");
    let dan = hall.enter_with("daniel", "sasl");
    hall.send(&dan, "JOIN #ropes");
    hall.send(&dan, "AUTHENTICATE PLAIN");
    alice.told();
    let source = "daniel!~user@localhost";
    let told = hall.ask(&dan, &format!("AUTHENTICATE {RIGHT}"));
    let expected = format!(":irc.test 900 daniel {source} dan :You are now logged in as dan");
    assert_eq!(told[0], expected);
    assert_eq!(alice.told(), [format!("@account=dan :{source} ACCOUNT dan")]);
    hall.send(&dan, "PRIVMSG #ropes :hello");
    assert_eq!(alice.told(), [format!("@account=dan :{source} PRIVMSG #ropes :hello")]);
}

#[test]
fn without_accounts_there_is_no_sasl() {
    let hall = Hall::with(limits(), IrcSettings { accounts: None, ..settings() });
    let client = hall.connect();
    assert!(!hall.ask(&client, "CAP LS 302")[0].contains("sasl"));
    hall.check(
        &client,
        &[
            ("CAP REQ sasl", &[":irc.test CAP * NAK :sasl"]),
            ("AUTHENTICATE PLAIN", &[":irc.test 904 * :SASL authentication failed"]),
        ],
    );
}
