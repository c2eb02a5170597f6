//! `OPER`, `KILL`, `WALLOPS`.

use ropewalk_core::FailureKind;

use super::Hall;

#[test]
fn who_knows_the_password_is_an_operator() {
    let hall = Hall::new();
    let alice = hall.enter("alice");
    let wrong = ":irc.test 464 alice :Password incorrect";
    let is_one = ":irc.test 381 alice :You are now an IRC operator";
    hall.check(
        &alice,
        &[
            ("OPER", &[":irc.test 461 alice OPER :Not enough parameters"]),
            ("OPER root", &[":irc.test 461 alice OPER :Not enough parameters"]),
            ("OPER root wrong", &[wrong]),
            ("OPER nobody toor", &[wrong]),
            ("OPER root toor", &[is_one, ":irc.test MODE alice +o"]),
            ("OPER root toor", &[is_one]),
            ("MODE alice", &[":irc.test 221 alice +o"]),
            ("MODE alice -o", &[":alice!~user@localhost MODE alice -o"]),
        ],
    );
    hall.send(&alice, "OPER root wrong");
    let last = [wrong, "ERROR :Closing link: Too many wrong passwords"];
    hall.check(&alice, &[("OPER root wrong", &last)]);
}

#[test]
fn who_is_killed_is_told_why_and_so_are_the_others() {
    let hall = Hall::new();
    let (alice, bob, carol) =
        (hall.enter_ropes("alice"), hall.enter_ropes("bob"), hall.enter_ropes("carol"));
    let denied = ":irc.test 481 alice :Permission Denied- You're not an IRC operator";
    hall.check(&alice, &[("KILL bob :x", &[denied])]);
    hall.send(&alice, "OPER root toor");
    hall.check(
        &alice,
        &[
            ("KILL", &[":irc.test 461 alice KILL :Not enough parameters"]),
            ("KILL nobody :x", &[":irc.test 401 alice nobody :No such nick/channel"]),
        ],
    );
    bob.told();
    carol.told();
    let quit = ":bob!~user@localhost QUIT :Killed (alice (spam))";
    hall.check(&alice, &[("KILL BOB :spam", &[quit])]);
    let told =
        [":alice!~user@localhost KILL bob :spam", "ERROR :Closing link: Killed (alice (spam))"];
    assert_eq!(bob.told(), told);
    assert_eq!(bob.lost(), Some(FailureKind::ConnectionDone));
    assert_eq!(carol.told(), [quit]);
    let told = hall.ask(&alice, "KILL alice");
    assert_eq!(told[1], "ERROR :Closing link: Killed (alice (No reason given))");
    assert_eq!(hall.server.counts().users, 1);
}

#[test]
fn wallops_go_to_who_wants_them() {
    let hall = Hall::new();
    let (alice, bob, carol) = (hall.enter("alice"), hall.enter("bob"), hall.enter("carol"));
    hall.send(&bob, "MODE bob +w");
    bob.told();
    let denied = ":irc.test 481 alice :Permission Denied- You're not an IRC operator";
    let needs = ":irc.test 461 alice WALLOPS :Not enough parameters";
    hall.check(&alice, &[("WALLOPS", &[needs]), ("WALLOPS :hello all", &[denied])]);
    hall.send(&alice, "OPER root toor");
    let wallops = ":alice!~user@localhost WALLOPS :hello all";
    hall.check(&alice, &[("WALLOPS :hello all", &[])]);
    assert_eq!(bob.told(), [wallops]);
    assert_eq!(carol.told(), [""; 0]);
    hall.send(&alice, "MODE alice +w");
    hall.check(&alice, &[("WALLOPS :hello all", &[wallops])]);
}
