//! [`WhoWas`]: who was on the network, for those who come too late.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use super::Identity;
use crate::Nick;

/// Somebody who is not on the network, or not called so any more.
#[derive(Clone, Debug)]
pub struct WasHere {
    /// Who they were.
    pub identity: Arc<Identity>,
    /// Until when.
    pub until: SystemTime,
}

/// The last of them, oldest first.
#[derive(Default)]
pub(crate) struct WhoWas(VecDeque<WasHere>);

impl WhoWas {
    /// One more; the oldest goes if there are too many.
    pub(crate) fn push(&mut self, identity: Arc<Identity>, until: SystemTime, entries_max: usize) {
        self.0.push_back(WasHere { identity, until });
        while self.0.len() > entries_max {
            self.0.pop_front();
        }
    }

    /// Those who were called so, the last first.
    pub(crate) fn called(&self, nick: &Nick) -> impl Iterator<Item = &WasHere> {
        self.0.iter().rev().filter(move |was| was.identity.nick == *nick)
    }
}
