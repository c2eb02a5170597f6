//! Processes that the others do not hear of for so long that they are taken for gone, and that come back.

use std::time::Duration;

use ropewalk_chat::Backplane;
use ropewalk_irc::network::Mode;
use ropewalk_testing::MemoryNetwork;

use crate::backplane::{Process, Town};

const SECOND: Duration = Duration::from_secs(1);

/// Who is in a room and may do what there, and what was set on it, as one process sees it.
fn room(process: &Process, room: &str) -> (Vec<String>, Vec<String>) {
    let network = process.server.network();
    let members = network.members(room).iter().map(|one| one.nick().to_string()).collect();
    let state = network.channel_state(room).map_or(Vec::new(), |state| state.changes);
    let set = state.iter().filter(|change| change.adds).map(|change| match &change.mode {
        Mode::Rank(rank, nick) => format!("{rank:?} {nick}"),
        mode => format!("{mode:?}"),
    });
    (members, set.collect())
}

#[test]
fn what_was_said_on_a_process_that_was_taken_for_gone_comes_when_it_is_back() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    let carol = town.join(&there, "carol");
    alice.shown();
    for round in 0..3 {
        town.broker.keep_out("there");
        town.say(&bob, &format!("first {round}"));
        town.say(&carol, &format!("/nick carol{round}"));
        let guest = town.join(&there, "guest");
        town.say(&guest, &format!("between {round}"));
        town.say(&guest, "/quit");
        town.say(&alice, &format!("meanwhile {round}"));
        town.advance(SECOND * 30);
        assert_eq!((here.users(), there.users()), (1, 3));
        alice.shown();
        assert_eq!(here.backplane.as_ref().map(Backplane::peers), Some(0));
        town.say(&bob, &format!("last {round}"));
        town.broker.let_in("there");
        town.advance(SECOND * 10);
        assert_eq!((here.users(), there.users()), (3, 3));
        let told = alice.shown();
        let heard = told.iter().filter(|line| line.starts_with('<')).map(String::as_str);
        assert!(
            heard.eq([
                format!("<bob> first {round}"),
                format!("<guest> between {round}"),
                format!("<bob> last {round}"),
            ]),
            "{told:?}"
        );
        let meanwhile = format!("<alice> meanwhile {round}");
        assert_eq!(bob.shown().iter().filter(|line| **line == meanwhile).count(), 1);
        assert_eq!(room(&here, "#lobby"), room(&there, "#lobby"));
    }
}

#[test]
fn rooms_are_what_they_were_when_a_process_is_back() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    // One in which nobody else is, and one in which somebody of here stays, each with an operator of there.
    town.say(&bob, "/join den");
    town.say(&bob, "/topic ours alone");
    town.say(&bob, "/join boats");
    town.say(&alice, "/join boats");
    town.broker.keep_out("there");
    town.advance(SECOND * 20);
    assert_eq!(room(&here, "#boats").1, ["Flag(NoOutside)", "Flag(TopicLocked)"]);
    town.say(&alice, "/join den"); // She makes it, and is its operator.
    town.say(&bob, "/leave boats");
    town.broker.let_in("there");
    town.advance(SECOND * 10);
    for name in ["#den", "#boats", "#lobby"] {
        assert_eq!(room(&here, name), room(&there, name), "{name}");
    }
    assert!(
        room(&here, "#den").1.contains(&"Operator bob".to_owned()),
        "{:?}",
        room(&here, "#den")
    );
    assert!(!room(&here, "#den").1.contains(&"Operator alice".to_owned()));
    assert_eq!(room(&here, "#boats").0, ["alice"]);
    alice.shown();
    town.say(&alice, "/topic");
    assert_eq!(alice.shown(), ["*** #den is about: ours alone"]);
}

#[test]
fn a_process_whose_connection_falls_silent_loses_nothing() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    alice.shown();
    let network = MemoryNetwork::of(town.event_loop.reactor()).expect("it is in memory");
    town.broker.silence("there", &network);
    town.say(&bob, "into the void");
    town.say(&alice, "from here");
    town.advance(SECOND * 20);
    assert_eq!((here.users(), there.users()), (1, 1), "each takes the other for gone");
    town.say(&alice, "to myself");
    town.advance(SECOND * 100);
    let told = |shown: Vec<String>| -> Vec<String> {
        shown.into_iter().filter(|line| line.starts_with('<')).collect()
    };
    assert_eq!(told(alice.shown()), ["<bob> into the void"]);
    assert_eq!(told(bob.shown()), ["<alice> from here", "<alice> to myself"]);
    assert_eq!((here.users(), there.users()), (2, 2));
}

#[test]
fn a_process_that_says_goodbye_while_it_is_taken_for_gone_does_not_come_back_for_that() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, _bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    town.broker.lose(100);
    town.advance(SECOND * 20);
    alice.shown();
    town.broker.lose(0);
    drop(there.backplane.as_ref().expect("it is there").leave());
    town.advance(SECOND);
    assert!(alice.shown().is_empty());
    assert_eq!(here.users(), 1);
}
