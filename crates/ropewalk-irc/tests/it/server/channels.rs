//! `JOIN`, `PART`, `KICK`, `INVITE`, `TOPIC`, `NAMES`, `LIST`.

use ropewalk_irc::network::NetworkLimits;
use ropewalk_irc::server::IrcSettings;

use super::{Hall, limits, settings};

#[test]
fn who_joins_is_told_who_is_there() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter("alice"), hall.enter("bob"));
    hall.check(
        &alice,
        &[(
            "JOIN #Ropes",
            &[
                ":alice!~user@localhost JOIN #Ropes",
                ":irc.test 353 alice = #Ropes :@alice",
                ":irc.test 366 alice #Ropes :End of /NAMES list",
            ],
        )],
    );
    hall.send(&alice, "TOPIC #ropes :knots and bends");
    alice.told();
    hall.check(
        &bob,
        &[(
            "JOIN #rOPES",
            &[
                ":bob!~user@localhost JOIN #Ropes",
                ":irc.test 332 bob #Ropes :knots and bends",
                ":irc.test 333 bob #Ropes alice!~user@localhost 1700000000",
                ":irc.test 353 bob = #Ropes :@alice bob",
                ":irc.test 366 bob #Ropes :End of /NAMES list",
            ],
        )],
    );
    assert_eq!(alice.told(), [":bob!~user@localhost JOIN #Ropes"]);
    hall.check(&bob, &[("JOIN #ropes", &[])]);
    assert_eq!(alice.told(), [""; 0]);
}

#[test]
fn each_way_not_to_join_has_its_numeric() {
    let hall = Hall::with(NetworkLimits { channels_per_user_max: 1, ..limits() }, settings());
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter("bob"));
    let join = |line: &str| hall.ask(&bob, line);
    for (set, unset, numeric) in [
        ("+i", "-i", "473 bob #ropes :Cannot join channel (+i)"),
        ("+k sesame", "-k sesame", "475 bob #ropes :Cannot join channel (+k)"),
        ("+l 1", "-l", "471 bob #ropes :Cannot join channel (+l)"),
        ("+b b*!*@*", "-b b*!*@*", "474 bob #ropes :Cannot join channel (+b)"),
    ] {
        hall.send(&alice, &format!("MODE #ropes {set}"));
        assert_eq!(join("JOIN #ropes"), [format!(":irc.test {numeric}")]);
        hall.send(&alice, &format!("MODE #ropes {unset}"));
    }
    let long = format!("#{}", "x".repeat(64));
    let bad = format!(":irc.test 403 bob {long} :No such channel");
    hall.check(
        &bob,
        &[
            ("JOIN", &[":irc.test 461 bob JOIN :Not enough parameters"]),
            ("JOIN :", &[":irc.test 461 bob JOIN :Not enough parameters"]),
            ("JOIN ,", &[]),
            ("JOIN ropes", &[":irc.test 403 bob ropes :No such channel"]),
            ("JOIN #", &[":irc.test 403 bob # :No such channel"]),
            ("JOIN :#a b", &[":irc.test 476 bob #a :Bad channel name"]),
            (&format!("JOIN {long}"), &[&bad]),
        ],
    );
    assert_eq!(join("JOIN #ropes").len(), 3);
    let many = ":irc.test 405 bob #more :You have joined too many channels";
    hall.check(&bob, &[("JOIN #more", &[many])]);
}

#[test]
fn lists_of_channels_go_with_lists_of_keys() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter("alice"), hall.enter("bob"));
    hall.send(&alice, "JOIN #a,#b,#c");
    hall.send(&alice, "MODE #a +k one");
    hall.send(&alice, "MODE #c +k three");
    let joined = |told: Vec<String>| -> Vec<String> {
        told.into_iter().filter(|line| line.contains(" JOIN ") || line.contains(" 475 ")).collect()
    };
    let told = joined(hall.ask(&bob, "JOIN #a,#b,#c one,,three"));
    let join = |channel: &str| format!(":bob!~user@localhost JOIN {channel}");
    assert_eq!(told, [join("#a"), join("#b"), join("#c")]);
    hall.send(&bob, "JOIN 0");
    let told = joined(hall.ask(&bob, "JOIN #a,#b,#c wrong"));
    let wrong = |channel: &str| format!(":irc.test 475 bob {channel} :Cannot join channel (+k)");
    assert_eq!(told, [wrong("#a"), join("#b"), wrong("#c")]);
}

#[test]
fn who_parts_is_told_and_so_are_the_others() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    alice.told();
    hall.check(
        &bob,
        &[
            ("PART", &[":irc.test 461 bob PART :Not enough parameters"]),
            ("PART #none", &[":irc.test 403 bob #none :No such channel"]),
            ("PART #ropes :to supper", &[":bob!~user@localhost PART #ropes :to supper"]),
            ("PART #ropes", &[":irc.test 442 bob #ropes :You're not on that channel"]),
        ],
    );
    assert_eq!(alice.told(), [":bob!~user@localhost PART #ropes :to supper"]);
    hall.check(&alice, &[("PART #ropes", &[":alice!~user@localhost PART #ropes"])]);
    let over = ":irc.test 403 alice #ropes :No such channel";
    hall.check(&alice, &[("MODE #ropes", &[over])]);
}

#[test]
fn join_zero_parts_all() {
    let hall = Hall::new();
    let alice = hall.enter("alice");
    hall.send(&alice, "JOIN #a,#b");
    let parts = [":alice!~user@localhost PART #a", ":alice!~user@localhost PART #b"];
    hall.check(&alice, &[("JOIN 0", &parts)]);
}

#[test]
fn each_way_of_kick_has_its_answer() {
    let hall = Hall::new();
    let (alice, bob, carol) =
        (hall.enter_ropes("alice"), hall.enter_ropes("bob"), hall.enter_ropes("carol"));
    let needs = ":irc.test 461 alice KICK :Not enough parameters";
    hall.check(
        &alice,
        &[
            ("KICK", &[needs]),
            ("KICK #ropes", &[needs]),
            ("KICK #ropes :", &[needs]),
            ("KICK #a,#b bob,carol,dan", &[needs]),
            ("KICK #none bob", &[":irc.test 403 alice #none :No such channel"]),
            ("KICK #ropes nobody", &[":irc.test 401 alice nobody :No such nick/channel"]),
        ],
    );
    hall.check(
        &bob,
        &[("KICK #ropes alice", &[":irc.test 482 bob #ropes :You're not channel operator"])],
    );
    let outside = hall.enter("outside");
    let elsewhere = ":irc.test 441 alice outside #ropes :They aren't on that channel";
    hall.check(&alice, &[("KICK #ropes outside", &[elsewhere])]);
    hall.check(
        &outside,
        &[("KICK #ropes bob", &[":irc.test 482 outside #ropes :You're not channel operator"])],
    );
    carol.told();
    let kicked = [
        ":alice!~user@localhost KICK #ropes bob :so long",
        ":alice!~user@localhost KICK #ropes carol :so long",
    ];
    hall.check(&alice, &[("KICK #ropes BOB,carol :so long", &kicked)]);
    assert_eq!(bob.told(), [kicked[0]], "not what comes after");
    assert_eq!(carol.told(), kicked);
    hall.send(&bob, "JOIN #ropes");
    alice.told();
    let unreasoned = ":alice!~user@localhost KICK #ropes bob alice";
    hall.check(&alice, &[("KICK #ropes bob :", &[&unreasoned.replace("bob alice", "bob :alice")])]);
}

#[test]
fn each_way_of_invite_has_its_answer() {
    let hall = Hall::new();
    let (alice, bob, carol) = (hall.enter_ropes("alice"), hall.enter("Bob"), hall.enter("carol"));
    let needs = ":irc.test 461 alice INVITE :Not enough parameters";
    let end = ":irc.test 337 alice :End of /INVITE list";
    hall.check(
        &alice,
        &[
            ("INVITE", &[end]),
            ("INVITE bob", &[needs]),
            ("INVITE nobody #ropes", &[":irc.test 401 alice nobody :No such nick/channel"]),
            ("INVITE bob #none", &[":irc.test 403 alice #none :No such channel"]),
            ("INVITE bob #ropes", &[":irc.test 341 alice Bob #ropes"]),
            ("INVITE alice #ropes", &[":irc.test 443 alice alice #ropes :is already on channel"]),
        ],
    );
    assert_eq!(bob.told(), [":alice!~user@localhost INVITE Bob #ropes"]);
    let invitations = [":irc.test 336 Bob #ropes", ":irc.test 337 Bob :End of /INVITE list"];
    hall.check(&bob, &[("INVITE", &invitations)]);
    hall.check(
        &carol,
        &[("INVITE bob #ropes", &[":irc.test 442 carol #ropes :You're not on that channel"])],
    );
    hall.send(&alice, "MODE #ropes +i");
    hall.send(&bob, "JOIN #ropes");
    hall.check(
        &bob,
        &[("INVITE carol #ropes", &[":irc.test 482 Bob #ropes :You're not channel operator"])],
    );
    hall.send(&carol, "AWAY :supper");
    let away = [":irc.test 341 alice carol #ropes", ":irc.test 301 alice carol :supper"];
    hall.check(&alice, &[("INVITE carol #ropes", &away)]);
}

#[test]
fn each_way_of_topic_has_its_answer() {
    let hall = Hall::new();
    let (alice, bob, outside) =
        (hall.enter_ropes("alice"), hall.enter_ropes("bob"), hall.enter("out"));
    alice.told();
    hall.check(
        &alice,
        &[
            ("TOPIC", &[":irc.test 461 alice TOPIC :Not enough parameters"]),
            ("TOPIC #none", &[":irc.test 403 alice #none :No such channel"]),
            ("TOPIC #none :x", &[":irc.test 403 alice #none :No such channel"]),
            ("TOPIC #ropes", &[":irc.test 331 alice #ropes :No topic is set"]),
            ("TOPIC #ropes :knots", &[":alice!~user@localhost TOPIC #ropes :knots"]),
        ],
    );
    assert_eq!(bob.told(), [":alice!~user@localhost TOPIC #ropes :knots"]);
    let topic = [
        ":irc.test 332 out #ropes :knots",
        ":irc.test 333 out #ropes alice!~user@localhost 1700000000",
    ];
    hall.check(&outside, &[("TOPIC #ropes", &topic)]);
    hall.check(
        &outside,
        &[("TOPIC #ropes :x", &[":irc.test 442 out #ropes :You're not on that channel"])],
    );
    hall.check(
        &bob,
        &[("TOPIC #ropes :x", &[":irc.test 482 bob #ropes :You're not channel operator"])],
    );
    hall.send(&alice, "MODE #ropes -t");
    bob.told();
    hall.check(&bob, &[("TOPIC #ropes :", &[":bob!~user@localhost TOPIC #ropes :"])]);
    hall.check(&bob, &[("TOPIC #ropes", &[":irc.test 331 bob #ropes :No topic is set"])]);
    hall.send(&alice, "MODE #ropes +s");
    hall.check(&outside, &[("TOPIC #ropes", &[":irc.test 403 out #ropes :No such channel"])]);
}

#[test]
fn names_of_what_is_not_to_be_seen_are_none() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter("bob"));
    let names = |who: &str| format!(":irc.test 353 {who} = #ropes :@alice");
    let end = |channel: &str| format!(":irc.test 366 bob {channel} :End of /NAMES list");
    hall.check(
        &bob,
        &[
            ("NAMES", &[&end("*")]),
            ("NAMES #none", &[&end("#none")]),
            ("NAMES #ropes,#none", &[&names("bob"), &end("#ropes"), &end("#none")]),
            ("NAMES nonsense", &[&end("nonsense")]),
            (
                "NAMES #ropes,#ropes,#ropes,#ropes,#ropes",
                &[":irc.test 407 bob #ropes,#ropes,#ropes,#ropes,#ropes :Too many recipients: at most 4"],
            ),
        ],
    );
    hall.send(&alice, "MODE #ropes +s");
    hall.check(&bob, &[("NAMES #ropes", &[&end("#ropes")])]);
    let secret = ":irc.test 353 alice @ #ropes :@alice";
    let own_end = ":irc.test 366 alice #ropes :End of /NAMES list";
    hall.check(&alice, &[("NAMES #ropes", &[secret, own_end])]);
}

#[test]
fn many_names_take_many_lines() {
    let hall = Hall::new();
    let clients: Vec<_> =
        (0..60).map(|number| hall.enter_ropes(&format!("somebody-{number:02}"))).collect();
    let told = hall.ask(&clients[0], "NAMES #ropes");
    assert!(told.len() > 2 && told.iter().all(|line| line.len() <= 510), "{told:?}");
    let names = told.iter().filter_map(|line| line.split_once(" = #ropes :"));
    let names: Vec<&str> = names.flat_map(|(_, names)| names.split(' ')).collect();
    assert_eq!(names.len(), 60);
    assert!(names.contains(&"@somebody-00") && names.contains(&"somebody-59"));
}

#[test]
fn a_list_has_what_was_asked_for() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter("alice"), hall.enter("bob"));
    hall.send(&alice, "JOIN #old,#new");
    hall.send(&alice, "TOPIC #old :antiques");
    hall.seconds_pass(3600);
    hall.send(&alice, "JOIN #fresh");
    hall.send(&bob, "JOIN #new");
    hall.send(&alice, "JOIN #secret");
    hall.send(&alice, "MODE #secret +s");
    let line = |channel: &str, count: usize, topic: &str| {
        format!(":irc.test 322 bob {channel} {count} :{topic}")
    };
    let (fresh, new, old) =
        (line("#fresh", 1, ""), line("#new", 2, ""), line("#old", 1, "antiques"));
    let all = [&fresh, &new, &old];
    for (asked, expected) in [
        ("LIST", &all[..]),
        ("LIST #new", &[&new]),
        ("LIST #NEW,#old,#none", &[&new, &old]),
        ("LIST >1", &[&new]),
        ("LIST <2", &[&fresh, &old]),
        ("LIST #f*", &[&fresh]),
        ("LIST !#f*", &[&new, &old]),
        ("LIST C>30", &[&new, &old]),
        ("LIST C<30", &[&fresh]),
        ("LIST T>30", &[&old]),
        ("LIST T<30", &[]),
        ("LIST >0,C>30,!*e*", &[&old]),
    ] {
        let told = hall.ask(&bob, asked);
        assert_eq!(told[0], ":irc.test 321 bob Channel :Users  Name");
        assert_eq!(told[told.len() - 1], ":irc.test 323 bob :End of /LIST");
        let listed: Vec<&String> = told[1..told.len() - 1].iter().collect();
        assert_eq!(listed, expected, "{asked}");
    }
    assert_eq!(hall.ask(&alice, "LIST #secret").len(), 3, "who is on it sees it");
}

#[test]
fn a_server_may_put_its_users_on_a_channel() {
    let hall = Hall::with(limits(), IrcSettings { channels: vec!["#lobby".into()], ..settings() });
    hall.server.network().keep_channel("#lobby").expect("it is a good name");
    let client = hall.connect();
    hall.send(&client, "NICK dan");
    let told = hall.ask(&client, "USER d 0 * :Dan");
    let end: Vec<&str> = told[told.len() - 3..].iter().map(String::as_str).collect();
    let expected = [
        ":dan!~d@localhost JOIN #lobby",
        ":irc.test 353 dan = #lobby :dan",
        ":irc.test 366 dan #lobby :End of /NAMES list",
    ];
    assert_eq!(end, expected);
}
