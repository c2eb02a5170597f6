//! What people do on a server, once through.

use ropewalk_core::Failure;
use ropewalk_irc::client::ServerError;

use super::{Actor, Stage, fast};

fn code(failure: Result<impl Sized, Failure>) -> String {
    let failure = failure.err().expect("it is refused");
    failure.check::<ServerError>().map_or_else(|| failure.to_string(), |error| error.code.clone())
}

/// dan and eve in a channel, of which dan is the operator.
fn two_in_a_channel(stage: &Stage) -> (Actor, Actor) {
    let dan = stage.enter(fast("dan"));
    let eve = stage.enter(fast("eve"));
    stage.done(dan.irc.join("#ropes"));
    stage.done(eve.irc.join("#ropes"));
    stage.hears(&dan, "eve joined #ropes");
    (dan, eve)
}

pub(crate) fn people_talk(stage: &Stage) {
    let (dan, eve) = two_in_a_channel(stage);
    assert_eq!(eve.irc.member("#ropes", "dan").expect("he is there").modes, "o");
    assert_eq!(dan.irc.members("#ropes").len(), 2);
    stage.done(dan.irc.privmsg("#ropes", "good evening, Ольга :)"));
    stage.hears(&eve, "dan to #ropes: good evening, Ольга :)");
    stage.done(eve.irc.action("#ropes", "waves"));
    stage.hears(&dan, "eve in #ropes waves");
    stage.done(eve.irc.notice("dan", "psst"));
    stage.hears(&dan, "eve notices dan: psst");
    // Nothing of it is cut off by the server: so the pieces are short enough, with the source before them.
    let long = "a long story, ".repeat(200);
    stage.done(dan.irc.privmsg("#ropes", &long));
    stage.done(dan.irc.privmsg("#ropes", "the end"));
    stage.hears(&eve, "dan to #ropes: the end");
    let heard: String =
        eve.log.borrow().iter().filter_map(|l| l.strip_prefix("dan to #ropes: ")).collect();
    let letters = |text: &str| text.replace(' ', "");
    assert!(letters(&heard).contains(&letters(&long)), "{heard}");
    stage.done(dan.irc.ctcp_query("eve", "VERSION", ""));
    stage.hears(&dan, "CtcpReplied");
    assert!(dan.irc.lag().is_some());
}

pub(crate) fn channels_are_run(stage: &Stage) {
    let (dan, eve) = two_in_a_channel(stage);
    stage.done(dan.irc.set_topic("#ropes", "all about ropes"));
    stage.hears(&eve, "#ropes by dan: all about ropes");
    assert_eq!(stage.done(eve.irc.ask_topic("#ropes")).text, "all about ropes");
    stage.done(dan.irc.mode("#ropes", &["+tv", "eve"]));
    stage.until("eve has a voice", || {
        eve.irc.member("#ropes", "eve").is_some_and(|m| m.modes == "v")
    });
    stage.done(dan.irc.mode("#ropes", &["+t"])); // It has that already, and nothing is said.
    assert_eq!(code(stage.wait(eve.irc.mode("#ropes", &["+m"]))), "482");
    assert_eq!(code(stage.wait(eve.irc.set_topic("#ropes", "mine"))), "482");
    stage.done(dan.irc.mode("#ropes", &["+lk", "10", "secret"]));
    let modes = stage.done(dan.irc.ask_modes("#ropes"));
    assert!(modes.contains(&('l', "10".to_owned())), "{modes:?}");
    stage.done(dan.irc.mode("#ropes", &["+b", "*!*@bad.example"]));
    let bans = stage.done(dan.irc.ask_masks("#ropes", 'b'));
    assert_eq!(bans[0].mask, "*!*@bad.example");
    stage.done(dan.irc.kick("#ropes", "eve", "enough"));
    stage.hears(&eve, "kicked from #ropes by dan: enough");
    assert!(eve.irc.channels().is_empty());
    assert_eq!(code(stage.wait(dan.irc.kick("#ropes", "eve", ""))), "441");
    assert_eq!(code(stage.wait(eve.irc.join("#ropes"))), "475");
    stage.done(eve.irc.join_with_key("#ropes", "secret"));
    stage.done(dan.irc.mode("#ropes", &["+i"]));
    stage.done(eve.irc.part("#ropes", "tea"));
    assert_eq!(code(stage.wait(eve.irc.join_with_key("#ropes", "secret"))), "473");
    stage.done(dan.irc.invite("eve", "#ropes"));
    stage.hears(&eve, "eve invited to #ropes by dan");
    stage.done(eve.irc.join_with_key("#ropes", "secret"));
    assert_eq!(code(stage.wait(eve.irc.part("#nowhere", ""))), "403");
}

pub(crate) fn people_are_looked_up(stage: &Stage) {
    let (dan, eve) = two_in_a_channel(stage);
    stage.done(eve.irc.away("at tea"));
    let whois = stage.done(dan.irc.whois("EVE"));
    assert_eq!((&*whois.nick, &*whois.realname), ("eve", "eve"));
    assert_eq!(whois.away.as_deref(), Some("at tea"));
    assert_eq!(whois.channels, ["#ropes"]);
    assert_eq!(whois.server, "irc.example.test");
    assert!(whois.signed_on_at.is_some());
    stage.done(eve.irc.away(""));
    assert_eq!(stage.done(dan.irc.whois("eve")).away, None);
    assert_eq!(code(stage.wait(dan.irc.whois("nobody"))), "401");
    let mut who = stage.done(dan.irc.who("#ropes"));
    who.sort_by(|one, other| one.nick.cmp(&other.nick));
    let nicks: Vec<&str> = who.iter().map(|entry| &*entry.nick).collect();
    assert_eq!(nicks, ["dan", "eve"]);
    assert!(who[0].flags.contains('@') && !who[0].is_away());
    assert_eq!(stage.done(dan.irc.names("#ropes")).len(), 2);
    let list = stage.done(eve.irc.list(""));
    assert!(list.iter().any(|entry| entry.channel == "#ropes" && entry.members == 2), "{list:?}");
    // Many questions at once, each with its own answer.
    let asked: Vec<_> = ["dan", "eve", "nobody", "dan"].map(|nick| dan.irc.whois(nick)).into();
    let answers: Vec<_> = asked.into_iter().map(|asked| stage.wait(asked)).collect();
    let found: Vec<Option<String>> = answers.into_iter().map(|a| a.ok().map(|w| w.nick)).collect();
    let expected = [Some("dan"), Some("eve"), None, Some("dan")];
    assert_eq!(found, expected.map(|nick| nick.map(str::to_owned)));
    stage.done(dan.irc.privmsg("eve", "done"));
    stage.hears(&eve, "dan to eve: done");
}

pub(crate) fn a_nick_is_had_again(stage: &Stage) {
    let first = stage.enter(fast("dan"));
    let second = stage.enter(fast("dan"));
    assert_eq!(second.irc.nick(), "dan_");
    assert_eq!(
        code(stage.wait(second.irc.set_nick("no nick"))),
        "NICK \"no nick\": that is no name"
    );
    assert_eq!(code(stage.wait(second.irc.set_nick("#bad"))), "432");
    stage.done(first.irc.quit("good night"));
    stage.until("dan is free", || second.irc.nick() == "dan");
    stage.hears(&second, "I am dan");
    stage.done(second.irc.set_nick("daniel"));
    assert_eq!(second.irc.nick(), "daniel");
}
