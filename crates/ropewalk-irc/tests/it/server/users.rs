//! `NICK`, `SETNAME`, `WHO`, `WHOIS`, `WHOWAS`, `ISON`, `USERHOST`.

use super::Hall;

#[test]
fn a_new_nickname_is_told_to_all_who_see_it() {
    let hall = Hall::new();
    let (alice, bob, carol) =
        (hall.enter_ropes("alice"), hall.enter_ropes("bob"), hall.enter("carol"));
    alice.told();
    let nick = ":bob!~user@localhost NICK robert";
    hall.check(
        &bob,
        &[
            ("NICK", &[":irc.test 431 bob :No nickname given"]),
            ("NICK ALICE", &[":irc.test 433 bob ALICE :Nickname is already in use"]),
            ("NICK a!b", &[":irc.test 432 bob a!b :Erroneous nickname"]),
            ("NICK robert", &[nick]),
            ("NICK robert", &[]),
            ("NICK Robert", &[":robert!~user@localhost NICK Robert"]),
            ("MODE Robert", &[":irc.test 221 Robert +"]),
        ],
    );
    assert_eq!(alice.told(), [nick, ":robert!~user@localhost NICK Robert"]);
    assert_eq!(carol.told(), [""; 0]);
    let long = "x".repeat(33);
    let bad = format!(":irc.test 432 Robert {long} :Erroneous nickname");
    hall.check(&bob, &[(&format!("NICK {long}"), &[&bad])]);
    hall.check(&bob, &[("NICK Ольга", &[":Robert!~user@localhost NICK Ольга"])]);
    hall.check(
        &carol,
        &[("NICK ОЛЬГА", &[":irc.test 433 carol ОЛЬГА :Nickname is already in use"])],
    );
}

#[test]
fn whois_tells_all_that_may_be_known() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("Alice"), hall.enter("bob"));
    hall.send(&alice, "JOIN #secret,#open");
    hall.send(&alice, "MODE #secret +s");
    hall.send(&alice, "OPER root toor");
    hall.send(&alice, "MODE alice +B");
    hall.seconds_pass(90);
    let end = ":irc.test 318 bob Alice :End of /WHOIS list";
    let expected = [
        ":irc.test 311 bob Alice ~user localhost * :Real Name",
        ":irc.test 319 bob Alice :@#open @#ropes",
        ":irc.test 312 bob Alice irc.test :Test",
        ":irc.test 313 bob Alice :is an IRC operator",
        ":irc.test 335 bob Alice :is a bot",
        ":irc.test 317 bob Alice 90 1700000000 :seconds idle, signon time",
        end,
    ];
    let nobody = [
        ":irc.test 401 bob nobody :No such nick/channel",
        ":irc.test 318 bob nobody :End of /WHOIS list",
    ];
    hall.check(
        &bob,
        &[
            ("WHOIS aLICE", &expected),
            ("WHOIS irc.test alice", &expected),
            ("WHOIS nobody", &nobody),
            ("WHOIS", &[":irc.test 431 bob :No nickname given"]),
            ("WHOIS :", &[":irc.test 431 bob :No nickname given"]),
        ],
    );
    let own = hall.ask(&alice, "WHOIS alice");
    assert!(
        own.contains(&":irc.test 319 Alice Alice :@#open @#ropes @#secret".to_owned()),
        "{own:?}"
    );
}

#[test]
fn whowas_remembers_who_left_and_who_was_renamed() {
    let hall = Hall::new();
    let alice = hall.enter("alice");
    let (bob, other) = (hall.enter("bob"), hall.connect());
    hall.send(&bob, "QUIT");
    hall.seconds_pass(60);
    hall.send(&other, "NICK Bob");
    hall.send(&other, "USER second 0 * :Second");
    hall.send(&other, "NICK robert");
    let was = |user: &str, realname: &str, nick: &str, at: &str| {
        [
            format!(":irc.test 314 alice {nick} ~{user} localhost * :{realname}"),
            format!(":irc.test 312 alice {nick} irc.test :2023-11-14T22:{at}.000Z"),
        ]
    };
    let end = [":irc.test 369 alice bob :End of WHOWAS".to_owned()];
    let last = was("second", "Second", "Bob", "14:20");
    let first = was("user", "Real Name", "bob", "13:20");
    let all: Vec<&str> = last.iter().chain(&first).chain(&end).map(String::as_str).collect();
    let one: Vec<&str> = last.iter().chain(&end).map(String::as_str).collect();
    let none = [
        ":irc.test 406 alice nobody :There was no such nickname",
        ":irc.test 369 alice nobody :End of WHOWAS",
    ];
    hall.check(
        &alice,
        &[
            ("WHOWAS bob", &all),
            ("WHOWAS bob 1", &one),
            ("WHOWAS bob 0", &all),
            ("WHOWAS bob -1", &all),
            ("WHOWAS nobody", &none),
            ("WHOWAS", &[":irc.test 431 alice :No nickname given"]),
        ],
    );
}

#[test]
fn who_finds_those_on_a_channel_and_those_a_mask_means() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    let carol = hall.enter("carol");
    hall.send(&alice, "OPER root toor");
    hall.send(&alice, "MODE #ropes +v alice");
    hall.send(&bob, "AWAY :supper");
    hall.send(&carol, "MODE carol +i");
    bob.told();
    let row = |channel: &str, nick: &str, flags: &str| {
        format!(":irc.test 352 bob {channel} ~user localhost irc.test {nick} {flags} :0 Real Name")
    };
    let end = |mask: &str| format!(":irc.test 315 bob {mask} :End of /WHO list");
    hall.check(
        &bob,
        &[
            (
                "WHO #ROPES",
                &[&row("#ropes", "alice", "H*@"), &row("#ropes", "bob", "G"), &end("#ROPES")],
            ),
            ("WHO #ropes o", &[&row("#ropes", "alice", "H*@"), &end("#ropes")]),
            ("WHO a*", &[&row("*", "alice", "H*"), &end("a*")]),
            ("WHO *", &[&row("*", "alice", "H*"), &row("*", "bob", "G"), &end("*")]),
            ("WHO", &[&row("*", "alice", "H*"), &row("*", "bob", "G"), &end("*")]),
            ("WHO CAROL", &[&row("*", "carol", "H"), &end("CAROL")]),
            ("WHO c*", &[&end("c*")]),
            (
                "WHO localhos?",
                &[&row("*", "alice", "H*"), &row("*", "bob", "G"), &end("localhos?")],
            ),
            ("WHO nobody", &[&end("nobody")]),
            ("WHO #none", &[&end("#none")]),
        ],
    );
}

#[test]
fn who_gives_the_fields_that_were_asked_for() {
    let hall = Hall::new();
    let alice = hall.enter_ropes("alice");
    let end = ":irc.test 315 alice #ropes :End of /WHO list";
    let row = |fields: &str| format!(":irc.test 354 alice {fields}");
    let all = "42 #ropes ~user 255.255.255.255 localhost irc.test alice H@ 0 0 0 n/a :Real Name";
    hall.check(
        &alice,
        &[
            ("WHO #ropes %tcuihsnfdlaor,42", &[&row(all), end]),
            ("WHO #ropes %nt,7", &[&row("7 alice"), end]),
            ("WHO #ropes %an", &[&row("alice 0"), end]),
            ("WHO #ropes %t", &[&row("0"), end]),
            ("WHO #ropes %r", &[&row(":Real Name"), end]),
        ],
    );
}

#[test]
fn ison_and_userhost_know_who_is_there() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter("Alice"), hall.enter("bob"));
    hall.send(&bob, "OPER root toor");
    hall.send(&bob, "AWAY :x");
    hall.check(
        &alice,
        &[
            ("ISON", &[":irc.test 461 Alice ISON :Not enough parameters"]),
            ("ISON ALICE nobody bob", &[":irc.test 303 Alice :Alice bob"]),
            ("ISON :alice nobody", &[":irc.test 303 Alice :Alice"]),
            ("ISON nobody", &[":irc.test 303 Alice :"]),
            ("USERHOST", &[":irc.test 461 Alice USERHOST :Not enough parameters"]),
            (
                "USERHOST alice bob nobody",
                &[":irc.test 302 Alice :Alice=+~user@localhost bob*=-~user@localhost"],
            ),
        ],
    );
}

#[test]
fn a_real_name_may_be_changed() {
    let hall = Hall::new();
    let alice = hall.enter_with("alice", "setname");
    let bob = hall.enter("bob");
    for client in [&alice, &bob] {
        hall.send(client, "JOIN #ropes");
    }
    bob.told();
    let long = "x".repeat(129);
    let invalid = ":irc.test FAIL SETNAME INVALID_REALNAME :Realname is not valid";
    hall.check(
        &alice,
        &[
            ("SETNAME", &[":irc.test 461 alice SETNAME :Not enough parameters"]),
            ("SETNAME :", &[invalid]),
            (&format!("SETNAME :{long}"), &[invalid]),
            ("SETNAME :Alice L.", &[":alice!~user@localhost SETNAME :Alice L."]),
        ],
    );
    assert_eq!(bob.told(), [""; 0]);
    assert!(hall.ask(&bob, "WHOIS alice")[0].ends_with(":Alice L."));
}
