//! From the connection to being let in.

use ropewalk_core::FailureKind;
use ropewalk_irc::client::{ClientOptions, Sasl, ServerError};

use super::{Awaited, Served, options};

const HELLO: &str = "CAP LS 302\r\nNICK dan\r\nUSER dan 0 * dan\r\n";

#[test]
fn a_server_without_capabilities_lets_a_client_in() {
    let served = Served::connect(options());
    assert_eq!(served.written(), HELLO);
    let signed_on = Awaited::new(served.irc().signed_on());
    served.hear(":irc 421 * CAP :Unknown command\r\n:irc 001 dan :Welcome\r\n");
    assert_eq!(served.written(), "PING lag1\r\n");
    assert!(!signed_on.is_there() && !served.irc().is_signed_on());
    served.hear(":irc 005 dan NETWORK=Ropes CASEMAPPING=ascii :are supported\r\n");
    served.hear(":irc 372 dan :- news\r\n:irc 376 dan :End\r\n");
    signed_on.value();
    assert_eq!(served.news(), ["SignedOn"]);
    assert!(served.irc().is_signed_on());
    assert_eq!(served.irc().isupport().network(), Some("Ropes"));
    assert_eq!(served.irc().motd(), ["- news"]);
    assert!(Awaited::new(served.irc().signed_on()).is_there());
}

#[test]
fn a_server_that_says_nothing_of_a_motd_is_known_by_its_sign_of_life() {
    let served = Served::connect(options());
    served.hear(":irc 001 dan :Welcome\r\n:irc PONG irc lag1\r\n");
    assert!(served.news().contains(&"SignedOn".to_owned()));
}

#[test]
fn password_user_and_name_are_told() {
    let options = ClientOptions {
        password: Some("open sesame".to_owned()),
        user: "d".to_owned(),
        realname: "Dan the Bot".to_owned(),
        ..options()
    };
    let hello = "CAP LS 302\r\nPASS :open sesame\r\nNICK dan\r\nUSER d 0 * :Dan the Bot\r\n";
    assert_eq!(Served::connect(options).written(), hello);
}

#[test]
fn what_is_wanted_and_offered_is_asked_for_and_nothing_else() {
    let served = Served::connect(options());
    served.written();
    served.hear(":irc CAP * LS * :multi-prefix sts=port=6697 unknown\r\n");
    assert_eq!(served.written(), "", "more is coming");
    served.hear(":irc CAP * LS :server-time batch=x\r\n");
    assert_eq!(served.written(), "CAP REQ :batch multi-prefix server-time\r\n");
    served.hear(":irc CAP * ACK :batch multi-prefix server-time forced\r\n");
    assert_eq!(served.written(), "CAP END\r\n");
    let irc = served.irc();
    assert!(irc.has_capability("batch") && !irc.has_capability("forced"));
    assert_eq!(irc.offered_capability("sts").as_deref(), Some("port=6697"));
}

#[test]
fn a_list_that_is_refused_is_asked_for_one_by_one() {
    let served = Served::connect(options());
    served.written();
    served.hear(":irc CAP * LS :batch setname\r\n:irc CAP * NAK :batch setname\r\n");
    let written = served.written();
    assert_eq!(written, "CAP REQ :batch setname\r\nCAP REQ batch\r\nCAP REQ setname\r\n");
    served.hear(":irc CAP * NAK :setname\r\n");
    assert_eq!(served.written(), "");
    served.hear(":irc CAP * ACK :batch\r\n");
    assert_eq!(served.written(), "CAP END\r\n");
    assert!(served.irc().has_capability("batch") && !served.irc().has_capability("setname"));
}

#[test]
fn what_a_server_offers_later_is_switched_on_and_what_it_withdraws_off() {
    let served = Served::with_capabilities("batch cap-notify");
    served.hear(":irc CAP dan NEW :setname other\r\n");
    assert_eq!(served.written(), "CAP REQ setname\r\n");
    served.hear(":irc CAP dan ACK :setname\r\n:irc CAP dan DEL :batch\r\n");
    assert_eq!(served.written(), "", "the negotiation has ended before");
    assert!(served.irc().has_capability("setname") && !served.irc().has_capability("batch"));
}

fn with_sasl(sasl: Vec<Sasl>) -> Served {
    let served = Served::connect(ClientOptions { sasl, ..options() });
    served.written();
    served
}

fn plain() -> Sasl {
    Sasl::Plain { account: "dan".to_owned(), password: "secret".to_owned() }
}

#[test]
fn a_client_logs_in_by_password_while_it_registers() {
    let served = with_sasl(vec![plain()]);
    served.hear(":irc CAP * LS :sasl=EXTERNAL,PLAIN\r\n");
    assert_eq!(served.written(), "CAP REQ sasl\r\n");
    served.hear(":irc CAP * ACK :sasl\r\n");
    assert_eq!(served.written(), "AUTHENTICATE PLAIN\r\n");
    served.hear("AUTHENTICATE +\r\n");
    assert_eq!(served.written(), "AUTHENTICATE ZGFuAGRhbgBzZWNyZXQ=\r\n");
    served.hear(":irc 900 * * dan :You are now logged in\r\n:irc 903 * :Success\r\n");
    assert_eq!(served.written(), "CAP END\r\n");
    assert_eq!(served.irc().account().as_deref(), Some("dan"));
}

#[test]
fn a_long_password_goes_in_pieces() {
    let password = "x".repeat(300 - "dan\0dan\0".len());
    let served = with_sasl(vec![Sasl::Plain { account: "dan".to_owned(), password }]);
    served.hear(":irc CAP * LS :sasl\r\n:irc CAP * ACK :sasl\r\n");
    served.written();
    served.hear("AUTHENTICATE +\r\n");
    let written = served.written();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].len(), "AUTHENTICATE ".len() + 400);
    assert_eq!(lines[1], "AUTHENTICATE +");
}

#[test]
fn the_next_way_to_log_in_is_tried_when_one_is_refused() {
    let served = with_sasl(vec![Sasl::External, plain()]);
    served.hear(":irc CAP * LS :sasl\r\n:irc CAP * ACK :sasl\r\n");
    assert_eq!(served.written(), "CAP REQ sasl\r\nAUTHENTICATE EXTERNAL\r\n");
    served.hear("AUTHENTICATE +\r\n");
    assert_eq!(served.written(), "AUTHENTICATE +\r\n");
    served.hear(":irc 904 * :SASL authentication failed\r\n");
    assert_eq!(served.written(), "AUTHENTICATE PLAIN\r\n");
}

#[test]
fn who_cannot_log_in_and_must_gives_up() {
    let rows = [
        ":irc CAP * LS :sasl\r\n:irc CAP * ACK :sasl\r\nAUTHENTICATE +\r\n:irc 904 * :failed\r\n",
        ":irc CAP * LS :sasl=SCRAM-SHA-256\r\n:irc CAP * ACK :sasl\r\n",
        ":irc CAP * LS :batch\r\n:irc CAP * ACK :batch\r\n",
        ":irc CAP * LS :sasl\r\n:irc CAP * NAK :sasl\r\n",
        ":irc 001 dan :Welcome\r\n",
    ];
    for lines in rows {
        let served = with_sasl(vec![plain()]);
        served.hear(lines);
        served.settle();
        let lost = served.conversation.lost().expect(lines);
        assert!(lost.is(FailureKind::Peer) && lost.to_string().starts_with("log in"), "{lost}");
    }
}

#[test]
fn who_cannot_log_in_and_need_not_goes_on() {
    let options = ClientOptions { sasl: vec![plain()], sasl_is_required: false, ..options() };
    let served = Served::connect(options);
    served.hear(":irc CAP * LS :sasl\r\n:irc CAP * ACK :sasl\r\nAUTHENTICATE +\r\n");
    served.written();
    served.hear(":irc 904 * :failed\r\n");
    assert_eq!(served.written(), "CAP END\r\n");
}

#[test]
fn who_could_not_log_in_before_does_when_the_services_come() {
    let options = ClientOptions { sasl: vec![plain()], sasl_is_required: false, ..options() };
    let served = Served::signed_on_with(options);
    served.hear(":irc CAP dan NEW :sasl=PLAIN\r\n:irc CAP dan ACK :sasl\r\nAUTHENTICATE +\r\n");
    assert_eq!(
        served.written(),
        "CAP REQ sasl\r\nAUTHENTICATE PLAIN\r\nAUTHENTICATE ZGFuAGRhbgBzZWNyZXQ=\r\n"
    );
    served.hear(":irc 900 dan dan!d@h dan :logged in\r\n:irc 903 dan :Success\r\n");
    assert_eq!(served.written(), "", "the negotiation has ended before");
    assert_eq!(served.irc().account().as_deref(), Some("dan"));
    served.hear(":irc CAP dan DEL :sasl\r\n:irc CAP dan NEW :sasl\r\n:irc CAP dan ACK :sasl\r\n");
    assert_eq!(served.written(), "CAP REQ sasl\r\n", "it is logged in");
    served.hear(":irc 901 dan dan!d@h :logged out\r\n:irc CAP dan DEL :sasl\r\n");
    served.hear(":irc CAP dan NEW :sasl\r\n:irc CAP dan ACK :sasl\r\n:irc 904 dan :failed\r\n");
    assert_eq!(served.written(), "CAP REQ sasl\r\nAUTHENTICATE PLAIN\r\n");
    assert!(served.irc().is_signed_on(), "to fail now changes nothing");
    served
        .hear(":irc 904 dan :failed\r\n:irc CAP dan NEW :setname\r\n:irc CAP dan ACK :setname\r\n");
    assert_eq!(served.written(), "CAP REQ setname\r\n", "nothing is tried again for that");
}

#[test]
fn who_must_log_in_has_to_only_while_registering() {
    let served = with_sasl(vec![plain()]);
    served.hear(
        ":irc CAP * LS :sasl\r\n:irc CAP * ACK :sasl\r\nAUTHENTICATE +\r\n:irc 903 * :ok\r\n",
    );
    served.hear(":irc 001 dan :Welcome\r\n:irc 422 dan :No MOTD\r\n:irc CAP dan DEL :sasl\r\n");
    served.hear(":irc CAP dan NEW :sasl\r\n:irc CAP dan ACK :sasl\r\n:irc 904 dan :failed\r\n");
    served.settle();
    assert!(served.irc().is_signed_on());
}

#[test]
fn a_challenge_that_no_mechanism_has_is_aborted() {
    let served = with_sasl(vec![plain()]);
    served.hear(":irc CAP * LS :sasl\r\n:irc CAP * ACK :sasl\r\n");
    served.written();
    served.hear("AUTHENTICATE c3VycHJpc2U=\r\n");
    assert_eq!(served.written(), "AUTHENTICATE *\r\n");
}

#[test]
fn a_wrong_password_or_a_ban_ends_it_with_what_the_server_said() {
    let rows = [
        (":irc 464 * :Password incorrect\r\n", "464"),
        (":irc 465 * :You are banned\r\n", "465"),
        ("ERROR :Closing link: too many connections\r\n", "ERROR"),
    ];
    for (line, code) in rows {
        let served = Served::connect(options());
        let signed_on = Awaited::new(served.irc().signed_on());
        served.hear(line);
        served.settle();
        let failure = signed_on.failure();
        assert_eq!(failure.check::<ServerError>().expect(line).code, code);
        assert_eq!(served.news(), [format!("lost: {failure}")]);
    }
}

#[test]
fn what_looks_like_an_error_but_is_a_greeting_does_not_matter() {
    let served = Served::connect(options());
    served.hear(":irc 439 * :Please wait while we process your connection.\r\n");
    served.hear(":irc 001 dan :Welcome\r\n:irc 422 dan :No MOTD\r\n");
    assert_eq!(served.news(), ["SignedOn"]);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let served = Served::connect(options());
    let signed_on = Awaited::new(served.irc().signed_on());
    served.advance(59);
    assert!(!signed_on.is_there());
    served.advance(2);
    let failure = signed_on.failure();
    assert!(failure.is(FailureKind::Timeout), "{failure}");
    assert!(failure.to_string().contains("registration_timeout"));
}

#[test]
fn an_option_that_cannot_be_said_is_this_program_s_mistake() {
    let options = ClientOptions { password: Some("a\r\nQUIT".to_owned()), ..options() };
    let served = Served::connect(options);
    served.settle();
    let lost = served.conversation.lost().expect("it gave up");
    assert!(lost.is(FailureKind::Local) && lost.to_string().starts_with("send PASS"), "{lost}");
    assert!(!served.written().contains("QUIT"));
}

#[test]
fn nothing_can_be_asked_before_the_server_lets_one_in() {
    let served = Served::connect(options());
    served.written();
    let failure = Awaited::new(served.irc().join("#ropes")).failure();
    assert!(failure.is(FailureKind::Local) && failure.to_string().contains("signed_on"));
    assert_eq!(served.written(), "");
}
