//! [`Requests`]: what was asked and is not answered yet.

use std::collections::{BTreeMap, HashMap};

use ropewalk_core::{DelayedCall, Failure, FailureKind};

use crate::Message;

use super::question::{Heard, Setting, Waiting};
use super::server_error::ServerError;

/// Everything that waits for an answer, in the order in which it was asked.
#[derive(Default)]
pub(crate) struct Requests {
    waiting: BTreeMap<u64, Request>,
    last: u64,
    /// The batches that are open and the requests that they answer.
    batches: HashMap<String, u64>,
}

struct Request {
    waiting: Box<dyn Waiting>,
    is_labeled: bool,
    /// Set when it was sent.
    timeout: Option<DelayedCall>,
}

/// A Deferred that is to fire. It runs code of the user's, so nothing may be borrowed.
pub(crate) struct Firing {
    waiting: Box<dyn Waiting>,
    outcome: Result<(), Failure>,
}

impl Firing {
    pub(crate) fn fire(self) {
        self.waiting.finish(self.outcome);
    }
}

/// Batches within each other, or open at the same time, that are kept track of: more is a server that never ends
/// them.
const BATCHES_MAX: usize = 64;

impl Requests {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// A new one, not yet sent. Gives its number, which is also its label.
    pub(crate) fn insert(&mut self, waiting: Box<dyn Waiting>, is_labeled: bool) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, Request { waiting, is_labeled, timeout: None });
        self.last
    }

    /// The number of the next one.
    pub(crate) fn next_number(&self) -> u64 {
        self.last + 1
    }

    /// Its lines have left. Gives it if that is all there is to wait for.
    pub(crate) fn sent(&mut self, number: u64, timeout: DelayedCall) -> Option<Firing> {
        let request = self.waiting.get_mut(&number);
        let is_done = request.is_some_and(|request| {
            request.timeout = Some(timeout.clone());
            !request.is_labeled && request.waiting.is_done_when_sent()
        });
        if !self.waiting.contains_key(&number) {
            let _ = timeout.cancel();
        }
        if is_done { self.finish(number, Ok(())) } else { None }
    }

    /// Takes one out, to be fired.
    pub(crate) fn finish(&mut self, number: u64, outcome: Result<(), Failure>) -> Option<Firing> {
        let request = self.waiting.remove(&number)?;
        if let Some(timeout) = request.timeout {
            let _ = timeout.cancel(); // It may be what ends the request.
        }
        Some(Firing { waiting: request.waiting, outcome })
    }

    /// Takes all of them out, with the same failure.
    pub(crate) fn fail_all(&mut self, why: &Failure) -> Vec<Firing> {
        let numbers: Vec<u64> = self.waiting.keys().copied().collect();
        numbers.into_iter().filter_map(|number| self.finish(number, Err(why.clone()))).collect()
    }

    /// Whether the line has the label of a request with the same command: then it is by this client.
    pub(crate) fn is_answered_by(&self, message: &Message<'_>) -> bool {
        let request = self.labeled(message).and_then(|(number, _)| self.waiting.get(&number));
        request.is_some_and(|request| message.is(request.waiting.subject().command))
    }

    /// The server has answered what was sent behind a request that may be silent.
    pub(crate) fn fence_heard(&mut self, token: &str) -> Option<Firing> {
        self.finish(number_of(token)?, Ok(()))
    }

    /// A line came. Gives the request that it ends, and whether it belonged to any.
    pub(crate) fn heard(
        &mut self,
        message: &Message<'_>,
        setting: &Setting<'_>,
        entries_max: usize,
    ) -> (Option<Firing>, bool) {
        if message.is("BATCH") {
            return (self.batch_heard(message), true);
        }
        match self.labeled(message) {
            Some((number, is_whole)) => {
                (self.heard_by(number, message, setting, entries_max, is_whole), true)
            }
            None => self.heard_by_any(message, setting, entries_max),
        }
    }

    /// The request that a label, or a batch, says the line is for; and whether the line is the whole answer.
    fn labeled(&self, message: &Message<'_>) -> Option<(u64, bool)> {
        if let Some(batch) = message.tags().get("batch") {
            return self.batches.get(&*batch).map(|&number| (number, false));
        }
        let number = number_of(&message.tags().get("label")?)?;
        Some((number, true))
    }

    fn heard_by(
        &mut self,
        number: u64,
        message: &Message<'_>,
        setting: &Setting<'_>,
        entries_max: usize,
        is_whole: bool,
    ) -> Option<Firing> {
        let request = self.waiting.get_mut(&number)?;
        if let Some(error) = ServerError::from_message(message) {
            return self.finish(number, Err(error.into_failure()));
        }
        let heard = request.waiting.heard(message, setting);
        self.ended(number, heard, entries_max)
            .or_else(|| if is_whole { self.finish(number, Ok(())) } else { None })
    }

    fn heard_by_any(
        &mut self,
        message: &Message<'_>,
        setting: &Setting<'_>,
        entries_max: usize,
    ) -> (Option<Firing>, bool) {
        let error = ServerError::from_message(message);
        let sent = |request: &Request| request.timeout.is_some() && !request.is_labeled;
        for (&number, request) in self.waiting.iter_mut().filter(|(_, request)| sent(request)) {
            if let Some(error) = &error {
                if request.waiting.subject().is_of(error, message, setting) {
                    return (self.finish(number, Err(error.clone().into_failure())), true);
                }
                continue;
            }
            let heard = request.waiting.heard(message, setting);
            if heard != Heard::Other {
                return (self.ended(number, heard, entries_max), true);
            }
        }
        (None, false)
    }

    fn ended(&mut self, number: u64, heard: Heard, entries_max: usize) -> Option<Firing> {
        let entries = self.waiting.get(&number).map_or(0, |request| request.waiting.entries());
        if entries > entries_max {
            let why = format!("the answer has over {entries_max} entries (answer_entries_max)");
            return self.finish(number, Err(Failure::new(FailureKind::Limit, why)));
        }
        if heard == Heard::Last { self.finish(number, Ok(())) } else { None }
    }

    /// `BATCH +ref type …` and `BATCH -ref`.
    fn batch_heard(&mut self, message: &Message<'_>) -> Option<Firing> {
        let name = message.param(0)?;
        if let Some(name) = name.strip_prefix('-') {
            let number = self.batches.remove(name)?;
            let is_inner = self.batches.values().any(|&open| open == number);
            return if is_inner { None } else { self.finish(number, Ok(())) };
        }
        let name = name.strip_prefix('+')?;
        let (number, _) = self.labeled(message)?;
        if self.batches.len() < BATCHES_MAX {
            self.batches.insert(name.to_owned(), number);
        }
        None
    }
}

/// The label of a request, and the token of the `PING` behind it.
pub(crate) fn label_of(number: u64) -> String {
    format!("rw{number}")
}

fn number_of(label: &str) -> Option<u64> {
    label.strip_prefix("rw")?.parse().ok()
}
