//! Who goes on too fast, or does not read.

use std::time::Duration;

use ropewalk_core::FailureKind;
use ropewalk_irc::network::NetworkLimits;
use ropewalk_irc::server::{IrcLimits, IrcSettings};
use ropewalk_testing::Network;

use super::{Hall, limits, settings};

#[test]
fn who_talks_too_fast_is_told_once_and_then_off() {
    let hall = Hall::with(NetworkLimits { message_burst: 3, ..limits() }, settings());
    let (alice, bob) = (hall.enter_ropes("alice"), hall.enter_ropes("bob"));
    hall.advance(Duration::from_secs(1));
    alice.told();
    let lines = "PRIVMSG #ropes :spam\r\n".repeat(10);
    hall.send_bytes(&bob, lines.as_bytes());
    let told =
        [":irc.test 263 bob PRIVMSG :Too fast; wait a little", "ERROR :Closing link: Excess flood"];
    assert_eq!(bob.told(), told);
    let heard = alice.told();
    assert_eq!(heard.len(), 4);
    assert_eq!(heard[3], ":bob!~user@localhost QUIT :Excess flood");
    assert_eq!(bob.lost(), Some(FailureKind::ConnectionDone));
}

#[test]
fn who_asks_too_fast_is_told_once_and_then_off_even_before_registration() {
    let own = IrcLimits { line_burst: 5, ..IrcLimits::default() };
    let hall = Hall::with(limits(), IrcSettings { limits: own, ..settings() });
    for line in ["PING x\r\n", "\r\n", "\u{0}\r\n"] {
        let client = hall.connect();
        hall.send_bytes(&client, line.repeat(100).as_bytes());
        let told = client.told();
        let end =
            [":irc.test 263 * * :Too fast; wait a little", "ERROR :Closing link: Excess flood"];
        assert_eq!(told[told.len() - 2..], end, "{line:?}");
    }
    let calm = hall.connect();
    for _ in 0..100 {
        hall.advance(Duration::from_millis(50));
        hall.check(&calm, &[("PING x", &[":irc.test PONG irc.test :x"])]);
    }
}

#[test]
fn who_does_not_read_is_dropped_and_the_others_told() {
    let network = Network { capacity: 1000, ..Network::default() };
    let own = IrcLimits { line_burst: 1_000_000, ..IrcLimits::default() };
    let many = NetworkLimits { message_burst: 1_000_000, ..limits() };
    let hall = Hall::over(network, many, IrcSettings { limits: own, ..settings() });
    let (alice, slow) = (hall.enter_ropes("alice"), hall.enter_ropes("slow"));
    alice.told();
    slow.log().transport().pause_producing();
    let line = format!("PRIVMSG #ropes :{}\r\n", "x".repeat(400));
    for _ in 0..100 {
        hall.send_bytes(&alice, line.repeat(120).as_bytes());
        hall.advance(Duration::from_secs(1));
    }
    assert_eq!(alice.told(), [":slow!~user@localhost QUIT :Too slow"]);
}
