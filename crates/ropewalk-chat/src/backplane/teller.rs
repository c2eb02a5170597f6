//! [`Teller`]: observes the network, and tells the others what our own people do.

use std::rc::Weak;

use ropewalk_irc::network::{Event, Listener, Notice, Target};

use super::backplane::State;
use super::letter::{Letter, To};
use super::own::Relayed;

/// Tells the others what our own people do.
pub(super) struct Teller(pub(super) Weak<State>);

impl Listener for Teller {
    fn notified(&self, notice: &Notice) {
        let Some(state) = self.0.upgrade() else { return };
        if let Event::Tagged { to, tags } = notice.event() {
            return state.tell_typing(notice, to, tags);
        }
        let network = state.others.network();
        let happened = state.own.borrow_mut().note(notice, &state.origin, &state.others, &network);
        happened.into_iter().for_each(|what| state.tell(what));
    }
}

impl State {
    fn tell_typing(&self, notice: &Notice, to: &Target, tags: &str) {
        let Some(who) = self.own.borrow().number(notice.source().id()) else { return };
        let to = match to {
            Target::User(user) => match self.others.someone(user.id()) {
                Some(someone) => To::Person(someone),
                None => return,
            },
            room => To::Room(room.to_string()),
        };
        let tags = tags.to_owned();
        self.tell_all(&Letter::Typing { origin: self.origin.clone(), who, to, tags });
    }
}
