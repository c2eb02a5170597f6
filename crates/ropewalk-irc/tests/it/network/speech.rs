//! What is said, to whom, and who hears it.

use ropewalk_irc::network::{
    ChannelFlag, MaskList, Mode, ModeChange, Rank, Refusal, Speech, Target,
};

use super::{Actor, Stage, forget};

fn say(stage: &Stage, who: &Actor, to: &str, text: &str) -> Result<Target, Refusal> {
    who.user.say(stage.now(), to, Speech::message(text)).map(|said| said.to)
}

fn change(stage: &Stage, who: &Actor, adds: bool, mode: Mode) {
    let changed = who.user.set_modes(stage.now(), "#ropes", &[ModeChange { adds, mode }]);
    assert_eq!(changed, Ok(vec![]));
}

#[test]
fn what_is_said_to_one_is_heard_by_that_one_and_echoed() {
    let stage = Stage::new();
    let (alice, bob, carol) =
        (stage.enter_ropes("alice"), stage.enter_ropes("Bob"), stage.enter_ropes("carol"));
    forget([&alice, &bob]);
    let to = say(&stage, &alice, "bOB", "hello").expect("he is there");
    assert_eq!(to.to_string(), "Bob", "as he writes it");
    assert_eq!(alice.heard(), ["I: alice says hello to Bob"]);
    assert_eq!(bob.heard(), ["alice says hello to Bob"]);
    assert_eq!(carol.heard(), [""; 0]);
    assert_eq!(say(&stage, &alice, "dan", "hello").expect_err("nobody"), Refusal::NoSuchNick);
}

#[test]
fn what_one_says_to_oneself_is_echoed_and_heard() {
    let stage = Stage::new();
    let alice = stage.enter("alice");
    say(&stage, &alice, "alice", "hello").expect("she is there");
    assert_eq!(alice.heard(), ["I: alice says hello to alice", "alice says hello to alice"]);
}

#[test]
fn a_channel_hears_what_its_modes_let_through() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    let outside = stage.enter("outside");
    let refused = |who: &Actor| say(&stage, who, "#ropes", "hello").map(drop);
    assert_eq!(refused(&outside), Err(Refusal::CannotSend));
    change(&stage, &alice, false, Mode::Flag(ChannelFlag::NoOutside));
    assert_eq!(refused(&outside), Ok(()));
    change(&stage, &alice, true, Mode::Flag(ChannelFlag::Moderated));
    assert_eq!((refused(&alice), refused(&bob)), (Ok(()), Err(Refusal::CannotSend)));
    change(&stage, &alice, true, Mode::Rank(Rank::Voice, "bob".into()));
    assert_eq!(refused(&bob), Ok(()));
    change(&stage, &alice, false, Mode::Flag(ChannelFlag::Moderated));
    change(&stage, &alice, true, Mode::Mask(MaskList::Bans, "*!*@*".into()));
    assert_eq!((refused(&bob), refused(&outside)), (Ok(()), Err(Refusal::CannotSend)));
    assert_eq!(say(&stage, &bob, "#none", "x").map(drop), Err(Refusal::NoSuchChannel));
}

#[test]
fn a_channel_without_ctcp_takes_actions() {
    let stage = Stage::new();
    let alice = stage.enter_ropes("alice");
    change(&stage, &alice, true, Mode::Flag(ChannelFlag::NoCtcp));
    assert_eq!(say(&stage, &alice, "#ropes", "\u{1}PING\u{1}").map(drop), Err(Refusal::NoCtcp));
    assert!(alice.user.say(stage.now(), "#ropes", Speech::action("waves")).is_ok());
}

#[test]
fn what_is_said_to_a_rank_is_heard_by_who_has_it_or_a_higher() {
    let stage = Stage::new();
    let (alice, bob, carol) =
        (stage.enter_ropes("alice"), stage.enter_ropes("bob"), stage.enter_ropes("carol"));
    change(&stage, &alice, true, Mode::Rank(Rank::Voice, "bob".into()));
    forget([&alice, &bob, &carol]);
    say(&stage, &carol, "+#ropes", "psst").expect("she is on it");
    say(&stage, &carol, "@#ropes", "hush").expect("she is on it");
    let to_voiced = "carol says psst to +#ropes";
    assert_eq!(alice.heard(), [to_voiced, "carol says hush to @#ropes"]);
    assert_eq!(bob.heard(), [to_voiced]);
    let echoes = ["I: carol says psst to +#ropes", "I: carol says hush to @#ropes"];
    assert_eq!(carol.heard(), echoes);
}

#[test]
fn tags_go_the_way_of_what_is_said() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    alice.user.tag(stage.now(), "#ropes", "+typing=active").expect("she may");
    assert_eq!(bob.heard(), ["alice tags #ropes +typing=active"]);
    let bad = alice.user.tag(stage.now(), "#ropes", "+a=b c");
    assert_eq!(bad, Err(Refusal::TextHasLineBreak));
}
