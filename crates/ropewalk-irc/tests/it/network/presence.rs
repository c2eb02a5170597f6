//! Coming, going, being called something else, being away, watching.

use std::rc::Rc;

use ropewalk_irc::NameError;
use ropewalk_irc::network::{
    Listener, NetworkLimits, Notice, Refusal, Registration, Speech, UserMode,
};

use super::{Ears, Stage, forget};

#[test]
fn a_name_is_taken_once_in_any_case() {
    let stage = Stage::new();
    let alice = stage.enter("Alice");
    let connect = |nick| {
        let registration = Registration::new(nick);
        stage.server.connect(stage.now(), &registration, Rc::new(Ears::default())).map(drop)
    };
    assert_eq!(connect("aLICE"), Err(Refusal::NickTaken));
    assert_eq!(connect(""), Err(Refusal::BadNick(NameError::Empty)));
    alice.user.quit("");
    assert_eq!(connect("aLICE"), Ok(()));
}

#[test]
fn there_are_so_many_users_and_no_more() {
    let stage = Stage::with_limits(NetworkLimits { users_max: 1, ..NetworkLimits::default() });
    let _alice = stage.enter("alice");
    let registration = Registration::new("bob");
    let refused = stage.server.connect(stage.now(), &registration, Rc::new(Ears::default()));
    assert_eq!(refused.map(drop), Err(Refusal::Full));
}

#[test]
fn all_on_ones_channels_hear_a_new_name_once() {
    let stage = Stage::new();
    let (alice, bob, carol) =
        (stage.enter_ropes("alice"), stage.enter_ropes("bob"), stage.enter("carol"));
    for user in [&alice.user, &bob.user] {
        user.join(stage.now(), "#knots", None).expect("it is open");
    }
    forget([&alice, &bob]);
    bob.user.rename(stage.now(), "robert").expect("it is free");
    bob.user.rename(stage.now(), "robert").expect("it is his");
    bob.user.rename(stage.now(), "Robert").expect("it is his");
    assert_eq!(alice.heard(), ["bob is robert", "robert is Robert"]);
    assert_eq!(bob.heard(), ["I: bob is robert", "I: robert is Robert"]);
    assert_eq!(carol.heard(), [""; 0]);
    assert_eq!(bob.user.rename(stage.now(), "ALICE"), Err(Refusal::NickTaken));
    assert_eq!(carol.user.whowas("BOB").expect("she may ask").len(), 1);
    assert_eq!(carol.user.find("bob").expect_err("he is called robert"), Refusal::NoSuchNick);
    assert!(carol.user.rename(stage.now(), "bob").is_ok(), "it is free again");
}

#[test]
fn who_quits_or_is_dropped_is_off_everywhere() {
    let stage = Stage::new();
    let (alice, bob, carol) =
        (stage.enter_ropes("alice"), stage.enter_ropes("bob"), stage.enter_ropes("carol"));
    forget([&alice, &bob]);
    bob.user.quit("supper");
    drop(carol.user);
    assert_eq!(alice.heard(), ["bob quits (supper)", "carol quits ()"]);
    assert_eq!(bob.ears.heard(), [""; 0]);
    assert_eq!(alice.user.names("#ropes").expect("she may ask").len(), 1);
    assert_eq!(stage.server.counts().users, 1);
}

#[test]
fn who_is_away_says_so_to_who_writes() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    alice.heard();
    bob.user.set_away(stage.now(), Some("supper")).expect("he may");
    bob.user.set_away(stage.now(), Some("supper")).expect("he may");
    let said = alice.user.say(stage.now(), "bob", Speech::message("hello")).expect("he is there");
    assert_eq!(said.away.as_deref(), Some("supper"));
    bob.user.set_away(stage.now(), Some("")).expect("he may");
    let expected = ["bob away Some(\"supper\")", "I: alice says hello to bob", "bob away None"];
    assert_eq!(alice.heard(), expected);
}

#[test]
fn who_watches_a_name_hears_that_it_comes_and_goes() {
    let stage = Stage::new();
    let alice = stage.enter("alice");
    alice.user.watch("BOB").expect("she may");
    let bob = stage.enter("bob");
    bob.user.set_away(stage.now(), Some("supper")).expect("he may");
    bob.user.rename(stage.now(), "BOB").expect("it is his, and no news");
    bob.user.rename(stage.now(), "robert").expect("it is free");
    bob.user.rename(stage.now(), "bob").expect("it is free");
    let bob_is_away = "watched: bob away Some(\"supper\")";
    let (on, off) = ("watched: bob is online", "watched: bob is offline");
    assert_eq!(alice.heard(), [on, bob_is_away, "watched: BOB is offline", on]);
    alice.user.join(stage.now(), "#ropes", None).expect("it is made");
    bob.user.join(stage.now(), "#ropes", None).expect("it is open");
    alice.heard();
    bob.user.set_away(stage.now(), None).expect("he may");
    bob.user.quit("");
    let expected = ["bob away None", "bob quits ()", off];
    assert_eq!(alice.heard(), expected, "told once, because he is on her channel");
    alice.user.unwatch("bob").expect("she may");
    stage.enter("bob");
    assert_eq!(alice.heard(), [""; 0]);
}

#[test]
fn only_operators_wallop_and_kill() {
    let stage = Stage::new();
    let (alice, bob, carol) =
        (stage.enter_ropes("alice"), stage.enter_ropes("bob"), stage.enter_ropes("carol"));
    forget([&alice, &bob]);
    carol.user.set_mode(UserMode::Wallops, true).expect("she may");
    assert_eq!(bob.user.set_mode(UserMode::Operator, true), Ok(false), "nobody makes it himself");
    assert_eq!(bob.user.kill(stage.now(), "alice", ""), Err(Refusal::NoPrivileges));
    assert_eq!(bob.user.wallops(stage.now(), "hello"), Err(Refusal::NoPrivileges));
    alice.user.make_operator().expect("she is there");
    alice.user.wallops(stage.now(), "hello").expect("she may");
    alice.user.kill(stage.now(), "bob", "why not").expect("she may");
    assert_eq!(carol.heard(), ["alice wallops hello", "bob quits (Killed (alice (why not)))"]);
    assert_eq!(bob.heard(), ["alice kills (why not)"]);
    let refused = bob.user.say(stage.now(), "#ropes", Speech::message("still here"));
    assert_eq!(refused.expect_err("he is gone"), Refusal::NotConnected);
}

#[test]
fn who_goes_on_too_fast_is_told_once_and_then_off() {
    let stage = Stage::with_limits(NetworkLimits { message_burst: 3, ..NetworkLimits::default() });
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    alice.heard();
    let now = stage.now();
    let say = || bob.user.say(now, "#ropes", Speech::message("spam")).map(drop);
    let said: Vec<_> = (0..6).map(|_| say()).collect();
    let (fast, flood) = (Err(Refusal::TooFast), Err(Refusal::Flooding));
    assert_eq!(said[..3], [Ok(()), Ok(()), Ok(())]);
    assert_eq!(said[3..], [fast, flood, Err(Refusal::NotConnected)]);
    assert_eq!(alice.heard().last().map(String::as_str), Some("bob quits (Excess flood)"));
}

/// Answers whatever it is told, with the user it is given.
#[derive(Default)]
struct Robot(std::cell::RefCell<Option<super::User>>, std::cell::Cell<bool>);

impl Listener for Robot {
    fn notified(&self, _: &Notice) {
        if !self.1.replace(true) {
            let user = self.0.borrow();
            let user = user.as_ref().expect("it has one");
            let speech = Speech::message("I see");
            user.say(ropewalk_core::Time::from_nanos(u64::MAX / 2), "#ropes", speech)
                .expect("it may");
        }
    }
}

#[test]
fn what_a_listener_does_is_heard_after_what_it_is_told() {
    let stage = Stage::new();
    let alice = stage.enter_ropes("alice");
    let robot = Rc::new(Robot::default());
    robot.1.set(true);
    let user = stage.server.connect(stage.now(), &Registration::new("robot"), robot.clone());
    let user = user.expect("it may come");
    user.join(stage.now(), "#ropes", None).expect("it is open");
    robot.0.replace(Some(user));
    let zoe = stage.enter_ropes("zoe"); // Is told after the robot.
    alice.heard();
    robot.1.set(false);
    alice.user.say(stage.now(), "#ropes", Speech::message("hello")).expect("she may");
    let expected = ["alice says hello to #ropes", "robot says I see to #ropes"];
    assert_eq!(zoe.heard(), expected);
}

#[test]
fn a_panic_in_a_listener_leaves_the_network_as_it_is() {
    struct Grenade;
    impl Listener for Grenade {
        fn notified(&self, _: &Notice) {
            panic!("as it should");
        }
    }
    let stage = Stage::new();
    let user = stage.server.connect(stage.now(), &Registration::new("bomb"), Rc::new(Grenade));
    let user = user.expect("it may come");
    user.join(stage.now(), "#ropes", None).expect("it is made");
    let alice = stage.enter("alice");
    let join = || alice.user.join(stage.now(), "#ropes", None);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(join));
    assert!(caught.is_err());
    user.quit("bang");
    alice.user.say(stage.now(), "#ropes", Speech::message("oh")).expect("she may");
    assert_eq!(alice.heard().last().map(String::as_str), Some("I: alice says oh to #ropes"));
}
