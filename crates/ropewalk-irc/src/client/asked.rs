//! Requests whose answer is what the server knows: members, topics, modes, bans, channels.

use ropewalk_core::{Failure, FailureKind};

use crate::{Message, numeric};

use super::mode_change::ModeChange;
use super::question::{Heard, Question, Setting, Subject};
use super::roster::{Member, Topic, split_signs};

/// A channel of the network's, as `LIST` shows it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ListEntry {
    /// Its name.
    pub channel: String,
    /// How many are in it and may be seen.
    pub members: u64,
    /// Its topic.
    pub topic: String,
}

/// A mask on a list of a channel's, as `MODE +b` shows it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct MaskEntry {
    /// The mask.
    pub mask: String,
    /// Who put it there, if the server tells.
    pub set_by: Option<String>,
    /// When, in seconds of Unix time.
    pub set_at: Option<u64>,
}

/// Who is in a channel.
pub(crate) struct Names {
    subject: Subject,
    members: Vec<Member>,
}

impl Names {
    pub(crate) fn new(channel: &str) -> Self {
        let errors = &[numeric::ERR_NOSUCHCHANNEL, numeric::ERR_NOTONCHANNEL];
        Self { subject: Subject::new("NAMES", &[channel], errors), members: Vec::new() }
    }
}

impl Question for Names {
    type Answer = Vec<Member>;

    fn subject(&self) -> &Subject {
        &self.subject
    }

    /// `353 me = #channel :@op member` and `366 me #channel :End`.
    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        match message.command() {
            numeric::RPL_NAMREPLY if self.subject.is_at(2, message, setting) => {
                let entries = message.param(3).unwrap_or_default().split_ascii_whitespace();
                self.members.extend(entries.map(|entry| {
                    let (nick, modes) = split_signs(entry, setting.isupport);
                    Member { nick: nick.to_owned(), modes, ..Member::default() }
                }));
                Heard::Part
            }
            numeric::RPL_ENDOFNAMES if self.subject.is_at(1, message, setting) => Heard::Last,
            _ => Heard::Other,
        }
    }

    fn entries(&self) -> usize {
        self.members.len()
    }

    fn answer(self) -> Result<Vec<Member>, Failure> {
        Ok(self.members)
    }
}

/// What a channel is about. Who set it comes after the end of the answer, if at all.
pub(crate) struct AskTopic {
    subject: Subject,
    topic: Topic,
}

impl AskTopic {
    pub(crate) fn new(channel: &str) -> Self {
        let errors =
            &[numeric::ERR_NOSUCHCHANNEL, numeric::ERR_NOTONCHANNEL, numeric::ERR_CHANOPRIVSNEEDED];
        Self { subject: Subject::new("TOPIC", &[channel], errors), topic: Topic::default() }
    }
}

impl Question for AskTopic {
    type Answer = Topic;

    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        match message.command() {
            _ if !self.subject.is_at(1, message, setting) => Heard::Other,
            numeric::RPL_NOTOPIC => Heard::Last,
            numeric::RPL_TOPIC => {
                self.topic.text = message.param(2).unwrap_or_default().to_owned();
                Heard::Part
            }
            numeric::RPL_TOPICWHOTIME => {
                self.topic.set_by = message.param(2).map(str::to_owned);
                self.topic.set_at = number(message, 3);
                Heard::Last
            }
            _ => Heard::Other,
        }
    }

    fn may_be_silent(&self) -> bool {
        true // Not every server says who set it.
    }

    fn answer(self) -> Result<Topic, Failure> {
        Ok(self.topic)
    }
}

/// Which modes a channel has.
pub(crate) struct AskModes {
    subject: Subject,
    modes: Option<Vec<(char, String)>>,
}

impl AskModes {
    pub(crate) fn new(channel: &str) -> Self {
        let errors = &[numeric::ERR_NOSUCHCHANNEL, numeric::ERR_NOTONCHANNEL];
        Self { subject: Subject::new("MODE", &[channel], errors), modes: None }
    }
}

impl Question for AskModes {
    type Answer = Vec<(char, String)>;

    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        let is_answer = message.command() == numeric::RPL_CHANNELMODEIS;
        if !is_answer || !self.subject.is_at(1, message, setting) {
            return Heard::Other;
        }
        let params = message.params().get(2..).unwrap_or_default();
        let changes = ModeChange::parse(setting.isupport, true, params).into_iter();
        let pairs =
            changes.map(|change| (change.mode, change.param.unwrap_or_default().to_owned()));
        self.modes = Some(pairs.collect());
        Heard::Last
    }

    fn answer(self) -> Result<Vec<(char, String)>, Failure> {
        self.modes.ok_or_else(nothing_said)
    }
}

/// Masks on a list of a channel's.
pub(crate) struct AskMasks {
    subject: Subject,
    /// The numerics of an entry and of the end.
    numerics: (&'static str, &'static str),
    masks: Vec<MaskEntry>,
}

impl AskMasks {
    /// The list of the mode `b`, `e` or `I`.
    pub(crate) fn new(channel: &str, mode: char) -> Self {
        let errors = &[
            numeric::ERR_NOSUCHCHANNEL,
            numeric::ERR_NOTONCHANNEL,
            numeric::ERR_CHANOPRIVSNEEDED,
            numeric::ERR_UNKNOWNMODE,
        ];
        let numerics = match mode {
            'e' => (numeric::RPL_EXCEPTLIST, numeric::RPL_ENDOFEXCEPTLIST),
            'I' => (numeric::RPL_INVITELIST, numeric::RPL_ENDOFINVITELIST),
            _ => (numeric::RPL_BANLIST, numeric::RPL_ENDOFBANLIST),
        };
        let subject = Subject::new("MODE", &[channel], errors);
        Self { subject, numerics, masks: Vec::new() }
    }
}

impl Question for AskMasks {
    type Answer = Vec<MaskEntry>;

    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn heard(&mut self, message: &Message<'_>, setting: &Setting<'_>) -> Heard {
        if !self.subject.is_at(1, message, setting) {
            return Heard::Other;
        }
        if message.command() == self.numerics.0 {
            self.masks.push(MaskEntry {
                mask: message.param(2).unwrap_or_default().to_owned(),
                set_by: message.param(3).map(str::to_owned),
                set_at: number(message, 4),
            });
            return Heard::Part;
        }
        if message.command() == self.numerics.1 { Heard::Last } else { Heard::Other }
    }

    fn entries(&self) -> usize {
        self.masks.len()
    }

    fn answer(self) -> Result<Vec<MaskEntry>, Failure> {
        Ok(self.masks)
    }
}

/// Which channels there are.
pub(crate) struct List {
    subject: Subject,
    entries: Vec<ListEntry>,
}

impl List {
    pub(crate) fn new() -> Self {
        Self { subject: Subject::new("LIST", &[], &[]), entries: Vec::new() }
    }
}

impl Question for List {
    type Answer = Vec<ListEntry>;

    fn subject(&self) -> &Subject {
        &self.subject
    }

    fn heard(&mut self, message: &Message<'_>, _: &Setting<'_>) -> Heard {
        match message.command() {
            numeric::RPL_LISTSTART => Heard::Part,
            numeric::RPL_LIST => {
                self.entries.push(ListEntry {
                    channel: message.param(1).unwrap_or_default().to_owned(),
                    members: number(message, 2).unwrap_or_default(),
                    topic: message.param(3).unwrap_or_default().to_owned(),
                });
                Heard::Part
            }
            numeric::RPL_LISTEND => Heard::Last,
            _ => Heard::Other,
        }
    }

    fn entries(&self) -> usize {
        self.entries.len()
    }

    fn answer(self) -> Result<Vec<ListEntry>, Failure> {
        Ok(self.entries)
    }
}

pub(crate) fn number(message: &Message<'_>, index: usize) -> Option<u64> {
    message.param(index)?.parse().ok()
}

pub(crate) fn nothing_said() -> Failure {
    Failure::new(FailureKind::Peer, "the server's answer says nothing about it")
}
