//! [`Failures`]: questions that could not be answered, so that asking again and again costs nothing (RFC 9520).

use std::collections::HashMap;

use ropewalk_core::{Failure, Time};

use crate::Question;

/// Failures that are remembered.
const FAILURES_MAX: usize = 10_000;

/// Questions that could not be answered lately.
#[derive(Default)]
pub(super) struct Failures(HashMap<Question, (Failure, Time)>);

impl Failures {
    pub(super) fn note(&mut self, question: &Question, failure: Failure, until: Time) {
        if self.0.len() >= FAILURES_MAX {
            self.0.clear(); // They are short-lived, and asking once more is no harm.
        }
        self.0.insert(question.clone(), (failure, until));
    }

    pub(super) fn find(&mut self, question: &Question, now: Time) -> Option<Failure> {
        let (failure, until) = self.0.get(question)?;
        if *until > now {
            return Some(failure.clone());
        }
        self.0.remove(question);
        None
    }
}
