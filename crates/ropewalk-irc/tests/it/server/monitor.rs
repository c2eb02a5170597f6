//! `MONITOR`, and extended-monitor.

use ropewalk_irc::network::NetworkLimits;

use super::{Hall, limits, settings};

#[test]
fn who_monitors_a_name_is_told_when_it_comes_and_goes() {
    let hall = Hall::with(NetworkLimits { watched_max: 3, ..limits() }, settings());
    let (alice, bob) = (hall.enter("alice"), hall.enter("Bob"));
    let online = ":irc.test 730 alice :Bob!~user@localhost";
    let full = ":irc.test 734 alice 3 e,f :Monitor list is full";
    let end = ":irc.test 733 alice :End of MONITOR list";
    hall.check(
        &alice,
        &[
            ("MONITOR", &[":irc.test 461 alice MONITOR :Not enough parameters"]),
            ("MONITOR +", &[":irc.test 461 alice MONITOR :Not enough parameters"]),
            ("MONITOR ?", &[":irc.test 461 alice MONITOR :Not enough parameters"]),
            ("MONITOR + bob,carol", &[online, ":irc.test 731 alice :carol"]),
            ("MONITOR + *!*@*", &[]),
            ("MONITOR S", &[online, ":irc.test 731 alice :carol"]),
            ("MONITOR L", &[":irc.test 732 alice :bob,carol", end]),
            ("MONITOR + d,e,f", &[full, ":irc.test 731 alice :d"]),
            ("MONITOR - d,*!*@*", &[]),
        ],
    );
    let carol = hall.enter("Carol");
    assert_eq!(alice.told(), [":irc.test 730 alice :Carol!~user@localhost"]);
    hall.send(&carol, "NICK caroline");
    assert_eq!(alice.told(), [":irc.test 731 alice :Carol"]);
    hall.send(&bob, "QUIT");
    assert_eq!(alice.told(), [":irc.test 731 alice :Bob"]);
    hall.check(&alice, &[("MONITOR C", &[]), ("MONITOR L", &[end])]);
    hall.enter("bob");
    assert_eq!(alice.told(), [""; 0]);
}

#[test]
fn extended_monitor_tells_what_friends_are_told() {
    let hall = Hall::new();
    let extended = hall.enter_with("extended", "extended-monitor away-notify");
    let (partly, plain) = (hall.enter_with("partly", "away-notify"), hall.enter("plain"));
    let bob = hall.enter("bob");
    for client in [&extended, &partly, &plain] {
        hall.send(client, "MONITOR + bob");
        client.told();
    }
    hall.send(&bob, "AWAY :supper");
    hall.send(&bob, "SETNAME :Robert");
    assert_eq!(extended.told(), [":bob!~user@localhost AWAY :supper"]);
    assert_eq!(partly.told(), [""; 0]);
    assert_eq!(plain.told(), [""; 0]);
}
