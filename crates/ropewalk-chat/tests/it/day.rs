//! A day of a room, with browsers whose connections break, fall silent and lose answers, and people by lines who come and
//! go. What happens by chance comes from a seed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Transport;
use ropewalk_irc::network::{Event, Listener, Notice};
use ropewalk_testing::{MemoryNetwork, Random, Seed};

use crate::evening::{Evening, Guest};
use crate::visitor::{Asked, Visitor, open_page};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Writes down what is said in the room.
#[derive(Default)]
struct Scribe(RefCell<Vec<String>>);

impl Listener for Scribe {
    fn notified(&self, notice: &Notice) {
        if let Event::Said { speech, .. } = notice.event() {
            self.0.borrow_mut().push(format!("{} {}", notice.source().nick(), speech.text));
        }
    }
}

/// A page, and what it has shown.
struct Browser {
    visitor: Visitor,
    poll: Option<Asked>,
    /// The number of the last line that it sent.
    line: u64,
    shown: Vec<String>,
    /// Lines that were said before it came.
    came_at: usize,
}

struct Day {
    evening: Evening,
    random: Random,
    scribe: Rc<Scribe>,
    browsers: Vec<Browser>,
    guest: Guest,
    guests: u64,
    /// The browsers' ends of connections on which nothing comes any more.
    silent: Vec<Transport>,
}

impl Day {
    fn new(seed: u64) -> Self {
        let evening = Evening::new();
        let scribe = Rc::<Scribe>::default();
        evening.server.observe(scribe.clone());
        let guest = evening.join("g0");
        let random = Random::new(Seed::new(seed));
        Self { evening, random, scribe, browsers: Vec::new(), guest, guests: 0, silent: Vec::new() }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    fn come(&mut self, name: &str) {
        let visitor = Visitor::join(&self.evening, name);
        let came_at = self.scribe.0.borrow().len();
        self.browsers.push(Browser { visitor, poll: None, line: 0, shown: Vec::new(), came_at });
    }

    /// Half a minute, more or less.
    fn step(&mut self) {
        for which in 0..self.browsers.len() {
            self.look(which);
        }
        let who = usize::try_from(self.random.below(self.browsers.len() as u64)).expect("small");
        match self.random.below(10) {
            0..5 => self.say(who),
            5..8 => self.evening.say(&self.guest, "somebody by lines"),
            8 => self.change_guest(),
            _ => {}
        }
        let pause = self.random.below(25) + 1;
        self.evening.advance(SECOND * u32::try_from(pause).expect("small"));
    }

    /// A browser reads what has come and asks for more; or what it waited for is lost on the way.
    fn look(&mut self, which: usize) {
        let (is_lost, is_silent, is_late) = (self.chance(10), self.chance(50), self.chance(20));
        let browser = &mut self.browsers[which];
        let Some(poll) = browser.poll.take() else {
            // A minute of absence is too long, and a step is at most half of one.
            browser.poll = Some(browser.visitor.poll(&self.evening));
            return;
        };
        if is_lost {
            // Whether it was answered or not, nobody has seen it.
            if let Some(transport) = poll.transport() {
                if is_silent {
                    let network = MemoryNetwork::of(self.evening.event_loop.reactor());
                    network.expect("it is in memory").silence(&transport);
                    self.silent.push(transport);
                } else {
                    transport.abort_connection();
                }
            }
            return;
        }
        if poll.answer().is_none() {
            browser.poll = Some(poll);
            return;
        }
        let news = browser.visitor.read(&poll);
        browser.shown.extend(news.into_iter().filter_map(|event| said(&event)));
        browser.poll = (!is_late).then(|| browser.visitor.poll(&self.evening));
    }

    /// A browser sends a line, and again if the answer is lost.
    fn say(&mut self, who: usize) {
        let (is_lost, number) = (self.chance(30), self.random.below(1_000_000));
        let browser = &mut self.browsers[who];
        browser.line += 1;
        let form = format!("room=%23lobby&line={}&text=line+{number}", browser.line);
        let times = if is_lost { 2 } else { 1 };
        for _ in 0..times {
            let answer = browser.visitor.post(&self.evening, "/say", &form);
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }

    /// Who is there by lines goes, one way or another, and somebody else comes.
    fn change_guest(&mut self) {
        match self.random.below(3) {
            0 => self.evening.say(&self.guest, "/quit"),
            1 => self.guest.log().transport().abort_connection(),
            _ => self.guest.log().transport().lose_connection(),
        }
        self.evening.settle();
        self.guests += 1;
        self.guest = self.evening.join(&format!("g{}", self.guests));
    }

    /// Everybody has seen all that was said since they came, once and in its order.
    fn check(&mut self) {
        for which in 0..self.browsers.len() {
            let browser = &mut self.browsers[which];
            drop(browser.poll.take());
            let rest = browser.visitor.poll(&self.evening);
            if rest.answer().is_some() {
                let news = browser.visitor.read(&rest);
                browser.shown.extend(news.into_iter().filter_map(|event| said(&event)));
            }
            assert_eq!(browser.shown, self.scribe.0.borrow()[browser.came_at..], "browser {which}");
        }
    }
}

/// Who said what, if it is that.
fn said(event: &str) -> Option<String> {
    event.strip_prefix("said ").map(str::to_owned)
}

#[test]
fn a_day_with_faults_loses_nothing_doubles_nothing_and_leaves_nothing() {
    let mut day = Day::new(24);
    let page = open_page(&day.evening);
    let reactor = day.evening.event_loop.reactor().clone();
    let before = (reactor.sources(), day.evening.users());
    for number in 0..4 {
        day.come(&format!("b{number}"));
    }
    let end = reactor.now() + DAY;
    while reactor.now() < end {
        day.step();
    }
    day.check();
    let said = day.scribe.0.borrow().len();
    assert!(said > 4_000, "{said} lines in a day");
    day.silent.iter().for_each(Transport::abort_connection);
    for browser in &day.browsers {
        browser.visitor.leave(&day.evening);
    }
    day.evening.advance(SECOND * 600);
    assert_eq!(page.members(), 0);
    assert_eq!((reactor.sources(), day.evening.users()), before);
}
