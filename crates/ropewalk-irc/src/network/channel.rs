//! [`Channel`]: one channel as the network knows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::history::History;
use super::{ChannelFlag, ChannelModes, Identity, MaskEntry, MaskList, Ranks, Refusal, UserId};
use crate::ChannelName;

/// One channel. It is there while somebody is on it, or because it is kept.
pub(crate) struct Channel {
    pub(crate) name: ChannelName,
    pub(crate) created_at: SystemTime,
    pub(crate) members: BTreeMap<UserId, Ranks>,
    pub(crate) modes: ChannelModes,
    pub(crate) topic: Option<Topic>,
    pub(crate) history: History,
    /// Stays when nobody is on it, and belongs to nobody: who comes first is no operator.
    pub(crate) is_kept: bool,
    bans: Vec<MaskEntry>,
    exceptions: Vec<MaskEntry>,
    invitations: Vec<MaskEntry>,
}

/// What a channel is about.
#[derive(Clone, Debug)]
pub struct Topic {
    /// The words; never empty.
    pub text: Arc<str>,
    /// Who set it, as `nick!user@host`.
    pub by: Arc<str>,
    /// When.
    pub at: SystemTime,
}

/// Whether somebody is invited to a channel, and by whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invitation {
    None,
    ByMember,
    ByOperator,
}

impl Channel {
    pub(crate) fn new(name: ChannelName, created_at: SystemTime) -> Self {
        Self {
            name,
            created_at,
            members: BTreeMap::new(),
            modes: ChannelModes::of_new_channel(),
            topic: None,
            history: History::default(),
            is_kept: false,
            bans: Vec::new(),
            exceptions: Vec::new(),
            invitations: Vec::new(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.members.is_empty() && !self.is_kept
    }

    pub(crate) fn ranks_of(&self, who: UserId) -> Option<Ranks> {
        self.members.get(&who).copied()
    }

    pub(crate) fn list(&self, list: MaskList) -> &[MaskEntry] {
        match list {
            MaskList::Bans => &self.bans,
            MaskList::Exceptions => &self.exceptions,
            MaskList::Invitations => &self.invitations,
        }
    }

    pub(crate) fn list_mut(&mut self, list: MaskList) -> &mut Vec<MaskEntry> {
        match list {
            MaskList::Bans => &mut self.bans,
            MaskList::Exceptions => &mut self.exceptions,
            MaskList::Invitations => &mut self.invitations,
        }
    }

    /// Whether they may come in. An operator who invites them knows what they are banned for.
    pub(crate) fn admit(
        &self,
        who: &Identity,
        invitation: Invitation,
        key: Option<&str>,
    ) -> Result<(), Refusal> {
        let is_invited = invitation != Invitation::None;
        let invited = is_invited || self.list_has(MaskList::Invitations, who);
        if self.modes.key.is_some() && self.modes.key.as_deref() != key {
            return Err(Refusal::BadKey);
        }
        if self.modes.has(ChannelFlag::InviteOnly) && !invited {
            return Err(Refusal::InviteOnly);
        }
        if self.modes.limit.is_some_and(|limit| self.members.len() >= limit) {
            return Err(Refusal::ChannelFull);
        }
        let is_banned = invitation != Invitation::ByOperator && self.is_banned(who);
        if is_banned { Err(Refusal::Banned) } else { Ok(()) }
    }

    /// Whether they may speak: with a rank always, else if neither the modes nor a ban say otherwise.
    pub(crate) fn admit_speech(&self, who: &Identity) -> Result<(), Refusal> {
        let ranks = self.ranks_of(who.id);
        if ranks.is_some_and(|ranks| ranks != Ranks::NONE) {
            return Ok(());
        }
        let is_closed = self.modes.has(ChannelFlag::Moderated)
            || (ranks.is_none() && self.modes.has(ChannelFlag::NoOutside))
            || self.is_banned(who);
        if is_closed { Err(Refusal::CannotSend) } else { Ok(()) }
    }

    /// Whether somebody, who may be on it or not, may know of it.
    pub(crate) fn is_visible_to(&self, who: UserId) -> bool {
        !self.modes.has(ChannelFlag::Secret) || self.members.contains_key(&who)
    }

    fn is_banned(&self, who: &Identity) -> bool {
        self.list_has(MaskList::Bans, who) && !self.list_has(MaskList::Exceptions, who)
    }

    fn list_has(&self, list: MaskList, who: &Identity) -> bool {
        let list = self.list(list);
        // Most channels have none, and need not write out who it is.
        !list.is_empty() && {
            let who = who.to_string();
            list.iter().any(|entry| entry.mask.matches(&who))
        }
    }
}
