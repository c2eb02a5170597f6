//! [`Inbox`]: what a client of IRC has been told, until the person before it looks.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use std::rc::Rc;

use ropewalk_core::Failure;
use ropewalk_irc::Message;
use ropewalk_irc::client::{Event, Irc, IrcClient, Said};

use super::ledger::Heard;
use super::wire::Wire;
use super::world::Fate;

/// Of one connection.
#[derive(Default)]
pub(crate) struct Inbox {
    irc: RefCell<Option<Irc>>,
    wire: RefCell<Option<Wire>>,
    news: RefCell<VecDeque<News>>,
    /// What is known of what they said themselves.
    fates: RefCell<Vec<(String, Fate)>>,
    /// The name of the batch of history that has begun.
    batch: RefCell<Option<String>>,
    is_lost: Cell<bool>,
    is_given_up: Cell<bool>,
}

/// Something that was told.
pub(crate) enum News {
    /// It is said, in the lobby with that msgid.
    Said(Heard, Option<Rc<str>>),
    /// It was said before.
    Replayed(Heard, Rc<str>),
    /// No more of that follows.
    ReplayedAll,
}

/// Tells the inbox.
pub(crate) struct Teller(pub(crate) Rc<Inbox>);

impl IrcClient for Teller {
    fn message_received(&mut self, _: &Irc, message: &Message<'_>) {
        if message.is("BATCH") {
            self.0.note_batch(message.params());
        }
    }

    fn event_received(&mut self, irc: &Irc, event: &Event<'_>) {
        match event {
            Event::SignedOn => drop(self.0.irc.replace(Some(irc.clone()))),
            Event::Privmsg(said) | Event::Action(said) => self.0.note(said),
            _ => {}
        }
    }

    fn connection_lost(&mut self, _: &Irc, _: &Failure) {
        self.0.is_lost.set(true);
    }
}

impl Inbox {
    fn note(&self, said: &Said<'_>) {
        let heard = Heard { from: said.from.nick.into(), text: said.text.into() };
        let msgid = said.tags.get("msgid").map(|msgid| Rc::from(&*msgid));
        let news = if said.is_replayed {
            News::Replayed(heard, msgid.expect("history has msgids"))
        } else {
            News::Said(heard, msgid.filter(|_| said.channel == Some(super::recall::LOBBY)))
        };
        self.news.borrow_mut().push_back(news);
    }

    fn note_batch(&self, params: &[&str]) {
        match params {
            [name, "chathistory", ..] => {
                self.batch.replace(name.strip_prefix('+').map(str::to_owned));
            }
            [name] if name.strip_prefix('-') == self.batch.borrow().as_deref() => {
                self.news.borrow_mut().push_back(News::ReplayedAll);
            }
            _ => {}
        }
    }

    pub(crate) fn note_fate(&self, text: String, fate: Fate) {
        self.fates.borrow_mut().push((text, fate));
    }

    pub(crate) fn take_news(&self) -> VecDeque<News> {
        self.news.take()
    }

    pub(crate) fn take_fates(&self) -> Vec<(String, Fate)> {
        self.fates.take()
    }

    /// The client, while it is let in.
    pub(crate) fn irc(&self) -> Option<Irc> {
        self.irc.borrow().clone().filter(|_| !self.is_lost.get())
    }

    pub(crate) fn wire(&self) -> Option<Wire> {
        self.wire.borrow().clone()
    }

    pub(crate) fn set_wire(&self, wire: Wire) {
        if self.is_given_up.get() {
            wire.abort();
        }
        self.wire.replace(Some(wire));
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.get()
    }

    pub(crate) fn note_lost(&self) {
        self.is_lost.set(true);
    }

    /// Gives the connection up, also if there is none yet.
    pub(crate) fn abort(&self) {
        self.is_given_up.set(true);
        self.wire.borrow().iter().for_each(Wire::abort);
    }
}
