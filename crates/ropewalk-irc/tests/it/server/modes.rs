//! `MODE`, of channels and of users.

use ropewalk_irc::network::NetworkLimits;

use super::{Hall, limits, settings};

#[test]
fn modes_of_a_channel_are_shown_and_changed() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    let outside = hall.enter("out");
    alice.told();
    let from = ":alice!~user@localhost";
    let created = ":irc.test 329 alice #ropes 1700000000";
    hall.check(
        &alice,
        &[
            ("MODE", &[":irc.test 461 alice MODE :Not enough parameters"]),
            ("MODE #none", &[":irc.test 403 alice #none :No such channel"]),
            ("MODE #none +i", &[":irc.test 403 alice #none :No such channel"]),
            ("MODE #ropes", &[":irc.test 324 alice #ropes +nt", created]),
            ("MODE #ropes +nt", &[]),
            ("MODE #ropes +ims", &[&format!("{from} MODE #ropes +ims")]),
            ("MODE #ropes +k-i+l sesame 5", &[&format!("{from} MODE #ropes +k-i+l sesame 5")]),
            ("MODE #ropes", &[":irc.test 324 alice #ropes +mnstkl sesame 5", created]),
            ("MODE #ropes -lk", &[&format!("{from} MODE #ropes -lk sesame")]),
            ("MODE #ropes -k", &[]),
            ("MODE #ropes +o-v+v bob bob bob", &[&format!("{from} MODE #ropes +ov bob bob")]),
            ("MODE #ropes -o bob", &[&format!("{from} MODE #ropes -o bob")]),
            ("MODE #ropes +", &[]),
        ],
    );
    assert_eq!(bob.told().len(), 5);
    hall.check(&outside, &[("MODE #ropes", &[":irc.test 403 out #ropes :No such channel"])]);
    hall.send(&alice, "MODE #ropes -s+k sesame");
    let hidden = [":irc.test 324 out #ropes +mntk *", ":irc.test 329 out #ropes 1700000000"];
    hall.check(&outside, &[("MODE #ropes", &hidden)]);
}

#[test]
fn each_wrong_mode_has_its_numeric() {
    let hall = Hall::with(NetworkLimits { masks_per_list_max: 1, ..limits() }, settings());
    let (alice, bob, _carol) =
        (hall.enter_ropes("alice"), hall.enter_ropes("bob"), hall.enter("carol"));
    alice.told();
    let needs = ":irc.test 461 alice MODE :Not enough parameters";
    let key = ":irc.test 696 alice #ropes k * :Invalid key";
    let limit = |text: &str| format!(":irc.test 696 alice #ropes l {text} :Invalid limit");
    hall.check(
        &alice,
        &[
            ("MODE #ropes +x", &[":irc.test 472 alice x :is unknown mode char to me"]),
            ("MODE #ropes +é", &[":irc.test 472 alice é :is unknown mode char to me"]),
            ("MODE #ropes +o", &[needs]),
            ("MODE #ropes +k", &[needs]),
            ("MODE #ropes +l", &[needs]),
            ("MODE #ropes +k :", &[key]),
            ("MODE #ropes +k :two words", &[key]),
            ("MODE #ropes +k a,b", &[key]),
            ("MODE #ropes +k ::x", &[key]),
            ("MODE #ropes +l 0", &[&limit("0")]),
            ("MODE #ropes +l -5", &[&limit("-5")]),
            ("MODE #ropes +l x", &[&limit("x")]),
            ("MODE #ropes +v nobody", &[":irc.test 401 alice nobody :No such nick/channel"]),
            (
                "MODE #ropes +v carol",
                &[":irc.test 441 alice carol #ropes :They aren't on that channel"],
            ),
            ("MODE #ropes +b one", &[":alice!~user@localhost MODE #ropes +b one!*@*"]),
            ("MODE #ropes +b two", &[":irc.test 478 alice #ropes b :Channel list is full"]),
        ],
    );
    hall.check(
        &bob,
        &[("MODE #ropes +i", &[":irc.test 482 bob #ropes :You're not channel operator"])],
    );
}

#[test]
fn a_list_is_shown_once_however_often_it_is_asked_for() {
    let hall = Hall::new();
    let alice = hall.enter_ropes("alice");
    let end = |numeric: &str, what: &str| {
        format!(":irc.test {numeric} alice #ropes :End of channel {what} list")
    };
    let (bans, exceptions) = (end("368", "ban"), end("349", "exception"));
    hall.check(&alice, &[("MODE #ropes bbebbe", &[&bans, &exceptions])]);
}

#[test]
fn lists_of_masks_are_shown_with_who_set_them() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    let set = "alice!~user@localhost 1700000000";
    for (letter, entry, end, name) in
        [('b', 367, 368, "ban"), ('e', 348, 349, "exception"), ('I', 346, 347, "invite")]
    {
        hall.send(&alice, &format!("MODE #ropes +{letter} user@host"));
        let entry = format!(":irc.test {entry} bob #ropes *!user@host {set}");
        let end = format!(":irc.test {end} bob #ropes :End of channel {name} list");
        for asked in [format!("MODE #ropes {letter}"), format!("MODE #ropes +{letter}")] {
            hall.check(&bob, &[(&asked, &[&entry, &end])]);
        }
        alice.told();
        let unset = format!(":alice!~user@localhost MODE #ropes -{letter} *!user@host");
        hall.check(&alice, &[(&format!("MODE #ropes -{letter} *!USER@host"), &[&unset])]);
        hall.check(&bob, &[(&format!("MODE #ropes {letter}"), &[&end])]);
    }
}

#[test]
fn masks_are_made_whole() {
    let hall = Hall::new();
    let alice = hall.enter_ropes("alice");
    for (mask, whole) in [
        ("bob", "bob!*@*"),
        ("*@host", "*!*@host"),
        ("bob!user", "bob!user@*"),
        ("b*!u?@h", "b*!u?@h"),
        (":a b", "a_b!*@*"),
    ] {
        let expected = format!(":alice!~user@localhost MODE #ropes +b {whole}");
        hall.check(&alice, &[(&format!("MODE #ropes +b {mask}"), &[&expected])]);
    }
}

#[test]
fn who_is_moderated_or_banned_may_not_speak() {
    let hall = Hall::new();
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    let cannot = ":irc.test 404 bob #ropes :Cannot send to channel";
    for (set, unset) in [("+m", "-m"), ("+b *!*@localhost", "-b *!*@localhost")] {
        hall.send(&alice, &format!("MODE #ropes {set}"));
        hall.check(&bob, &[("PRIVMSG #ropes :x", &[cannot])]);
        hall.send(&alice, "MODE #ropes +v bob");
        hall.check(&bob, &[("PRIVMSG #ropes :x", &[])]);
        hall.send(&alice, &format!("MODE #ropes {unset}-v bob"));
    }
    hall.send(&alice, "MODE #ropes +be *!*@localhost bob");
    hall.check(&bob, &[("PRIVMSG #ropes :x", &[])]);
}

#[test]
fn many_changes_take_many_lines() {
    let hall = Hall::new();
    let alice = hall.enter_ropes("alice");
    let masks: Vec<String> = (0..13).map(|number| format!("mask{number}")).collect();
    let told = hall.ask(&alice, &format!("MODE #ropes +bbbbbbbbbbbbb {}", masks.join(" ")));
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|line| line.contains(" MODE #ropes +b")));
    assert_eq!(told.join(" ").matches("!*@*").count(), 13);
}

#[test]
fn a_user_changes_their_own_modes_only() {
    let hall = Hall::new();
    let (alice, _bob) = (hall.enter("alice"), hall.enter("bob"));
    let from = ":alice!~user@localhost MODE alice";
    hall.check(
        &alice,
        &[
            ("MODE alice", &[":irc.test 221 alice +"]),
            ("MODE ALICE +iw", &[&format!("{from} +iw")]),
            ("MODE alice +iB-w", &[&format!("{from} +B-w")]),
            ("MODE alice", &[":irc.test 221 alice +Bi"]),
            ("MODE alice +o", &[]),
            ("MODE alice -o", &[]),
            ("MODE alice +x-i", &[":irc.test 501 alice :Unknown MODE flag", &format!("{from} -i")]),
            ("MODE bob", &[":irc.test 502 alice :Can't change mode for other users"]),
            ("MODE bob +i", &[":irc.test 502 alice :Can't change mode for other users"]),
            ("MODE nobody +i", &[":irc.test 401 alice nobody :No such nick/channel"]),
        ],
    );
}
