//! What a broken or hostile server says, in any pieces: it costs a line, not the client.

use ropewalk_core::FailureKind;
use ropewalk_testing::check_protocol;

use super::{Log, Served, factory, options};

const LINES: &[&str] = &[
    "",
    "   ",
    ":",
    ": ",
    "@",
    "@a",
    "@a :",
    ":irc",
    "001",
    ":irc 001",
    "005",
    ":irc 005 dan",
    ":irc 005 dan PREFIX=",
    ":irc 005 dan PREFIX=(ov CHANMODES=,,,,,, NICKLEN=x CHANTYPES CASEMAPPING=x :x",
    ":irc 005 dan -PREFIX - = =x -= :x",
    "JOIN",
    "JOIN #a",
    ":dan JOIN",
    ":dan!d@h JOIN :",
    ":x PART",
    ":x PART #nowhere",
    ":x KICK #a",
    ":x KICK",
    ":x NICK",
    ":dan NICK :",
    "QUIT",
    ":x MODE",
    ":x MODE #a",
    ":x MODE #a +ooooo",
    ":x MODE #a ++--",
    ":x MODE #a \u{7}",
    ":irc 353",
    ":irc 353 dan = #a",
    ":irc 353 dan = #a :@ @+ !@ +@+@",
    ":irc 366",
    ":irc 324",
    ":irc 333 dan #a x y",
    ":irc 332 dan",
    "PRIVMSG",
    ":x PRIVMSG dan",
    ":x PRIVMSG dan :\u{1}",
    ":x NOTICE",
    "CAP",
    "CAP x",
    "CAP x LS",
    "CAP x ACK",
    "CAP x NAK :",
    "CAP x NEW := =x",
    "CAP x DEL :nothing",
    "AUTHENTICATE",
    ":irc 900",
    ":irc 904",
    "BATCH",
    "BATCH +",
    "@batch= BATCH +a chathistory",
    ":x AWAY",
    ":x ACCOUNT",
    ":x CHGHOST a",
    ":x SETNAME",
    ":x INVITE",
    ":x TOPIC",
    "PONG",
    "PONG rw1",
    "FAIL",
    "FAIL x",
    "FAIL x y z",
    "433",
    ":irc 433 dan",
    ":irc 999 dan :x",
    "\u{7f}",
    "ünï",
];

#[test]
fn no_line_costs_more_than_itself() {
    let served = Served::signed_on();
    served.hear(":dan!d@h JOIN #a\r\n");
    for line in LINES {
        served.hear(&format!("{line}\r\n"));
        assert!(served.conversation.lost().is_none(), "{line}");
    }
    served.hear(":eve!e@h PRIVMSG dan :still there\r\n");
    assert!(served.news().contains(&"eve to dan: still there".to_owned()));
}

#[test]
fn a_line_that_is_none_is_told_and_passed_over() {
    let served = Served::signed_on();
    served.hear(":irc\r\n:x!y@z PRIVMSG dan :a\0b\r\n12 x\r\n");
    served.hear(&format!(":x PRIVMSG dan :{}\r\n", "x".repeat(40_000)));
    served.hear(":eve!e@h PRIVMSG dan :hi\r\n");
    assert_eq!(
        served.news(),
        [
            "malformed: the line has no command",
            "malformed: a line cannot have a NUL, CR or LF in it",
            "malformed: the command is neither letters nor three digits",
            "malformed: the line is too long (body_bytes_max)",
            "eve to dan: hi",
        ]
    );
}

#[test]
fn the_pieces_that_a_conversation_comes_in_make_no_difference() {
    let script = ":irc CAP * LS :batch sasl multi-prefix\r\n:irc CAP * ACK :batch multi-prefix\r\n\
        PING :x\r\n:irc 433 * dan :in use\r\n:irc 001 dan_ :Hi\r\n:irc 005 dan_ PREFIX=(ov)@+ :x\r\n\
        :irc 376 dan_ :End\r\n:irc PONG irc :lag1\r\n:dan_!d@h JOIN #a\r\n\
        :irc 353 dan_ = #a :@eve dan_\r\n@a=\\: :eve!e@h PRIVMSG dan_ :\u{1}PING \u{e9}\u{1}\r\n\
        :dan!x@y QUIT\r\nERROR :bye\r\n";
    let mut bytes = script.as_bytes().to_vec();
    bytes.extend_from_slice(b":eve!e@h PRIVMSG dan :\xe9\xff\r\n");
    check_protocol(|| factory(options(), &Log::default()), &bytes);
}

#[test]
fn a_server_that_floods_fills_nothing() {
    let served = Served::signed_on();
    let names: Vec<String> = (0..60).map(|n| format!("+member{n}")).collect();
    let names = format!(":irc 353 dan = #nowhere :{}\r\n", names.join(" "));
    let tokens: String = (0..13).map(|n| format!("T{n}=x ")).collect();
    for round in 0..300 {
        served.hear(&names.repeat(10));
        served.hear(&format!(":irc 005 dan {}:x\r\n", tokens.replace('T', &format!("T{round}_"))));
        served.hear(&format!(":irc CAP dan NEW :cap{round}-a cap{round}-b\r\n"));
        served.hear(&format!(":irc BATCH +{round} chathistory #a\r\n:irc 372 dan :line\r\n"));
        served.hear(&":irc 372 dan :line\r\n".repeat(10));
        served.news();
    }
    let irc = served.irc();
    assert!(irc.members("#nowhere").is_empty());
    assert_eq!(irc.motd().len(), 1_000);
    assert_eq!(irc.isupport().token("T299_0"), None, "there are too many before it");
    assert_eq!(irc.offered_capability("cap299-a"), None);
    assert!(served.conversation.lost().is_none());
}

#[test]
fn a_server_that_asks_and_does_not_read_is_left() {
    let served = Served::signed_on();
    served.conversation.peer().transport().pause_producing();
    for _ in 0..2_000 {
        served.hear(&format!("PING :{}\r\n", "x".repeat(400)).repeat(100));
        if served.conversation.lost().is_some() {
            break;
        }
    }
    let lost = served.conversation.lost().expect("it was left");
    assert!(lost.is(FailureKind::Limit), "{lost}");
}
