//! `PRIVMSG`, `NOTICE`, `TAGMSG`, and being away.

use std::rc::Rc;

use ropewalk_core::Time;
use ropewalk_irc::network::{Listener, Notice, Registration, Speech};

use super::Hall;

struct Deaf;

impl Listener for Deaf {
    fn notified(&self, _: &Notice) {}
}

#[test]
fn a_message_goes_to_a_user_a_channel_or_several() {
    let hall = Hall::new();
    let (alice, bob, carol) =
        (hall.enter_ropes("alice"), hall.enter_ropes("Bob"), hall.enter("carol"));
    alice.told();
    hall.check(
        &alice,
        &[
            ("PRIVMSG bOB :hello there", &[]),
            ("PRIVMSG #ROPES ::)", &[]),
            ("NOTICE bob,#ropes,carol :to all", &[]),
        ],
    );
    let from = ":alice!~user@localhost";
    assert_eq!(
        bob.told(),
        [
            format!("{from} PRIVMSG Bob :hello there"),
            format!("{from} PRIVMSG #ropes ::)"),
            format!("{from} NOTICE Bob :to all"),
            format!("{from} NOTICE #ropes :to all"),
        ]
    );
    assert_eq!(carol.told(), [format!("{from} NOTICE carol :to all")]);
    let own = format!("{from} PRIVMSG alice :note");
    hall.check(&alice, &[("PRIVMSG alice note", &[&own])]);
}

#[test]
fn each_way_not_to_speak_has_its_numeric_and_a_notice_has_none() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter("bob"));
    let many = ":irc.test 407 bob a,b,c,d,e :Too many recipients: at most 4";
    let table: &[(&str, &str)] = &[
        ("", ":irc.test 411 bob :No recipient given (PRIVMSG)"),
        (":", ":irc.test 411 bob :No recipient given (PRIVMSG)"),
        (", :x", ":irc.test 411 bob :No recipient given (PRIVMSG)"),
        ("alice", ":irc.test 412 bob :No text to send"),
        ("alice :", ":irc.test 412 bob :No text to send"),
        ("nobody :x", ":irc.test 401 bob nobody :No such nick/channel"),
        ("#none :x", ":irc.test 403 bob #none :No such channel"),
        ("@#none :x", ":irc.test 403 bob @#none :No such channel"),
        ("#ropes :x", ":irc.test 404 bob #ropes :Cannot send to channel"),
        ("a,b,c,d,e :x", many),
    ];
    for (params, expected) in table {
        hall.check(&bob, &[(&format!("PRIVMSG {params}"), &[expected])]);
        if *expected != many {
            hall.check(&bob, &[(&format!("NOTICE {params}"), &[])]);
        }
    }
    hall.send(&alice, "MODE #ropes +C-n");
    let ctcp = ":irc.test 404 bob #ropes :Cannot send CTCP to channel (+C)";
    hall.check(
        &bob,
        &[
            ("PRIVMSG #ropes :\u{1}PING\u{1}", &[ctcp]),
            ("PRIVMSG #ropes :\u{1}ACTION waves\u{1}", &[]),
        ],
    );
}

#[test]
fn who_is_away_answers_by_the_server() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter("alice"), hall.enter("bob"));
    let away = ":irc.test 306 bob :You have been marked as being away";
    let back = ":irc.test 305 bob :You are no longer marked as being away";
    let told = ":irc.test 301 alice bob :supper";
    hall.check(&bob, &[("AWAY :supper", &[away]), ("AWAY supper", &[away])]);
    hall.check(&alice, &[("PRIVMSG bob :x", &[told]), ("NOTICE bob :x", &[])]);
    assert!(hall.ask(&alice, "WHOIS bob").contains(&told.to_owned()));
    hall.check(&bob, &[("AWAY :", &[back]), ("AWAY", &[back])]);
    hall.check(&alice, &[("PRIVMSG bob :x", &[])]);
}

#[test]
fn what_is_too_long_is_refused_and_what_is_passed_on_fits() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    let long = ":irc.test 417 alice :Input line was too long";
    let line = |bytes: usize| format!("PRIVMSG #ropes :{}", "x".repeat(bytes));
    let room = 510 - ":alice!~user@localhost PRIVMSG #ropes :".len();
    for bytes in [room + 1, 510, 20_000] {
        hall.check(&alice, &[(&line(bytes), &[long])]);
    }
    bob.told();
    hall.check(&alice, &[(&line(room), &[])]);
    assert_eq!(bob.told()[0].len(), 510);
    // By another way comes more.
    let tagged = hall.enter_with("tagged", "message-tags");
    hall.send(&tagged, "JOIN #ropes");
    let visitor = Registration::new("visitor");
    let visitor = hall.server.connect(Time::START, &visitor, Rc::new(Deaf)).expect("they may come");
    visitor.join(Time::START, "#ropes", None).expect("it is open");
    bob.told();
    let text = "a word ".repeat(140);
    visitor.say(Time::START, "#ropes", Speech::message(&text)).expect("they may");
    hall.settle();
    let told = bob.told();
    let said: Vec<_> = told.iter().filter(|line| line.contains(" PRIVMSG ")).collect();
    assert_eq!(said.len(), 3, "what does not fit into a line goes into several");
    let texts = said.iter().map(|line| line.split_once(" :").expect("it has a text").1);
    assert_eq!(texts.collect::<String>(), text);
    assert!(said.iter().all(|line| line.len() <= 510));
    let pieces = tagged.told().into_iter().filter(|line| line.contains(" PRIVMSG "));
    let with_msgid: Vec<bool> = pieces.map(|line| line.starts_with("@msgid=")).collect();
    assert_eq!(with_msgid, [true, false, false], "the first of them is the event");
}

#[test]
fn what_is_not_utf_8_is_refused_and_passed_on_to_nobody() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    alice.told();
    hall.send_bytes(&alice, b"PRIVMSG #ropes :caf\xe9\r\n");
    let refused = ":irc.test FAIL PRIVMSG INVALID_UTF8 :Message rejected, your software has to use UTF-8 on this network";
    assert_eq!(alice.told(), [refused]);
    hall.send_bytes(&alice, b"\xff\xfe\r\n");
    assert_eq!(alice.told(), [refused.replace("PRIVMSG", "*")]);
    assert_eq!(bob.told(), [""; 0]);
}

#[test]
fn tags_of_clients_are_passed_on_to_who_wants_tags() {
    let hall = Hall::new();
    let tagged = hall.enter_with("tagged", "message-tags");
    let plain = hall.enter("plain");
    let speaker = hall.enter_with("speaker", "message-tags");
    for client in [&tagged, &plain, &speaker] {
        hall.send(client, "JOIN #ropes");
    }
    tagged.told();
    plain.told();
    hall.send(&speaker, "@+a=b;time=never;+c;account=root PRIVMSG #ropes :hello");
    let told = tagged.told();
    let (tags, rest) = told[0].split_once(' ').expect("it has tags");
    assert_eq!(rest, ":speaker!~user@localhost PRIVMSG #ropes :hello");
    assert!(tags.starts_with("@msgid=") && tags.ends_with(";+a=b;+c"), "{tags}");
    assert_eq!(plain.told(), [":speaker!~user@localhost PRIVMSG #ropes :hello"]);
    hall.check(&speaker, &[("@+typing=active TAGMSG #ropes,tagged", &[])]);
    let told = tagged.told();
    assert!(
        told[0].ends_with(";+typing=active :speaker!~user@localhost TAGMSG #ropes"),
        "{told:?}"
    );
    assert!(told[1].ends_with(" TAGMSG tagged"));
    assert_eq!(plain.told(), [""; 0]);
    hall.check(
        &speaker,
        &[
            ("TAGMSG #ropes", &[]),
            ("@+x TAGMSG", &[":irc.test 411 speaker :No recipient given (TAGMSG)"]),
            ("@+x TAGMSG nobody", &[":irc.test 401 speaker nobody :No such nick/channel"]),
        ],
    );
    hall.check(&plain, &[("@+x TAGMSG #ropes", &[":irc.test 421 plain TAGMSG :Unknown command"])]);
}

#[test]
fn tags_have_room_of_their_own_and_no_more() {
    let hall = Hall::new();
    let tagged = hall.enter_with("tagged", "message-tags");
    let speaker = hall.enter_with("speaker", "message-tags server-time");
    let line = |bytes: usize| {
        let tag = format!("+x={}", "y".repeat(bytes - "+x=".len()));
        format!("@{tag} PRIVMSG tagged :{}", "z".repeat(300))
    };
    hall.check(&speaker, &[(&line(4095), &[":irc.test 417 speaker :Input line was too long"])]);
    hall.check(&speaker, &[(&line(4094), &[])]);
    let told = tagged.told();
    assert!(told[0].len() > 4094 + 300 && told[0].ends_with("zzz"), "{}", told[0].len());
}
