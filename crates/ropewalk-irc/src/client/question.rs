//! [`Question`]: what a request asks, and how its answer is known.
//!
//! Numerics do not say what they answer. So each kind of request knows the lines that belong to its answer, what
//! they are about, and which is the last. Where the server has `labeled-response`, the label says the first of
//! these, and the rest is the same.

use ropewalk_core::{Failure, FailureKind, Resolver};

use crate::{Message, numeric};

use super::isupport::ISupport;
use super::server_error::ServerError;

/// What a request asks.
pub(crate) trait Question: 'static {
    /// What its Deferred fires with.
    type Answer: 'static;

    /// What errors are told by.
    fn subject(&self) -> &Subject;

    /// A line came, which may belong to the answer. Errors that are about the subject do not come here.
    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard;

    /// Whether the server may do it and say nothing.
    fn may_be_silent(&self) -> bool {
        false
    }

    /// Whether there is nothing to wait for once it was sent, unless the server labels its answers.
    fn is_done_when_sent(&self) -> bool {
        false
    }

    /// How many entries the answer has so far.
    fn entries(&self) -> usize {
        0
    }

    /// The answer, from what was heard.
    ///
    /// # Errors
    /// Too little was heard.
    fn answer(self) -> Result<Self::Answer, Failure>;
}

/// What a line is for a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Nothing.
    Other,
    /// A part of the answer.
    Part,
    /// The last part.
    Last,
}

/// What a question is about.
pub(crate) struct Subject {
    /// The command that asks.
    pub(crate) command: &'static str,
    /// Names in it: channels, nicks.
    pub(crate) names: Vec<String>,
    /// The numerics by which a server refuses it.
    pub(crate) errors: &'static [&'static str],
}

/// What a line is understood by.
pub(crate) struct Setting<'a> {
    pub(crate) isupport: &'a ISupport,
    /// Whether this client is the message's source.
    pub(crate) is_by_me: bool,
}

/// A question and who waits for the answer, whatever that is.
pub(crate) trait Waiting {
    fn subject(&self) -> &Subject;
    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard;
    fn is_done_when_sent(&self) -> bool;
    fn entries(&self) -> usize;
    /// Fires the Deferred: with the answer, or with a failure. Runs code of the user's.
    fn finish(self: Box<Self>, outcome: Result<(), Failure>);
}

/// What [`Waiting`] is made of.
pub(crate) struct Asked<Q: Question> {
    pub(crate) question: Q,
    pub(crate) resolver: Resolver<Q::Answer>,
}

impl<Q: Question> Waiting for Asked<Q> {
    fn subject(&self) -> &Subject {
        self.question.subject()
    }

    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        self.question.heard(message, setting)
    }

    fn is_done_when_sent(&self) -> bool {
        self.question.is_done_when_sent()
    }

    fn entries(&self) -> usize {
        self.question.entries()
    }

    fn finish(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { question, resolver } = *self;
        resolver.fire(outcome.and_then(|()| question.answer()));
    }
}

impl Subject {
    pub(crate) fn new(
        command: &'static str,
        names: &[&str],
        errors: &'static [&'static str],
    ) -> Self {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Self { command, names, errors }
    }

    /// # Errors
    /// `Local`, if a name of it is none: a space ends it, and a comma makes two of it, whose answers could not be told
    /// apart.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let is_bad = |name: &&String| name.is_empty() || name.contains([' ', ',']);
        match self.names.iter().find(is_bad) {
            None => Ok(()),
            Some(name) => {
                let why = format!("{} {name:?}: that is no name", self.command);
                Err(Failure::new(FailureKind::Local, why))
            }
        }
    }

    /// Whether an error without a label is about this.
    pub(crate) fn is_of(
        &self,
        error: &ServerError,
        message: &Message<'_>,
        setting: &Setting<'_>,
    ) -> bool {
        if message.is("FAIL") {
            return message.param(0).is_some_and(|word| word.eq_ignore_ascii_case(self.command));
        }
        if OF_COMMANDS.contains(&&*error.code) {
            let word = error.about.first();
            return word.is_some_and(|word| word.eq_ignore_ascii_case(self.command));
        }
        let names_subject = error.about.iter().any(|word| self.names(word, setting));
        let is_of_all = self.names.is_empty() || error.about.is_empty();
        self.errors.contains(&&*error.code) && (names_subject || is_of_all)
    }

    /// Whether it is one of its names.
    pub(crate) fn names(&self, word: &str, setting: &Setting<'_>) -> bool {
        self.names.iter().any(|name| setting.same(name, word))
    }

    /// Whether the parameter at `index` is one of its names.
    pub(crate) fn is_at(&self, index: usize, message: &Message<'_>, setting: &Setting<'_>) -> bool {
        message.param(index).is_some_and(|word| self.names(word, setting))
    }
}

impl Setting<'_> {
    pub(crate) fn same(&self, one: &str, other: &str) -> bool {
        self.isupport.case_mapping.same(one, other)
    }
}

/// What refuses a command, whatever it was about, and names it.
const OF_COMMANDS: &[&str] = &[
    numeric::RPL_TRYAGAIN,
    numeric::ERR_UNKNOWNCOMMAND,
    numeric::ERR_NOTREGISTERED,
    numeric::ERR_NEEDMOREPARAMS,
];
