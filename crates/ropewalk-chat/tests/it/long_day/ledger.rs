//! [`Ledger`]: what really happened, in order, as the network itself tells it; and what somebody is to hear of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use ropewalk_irc::network::{Event, Listener, Notice, Target};

/// Observes a network.
#[derive(Default)]
pub(crate) struct Ledger {
    all: RefCell<Vec<Happened>>,
    /// How often each text was said.
    times: RefCell<HashMap<Rc<str>, u32>>,
    /// What was said more than once.
    doubled: Cell<Option<Rc<str>>>,
}

struct Happened {
    who: Rc<str>,
    what: What,
}

enum What {
    Came(Rc<str>),
    Left(Rc<str>),
    Gone,
    SaidIn { room: Rc<str>, text: Rc<str>, msgid: Rc<str> },
    SaidTo { who: Rc<str>, text: Rc<str> },
}

/// What was said in a room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    pub(crate) text: Rc<str>,
    pub(crate) msgid: Rc<str>,
}

/// What was said, as it is to be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) from: Rc<str>,
    pub(crate) text: Rc<str>,
}

/// Compares what one person hears with what happened while they were there.
pub(crate) struct Ears {
    ledger: Rc<Ledger>,
    name: Rc<str>,
    /// Whether they are told what they say themselves.
    hears_self: bool,
    next: usize,
    rooms: BTreeSet<Rc<str>>,
    due: VecDeque<Heard>,
}

impl Ledger {
    /// Nothing was said twice.
    pub(crate) fn check(&self) {
        if let Some(text) = self.doubled.take() {
            panic!("it was said twice: {text}");
        }
    }

    pub(crate) fn times(&self, text: &str) -> u32 {
        self.times.borrow().get(text).copied().unwrap_or(0)
    }

    /// What was said in each room.
    pub(crate) fn said(&self) -> BTreeMap<Rc<str>, Vec<Said>> {
        let mut said: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for happened in &*self.all.borrow() {
            if let What::SaidIn { room, text, msgid } = &happened.what {
                let one = Said { msgid: msgid.clone(), text: text.clone() };
                said.entry(room.clone()).or_default().push(one);
            }
        }
        said
    }

    /// What was said in a room after the message of that id, and its place in what happened.
    pub(crate) fn next_in(&self, room: &str, msgid: &str) -> Option<(usize, Heard)> {
        let all = self.all.borrow();
        let mut said = all.iter().enumerate().filter_map(|(at, happened)| match &happened.what {
            What::SaidIn { room: other, text, msgid } if **other == *room => {
                let heard = Heard { from: happened.who.clone(), text: text.clone() };
                Some((at, msgid.clone(), heard))
            }
            _ => None,
        });
        said.find(|(_, other, _)| **other == *msgid)?;
        said.next().map(|(at, _, heard)| (at, heard))
    }

    /// When somebody came to a room, as a place in what happened.
    pub(crate) fn came_at(&self, who: &str, room: &str) -> Option<usize> {
        let is_it = |happened: &Happened| {
            *happened.who == *who && matches!(&happened.what, What::Came(other) if **other == *room)
        };
        self.all.borrow().iter().rposition(is_it)
    }

    /// Who has come, and has not left.
    pub(crate) fn present(&self) -> BTreeSet<Rc<str>> {
        let mut present = BTreeSet::new();
        for happened in &*self.all.borrow() {
            match &happened.what {
                What::Came(_) => drop(present.insert(happened.who.clone())),
                What::Gone => drop(present.remove(&happened.who)),
                _ => {}
            }
        }
        present
    }

    /// What was said, by whom, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |happened: &Happened| match &happened.what {
            What::SaidIn { text, .. } | What::SaidTo { text, .. } => {
                Some(format!("{}: {text}", happened.who))
            }
            _ => None,
        };
        self.all.borrow().iter().filter_map(line).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.borrow().len()
    }

    fn note_text(&self, text: &Rc<str>) {
        let mut times = self.times.borrow_mut();
        let times = times.entry(text.clone()).or_default();
        *times += 1;
        if *times > 1 {
            self.doubled.set(Some(text.clone()));
        }
    }
}

impl Listener for Ledger {
    fn notified(&self, notice: &Notice) {
        let who: Rc<str> = notice.source().nick().as_str().into();
        let what = match notice.event() {
            Event::Joined { channel, .. } => What::Came(channel.as_str().into()),
            Event::Parted { channel, .. } => What::Left(channel.as_str().into()),
            Event::Quit { .. } => What::Gone,
            Event::Said { to, speech } => {
                let text: Rc<str> = speech.as_action().unwrap_or(&speech.text).into();
                self.note_text(&text);
                match to {
                    Target::User(who) => What::SaidTo { who: who.nick().as_str().into(), text },
                    to => What::SaidIn {
                        room: to.to_string().into(),
                        text,
                        msgid: notice.msgid().as_str().into(),
                    },
                }
            }
            _ => return,
        };
        self.all.borrow_mut().push(Happened { who, what });
    }
}

impl Ears {
    /// Of somebody who is going to come.
    pub(crate) fn new(ledger: &Rc<Ledger>, name: &str, hears_self: bool) -> Self {
        let (rooms, due) = (BTreeSet::new(), VecDeque::new());
        let (ledger, next) = (ledger.clone(), ledger.len());
        Self { ledger, name: name.into(), hears_self, next, rooms, due }
    }

    /// They were shown something: it is what happened next of all that they are to hear.
    pub(crate) fn hear(&mut self, from: &str, text: &str) {
        self.follow();
        let heard = Heard { from: from.into(), text: text.into() };
        let due = self.due.pop_front();
        assert_eq!(Some(heard), due, "{} did not hear what was next", self.name);
    }

    /// They have heard all that there was for them.
    pub(crate) fn check_all_heard(&mut self) {
        self.follow();
        let (name, missing) = (&self.name, self.due.len());
        assert_eq!(self.due.front(), None, "{name} has not heard {missing} things");
    }

    fn follow(&mut self) {
        let ledger = self.ledger.clone();
        let all = ledger.all.borrow();
        for happened in &all[self.next..] {
            self.follow_one(happened);
        }
        self.next = all.len();
    }

    fn follow_one(&mut self, happened: &Happened) {
        let is_self = happened.who == self.name;
        match &happened.what {
            What::Came(room) if is_self => drop(self.rooms.insert(room.clone())),
            What::Left(room) if is_self => drop(self.rooms.remove(room)),
            What::Gone if is_self => self.rooms.clear(),
            What::SaidIn { room, text, .. } if self.rooms.contains(room) => {
                self.expect(&happened.who, text);
            }
            What::SaidTo { who, text } if *who == self.name || is_self => {
                self.expect(&happened.who, text);
            }
            _ => {}
        }
    }

    fn expect(&mut self, from: &Rc<str>, text: &Rc<str>) {
        if self.hears_self || *from != self.name {
            self.due.push_back(Heard { from: from.clone(), text: text.clone() });
        }
    }
}
