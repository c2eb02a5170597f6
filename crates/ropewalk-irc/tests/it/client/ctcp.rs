//! What clients ask each other.

use std::time::{Duration, SystemTime};

use ropewalk_irc::client::ClientOptions;

use super::{Served, options};

fn a_sunday() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
}

fn served() -> Served {
    let options = ClientOptions {
        version: Some("Rope 1".to_owned()),
        wall_clock: Some(a_sunday),
        ..options()
    };
    Served::signed_on_with(options)
}

#[test]
fn questions_are_answered_to_who_asked() {
    let rows = [
        ("PING 123 456", "PING 123 456"),
        ("VERSION", "VERSION Rope 1"),
        ("version", "VERSION Rope 1"),
        ("TIME", "TIME Sun, 06 Nov 1994 08:49:37 GMT"),
        ("CLIENTINFO", "CLIENTINFO ACTION CLIENTINFO PING TIME VERSION"),
    ];
    for (question, answer) in rows {
        let served = served();
        served.hear(&format!(":eve!e@h PRIVMSG #a :\u{1}{question}\u{1}\r\n"));
        assert_eq!(served.written(), format!("NOTICE eve :\u{1}{answer}\u{1}\r\n"));
        assert_eq!(served.news(), ["CtcpQueried"]);
    }
}

#[test]
fn notices_unknown_words_and_own_echoes_are_not_answered() {
    let served = served();
    served.hear(
        ":eve!e@h NOTICE dan :\u{1}VERSION\u{1}\r\n:eve!e@h PRIVMSG dan :\u{1}DCC CHAT x\u{1}\r\n\
         :dan!d@h PRIVMSG #a :\u{1}VERSION\u{1}\r\n:eve!e@h PRIVMSG dan :\u{1}\u{1}\r\n",
    );
    assert_eq!(served.written(), "");
    let options = ClientOptions { version: None, wall_clock: None, ..options() };
    let silent = Served::signed_on_with(options);
    silent.hear(
        ":eve!e@h PRIVMSG dan :\u{1}VERSION\u{1}\r\n:eve!e@h PRIVMSG dan :\u{1}TIME\u{1}\r\n",
    );
    assert_eq!(silent.written(), "");
}

#[test]
fn what_was_asked_long_ago_is_not_answered() {
    let served = served();
    served.hear(
        ":irc BATCH +h chathistory #a\r\n@batch=h :eve!e@h PRIVMSG dan :\u{1}VERSION\u{1}\r\n",
    );
    assert_eq!((served.written(), served.news()), (String::new(), vec!["CtcpQueried".to_owned()]));
}

#[test]
fn who_asks_too_often_is_not_answered_for_a_while() {
    let served = served();
    let question = ":eve!e@h PRIVMSG dan :\u{1}VERSION\u{1}\r\n";
    served.hear(&question.repeat(100));
    assert_eq!(served.written().lines().count(), 3);
    served.advance(10);
    served.hear(&question.repeat(100));
    assert_eq!(served.written().lines().count(), 1);
}

#[test]
fn an_answer_that_would_be_too_long_is_not_sent() {
    let served = served();
    let question = format!(":eve!e@h PRIVMSG dan :\u{1}PING {}\u{1}\r\n", "x".repeat(600));
    served.hear(&question);
    assert_eq!(served.written(), "");
    assert!(served.irc().is_signed_on());
}

#[test]
fn a_question_and_an_answer_can_be_sent() {
    let served = served();
    drop(served.irc().ctcp_query("eve", "PING", "1"));
    drop(served.irc().ctcp_reply("eve", "FINGER", "no"));
    let expected = "PRIVMSG eve :\u{1}PING 1\u{1}\r\nNOTICE eve :\u{1}FINGER no\u{1}\r\n";
    assert_eq!(served.written(), expected);
}
