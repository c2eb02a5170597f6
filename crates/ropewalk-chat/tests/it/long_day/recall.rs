//! [`Recall`]: what somebody who is back by IRC is shown of what was said in the lobby meanwhile.
//!
//! By `CHATHISTORY AFTER` they ask for what followed the last that they have heard. What they are shown is that, in order,
//! each once; and if it is no full page, it goes on where they hear for themselves again.

use std::rc::Rc;

use ropewalk_core::Failure;
use ropewalk_irc::Message;
use ropewalk_irc::client::Irc;

use super::ledger::{Heard, Ledger};

/// One question, until it is answered.
pub(crate) struct Recall {
    ledger: Rc<Ledger>,
    /// The msgid of the last that they know.
    last: Rc<str>,
    shown: usize,
}

pub(crate) const LOBBY: &str = "#lobby";
/// On one page.
const PAGE: usize = 100;

impl Recall {
    /// Asks for what came after the message `last`.
    pub(crate) fn ask(ledger: &Rc<Ledger>, irc: &Irc, last: &Rc<str>) -> Result<Self, Failure> {
        let (point, page) = (format!("msgid={last}"), PAGE.to_string());
        irc.send(&Message::new("CHATHISTORY").with_params(&["AFTER", LOBBY, &point, &page]))?;
        Ok(Self { ledger: ledger.clone(), last: last.clone(), shown: 0 })
    }

    /// They are shown something: it is what followed.
    pub(crate) fn show(&mut self, heard: &Heard, msgid: &str) {
        let next = self.ledger.next_in(LOBBY, &self.last).map(|(_, next)| next);
        assert_eq!(next.as_ref(), Some(heard), "in the history after {}", self.last);
        self.last = msgid.into();
        self.shown += 1;
    }

    /// That was all: what follows they have heard themselves, who are called `name` now. Gives the msgid of the last.
    pub(crate) fn finish(self, name: &str) -> Rc<str> {
        let next = self.ledger.next_in(LOBBY, &self.last);
        if let Some((at, next)) = next.filter(|_| self.shown < PAGE) {
            let came_at = self.ledger.came_at(name, LOBBY);
            assert!(came_at < Some(at), "{next:?} is missing in the history for {name}");
        }
        self.last
    }
}
