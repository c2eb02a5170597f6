//! [`Capabilities`]: what of IRCv3 the two sides have agreed on (capability-negotiation, version 302).

use std::collections::{BTreeMap, BTreeSet};

/// What a server offers, and what of that is switched on.
///
/// # Limits
/// 200 that are offered are kept, several times as many as there are.
#[derive(Clone, Default, Debug)]
pub(crate) struct Capabilities {
    offered: BTreeMap<String, String>,
    enabled: BTreeSet<String>,
    /// Requested, and not answered yet.
    asked: BTreeSet<String>,
}

/// What this client makes use of; what else is wanted is in the options.
pub(crate) const WANTED: &[&str] = &[
    "account-notify",
    "account-tag",
    "away-notify",
    "batch",
    "cap-notify",
    "chghost",
    "echo-message",
    "extended-join",
    "invite-notify",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "server-time",
    "setname",
    "userhost-in-names",
];

const OFFERED_MAX: usize = 200;

/// The names in one `CAP REQ` may have so many bytes: with the source that a server puts before its answer, that
/// one has to fit a line, too.
const REQUEST_BYTES_MAX: usize = 400;

impl Capabilities {
    /// Whether it is switched on.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.enabled.contains(name)
    }

    /// The value that the server offers it with, empty if it has none; `None` if it does not offer it.
    pub(crate) fn offered(&self, name: &str) -> Option<&str> {
        self.offered.get(name).map(String::as_str)
    }

    /// A list of `CAP LS` or `NEW`.
    pub(crate) fn offered_heard(&mut self, list: &str) {
        for word in list.split_ascii_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            if self.offered.len() < OFFERED_MAX || self.offered.contains_key(name) {
                self.offered.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// A list of `CAP ACK`: `-name` was switched off.
    pub(crate) fn acknowledged(&mut self, list: &str) {
        for word in list.split_ascii_whitespace() {
            match word.strip_prefix('-') {
                Some(name) => {
                    self.enabled.remove(name);
                }
                // A server switches on what it was asked to, and no more.
                None if self.asked.remove(word) => {
                    self.enabled.insert(word.to_owned());
                }
                None => {}
            }
        }
    }

    /// A list of `CAP NAK`: none of it was switched on. Gives what is to be asked for again, one by one, since it
    /// does not say which of them was wrong.
    pub(crate) fn refused(&mut self, list: &str) -> Vec<String> {
        let names: Vec<&str> = list.split_ascii_whitespace().collect();
        let of_ours = |name: &&&str| self.asked.contains(**name);
        let again: Vec<String> = names.iter().filter(of_ours).map(|&n| n.to_owned()).collect();
        if let [only] = &again[..] {
            self.asked.remove(only);
            return Vec::new();
        }
        again
    }

    /// A list of `CAP DEL`.
    pub(crate) fn withdrawn(&mut self, list: &str) {
        for name in list.split_ascii_whitespace() {
            self.offered.remove(name);
            self.enabled.remove(name);
            self.asked.remove(name);
        }
    }

    /// The lists to ask for: what is wanted and offered, and not switched on or asked for.
    pub(crate) fn requests<'a>(&mut self, wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut lists: Vec<String> = Vec::new();
        for name in wanted {
            let is_new = self.offered.contains_key(name) && !self.enabled.contains(name);
            if !is_new || !self.asked.insert(name.to_owned()) {
                continue;
            }
            match lists.last_mut() {
                Some(list) if list.len() + name.len() < REQUEST_BYTES_MAX => {
                    list.push(' ');
                    list.push_str(name);
                }
                _ => lists.push(name.to_owned()),
            }
        }
        lists
    }

    /// Whether everything that was asked for is answered.
    pub(crate) fn is_settled(&self) -> bool {
        self.asked.is_empty()
    }
}
