//! What the server says of itself, and what it does not know.

use ropewalk_irc::server::IrcSettings;

use super::{Hall, limits, settings};

#[test]
fn each_question_about_the_server_has_its_answer() {
    let admin = ["Here".to_owned(), "Us".to_owned(), "us@example.org".to_owned()];
    let hall = Hall::with(limits(), IrcSettings { admin: admin.into(), ..settings() });
    let alice = hall.enter("alice");
    hall.seconds_pass(90_061);
    let elsewhere = ":irc.test 402 alice nowhere.test :No such server";
    let time = ":irc.test 391 alice irc.test :2023-11-15T23:14:21.000Z";
    let up = ":irc.test 242 alice :Server Up 1 days 1:01:01";
    hall.check(
        &alice,
        &[
            ("MOTD", &[":irc.test 422 alice :There is no message of the day"]),
            ("MOTD nowhere.test", &[elsewhere]),
            ("VERSION nowhere.test", &[elsewhere]),
            ("TIME nowhere.test", &[elsewhere]),
            ("ADMIN nowhere.test", &[elsewhere]),
            ("INFO nowhere.test", &[elsewhere]),
            ("TIME", &[time]),
            ("TIME irc.*", &[time]),
            ("TIME alice", &[time]),
            (
                "ADMIN",
                &[
                    ":irc.test 256 alice irc.test :Administrative info about irc.test",
                    ":irc.test 257 alice :Here",
                    ":irc.test 258 alice :Us",
                    ":irc.test 259 alice :us@example.org",
                ],
            ),
            (
                "LINKS",
                &[
                    ":irc.test 364 alice irc.test irc.test :0 Ropewalk",
                    ":irc.test 365 alice * :End of /LINKS list",
                ],
            ),
            ("STATS u", &[up, ":irc.test 219 alice u :End of /STATS report"]),
            ("STATS", &[":irc.test 219 alice * :End of /STATS report"]),
            ("HELP nonsense", &[":irc.test 524 alice nonsense :No help available on this topic"]),
        ],
    );
    assert_eq!(
        hall.ask(&alice, "INFO").last().map(String::as_str),
        Some(":irc.test 374 alice :End of /INFO list")
    );
    assert!(hall.ask(&alice, "HELP").len() > 3);
    let version = hall.ask(&alice, "VERSION");
    assert!(
        version[0].starts_with(":irc.test 351 alice ropewalk-") && version[1].contains(" 005 ")
    );
}

#[test]
fn what_is_unknown_is_said_to_be() {
    let hall = Hall::new();
    let alice = hall.enter("alice");
    hall.check(
        &alice,
        &[
            ("NONSENSE", &[":irc.test 421 alice NONSENSE :Unknown command"]),
            ("nonsense with params", &[":irc.test 421 alice nonsense :Unknown command"]),
            ("001 alice :hello", &[":irc.test 421 alice 001 :Unknown command"]),
            ("N0NSENSE x", &[":irc.test 421 alice N0NSENSE :Unknown command"]),
            ("CONNECT other.test", &[":irc.test 421 alice CONNECT :Unknown command"]),
            ("", &[]),
        ],
    );
}

#[test]
fn lusers_counts_everybody() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter("bob"));
    let _unknown = hall.connect();
    hall.send(&bob, "MODE bob +i");
    hall.send(&alice, "OPER root toor");
    hall.check(
        &alice,
        &[(
            "LUSERS",
            &[
                ":irc.test 251 alice :There are 1 users and 1 invisible on 1 servers",
                ":irc.test 252 alice 1 :operator(s) online",
                ":irc.test 253 alice 1 :unknown connection(s)",
                ":irc.test 254 alice 1 :channels formed",
                ":irc.test 255 alice :I have 2 clients and 0 servers",
                ":irc.test 265 alice 2 2 :Current local users 2, max 2",
                ":irc.test 266 alice 2 2 :Current global users 2, max 2",
            ],
        )],
    );
}
