//! What is said, and what is heard.

use ropewalk_core::FailureKind;
use ropewalk_irc::TagList;

use super::{Awaited, Served};

#[test]
fn what_is_said_is_done_when_it_was_sent() {
    let served = Served::signed_on();
    let irc = served.irc();
    let said = [irc.privmsg("#a", "hi"), irc.notice("eve", "a b"), irc.action("#a", "waves")];
    let said = said.map(Awaited::new);
    assert!(!said[0].is_there(), "never within the call that says it");
    served.settle();
    assert_eq!(
        served.written(),
        "PRIVMSG #a :hi\r\nNOTICE eve :a b\r\nPRIVMSG #a :\u{1}ACTION waves\u{1}\r\n"
    );
    said.iter().for_each(Awaited::value);
}

#[test]
fn a_long_text_is_said_in_pieces_that_fit_with_the_source_before_them() {
    let served = Served::signed_on();
    served.hear(":dan!d@a.host JOIN #a\r\n");
    drop(served.irc().privmsg("#a", &"ж".repeat(400)));
    let written = served.written();
    let lengths: Vec<usize> =
        written.split_inclusive("\r\n").map(|line| line.len() + ":dan!d@a.host ".len()).collect();
    assert_eq!(lengths.len(), 2);
    assert!(lengths[0] == 512 || lengths[0] == 511, "{lengths:?}");
    let text: String =
        written.lines().map(|line| line.strip_prefix("PRIVMSG #a :").expect("a message")).collect();
    assert_eq!(text, "ж".repeat(400));
}

#[test]
fn who_is_given_another_host_says_less_in_one_piece() {
    let served = Served::signed_on();
    served.hear(":dan!d@h JOIN #a\r\n");
    let room = |lines: &str| {
        served.hear(lines);
        drop(served.irc().privmsg("#a", &"x".repeat(1_000)));
        served.written().lines().next().map_or(0, str::len)
    };
    let before = room("");
    assert_eq!(room(":irc 396 dan much.longer.host :is now your displayed host\r\n"), before - 15);
    assert_eq!(room(":irc 396 dan me@h :is now your displayed host\r\n"), before - 1);
    assert_eq!(room(":dan!me@h CHGHOST d hh\r\n"), before - 1);
}

#[test]
fn a_long_action_is_several_actions() {
    let served = Served::signed_on();
    drop(served.irc().action("#a", &"word ".repeat(150)));
    let written = served.written();
    assert!(written.lines().count() >= 2);
    for line in written.lines() {
        assert!(line.starts_with("PRIVMSG #a :\u{1}ACTION word") && line.ends_with('\u{1}'));
        assert!(line.len() + ":dan!@ \r\n".len() + 74 <= 512);
    }
}

#[test]
fn lines_are_messages_and_nothing_of_a_text_is_a_command() {
    let served = Served::signed_on();
    drop(served.irc().privmsg("#a", "one\r\nQUIT\n\nthree"));
    assert_eq!(served.written(), "PRIVMSG #a :one\r\nPRIVMSG #a :QUIT\r\nPRIVMSG #a :three\r\n");
    assert!(Awaited::new(served.irc().privmsg("#a", "a\0b")).failure().is(FailureKind::Local));
    assert_eq!(served.written(), "");
}

#[test]
fn what_others_say_is_told_by_its_kind() {
    let served = Served::signed_on();
    served.hear(
        ":eve!e@h PRIVMSG #a :hello\r\n:eve!e@h PRIVMSG dan :psst\r\n:eve!e@h NOTICE dan :note\r\n\
         :eve!e@h PRIVMSG #a :\u{1}ACTION waves\u{1}\r\n:eve!e@h NOTICE dan :\u{1}VERSION x\u{1}\r\n\
         @+typing=active :eve!e@h TAGMSG #a\r\n:irc NOTICE * :*** Looking up\r\n",
    );
    assert_eq!(
        served.news(),
        [
            "eve to #a: hello",
            "eve to dan: psst",
            "eve notices dan: note",
            "eve in #a waves",
            "CtcpReplied",
            "Tagged",
            "irc notices *: *** Looking up",
        ]
    );
}

#[test]
fn bytes_that_are_no_utf_8_are_read_as_latin_1() {
    let served = Served::signed_on();
    served.conversation.feed(b":eve!e@h PRIVMSG #a :caf\xe9\r\n");
    assert_eq!(served.news(), ["eve to #a: café"]);
}

#[test]
fn tags_alone_go_where_the_server_knows_them() {
    let mut tags = TagList::new();
    tags.push("+typing", "active").expect("a tag");
    let served = Served::signed_on();
    assert!(Awaited::new(served.irc().tagmsg("#a", &tags)).failure().is(FailureKind::Local));
    let served = Served::with_capabilities("message-tags");
    drop(served.irc().tagmsg("#a", &tags));
    assert_eq!(served.written(), "@+typing=active TAGMSG #a\r\n");
    let served = Served::with_capabilities("message-tags batch labeled-response");
    drop(served.irc().tagmsg("#a", &tags));
    assert_eq!(served.written(), "@+typing=active;label=rw1 TAGMSG #a\r\n");
}
