//! How a client says something: in as many messages as it takes.

use std::rc::Rc;

use ropewalk_core::{Deferred, Failure, FailureKind, gather_results};

use crate::Message;

use super::ctcp;
use super::done::Done;
use super::session::Session;
use super::split::split;

impl Session {
    /// Says `text`, split to what fits; with a `word` as a CTCP of that.
    pub(crate) fn say(
        self: &Rc<Self>,
        command: &'static str,
        target: &str,
        word: &str,
        text: &str,
    ) -> Deferred<()> {
        let mut room = self.state.borrow().text_bytes_max(command, target);
        if !word.is_empty() {
            room = room.saturating_sub(ctcp::overhead(word));
        }
        let pieces: Vec<&str> = split(text, room).collect();
        if let Err(failure) = self.check_sayable(&pieces) {
            return Deferred::fail(failure);
        }
        let said = pieces.into_iter().map(|piece| match word {
            "" => self.say_piece(command, target, piece),
            word => self.say_piece(command, target, &ctcp::encode(word, piece)),
        });
        gather_results(said.collect::<Vec<_>>()).add_callback(drop)
    }

    /// Says a CTCP, which is one message or none.
    pub(crate) fn say_ctcp(
        self: &Rc<Self>,
        command: &'static str,
        target: &str,
        word: &str,
        params: &str,
    ) -> Deferred<()> {
        self.say_piece(command, target, &ctcp::encode(word, params))
    }

    /// All of it is said, or none.
    fn check_sayable(&self, pieces: &[&str]) -> Result<(), Failure> {
        self.check_ready()?;
        if pieces.is_empty() {
            return Err(Failure::new(FailureKind::Local, "there is nothing to say in that"));
        }
        self.state.borrow().queue.check_room(pieces.len())
    }

    fn say_piece(self: &Rc<Self>, command: &'static str, target: &str, text: &str) -> Deferred<()> {
        let message = Message::new(command).with_param(target).with_trailing(text);
        self.ask(Done::say(command, target), message)
    }
}
