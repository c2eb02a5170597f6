//! Who is on a channel, who may come, and who may change it.

use ropewalk_irc::NameError;
use ropewalk_irc::network::{
    ChannelFlag, MaskList, Mode, ModeChange, NetworkLimits, Rank, Ranks, Refusal, Speech, UserMode,
};

use super::{Actor, Stage};

fn set(mode: Mode) -> ModeChange {
    ModeChange { adds: true, mode }
}

fn unset(mode: Mode) -> ModeChange {
    ModeChange { adds: false, mode }
}

fn change(stage: &Stage, who: &Actor, changes: &[ModeChange]) {
    let refused = who.user.set_modes(stage.now(), "#ropes", changes).expect("they may");
    assert_eq!(refused, []);
}

fn ranks(who: &Actor, nick: &str) -> Ranks {
    let names = who.user.names("#ropes").expect("they may ask");
    let found = names.iter().find(|presence| presence.identity.nick().as_str() == nick);
    found.and_then(|presence| Some(presence.channel.as_ref()?.1)).expect("they are on it")
}

#[test]
fn who_makes_a_channel_is_its_operator_and_all_hear_who_comes() {
    let stage = Stage::new();
    let alice = stage.enter("alice");
    let name = alice.user.join(stage.now(), "#Ropes", None).expect("it is made");
    assert_eq!(name.as_str(), "#Ropes");
    let bob = stage.enter("bob");
    let name = bob.user.join(stage.now(), "#ropes", None).expect("it is open");
    assert_eq!(name.as_str(), "#Ropes", "as it was first written");
    assert_eq!(alice.heard(), ["I: alice joins #Ropes", "bob joins #Ropes"]);
    assert_eq!(bob.heard(), ["I: bob joins #Ropes"]);
    assert_eq!(ranks(&bob, "alice"), Ranks::OPERATOR);
    assert_eq!(ranks(&bob, "bob"), Ranks::NONE);
}

#[test]
fn who_parts_hears_it_and_then_nothing_more() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    alice.heard();
    bob.user.part(stage.now(), "#ROPES", "supper").expect("they were on it");
    alice.user.say(stage.now(), "#ropes", Speech::message("alone")).expect("she may");
    assert_eq!(bob.heard(), ["I: bob parts #ropes (supper)"]);
    assert_eq!(alice.heard(), ["bob parts #ropes (supper)", "I: alice says alone to #ropes"]);
    assert_eq!(bob.user.part(stage.now(), "#ropes", ""), Err(Refusal::NotOnChannel));
}

#[test]
fn a_channel_is_over_when_nobody_is_left_and_a_kept_one_is_not() {
    let stage = Stage::new();
    stage.server.network().keep_channel("#kept").expect("it is a good name");
    let alice = stage.enter_ropes("alice");
    alice.user.join(stage.now(), "#kept", None).expect("it is open");
    assert_eq!(alice.user.channel("#kept").expect("it is there").ranks, Some(Ranks::NONE));
    for channel in ["#ropes", "#kept"] {
        alice.user.part(stage.now(), channel, "").expect("she was on it");
    }
    assert_eq!(alice.user.channel("#ropes").expect_err("over"), Refusal::NoSuchChannel);
    assert!(alice.user.channel("#kept").is_ok());
}

#[test]
fn what_is_no_channel_cannot_be_joined() {
    let stage = Stage::with_limits(NetworkLimits {
        channels_per_user_max: 2,
        channels_max: 2,
        ..NetworkLimits::default()
    });
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter("bob"));
    let join = |who: &Actor, channel: &str| who.user.join(stage.now(), channel, None);
    assert!(matches!(
        join(&alice, "ropes"),
        Err(Refusal::BadChannelName(NameError::BeginsWith('r')))
    ));
    assert_eq!(join(&alice, "#ropes"), Err(Refusal::AlreadyOnChannel));
    assert!(join(&alice, "#2").is_ok());
    assert_eq!(join(&alice, "#3"), Err(Refusal::TooManyChannels));
    assert_eq!(join(&bob, "#3"), Err(Refusal::NoMoreChannels));
}

#[test]
fn each_mode_that_closes_a_channel_closes_it() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter("bob"));
    let ban = || Mode::Mask(MaskList::Bans, "BOB".into());
    for (mode, refusal) in [
        (Mode::Flag(ChannelFlag::InviteOnly), Refusal::InviteOnly),
        (Mode::Key("sesame".into()), Refusal::BadKey),
        (Mode::Limit(1), Refusal::ChannelFull),
        (ban(), Refusal::Banned),
    ] {
        change(&stage, &alice, &[set(mode.clone())]);
        let refused = bob.user.join(stage.now(), "#ropes", Some("open"));
        assert_eq!(refused, Err(refusal), "{mode:?}");
        change(&stage, &alice, &[unset(mode)]);
    }
    change(&stage, &alice, &[set(Mode::Key("sesame".into())), set(ban())]);
    change(&stage, &alice, &[set(Mode::Mask(MaskList::Exceptions, "*!*@local*".into()))]);
    assert!(bob.user.join(stage.now(), "#ropes", Some("sesame")).is_ok());
}

#[test]
fn who_is_invited_may_come_once() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter("bob"));
    change(&stage, &alice, &[set(Mode::Flag(ChannelFlag::InviteOnly))]);
    alice.heard();
    alice.user.invite(stage.now(), "bob", "#ropes").expect("she may");
    assert_eq!(bob.heard(), ["alice invites bob to #ropes"]);
    assert_eq!(alice.heard(), ["I: alice invites bob to #ropes"]);
    bob.user.join(stage.now(), "#ropes", None).expect("he is invited");
    let again = alice.user.invite(stage.now(), "bob", "#ropes");
    assert_eq!(again.expect_err("he is there"), Refusal::AlreadyOnChannel);
    bob.user.part(stage.now(), "#ropes", "").expect("he is on it");
    assert_eq!(bob.user.join(stage.now(), "#ropes", None), Err(Refusal::InviteOnly));
    change(&stage, &alice, &[set(Mode::Mask(MaskList::Invitations, "b?b".into()))]);
    assert!(bob.user.join(stage.now(), "#ropes", None).is_ok(), "as if invited");
    change(&stage, &alice, &[set(Mode::Mask(MaskList::Bans, "dan".into()))]);
    let dan = stage.enter("dan");
    alice.user.invite(stage.now(), "dan", "#ropes").expect("she may");
    assert!(dan.user.join(stage.now(), "#ropes", None).is_ok(), "in spite of the ban");
    dan.user.part(stage.now(), "#ropes", "").expect("he is on it");
    change(&stage, &alice, &[unset(Mode::Flag(ChannelFlag::InviteOnly))]);
    bob.user.invite(stage.now(), "dan", "#ropes").expect("he may");
    let by_member = dan.user.join(stage.now(), "#ropes", None);
    assert_eq!(by_member, Err(Refusal::Banned), "only an operator may let him in");
    change(&stage, &alice, &[set(Mode::Flag(ChannelFlag::InviteOnly))]);
    let carol = stage.enter("carol");
    let invited = |who: &Actor| who.user.invite(stage.now(), "carol", "#ropes").map(drop);
    assert_eq!(invited(&bob), Err(Refusal::NotOperator));
    assert_eq!(invited(&carol), Err(Refusal::NotOnChannel));
}

#[test]
fn only_operators_change_a_channel() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    let moderated = [set(Mode::Flag(ChannelFlag::Moderated))];
    let refused = |done: Result<_, Refusal>| done.map(|_: Vec<_>| ()).expect_err("he is none");
    let by_bob = || bob.user.set_modes(stage.now(), "#ropes", &moderated);
    assert_eq!(refused(by_bob()), Refusal::NotOperator);
    assert_eq!(bob.user.kick(stage.now(), "#ropes", "alice", ""), Err(Refusal::NotOperator));
    assert_eq!(bob.user.set_topic(stage.now(), "#ropes", "mine"), Err(Refusal::NotOperator));
    change(&stage, &alice, &[set(Mode::Rank(Rank::Operator, "Bob".into()))]);
    assert_eq!(by_bob(), Ok(vec![]));
    assert_eq!(ranks(&alice, "bob"), Ranks::OPERATOR);
    bob.user.make_operator().expect("he is there");
    change(&stage, &bob, &[unset(Mode::Rank(Rank::Operator, "bob".into()))]);
    assert_eq!(by_bob(), Ok(vec![]), "an operator of the network may");
}

#[test]
fn what_cannot_be_changed_is_said_and_the_rest_is_done() {
    let stage =
        Stage::with_limits(NetworkLimits { masks_per_list_max: 1, ..NetworkLimits::default() });
    let (alice, _bob) = (stage.enter_ropes("alice"), stage.enter("bob"));
    let changes = [
        set(Mode::Rank(Rank::Voice, "nobody".into())),
        set(Mode::Rank(Rank::Voice, "bob".into())),
        set(Mode::Flag(ChannelFlag::NoOutside)),
        set(Mode::Mask(MaskList::Bans, "one".into())),
        set(Mode::Mask(MaskList::Bans, "ONE!*@*".into())),
        set(Mode::Mask(MaskList::Bans, "two".into())),
        set(Mode::Key("".into())),
        set(Mode::Rank(Rank::Voice, "alice".into())),
    ];
    let refused = alice.user.set_modes(stage.now(), "#ropes", &changes).expect("she may");
    let expected = [
        (0, Refusal::NoSuchNick),
        (1, Refusal::UserNotOnChannel),
        (5, Refusal::ListFull),
        (6, Refusal::BadKey),
    ];
    assert_eq!(refused, expected);
    assert_eq!(alice.heard(), ["I: alice changes #ropes +b +v"], "what was so already is not told");
    let bans = alice.user.masks("#ropes", MaskList::Bans).expect("she may ask");
    assert_eq!(bans[0].mask.as_str(), "one!*@*");
    assert_eq!(&*bans[0].by, "alice!user@localhost");
}

#[test]
fn who_is_kicked_hears_it_and_is_off() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    alice.heard();
    alice.user.kick(stage.now(), "#ropes", "BOB", "").expect("she may");
    alice.user.say(stage.now(), "#ropes", Speech::message("peace")).expect("she may");
    assert_eq!(bob.heard(), ["alice kicks bob from #ropes (alice)"]);
    assert_eq!(bob.user.channels(), Ok(vec![]));
    let again = alice.user.kick(stage.now(), "#ropes", "bob", "");
    assert_eq!(again, Err(Refusal::UserNotOnChannel));
}

#[test]
fn a_topic_is_kept_with_who_set_it_and_cut_to_its_length() {
    let stage =
        Stage::with_limits(NetworkLimits { topic_bytes_max: 7, ..NetworkLimits::default() });
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter_ropes("bob"));
    alice.user.set_topic(stage.now(), "#ropes", "knots\nand").expect("she may");
    let topic = bob.user.topic("#ropes").expect("he may ask").expect("there is one");
    assert_eq!((&*topic.text, &*topic.by), ("knots a", "alice!user@localhost"));
    assert_eq!(bob.heard(), ["alice sets #ropes to knots a"]);
    alice.user.set_topic(stage.now(), "#ropes", "").expect("she may");
    assert!(bob.user.topic("#ropes").expect("he may ask").is_none());
}

#[test]
fn who_is_outside_knows_nothing_of_a_secret_channel_nor_of_the_invisible() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter("bob"));
    alice.user.set_mode(UserMode::Invisible, true).expect("she may");
    assert_eq!(bob.user.names("#ropes").expect("he may ask").len(), 0);
    assert_eq!(alice.user.names("#ropes").expect("she may ask").len(), 1);
    assert_eq!(bob.user.list().expect("he may ask").len(), 1);
    change(&stage, &alice, &[set(Mode::Flag(ChannelFlag::Secret))]);
    assert_eq!(bob.user.names("#ropes").expect_err("secret"), Refusal::NoSuchChannel);
    assert_eq!(bob.user.list().expect("he may ask").len(), 0);
    assert_eq!(bob.user.whois("alice").expect("she is there").channels, []);
    assert_eq!(alice.user.whois("alice").expect("she is there").channels.len(), 1);
}

#[test]
fn the_channels_of_the_invisible_are_told_to_who_is_on_them() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter("bob"));
    alice.user.join(stage.now(), "#alone", None).expect("it is made");
    alice.user.set_mode(UserMode::Invisible, true).expect("she may");
    let known = |who: &Actor| {
        let channels = who.user.whois("alice").expect("she is there").channels;
        channels.into_iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(known(&bob), [""; 0]);
    bob.user.join(stage.now(), "#ropes", None).expect("it is open");
    assert_eq!(known(&bob), ["#ropes"]);
    assert_eq!(known(&alice), ["#alone", "#ropes"]);
}

#[test]
fn names_come_in_their_order_however_alike_they_are() {
    let stage = Stage::new();
    let alike =
        ["a", "A-much-longer-name", "a-much-longer-name-1", "a-much-longer-name-2", "b", "Ä"];
    let actors = [4, 2, 5, 0, 3, 1].map(|place: usize| stage.enter_ropes(alike[place]));
    let names = actors[0].user.names("#ropes").expect("they are on it");
    let names: Vec<String> = names.iter().map(|found| found.identity.nick().to_string()).collect();
    assert_eq!(names, alike);
}

#[test]
fn a_key_is_shown_to_who_is_on_the_channel_only() {
    let stage = Stage::new();
    let (alice, bob) = (stage.enter_ropes("alice"), stage.enter("bob"));
    change(&stage, &alice, &[set(Mode::Key("sesame".into()))]);
    let key = |who: &Actor| who.user.channel("#ropes").expect("it is there").modes.key;
    assert_eq!(key(&alice).as_deref(), Some("sesame"));
    assert_eq!(key(&bob).as_deref(), Some("*"));
}
