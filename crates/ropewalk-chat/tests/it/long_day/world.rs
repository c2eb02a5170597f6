//! [`World`]: a chat with all its ways in, on a network in memory that can be made bad.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::{Loop, Reactor, Time, Wait, defer_later};
use ropewalk_testing::{MemoryDriver, MemoryNetwork, Network as Wires, Random, Seed};

use super::ledger::Ledger;
use super::process::{self, Process};
use super::wire::{Fault, Wire};
use crate::broker::Broker;

/// Everything that there is besides the people.
pub(crate) struct World {
    pub(crate) processes: Vec<Process>,
    pub(crate) network: MemoryNetwork,
    /// What joins the processes, if there are several.
    broker: Option<Broker>,
    is_broker_up: Cell<bool>,
    random: RefCell<Random>,
    fates: RefCell<HashMap<String, Fate>>,
    /// Who is there, to be whispered to.
    present: RefCell<Vec<String>>,
    numbers: Cell<u64>,
    trouble: RefCell<BTreeMap<Trouble, u32>>,
    buried: RefCell<Vec<(Wire, Time)>>,
    event_loop: Loop,
}

/// What somebody knows of what they have said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// No answer came, or not to each attempt.
    Unknown,
    /// It was said.
    Told,
    /// It was not.
    Refused,
}

/// What is to be lived through in a day; a day without is no test of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    LineSentAgain,
    NewsLost,
    BrowserOut,
    TerminalCutOff,
    ClientCutOff,
    PastRecalled,
    /// A process is taken for gone by another that it hears of itself.
    ProcessMissed,
}

impl Trouble {
    /// What happens to people.
    pub(crate) const OF_PEOPLE: [Self; 6] = [
        Self::LineSentAgain,
        Self::NewsLost,
        Self::BrowserOut,
        Self::TerminalCutOff,
        Self::ClientCutOff,
        Self::PastRecalled,
    ];
}

pub(crate) const ROOMS: [&str; 3] = ["#lobby", "#boats", "#knots"];

/// As long a system tries to send before it gives a connection up (RFC 1122 section 4.2.3.5; Linux: some 15 minutes).
const SYSTEM_PATIENCE: Duration = Duration::from_secs(15 * 60);

impl World {
    /// A chat of so many processes.
    pub(crate) fn new(seed: u64, processes: usize) -> Self {
        let event_loop =
            Loop::new(MemoryDriver::new(Wires { seed: Seed::new(seed), ..Wires::default() }));
        let is_joined = processes > 1;
        let broker = is_joined.then(|| Broker::new(seed));
        broker.iter().for_each(|broker| broker.listen(&event_loop));
        let processes = (0..processes).map(|number| Process::new(&event_loop, number, is_joined));
        Self {
            processes: processes.collect(),
            network: MemoryNetwork::of(event_loop.reactor()).expect("it is in memory"),
            broker,
            is_broker_up: Cell::new(true),
            random: RefCell::new(Random::new(Seed::new(seed))),
            fates: RefCell::default(),
            present: RefCell::default(),
            numbers: Cell::new(0),
            trouble: RefCell::default(),
            buried: RefCell::default(),
            event_loop,
        }
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        self.event_loop.reactor()
    }

    pub(crate) fn now(&self) -> Time {
        self.reactor().now()
    }

    /// Time passes.
    pub(crate) fn pass(&self, time: Duration) {
        let later = defer_later(self.reactor(), time, || ());
        self.event_loop.run_until(later).expect("time passes");
        self.processes.iter().for_each(|process| process.ledger.check());
        if self.processes.iter().any(|one| one.peers() != self.processes[0].peers()) {
            self.note(Trouble::ProcessMissed);
        }
        self.reset_buried();
    }

    pub(crate) fn ledger(&self, process: usize) -> &Rc<Ledger> {
        &self.processes[process].ledger
    }

    /// How often a text was said, on the process where that was most often.
    pub(crate) fn times(&self, text: &str) -> u32 {
        self.processes.iter().map(|process| process.ledger.times(text)).max().unwrap_or(0)
    }

    pub(crate) fn note(&self, trouble: Trouble) {
        *self.trouble.borrow_mut().entry(trouble).or_default() += 1;
    }

    /// There was trouble of all these kinds.
    pub(crate) fn check_trouble(&self, all: &[Trouble]) {
        let trouble = self.trouble.borrow();
        assert!(all.iter().all(|one| trouble.contains_key(one)), "a calm day: {trouble:?}");
    }

    // What joins the processes.

    pub(crate) fn is_joined(&self) -> bool {
        self.broker.is_some()
    }

    /// What joins the processes falls, or is there again.
    pub(crate) fn set_broker(&self, is_up: bool) {
        let Some(broker) = &self.broker else { return };
        match (self.is_broker_up.replace(is_up), is_up) {
            (false, true) => broker.listen(&self.event_loop),
            (true, false) => broker.fall(&self.event_loop),
            _ => {}
        }
    }

    /// One of the processes is cut off from what joins them for a while, with or without being told; the others are
    /// not. That may be for so long that they take it for gone.
    pub(crate) fn cut_off(&self, number: usize) {
        let Some(broker) = &self.broker else { return };
        let name = process::name(number);
        if self.chance(50) {
            broker.silence(&name, &self.network);
        } else {
            broker.keep_out(&name);
        }
    }

    /// None of the processes is cut off any more.
    pub(crate) fn let_all_in(&self) {
        let names = (0..self.processes.len()).map(process::name);
        names.for_each(|name| self.broker.iter().for_each(|broker| broker.let_in(&name)));
    }

    /// The chat is over: nothing of it is left, and nothing is going to happen any more.
    pub(crate) fn end(self) {
        self.set_broker(false);
        let Self { event_loop, processes, .. } = self;
        let ends = processes.into_iter().map(|process| process.end(&event_loop));
        let ledgers: Vec<Rc<Ledger>> = ends.collect();
        // Somebody may wait for something that is over by now, but nobody waits again.
        let stuck =
            (0..10_000).find_map(|_| event_loop.turn(Wait::Forever).expect("not busy").err());
        let stuck = stuck.expect("some timer is set again and again");
        assert!(stuck.to_string().contains("nothing will ever happen"), "{stuck}");
        assert_eq!(event_loop.reactor().sources(), 0);
        let kept = ledgers.iter().filter(|ledger| Rc::strong_count(ledger) > 1).count();
        assert_eq!(kept, 0, "a part of the chat is kept by somebody");
    }

    // Chance.

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.random.borrow_mut().below(bound)
    }

    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("it is an index")
    }

    pub(crate) fn pick<T: Clone>(&self, all: &[T]) -> Option<T> {
        all.get(self.index(all.len())).cloned()
    }

    // Names and texts.

    pub(crate) fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// Something that nobody has said. Sometimes it is long.
    pub(crate) fn text(&self, place: &str) -> String {
        let more = if self.chance(10) { 300 } else { self.below(20) };
        let more = "o".repeat(usize::try_from(more).expect("it is small"));
        let text = format!("{} for {}{more}", self.number(), place.trim_start_matches('#'));
        self.set_fate(&text, Fate::Unknown);
        text
    }

    pub(crate) fn set_fate(&self, text: &str, fate: Fate) {
        self.fates.borrow_mut().insert(text.to_owned(), fate);
    }

    pub(crate) fn fates(&self) -> HashMap<String, Fate> {
        self.fates.borrow().clone()
    }

    pub(crate) fn arrive(&self, name: &str) {
        self.present.borrow_mut().push(name.to_owned());
    }

    pub(crate) fn depart(&self, name: &str) {
        self.present.borrow_mut().retain(|one| one != name);
    }

    /// Somebody who is there, other than `name`.
    pub(crate) fn somebody(&self, name: &str) -> Option<String> {
        let others: Vec<_> =
            self.present.borrow().iter().filter(|one| *one != name).cloned().collect();
        self.pick(&others)
    }

    // Connections that nobody looks after.

    /// A person has given a connection up that fell silent; the systems at its ends still try.
    pub(crate) fn bury(&self, wire: Wire) {
        if wire.is_silent() && wire.transport().is_some() {
            self.buried.borrow_mut().push((wire, self.now() + SYSTEM_PATIENCE));
        } else {
            wire.abort();
        }
    }

    fn reset_buried(&self) {
        let now = self.now();
        let mut buried = self.buried.borrow_mut();
        let over = buried.extract_if(.., |(_, at)| *at <= now);
        for (wire, _) in over.collect::<Vec<_>>() {
            wire.suffer(&self.network, Fault::Reset);
        }
    }
}
