//! [`Roster`]: the channels that this client is in, and who else is there.

use std::collections::{BTreeMap, HashMap};

use crate::CaseMapping;

use super::isupport::{ISupport, ModeKind};
use super::mode_change::ModeChange;
use super::options::ClientLimits;

/// Somebody in a channel that this client is in, too.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Member {
    /// What they are called.
    pub nick: String,
    /// What they are there: the letters of modes, the highest first. Without `multi-prefix` the highest only may
    /// be known.
    pub modes: String,
    /// The account that they are logged in to, where the server tells.
    pub account: Option<String>,
    /// Whether they are away, where the server tells.
    pub is_away: bool,
}

/// What a channel is about.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Topic {
    /// The topic; empty if there is none.
    pub text: String,
    /// Who set it, if the server has said so.
    pub set_by: Option<String>,
    /// When, in seconds of Unix time.
    pub set_at: Option<u64>,
}

/// A channel that this client is in.
#[derive(Clone, Default, Debug)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) topic: Topic,
    pub(crate) modes: BTreeMap<char, String>,
    members: HashMap<String, Member>,
    /// There are more than the limit lets be known.
    pub(crate) is_partial: bool,
}

/// The channels that this client is in, by their names as the server folds them.
#[derive(Default)]
pub(crate) struct Roster {
    case_mapping: CaseMapping,
    channels: HashMap<String, Channel>,
    members: usize,
}

impl Roster {
    pub(crate) fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    pub(crate) fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.get(&self.case_mapping.fold(name))
    }

    pub(crate) fn channel_mut(&mut self, name: &str) -> Option<&mut Channel> {
        self.channels.get_mut(&self.case_mapping.fold(name))
    }

    pub(crate) fn member(&self, channel: &str, nick: &str) -> Option<&Member> {
        self.channel(channel)?.members.get(&self.case_mapping.fold(nick))
    }

    /// The server has said which names are the same.
    pub(crate) fn set_case_mapping(&mut self, case_mapping: CaseMapping) {
        if self.case_mapping == case_mapping {
            return;
        }
        self.case_mapping = case_mapping;
        let channels = std::mem::take(&mut self.channels);
        for (_, mut channel) in channels {
            let members = std::mem::take(&mut channel.members);
            let refolded = members.into_values().map(|m| (case_mapping.fold(&m.nick), m));
            channel.members = refolded.collect();
            self.channels.insert(case_mapping.fold(&channel.name), channel);
        }
        self.members = self.channels.values().map(|channel| channel.members.len()).sum();
    }

    /// This client is in there now.
    pub(crate) fn joined(&mut self, name: &str, limits: &ClientLimits) {
        self.left(name);
        if self.channels.len() < limits.channels_max {
            let channel = Channel { name: name.to_owned(), ..Channel::default() };
            self.channels.insert(self.case_mapping.fold(name), channel);
        }
    }

    /// This client is not in there any more.
    pub(crate) fn left(&mut self, name: &str) {
        if let Some(channel) = self.channels.remove(&self.case_mapping.fold(name)) {
            self.members -= channel.members.len();
        }
    }

    /// Somebody is in there. What is known of them is kept.
    pub(crate) fn member_seen(
        &mut self,
        channel: &str,
        nick: &str,
        limits: &ClientLimits,
    ) -> Option<&mut Member> {
        let folded = self.case_mapping.fold(nick);
        let channel = self.channels.get_mut(&self.case_mapping.fold(channel))?;
        if !channel.members.contains_key(&folded) {
            if self.members >= limits.members_max {
                channel.is_partial = true;
                return None;
            }
            self.members += 1;
        }
        let member = channel.members.entry(folded).or_default();
        nick.clone_into(&mut member.nick);
        Some(member)
    }

    pub(crate) fn member_left(&mut self, channel: &str, nick: &str) {
        let folded = self.case_mapping.fold(nick);
        if let Some(channel) = self.channels.get_mut(&self.case_mapping.fold(channel)) {
            self.members -= usize::from(channel.members.remove(&folded).is_some());
        }
    }

    pub(crate) fn user_quit(&mut self, nick: &str) {
        let folded = self.case_mapping.fold(nick);
        for channel in self.channels.values_mut() {
            self.members -= usize::from(channel.members.remove(&folded).is_some());
        }
    }

    pub(crate) fn user_renamed(&mut self, before: &str, nick: &str) {
        let (before, folded) = (self.case_mapping.fold(before), self.case_mapping.fold(nick));
        for channel in self.channels.values_mut() {
            if let Some(mut member) = channel.members.remove(&before) {
                nick.clone_into(&mut member.nick);
                let replaced = channel.members.insert(folded.clone(), member);
                self.members -= usize::from(replaced.is_some());
            }
        }
    }

    /// Changes what is known of somebody, wherever they are.
    pub(crate) fn update_user(&mut self, nick: &str, update: impl Fn(&mut Member)) {
        let folded = self.case_mapping.fold(nick);
        let channels = self.channels.values_mut();
        channels.filter_map(|channel| channel.members.get_mut(&folded)).for_each(update);
    }

    /// One entry of a 353: signs and a nick, perhaps with user and host.
    pub(crate) fn name_heard(
        &mut self,
        channel: &str,
        entry: &str,
        isupport: &ISupport,
        limits: &ClientLimits,
    ) {
        let (nick, modes) = split_signs(entry, isupport);
        if let Some(member) = self.member_seen(channel, nick, limits) {
            member.modes = modes;
        }
    }

    pub(crate) fn modes_changed(
        &mut self,
        channel: &str,
        changes: &[ModeChange<'_>],
        isupport: &ISupport,
    ) {
        let case_mapping = self.case_mapping;
        let Some(channel) = self.channel_mut(channel) else { return };
        for change in changes {
            channel.mode_changed(change, isupport, case_mapping);
        }
    }
}

impl Channel {
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    fn mode_changed(
        &mut self,
        change: &ModeChange<'_>,
        isupport: &ISupport,
        case_mapping: CaseMapping,
    ) {
        match isupport.mode_kind(change.mode) {
            ModeKind::Prefix => {
                let member = change.param.map(|nick| case_mapping.fold(nick));
                if let Some(member) = member.and_then(|nick| self.members.get_mut(&nick)) {
                    member.mode_changed(change, isupport);
                }
            }
            ModeKind::List => {}
            _ if change.is_set => {
                let param = change.param.unwrap_or_default().to_owned();
                self.modes.insert(change.mode, param);
            }
            _ => {
                self.modes.remove(&change.mode);
            }
        }
    }
}

impl Member {
    fn mode_changed(&mut self, change: &ModeChange<'_>, isupport: &ISupport) {
        self.modes.retain(|mode| mode != change.mode);
        if change.is_set {
            self.modes.push(change.mode);
            let before = std::mem::take(&mut self.modes);
            let letters = isupport.prefixes.iter().map(|(mode, _)| *mode);
            self.modes = letters.filter(|mode| before.contains(*mode)).collect();
        }
    }
}

/// `@+dan!d@host`: the nick, and the letters of the modes.
pub(crate) fn split_signs<'a>(entry: &'a str, isupport: &ISupport) -> (&'a str, String) {
    let is_sign = |c: &char| isupport.mode_of_sign(*c).is_some();
    let modes: String =
        entry.chars().take_while(is_sign).filter_map(|c| isupport.mode_of_sign(c)).collect();
    let bare = entry.trim_start_matches(|c| is_sign(&c));
    (bare.split('!').next().unwrap_or(bare), modes)
}
