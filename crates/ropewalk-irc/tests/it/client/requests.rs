//! Requests, and how their answers are found on a server that does not label them.

use ropewalk_core::FailureKind;
use ropewalk_irc::client::{ListEntry, MaskEntry, ServerError, Whois};

use super::{Awaited, Served, options};

fn code(failure: &ropewalk_core::Failure) -> String {
    failure.check::<ServerError>().map(|error| error.code.clone()).unwrap_or_default()
}

#[test]
fn a_join_is_done_when_the_members_are_known() {
    let served = Served::signed_on();
    let joined = Awaited::new(served.irc().join("#Ropes"));
    assert_eq!(served.written(), "JOIN #Ropes\r\n");
    served.hear(":irc 366 dan #ropes :End\r\n");
    assert!(!joined.is_there(), "somebody asked from outside before");
    served.hear(":dan!d@host JOIN #ropes\r\n");
    assert!(!joined.is_there());
    served.hear(":irc 353 dan = #ropes :@eve +bob dan\r\n:irc 366 dan #other :End\r\n");
    assert!(!joined.is_there());
    served.hear(":irc 366 dan #ropes :End\r\n");
    joined.value();
    assert_eq!(served.irc().members("#ROPES").len(), 3);
    let again = Awaited::new(served.irc().join("#ropes"));
    assert!(again.is_there() && served.written().is_empty(), "it is in there already");
}

#[test]
fn each_of_several_joins_gets_its_own_answer() {
    let served = Served::signed_on();
    let irc = served.irc();
    let one = Awaited::new(irc.join("#one"));
    let two = Awaited::new(irc.join_with_key("#two", "key"));
    let three = Awaited::new(irc.join("#three"));
    assert_eq!(served.written(), "JOIN #one\r\nJOIN #two key\r\nJOIN #three\r\n");
    served.hear(":irc 475 dan #two :Cannot join channel (+k)\r\n");
    assert_eq!(code(&two.failure()), "475");
    served.hear(":dan!d@h JOIN #three\r\n:irc 366 dan #three :End\r\n");
    three.value();
    assert!(!one.is_there());
    served.hear(":irc 403 dan #one :No such channel\r\n");
    assert_eq!(code(&one.failure()), "403");
    assert_eq!(served.news(), ["joined #three"], "what a request takes is no other news");
}

#[test]
fn what_is_done_comes_back_and_then_is_done() {
    type Ask = fn(&ropewalk_irc::client::Irc) -> ropewalk_core::Deferred<()>;
    let rows: &[(Ask, &str, &str)] = &[
        (|irc| irc.part("#a", "bye now"), "PART #a :bye now\r\n", ":dan!d@h PART #a :bye now"),
        (|irc| irc.part("#a", ""), "PART #a\r\n", ":dan!d@h PART #A"),
        (|irc| irc.set_topic("#a", "x"), "TOPIC #a :x\r\nPING rw1\r\n", ":dan!d@h TOPIC #a :x"),
        (
            |irc| irc.mode("#a", &["+o", "eve"]),
            "MODE #a +o eve\r\nPING rw1\r\n",
            ":dan!d@h MODE #a +o eve",
        ),
        (|irc| irc.mode("#a", &["+n"]), "MODE #a +n\r\nPING rw1\r\n", ":irc PONG irc :rw1"),
        (|irc| irc.mode("dan", &["+i"]), "MODE dan +i\r\nPING rw1\r\n", ":dan MODE dan :+i"),
        (|irc| irc.kick("#a", "eve", ""), "KICK #a eve\r\n", ":dan!d@h KICK #a eve :dan"),
        (|irc| irc.invite("eve", "#a"), "INVITE eve #a\r\n", ":irc 341 dan eve #a"),
        (|irc| irc.away("out"), "AWAY :out\r\n", ":irc 306 dan :You are away"),
        (|irc| irc.away(""), "AWAY\r\n", ":irc 305 dan :You are back"),
    ];
    for (ask, written, answer) in rows {
        let served = Served::signed_on();
        let done = Awaited::new(ask(&served.irc()));
        assert_eq!(served.written(), *written);
        served.hear(":eve!e@h PART #a\r\n:eve!e@h KICK #a bob\r\n:eve!e@h TOPIC #a :y\r\n:irc NOTICE dan :rw1\r\n");
        assert!(!done.is_there(), "{written}");
        served.hear(&format!("{answer}\r\n"));
        assert!(done.is_there(), "{written}");
        done.value();
    }
}

#[test]
fn what_is_refused_fails_with_the_numeric_and_the_text() {
    type Ask = fn(&ropewalk_irc::client::Irc) -> ropewalk_core::Deferred<()>;
    let rows: &[(Ask, &str, &str)] = &[
        (|irc| irc.part("#a", ""), "442 dan #a :You're not on that channel", "442"),
        (|irc| irc.set_topic("#a", "x"), "482 dan #a :You're not channel operator", "482"),
        (
            |irc| irc.mode("#a", &["+o", "eve"]),
            "441 dan eve #a :They aren't on that channel",
            "441",
        ),
        (|irc| irc.mode("#a", &["+o", "eve"]), "461 dan MODE :Not enough parameters", "461"),
        (|irc| irc.kick("#a", "eve", ""), "482 dan #a :You're not channel operator", "482"),
        (|irc| irc.invite("eve", "#a"), "443 dan eve #a :is already on channel", "443"),
        (|irc| irc.away("x"), "421 dan AWAY :Unknown command", "421"),
        (|irc| irc.join("#a"), "263 dan JOIN :Try again", "263"),
    ];
    for (ask, answer, numeric) in rows {
        let served = Served::signed_on();
        let done = Awaited::new(ask(&served.irc()));
        served.hear(":irc 401 dan somebody :No such nick\r\n:irc 461 dan WHO :Not enough\r\n");
        assert!(!done.is_there(), "{answer}");
        served.news();
        served.hear(&format!(":irc {answer}\r\n"));
        let failure = done.failure();
        assert!(failure.is(FailureKind::Peer));
        assert_eq!(code(&failure), *numeric);
        assert_eq!(served.news(), Vec::<String>::new());
    }
}

#[test]
fn a_refusal_that_nobody_waits_for_is_told() {
    let served = Served::signed_on();
    served.hear(":irc 404 dan #a :Cannot send to channel\r\n");
    assert_eq!(served.news(), ["refused: 404 ERR_CANNOTSENDTOCHAN #a: Cannot send to channel"]);
}

#[test]
fn a_whois_is_gathered_from_its_numerics() {
    let served = Served::signed_on();
    let asked = Awaited::new(served.irc().whois("eve"));
    assert_eq!(served.written(), "WHOIS eve\r\n");
    served.hear(
        ":irc 311 dan Eve e host * :Eve E.\r\n:irc 312 dan Eve irc :A server\r\n:irc 301 dan Eve :out\r\n\
         :irc 313 dan Eve :is an operator\r\n:irc 317 dan Eve 42 1700000000 :idle, signon\r\n\
         :irc 319 dan Eve :@#a +#b\r\n:irc 319 dan Eve :#c\r\n:irc 330 dan Eve eve1 :is logged in as\r\n\
         :irc 671 dan Eve :is secure\r\n:irc 338 dan Eve 1.2.3.4 :actually\r\n:irc 311 dan bob b h * :Bob\r\n",
    );
    assert!(!asked.is_there());
    served.hear(":irc 318 dan Eve :End\r\n");
    let expected = Whois {
        nick: "Eve".to_owned(),
        user: "e".to_owned(),
        host: "host".to_owned(),
        realname: "Eve E.".to_owned(),
        server: "irc".to_owned(),
        channels: ["@#a", "+#b", "#c"].map(str::to_owned).to_vec(),
        account: Some("eve1".to_owned()),
        away: Some("out".to_owned()),
        idle: Some(42),
        signed_on_at: Some(1_700_000_000),
        is_operator: true,
        is_secure: true,
    };
    assert_eq!(asked.value(), expected);
}

#[test]
fn a_whois_of_nobody_fails_and_its_end_is_not_the_next_one_s() {
    let served = Served::signed_on();
    let (first, second) =
        (Awaited::new(served.irc().whois("x")), Awaited::new(served.irc().whois("x")));
    served.hear(":irc 401 dan x :No such nick\r\n:irc 318 dan x :End\r\n");
    assert_eq!(code(&first.failure()), "401");
    assert!(!second.is_there());
    served.hear(":irc 311 dan x u h * :X\r\n:irc 318 dan x :End\r\n");
    assert_eq!(second.value().nick, "x");
}

#[test]
fn who_names_and_lists_are_gathered_up_to_their_ends() {
    let served = Served::signed_on();
    let irc = served.irc();
    let who = Awaited::new(irc.who("#a"));
    let names = Awaited::new(irc.names("#a"));
    let list = Awaited::new(irc.list(""));
    let bans = Awaited::new(irc.ask_masks("#a", 'b'));
    let modes = Awaited::new(irc.ask_modes("#a"));
    let topic = Awaited::new(irc.ask_topic("#a"));
    let written = served.written();
    assert_eq!(
        written,
        "WHO #a\r\nNAMES #a\r\nLIST\r\nMODE #a b\r\nMODE #a\r\nTOPIC #a\r\nPING rw6\r\n"
    );
    served.hear(":irc 352 dan #a e host irc eve G*@ :0 Eve E.\r\n:irc 315 dan #a :End\r\n");
    let entry = &who.value()[0];
    assert_eq!((&*entry.nick, &*entry.realname), ("eve", "Eve E."));
    assert!(entry.is_away() && entry.is_operator());
    served.hear(":irc 353 dan = #a :@+eve bob!b@h\r\n:irc 366 dan #a :End\r\n");
    let names = names.value();
    assert_eq!((&*names[0].nick, &*names[0].modes), ("eve", "ov"));
    assert_eq!(&*names[1].nick, "bob");
    served.hear(
        ":irc 321 dan Channel :Users Name\r\n:irc 322 dan #a 2 :All of it\r\n:irc 323 dan :End\r\n",
    );
    let entry = ListEntry { channel: "#a".to_owned(), members: 2, topic: "All of it".to_owned() };
    assert_eq!(list.value(), [entry]);
    served.hear(":irc 367 dan #a *!*@bad eve 1700000000\r\n:irc 368 dan #a :End\r\n");
    let ban = MaskEntry {
        mask: "*!*@bad".to_owned(),
        set_by: Some("eve".to_owned()),
        set_at: Some(1_700_000_000),
    };
    assert_eq!(bans.value(), [ban]);
    served.hear(":irc 324 dan #a +ntk key\r\n:irc 329 dan #a 1700000000\r\n");
    assert_eq!(
        modes.value(),
        [('n', String::new()), ('t', String::new()), ('k', "key".to_owned())]
    );
    served.hear(":irc 332 dan #a :All of it\r\n:irc 333 dan #a eve 1700000000\r\n");
    let topic = topic.value();
    assert_eq!((&*topic.text, topic.set_by.as_deref()), ("All of it", Some("eve")));
}

#[test]
fn a_topic_is_known_on_a_server_that_does_not_say_who_set_it() {
    let served = Served::signed_on();
    let topic = Awaited::new(served.irc().ask_topic("#a"));
    served.hear(":irc 332 dan #a :All of it\r\n:irc PONG irc :rw1\r\n");
    assert_eq!(topic.value().text, "All of it");
}

#[test]
fn an_answer_has_so_many_entries_and_no_more() {
    let mut options = options();
    options.limits.answer_entries_max = 3;
    let served = Served::signed_on_with(options);
    let list = Awaited::new(served.irc().list(""));
    served.hear(&":irc 322 dan #a 1 :x\r\n".repeat(3));
    assert!(!list.is_there());
    served.hear(":irc 322 dan #a 1 :x\r\n");
    let failure = list.failure();
    assert!(failure.is(FailureKind::Limit) && failure.to_string().contains("answer_entries_max"));
}

#[test]
fn an_answer_that_does_not_come_is_waited_for_only_so_long() {
    let served = Served::signed_on();
    let (asked, later) =
        (Awaited::new(served.irc().whois("eve")), Awaited::new(served.irc().join("#a")));
    served.advance(29);
    assert!(!asked.is_there());
    served.advance(2);
    assert!(asked.failure().is(FailureKind::Timeout));
    assert!(later.failure().to_string().contains("request_timeout"));
    assert!(served.irc().is_signed_on(), "the connection is still there");
}

#[test]
fn everything_that_waits_fails_with_the_connection() {
    let served = Served::signed_on();
    let irc = served.irc();
    let asked = [Awaited::new(irc.join("#a")), Awaited::new(irc.part("#b", ""))];
    served.conversation.reset_peer();
    for asked in asked {
        assert!(asked.failure().is(FailureKind::Peer));
    }
    assert!(Awaited::new(irc.join("#c")).failure().is(FailureKind::Peer));
    assert!(Awaited::new(irc.signed_on()).failure().is(FailureKind::Peer));
    assert!(!irc.is_signed_on());
    assert!(Awaited::new(irc.quit("")).is_there());
    assert_eq!(served.conversation.event_loop().next_deadline(), None, "no timer is left");
}

#[test]
fn the_server_s_last_words_are_the_reason() {
    let served = Served::signed_on();
    let asked = Awaited::new(served.irc().join("#a"));
    served.hear("ERROR :Closing link: (dan) [Killed]\r\n");
    served.conversation.close_peer();
    assert_eq!(asked.failure().to_string(), "ERROR: Closing link: (dan) [Killed]");
}

#[test]
fn who_quits_is_told_when_the_connection_is_gone() {
    let served = Served::signed_on();
    let quit = Awaited::new(served.irc().quit("good night"));
    served.settle();
    assert_eq!(served.written(), "QUIT :good night\r\n");
    assert!(!quit.is_there());
    served.hear("ERROR :Closing link: good night\r\n");
    served.conversation.close_peer();
    quit.value();
    assert!(served.conversation.lost().expect("lost").is(FailureKind::ConnectionDone));
    assert_eq!(served.news().last().map(String::as_str), Some("lost: connection closed cleanly"));
}

#[test]
fn a_server_that_does_not_let_go_is_left_after_some_seconds() {
    let served = Served::signed_on();
    let quit = Awaited::new(served.irc().quit(""));
    served.advance(6);
    served.conversation.close_peer();
    quit.value();
}

#[test]
fn a_request_that_is_cancelled_is_not_sent_or_its_answer_passed_over() {
    let mut options = options();
    options.limits.line_burst = 1;
    options.limits.line_interval = std::time::Duration::from_secs(2);
    let served = Served::signed_on_with(options);
    let irc = served.irc();
    let sent = irc.whois("eve");
    let waiting = irc.whois("bob");
    assert_eq!(served.written(), "WHOIS eve\r\n");
    waiting.cancel();
    sent.cancel();
    assert_eq!(irc.queued_lines(), 0);
    let next = Awaited::new(irc.whois("eve"));
    served.advance(10);
    assert_eq!(served.written(), "WHOIS eve\r\n");
    served.hear(":irc 311 dan eve u h * :First\r\n:irc 318 dan eve :End\r\n");
    assert!(!next.is_there(), "that was the answer to the one before");
    served.hear(":irc 311 dan eve u h * :Second\r\n:irc 318 dan eve :End\r\n");
    assert_eq!(next.value().realname, "Second");
    for cancelled in [sent, waiting] {
        let result = cancelled.into_result().expect("it has fired");
        assert!(result.expect_err("it was cancelled").is(FailureKind::Cancelled));
    }
}

#[test]
fn what_cannot_be_said_fails_at_once_and_writes_nothing() {
    let served = Served::signed_on();
    let irc = served.irc();
    let asked = [
        Awaited::new(irc.join("#a\r\nQUIT")),
        Awaited::new(irc.join("#a b")),
        Awaited::new(irc.join("#a,#b")),
        Awaited::new(irc.join("")),
        Awaited::new(irc.join("0")),
        Awaited::new(irc.part("", "")),
        Awaited::new(irc.kick("#a", "", "x")),
        Awaited::new(irc.part("#a", "x\ny")),
        Awaited::new(irc.setname("x")),
        Awaited::new(irc.set_topic("#a", &"x".repeat(600))),
        Awaited::new(irc.privmsg("#a b", "x")),
        Awaited::new(irc.privmsg("#a", "")),
    ];
    for (index, asked) in asked.iter().enumerate() {
        let failure = asked.failure();
        let kind = if index == 9 { FailureKind::Limit } else { FailureKind::Local };
        assert!(failure.is(kind), "{index}: {failure:?}");
    }
    assert_eq!(served.written(), "");
}
