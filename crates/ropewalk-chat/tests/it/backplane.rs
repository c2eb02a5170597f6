//! Several processes with one chat, over a NATS server in memory that loses and falls.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use ropewalk_chat::{Backplane, Chat, ChatFactory};
use ropewalk_core::{Loop, Time, Wait, defer_later};
use ropewalk_irc::network::{ChannelFlag, Network, NetworkLimits, Server};
use ropewalk_nats::{NatsClient, NatsOptions};
use ropewalk_testing::{
    Log, MemoryClientEndpoint, MemoryDriver, MemoryServerEndpoint, Network as Wires, Recorder,
};

use crate::broker::Broker;

const SECOND: Duration = Duration::from_secs(1);

/// Some processes, and what joins them.
pub(crate) struct Town {
    pub(crate) event_loop: Loop,
    pub(crate) broker: Broker,
}

/// One process. Its people come by lines.
pub(crate) struct Process {
    name: String,
    pub(crate) server: Server,
    pub(crate) backplane: Option<Backplane>,
}

/// One person.
pub(crate) struct Person {
    log: Log,
    seen: Cell<usize>,
}

impl Town {
    pub(crate) fn new() -> Self {
        let town = Self {
            event_loop: Loop::new(MemoryDriver::new(Wires::default())),
            broker: Broker::new(7),
        };
        town.broker.listen(&town.event_loop);
        town
    }

    pub(crate) fn process(&self, name: &str) -> Process {
        let reactor = self.event_loop.reactor();
        let clock = reactor.clone();
        let calendar = move || {
            SystemTime::UNIX_EPOCH
                + Duration::from_secs(1_795_629_600)
                + clock.now().since(Time::START)
        };
        let limits = NetworkLimits { message_interval: Duration::ZERO, ..NetworkLimits::default() };
        let server = Server::with_calendar(&Network::new(limits), calendar);
        let chat = Chat::open(&server, "#lobby").expect("it is a name");
        let endpoint = Rc::new(MemoryClientEndpoint::new("nats"));
        let options = NatsOptions { name: name.into(), no_echo: true, ..NatsOptions::default() };
        let client = NatsClient::new(reactor, endpoint, options);
        let backplane = Backplane::join(reactor, &chat, client, "test.chat").expect("a subject");
        let listening = reactor.listen(&MemoryServerEndpoint::new(name), ChatFactory::new(&chat));
        drop(self.event_loop.run_until(listening).expect("the name is free"));
        self.advance(SECOND * 2);
        Process { name: name.into(), server, backplane: Some(backplane) }
    }

    pub(crate) fn join(&self, process: &Process, name: &str) -> Person {
        let log = Log::default();
        let client = log.clone();
        let reactor = self.event_loop.reactor();
        let connecting = reactor
            .connect(&MemoryClientEndpoint::new(process.name.as_str()), move || {
                Recorder::new(&client)
            });
        drop(self.event_loop.run_until(connecting).expect("the process listens"));
        let person = Person { log, seen: Cell::new(0) };
        self.say(&person, name);
        person.shown();
        person
    }

    /// Somebody types a line; everything happens that comes of it.
    pub(crate) fn say(&self, person: &Person, line: &str) {
        person.log.transport().write(format!("{line}\n").as_bytes());
        self.advance(Duration::from_millis(20));
    }

    pub(crate) fn advance(&self, time: Duration) {
        let later = defer_later(self.event_loop.reactor(), time, || ());
        self.event_loop.run_until(later).expect("time passes");
        for _ in 0..8 {
            self.event_loop.turn(Wait::No).expect("not busy").expect("it can wait");
        }
    }
}

impl Person {
    pub(crate) fn shown(&self) -> Vec<String> {
        let data = self.log.data();
        let fresh = &data[self.seen.replace(data.len())..];
        String::from_utf8_lossy(fresh).lines().map(str::to_owned).collect()
    }
}

impl Process {
    pub(crate) fn users(&self) -> usize {
        self.server.counts().users
    }
}

#[test]
fn people_of_two_processes_are_in_the_same_rooms() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    assert_eq!(alice.shown(), ["*** bob has joined"]);
    town.say(&alice, "good evening");
    town.say(&alice, "/me bows");
    town.say(&alice, "/msg BOB psst");
    assert_eq!(alice.shown(), ["*** bob was told."]);
    assert_eq!(bob.shown(), ["<alice> good evening", "* alice bows", "[alice] psst"]);
    town.say(&bob, "/nick robert");
    town.say(&bob, "/away in the boat");
    town.say(&bob, "/topic ropes");
    town.say(&alice, "/msg robert hello?");
    assert_eq!(
        alice.shown(),
        [
            "*** bob is now called robert",
            "*** robert is away: in the boat",
            "*** robert has set the topic: ropes",
            "*** robert was told. They are away: in the boat",
        ]
    );
    bob.shown();
    town.say(&alice, "/join boats");
    town.say(&bob, "/join boats");
    assert_eq!(bob.shown()[..2], ["*** You are in #boats now.", "*** 2 here: alice, robert"]);
    town.say(&alice, "/kick robert too loud");
    assert_eq!(bob.shown(), ["*** alice has sent robert away (too loud)"]);
    town.say(&bob, "/join boats");
    alice.shown();
    town.say(&bob, "/leave");
    town.say(&bob, "/quit");
    assert_eq!(alice.shown(), ["*** robert has left", "*** robert has left (quit)"]);
    assert_eq!((here.users(), there.users()), (1, 1));
}

#[test]
fn a_process_that_comes_later_asks_who_is_there() {
    let town = Town::new();
    let here = town.process("here");
    let (alice, _carol) = (town.join(&here, "alice"), town.join(&here, "carol"));
    town.say(&alice, "/topic ropes");
    town.say(&alice, "/join boats");
    town.say(&alice, "/topic boats");
    town.say(&alice, "/away soon back");
    let there = town.process("there");
    let bob = town.join(&there, "bob");
    assert_eq!((here.users(), there.users()), (3, 3));
    town.say(&bob, "/who");
    town.say(&bob, "/rooms");
    town.say(&bob, "/topic");
    town.say(&bob, "/msg alice hello?");
    assert_eq!(
        bob.shown(),
        [
            "*** 3 here: alice, bob, carol",
            "*** #lobby has 3 people: ropes",
            "*** #boats has 1 people: boats",
            "*** #lobby is about: ropes",
            "*** alice was told. They are away: soon back",
        ]
    );
    let third = town.process("third");
    assert_eq!(third.users(), 3);
    assert_eq!(there.backplane.as_ref().map(Backplane::peers), Some(2));
}

#[test]
fn nothing_is_lost_or_doubled_when_every_third_message_is() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    alice.shown();
    town.broker.lose(33);
    for number in 0..200 {
        town.say(&alice, &format!("a{number}"));
        town.say(&bob, &format!("b{number}"));
    }
    town.broker.lose(0);
    town.advance(SECOND * 5);
    assert!(town.broker.lost() > 100, "{}", town.broker.lost());
    let all = |who: &str, letter: &str| -> Vec<String> {
        (0..200).map(|number| format!("<{who}> {letter}{number}")).collect()
    };
    assert_eq!(bob.shown(), all("alice", "a"));
    assert_eq!(alice.shown(), all("bob", "b"));
}

#[test]
fn what_is_said_while_nats_is_away_comes_when_it_is_back() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    alice.shown();
    for round in 0..3 {
        town.say(&alice, &format!("before {round}"));
        alice.log.transport().write(format!("on its way {round}\n").as_bytes());
        town.broker.fall(&town.event_loop);
        town.say(&alice, &format!("meanwhile {round}"));
        town.say(&bob, &format!("here, too {round}"));
        town.advance(SECOND * 30);
        assert_eq!((here.users(), there.users()), (2, 2), "nobody is thought to be gone");
        town.broker.listen(&town.event_loop);
        town.advance(SECOND * 10);
        let heard = [
            format!("before {round}"),
            format!("on its way {round}"),
            format!("meanwhile {round}"),
        ];
        assert_eq!(bob.shown(), heard.map(|line| format!("<alice> {line}")));
        assert_eq!(alice.shown(), [format!("<bob> here, too {round}")]);
    }
}

#[test]
fn of_two_people_with_one_name_the_older_claim_holds() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    town.broker.fall(&town.event_loop);
    let older = town.join(&here, "bob");
    town.advance(SECOND);
    let younger = town.join(&there, "BOB");
    let friend = town.join(&there, "carol");
    town.broker.listen(&town.event_loop);
    town.advance(SECOND * 10);
    let told = younger.shown();
    let renamed = told
        .iter()
        .find_map(|line| line.strip_prefix("*** You are now called "))
        .expect("it is told");
    let renamed = renamed.trim_end_matches('.').to_owned();
    assert!(renamed.starts_with("BOB-"), "{told:?}");
    assert!(
        told.iter().any(|line| line.starts_with("[bob] Somebody was called bob before you")),
        "{told:?}"
    );
    older.shown();
    friend.shown();
    town.say(&older, "who is who?");
    town.say(&younger, "I am the other");
    assert_eq!(older.shown(), [format!("<{renamed}> I am the other")]);
    assert_eq!(
        friend.shown(),
        ["<bob> who is who?".to_owned(), format!("<{renamed}> I am the other")]
    );
    town.say(&friend, "/msg bob to the older");
    town.say(&friend, &format!("/msg {renamed} to the younger"));
    assert_eq!(older.shown(), ["[carol] to the older"]);
    assert_eq!(younger.shown().last().map(String::as_str), Some("[carol] to the younger"));
    town.say(&younger, "/nick bob");
    assert_eq!(younger.shown(), ["*** Not done: somebody has that name already."]);
    assert_eq!((here.users(), there.users()), (3, 3));
}

#[test]
fn a_process_that_says_goodbye_takes_its_people_with_it() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, _bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    alice.shown();
    let left = there.backplane.as_ref().expect("it is there").leave();
    town.advance(Duration::from_millis(20));
    assert!(left.is_fired());
    assert_eq!(alice.shown(), ["*** bob has left (Server closed)"]);
    assert_eq!(here.backplane.as_ref().map(Backplane::peers), Some(0));
}

#[test]
fn a_process_that_is_killed_is_noticed_and_its_successor_is_not_it() {
    let town = Town::new();
    let (here, mut there) = (town.process("here"), town.process("there"));
    let (alice, _bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    alice.shown();
    drop(there.backplane.take());
    town.advance(SECOND * 9);
    assert!(alice.shown().is_empty());
    town.advance(SECOND * 3);
    assert_eq!(alice.shown(), ["*** bob has left (connection lost)"]);
    let after = town.process("after");
    let _bob = town.join(&after, "bob");
    assert_eq!(alice.shown(), ["*** bob has joined"]);
}

#[test]
fn nonsense_on_the_backplane_does_no_harm() {
    let town = Town::new();
    let here = town.process("here");
    let alice = town.join(&here, "alice");
    let endpoint = Rc::new(MemoryClientEndpoint::new("nats"));
    let evil = NatsClient::new(town.event_loop.reactor(), endpoint, NatsOptions::default());
    town.advance(SECOND);
    let origin = "\"origin\":\"0123456789abcdef\"";
    for letter in [
        "".to_owned(),
        "nonsense".to_owned(),
        "{\"letter\":\"beat\",\"origin\":\"a.>\",\"last\":1}".to_owned(),
        format!("{{\"letter\":\"beat\",{origin},\"last\":18446744073709551615}}"),
        format!("{{\"letter\":\"want\",{origin},\"first\":0,\"last\":18446744073709551615}}"),
        format!("{{\"letter\":\"want\",{origin},\"first\":18446744073709551615,\"last\":0}}"),
        format!(
            "{{\"letter\":\"whole\",{origin},\"number\":18446744073709551615,\"part\":0,\"parts\":1,\"topics\":[],\"people\":[\
            {{\"id\":1,\"nick\":\"a b\",\"user\":\"\",\"host\":\"\",\"realname\":\"\",\"account\":null,\"claimed_at\":0,\"away\":null,\"rooms\":[\"\",\"#x y\"]}}]}}"
        ),
        format!(
            "{{\"letter\":\"happened\",{origin},\"number\":18446744073709551615,\"what\":{{\"did\":\"quit\",\"who\":1,\"reason\":\"\"}}}}"
        ),
        format!(
            "{{\"letter\":\"happened\",{origin},\"number\":0,\"what\":{{\"did\":\"joined\",\"who\":9,\"room\":\"#lobby\"}}}}"
        ),
    ] {
        evil.publish("test.chat.all", letter).expect("it is up");
        town.advance(SECOND * 2);
    }
    assert!(alice.shown().is_empty());
    assert_eq!(here.users(), 1);
    town.advance(SECOND * 20);
    assert_eq!(here.backplane.as_ref().map(Backplane::peers), Some(0));
}

/// Closes a room to who is not invited, as its operator does by IRC; it is done by hand since lines have no word for it.
fn close(process: &Process, room: &str) {
    let network = process.server.network();
    network.set_flag(room, ChannelFlag::InviteOnly, true).expect("it is there");
    network.set_flag(room, ChannelFlag::Secret, true).expect("it is there");
}

#[test]
fn a_room_that_is_closed_is_closed_on_a_process_that_comes_later() {
    let town = Town::new();
    let here = town.process("here");
    let alice = town.join(&here, "alice");
    town.say(&alice, "/join den");
    close(&here, "#den");
    let there = town.process("there");
    let mallory = town.join(&there, "mallory");
    town.say(&mallory, "/rooms");
    town.say(&mallory, "/join den");
    assert_eq!(
        mallory.shown(),
        ["*** #lobby has 2 people", "*** Not done: the channel is for who is invited."]
    );
}

#[test]
fn of_two_rooms_with_one_name_the_older_holds() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, mallory) = (town.join(&here, "alice"), town.join(&there, "mallory"));
    town.broker.fall(&town.event_loop);
    town.say(&alice, "/join den");
    town.advance(SECOND);
    town.say(&mallory, "/join den");
    town.broker.listen(&town.event_loop);
    town.advance(SECOND * 10);
    drop((alice.shown(), mallory.shown()));
    town.say(&mallory, "/kick alice it is mine");
    assert_eq!(mallory.shown(), ["*** Not done: you are not an operator of the channel."]);
    town.say(&alice, "/kick mallory it is mine");
    assert_eq!(mallory.shown(), ["*** alice has sent mallory away (it is mine)"]);
}

#[test]
fn thousands_of_lines_said_while_nats_is_away_come_without_a_storm() {
    let town = Town::new();
    let (here, there) = (town.process("here"), town.process("there"));
    let (alice, bob) = (town.join(&here, "alice"), town.join(&there, "bob"));
    town.broker.fall(&town.event_loop);
    for part in 0..10 {
        let lines: String = (0..500).map(|number| format!("{part} {number}\n")).collect();
        town.say(&alice, lines.trim_end());
    }
    let before = town.broker.spread();
    town.broker.listen(&town.event_loop);
    town.advance(SECOND * 15);
    let heard = bob.shown();
    let said =
        (0..10).flat_map(|part| (0..500).map(move |number| format!("<alice> {part} {number}")));
    assert!(
        heard.iter().map(String::as_str).eq(said.collect::<Vec<_>>().iter().map(String::as_str))
    );
    let spread = town.broker.spread() - before;
    assert!((5_000..5_200).contains(&spread), "{spread}");
}
