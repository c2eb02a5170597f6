//! An hour of three processes, with people who come, go, rename and talk, over a NATS server that loses and falls. What
//! happens by chance comes from a seed.

use std::collections::BTreeSet;
use std::time::Duration;

use ropewalk_testing::{Random, Seed};

use crate::backplane::{Person, Process, Town};

const SECOND: Duration = Duration::from_secs(1);
const STEPS: u64 = 600;

/// Somebody, what they have said, and what they have been shown.
struct Talker {
    person: Person,
    number: u64,
    shown: Vec<String>,
}

struct Hour {
    town: Town,
    processes: Vec<Process>,
    talkers: Vec<Talker>,
    seed: u64,
    random: Random,
    is_down: bool,
    said: u64,
}

impl Hour {
    fn new(seed: u64) -> Self {
        let town = Town::new();
        let processes: Vec<Process> = ["one", "two", "three"].map(|name| town.process(name)).into();
        let talkers = (0..6).map(|number| {
            let place = usize::try_from(number).expect("small") % processes.len();
            let person = town.join(&processes[place], &format!("t{number}"));
            Talker { person, number, shown: Vec::new() }
        });
        let talkers = talkers.collect();
        let random = Random::new(Seed::new(seed));
        Self { town, processes, talkers, seed, random, is_down: false, said: 0 }
    }

    fn step(&mut self) {
        let who = usize::try_from(self.random.below(6)).expect("small");
        let chance = self.random.below(100);
        let line = match chance {
            0..60 => {
                self.said += 1;
                format!("line {} of t{}", self.said, self.talkers[who].number)
            }
            60..70 => format!("/nick n{}", self.random.below(8)), // Others want the same.
            70..80 => format!("/join room{}", self.random.below(3)),
            80..90 => format!("/leave room{}", self.random.below(3)),
            90..94 => "/topic something".to_owned(),
            94..97 => return self.fall_or_rise(),
            _ => "/away for a while".to_owned(),
        };
        // What is said is said in the lobby, where all are all the time.
        if !line.starts_with('/') {
            self.say(who, "/join lobby");
        }
        self.say(who, &line);
        let pause = self.random.below(8_000);
        self.town.advance(Duration::from_millis(pause));
    }

    fn say(&self, who: usize, line: &str) {
        self.town.say(&self.talkers[who].person, line);
    }

    fn fall_or_rise(&mut self) {
        if self.is_down {
            self.town.broker.listen(&self.town.event_loop);
        } else {
            self.town.broker.fall(&self.town.event_loop);
        }
        self.is_down = !self.is_down;
    }

    fn settle(&mut self) {
        self.town.broker.lose(0);
        if self.is_down {
            self.fall_or_rise();
        }
        self.town.advance(SECOND * 20);
        for talker in &mut self.talkers {
            talker.shown.extend(talker.person.shown());
        }
    }

    /// Everybody was shown every line of all others, once, and those of each in their order.
    fn check_lines(&self) {
        for hearer in &self.talkers {
            let mut heard = 0;
            for speaker in self.talkers.iter().filter(|speaker| speaker.number != hearer.number) {
                let end = format!(" of t{}", speaker.number);
                let numbers: Vec<u64> = hearer
                    .shown
                    .iter()
                    .filter(|line| line.contains("> line ") && line.ends_with(&end))
                    .map(|line| number_of(line))
                    .collect();
                assert!(
                    numbers.is_sorted_by(|one, next| one < next),
                    "seed {}: {numbers:?}",
                    self.seed
                );
                heard += numbers.len() as u64;
            }
            let own = self.spoken_by(hearer.number);
            assert_eq!(heard + own, self.said, "seed {}: t{}", self.seed, hearer.number);
        }
    }

    /// How many of the lines somebody else was shown of them.
    fn spoken_by(&self, number: u64) -> u64 {
        let other =
            self.talkers.iter().find(|other| other.number != number).expect("there are six");
        let end = format!(" of t{number}");
        let is_theirs = |line: &&String| line.contains("> line ") && line.ends_with(&end);
        other.shown.iter().filter(is_theirs).count() as u64
    }

    /// On all processes the same people are in the same rooms.
    fn check_rooms(&self) {
        for room in ["#lobby", "#room0", "#room1", "#room2"] {
            let views: BTreeSet<Vec<String>> =
                self.processes.iter().map(|process| names(process, room)).collect();
            assert_eq!(views.len(), 1, "seed {}: {room}: {views:?}", self.seed);
        }
        let users: Vec<usize> = self.processes.iter().map(Process::users).collect();
        assert_eq!(users, [6, 6, 6]);
    }
}

fn number_of(line: &str) -> u64 {
    let rest = line.split("> line ").nth(1).and_then(|rest| rest.split(' ').next());
    rest.and_then(|number| number.parse().ok()).expect("a number")
}

/// Who is in a room, as one process sees it.
fn names(process: &Process, room: &str) -> Vec<String> {
    let state = process.server.network().members(room);
    state.iter().map(|identity| identity.nick().to_string()).collect()
}

#[test]
fn an_hour_of_three_processes_loses_and_doubles_nothing() {
    let mut renamed = 0;
    for seed in 1..=4 {
        let mut hour = Hour::new(seed);
        hour.town.broker.lose(10);
        for _ in 0..STEPS {
            hour.step();
        }
        hour.settle();
        hour.check_lines();
        hour.check_rooms();
        assert!(hour.town.broker.lost() > 100, "it was no quiet hour");
        let told = hour.talkers.iter().flat_map(|talker| &talker.shown);
        renamed += told.filter(|line| line.contains("Somebody was called")).count();
    }
    assert!(renamed > 0, "two wanted the same name while they did not hear of each other");
}
