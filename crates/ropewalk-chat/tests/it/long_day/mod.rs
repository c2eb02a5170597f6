//! A day of the chat, in virtual time, with people of all ways and a network that is bad by chance.
//!
//! What is promised to whom stands where they are: [`page`], [`liner`], [`chatter`]. What is checked, and when:
//! - each time somebody is shown something: it is what happened next of all that concerns them ([`Ears`](ledger::Ears)),
//!   so nothing is missing before it, nothing comes twice, and they hear nothing that they were not there for;
//! - each time somebody is back by IRC: what they are shown of the past is what they missed, to where they hear again;
//! - at each step: nothing was said twice;
//! - each hour, when the network has been good and all have been quiet for some minutes: everybody has heard everything,
//!   and what was said on one of two processes was said on the other;
//! - at the end: what its speaker was told is said was said, and what was refused was not; the file of the history has
//!   what was said, in its order, once; and when all have gone, nothing of them is left: no user, no room but the lobby,
//!   no browser's member, no connection, no timer, no listener.
//!
//! A day is its seed's: what is random in the network itself (the order of its tables, tokens) makes no difference.
//! `ROPEWALK_LONG_DAYS=100` runs so many days more, of seeds from `ROPEWALK_SEED` on or by chance, every third of them
//! with two processes.

mod chatter;
mod inbox;
mod ledger;
mod liner;
mod page;
mod person;
mod process;
mod recall;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_testing::{Network as Wires, Seed};

use chatter::Chatter;
use ledger::Said;
use liner::Liner;
use page::Page;
use person::Person;
use process::Process;
use wire::Fault;
use world::{Fate, Trouble, World};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Days in every run.
const DAYS: u64 = 1;
/// Milliseconds between what two people do, at most.
const STEP_MAX: u64 = 60_000;

struct Day {
    world: World,
    people: Vec<Box<dyn Person>>,
}

impl Day {
    fn new(seed: u64, processes: usize) -> Self {
        let mut people: Vec<Box<dyn Person>> = Vec::new();
        for number in 0..4 {
            let process = number % processes;
            people.push(Box::new(Page::new(process, true)));
            people.push(Box::new(Page::new(process, false)));
            people.push(Box::new(Liner::new(process)));
            people.push(Box::new(Chatter::new(process)));
        }
        let mut day = Self { world: World::new(seed, processes), people };
        day.pass(SECOND * 10);
        day
    }

    fn live(&mut self, hours: u32) {
        let before = self.world.reactor().sources();
        for _ in 0..hours {
            self.live_an_hour();
            self.call_the_roll();
        }
        self.end();
        assert_eq!(self.world.reactor().sources(), before, "connections are left");
    }

    fn live_an_hour(&mut self) {
        let end = self.world.now() + (HOUR - SECOND * 300);
        while self.world.now() < end {
            let world = &self.world;
            if world.chance(2) {
                change_weather(world);
                change_backplane(world);
            }
            let busy = 1 + world.below(3);
            for _ in 0..busy {
                let who = world.index(self.people.len());
                live_a_moment(world, self.people[who].as_mut());
            }
            let step = if world.chance(50) { world.below(50) } else { world.below(STEP_MAX) };
            self.pass(Duration::from_millis(step));
        }
    }

    fn pass(&mut self, time: Duration) {
        self.world.pass(time);
        self.people.iter_mut().for_each(|person| person.look(&self.world));
    }

    /// The network is good, and all are quiet.
    fn rest(&mut self, time: Duration) {
        let world = &self.world;
        world.network.heal();
        world.network.change(|wires| *wires = Wires::default());
        world.set_broker(true);
        world.let_all_in();
        let end = world.now() + time;
        while self.world.now() < end {
            self.pass(SECOND * 5);
        }
    }

    fn call_the_roll(&mut self) {
        self.rest(SECOND * 300);
        self.people.iter_mut().for_each(|person| person.check_all_heard());
        check_joined(&self.world);
    }

    fn end(&mut self) {
        self.people.iter_mut().for_each(|person| person.go(&self.world));
        self.rest(SECOND * 1800);
        check_fates(&self.world);
        check_joined(&self.world);
        self.world.processes.iter().for_each(Process::check_history);
        self.world.processes.iter().for_each(Process::check_empty);
    }
}

fn live_a_moment(world: &World, person: &mut dyn Person) {
    match world.below(100) {
        0..3 => person.go(world),
        3..6 => person.suffer(world, Fault::Reset),
        6..8 => person.suffer(world, Fault::Silence),
        8..12 => person.suffer(world, Fault::Slow),
        _ => person.act(world),
    }
}

/// The network is another from now on, to what joins the processes, too.
fn change_weather(world: &World) {
    world.network.heal();
    let millis = |bound| Duration::from_millis(world.below(bound));
    let wires = Wires {
        latency: world.pick(&[Duration::ZERO, millis(50), millis(800)]).expect("some"),
        chunk_size: world.pick(&[64 << 10, 1000, 50]).expect("some"),
        capacity: world.pick(&[64 << 10, 4 << 10, 500]).expect("some"),
        lose_at_byte: world.chance(10).then(|| world.below(2_000)),
        ..Wires::default()
    };
    world.network.change(|settings| *settings = wires);
    if world.chance(10) {
        world.network.partition();
    }
}

/// What joins the processes is there or not, for all of them or for one.
fn change_backplane(world: &World) {
    if !world.is_joined() {
        return;
    }
    world.set_broker(world.chance(70));
    world.let_all_in();
    if world.chance(30) {
        world.cut_off(world.index(world.processes.len()));
    }
}

fn check_fates(world: &World) {
    for (text, fate) in world.fates() {
        let times = world.times(&text);
        match fate {
            Fate::Unknown => assert!(times <= 1, "{text}"),
            Fate::Told => assert_eq!(times, 1, "its speaker was told that it is said: {text}"),
            Fate::Refused => assert_eq!(times, 0, "its speaker was told that it is not: {text}"),
        }
    }
}

/// What was said in a room on one process was said there on all.
fn check_joined(world: &World) {
    let sorted = |process: &Process| {
        let mut said = process.ledger.said();
        said.values_mut().for_each(|said| said.sort());
        said
    };
    let Some((first, others)) = world.processes.split_first() else { return };
    let expected = if others.is_empty() { BTreeMap::new() } else { sorted(first) };
    for other in others {
        let said = sorted(other);
        let missing = |(room, one): (&Rc<str>, &Vec<Said>), there: &BTreeMap<_, Vec<Said>>| {
            let there = there.get(room).cloned().unwrap_or_default();
            one.iter().find(|said| !there.contains(said)).cloned()
        };
        let here = said.iter().find_map(|one| missing(one, &expected));
        let there = expected.iter().find_map(|one| missing(one, &said));
        assert_eq!((here, there), (None, None), "is missing on the other process");
    }
}

/// Lives so many hours of a day; gives what was said, in order.
fn live(seed: u64, processes: usize, hours: u32) -> Vec<String> {
    let mut day = Day::new(seed, processes);
    day.live(hours);
    match (processes, hours) {
        (1, 24) => day.world.check_trouble(&Trouble::OF_PEOPLE),
        (1, _) => {}
        _ => day.world.check_trouble(&[Trouble::ProcessMissed]),
    }
    let Day { world, people } = day;
    drop(people);
    let said = world.ledger(0).lines();
    world.end();
    said
}

#[test]
fn nothing_is_lost_or_doubled_or_left_behind_in_a_day_on_a_bad_network() {
    for seed in 1..=DAYS {
        live(seed, 1, 24);
    }
    let more = std::env::var("ROPEWALK_LONG_DAYS").ok().and_then(|days| days.parse().ok());
    let first = Seed::from_env().number();
    for number in 0..more.unwrap_or(0) {
        let processes = if number % 3 == 2 { 2 } else { 1 };
        live(first.wrapping_add(number), processes, 24);
    }
}

#[test]
fn the_same_seed_is_the_same_day() {
    let (one, other) = (live(7, 1, 1), live(7, 1, 1));
    let difference = one.iter().zip(&other).position(|(one, other)| one != other);
    assert_eq!((difference, one.len()), (None, other.len()));
}

#[test]
fn nothing_is_lost_or_doubled_between_two_processes_whose_backplane_falls() {
    live(1, 2, 3);
}
