//! What can be asked. Nothing here changes anything, and nobody is told more than they may know.

use std::sync::Arc;
use std::time::SystemTime;

use super::{Member, State};
use crate::network::channel::{Channel, Invitation, Topic};
use crate::network::{
    ChannelInfo, Counts, HistoryRange, MaskEntry, MaskList, Person, Presence, Record, Refusal,
    UserId, WasHere,
};
use crate::{ChannelName, Mask, Nick};

impl State {
    /// A channel, if somebody may know of it.
    fn visible(&self, who: UserId, text: &str) -> Result<&Channel, Refusal> {
        self.user(who)?;
        let channel = self.channel(text)?;
        if channel.is_visible_to(who) { Ok(channel) } else { Err(Refusal::NoSuchChannel) }
    }

    /// Those on a channel, in the order of their names. Who is not on it does not see the invisible.
    pub(crate) fn names(&self, who: UserId, text: &str) -> Result<Vec<Presence>, Refusal> {
        let channel = self.visible(who, text)?;
        let is_on_it = channel.ranks_of(who).is_some();
        let mut all: Vec<Presence> = self.presences(channel).collect();
        all.retain(|presence| is_on_it || !presence.modes.invisible);
        sort_by_nick(&mut all);
        Ok(all)
    }

    fn presences<'a>(&'a self, channel: &'a Channel) -> impl Iterator<Item = Presence> + 'a {
        let members = channel.members.iter();
        members.filter_map(|(id, ranks)| {
            let user = self.users.get(id)?;
            Some(Presence { channel: Some((channel.name.clone(), *ranks)), ..user.presence() })
        })
    }

    pub(crate) fn topic(&self, who: UserId, text: &str) -> Result<Option<Topic>, Refusal> {
        Ok(self.visible(who, text)?.topic.clone())
    }

    pub(crate) fn channel_info(&self, who: UserId, text: &str) -> Result<ChannelInfo, Refusal> {
        Ok(info(self.visible(who, text)?, who))
    }

    /// All channels that somebody may know of, in the order of their names.
    pub(crate) fn list(&self, who: UserId) -> Result<Vec<ChannelInfo>, Refusal> {
        self.user(who)?;
        let visible = self.channels.values().filter(|channel| channel.is_visible_to(who));
        Ok(visible.map(|channel| info(channel, who)).collect())
    }

    pub(crate) fn masks(
        &self,
        who: UserId,
        text: &str,
        list: MaskList,
    ) -> Result<Vec<MaskEntry>, Refusal> {
        Ok(self.visible(who, text)?.list(list).to_vec())
    }

    /// Somebody who is called so.
    pub(crate) fn find(&self, nick: &str) -> Result<Presence, Refusal> {
        self.called(nick).map(|(_, user)| user.presence())
    }

    pub(crate) fn whois(&self, who: UserId, nick: &str) -> Result<Person, Refusal> {
        self.user(who)?;
        let (id, user) = self.called(nick)?;
        let channels = user.channels.iter().filter_map(|name| self.channels.get(name));
        // Of the invisible only those are told that the asker is on as well.
        let is_open = !user.modes.invisible || id == who || self.user(who)?.modes.operator;
        let is_told =
            |on: &&Channel| on.is_visible_to(who) && (is_open || on.ranks_of(who).is_some());
        let channels = channels
            .filter(is_told)
            .filter_map(|on| Some((on.name.clone(), on.ranks_of(id)?)))
            .collect();
        Ok(Person {
            presence: user.presence(),
            channels,
            signed_on: user.signed_on,
            active_at: user.active_at,
        })
    }

    /// All whose nickname, user name, host or real name matches, by nickname. The invisible are found by who is
    /// on a channel with them, or knows their whole name.
    pub(crate) fn who(&self, who: UserId, mask: &Mask) -> Result<Vec<Presence>, Refusal> {
        let asker = self.user(who)?;
        let fits = |user: &&Member| {
            let identity = &user.identity;
            let is_known = !mask.has_wildcards() && mask.matches(identity.nick.as_str());
            let is_visible = is_known || user.is_visible_to(who, asker);
            let texts =
                [identity.nick.as_str(), identity.user(), identity.host(), identity.realname()];
            is_visible && texts.iter().any(|text| mask.matches(text))
        };
        let mut all: Vec<Presence> =
            self.users.values().map(|user| &**user).filter(fits).map(Member::presence).collect();
        sort_by_nick(&mut all);
        Ok(all)
    }

    /// Those who were called so, the last first.
    pub(crate) fn whowas(&self, nick: &str) -> Vec<WasHere> {
        let nick = Nick::new(nick, self.limits.nick_bytes_max);
        nick.map_or(Vec::new(), |nick| self.whowas.called(&nick).cloned().collect())
    }

    pub(crate) fn counts(&self) -> Counts {
        let having =
            |has: fn(&Member) -> bool| self.users.values().filter(|user| has(user)).count();
        Counts {
            users: self.users.len(),
            users_peak: self.users_peak,
            invisible: having(|user| user.modes.invisible),
            operators: having(|user| user.modes.operator),
            channels: self.channels.len(),
        }
    }

    /// What was said on a channel that somebody is on.
    pub(crate) fn history(
        &self,
        who: UserId,
        text: &str,
        range: &HistoryRange,
        count: usize,
    ) -> Result<Vec<Arc<Record>>, Refusal> {
        let channel = self.visible(who, text)?;
        channel.ranks_of(who).ok_or(Refusal::NotOnChannel)?;
        channel.history.page(range, count)
    }

    /// Those of somebody's channels on which something was said, and when the last of it, the latest last.
    pub(crate) fn history_targets(
        &self,
        who: UserId,
    ) -> Result<Vec<(ChannelName, SystemTime)>, Refusal> {
        let channels = self.user(who)?.channels.iter().filter_map(|name| self.channels.get(name));
        let spoken = channels.filter_map(|on| Some((on.name.clone(), on.history.last_at()?)));
        let mut spoken: Vec<_> = spoken.collect();
        spoken.sort_by_key(|(_, at)| *at);
        Ok(spoken)
    }

    /// The channels that somebody is invited to, the last invitation last.
    pub(crate) fn invitations(&self, who: UserId) -> Result<Vec<ChannelName>, Refusal> {
        Ok(self.user(who)?.invitations().map(|(channel, _)| channel.clone()).collect())
    }

    pub(crate) fn watched(&self, who: UserId) -> Result<Vec<Nick>, Refusal> {
        Ok(self.user(who)?.watched().cloned().collect())
    }
}

impl Member {
    /// As others see them.
    fn presence(&self) -> Presence {
        Presence {
            identity: self.identity.clone(),
            modes: self.modes,
            away: self.away().cloned(),
            channel: None,
        }
    }

    /// Whether they are invited to a channel, and by whom.
    pub(super) fn invitation_to(&self, name: &ChannelName) -> Invitation {
        match self.invitations().find(|(channel, _)| channel == name) {
            None => Invitation::None,
            Some((_, false)) => Invitation::ByMember,
            Some((_, true)) => Invitation::ByOperator,
        }
    }

    fn is_visible_to(&self, who: UserId, asker: &Self) -> bool {
        !self.modes.invisible
            || self.identity.id == who
            || asker.modes.operator
            || self.channels.iter().any(|channel| asker.is_on(channel))
    }
}

/// By nickname. The first bytes of a name decide most comparisons; they lie side by side, where the names do not.
fn sort_by_nick(all: &mut [Presence]) {
    all.sort_by_cached_key(|presence| {
        let nick = &presence.identity.nick;
        let mut start = [0; 16];
        start.iter_mut().zip(nick.folded().bytes()).for_each(|(to, byte)| *to = byte);
        (u128::from_be_bytes(start), nick.clone())
    });
}

/// What somebody may know of a channel: the key only if they are on it.
fn info(channel: &Channel, who: UserId) -> ChannelInfo {
    let ranks = channel.ranks_of(who);
    let mut modes = channel.modes.clone();
    if ranks.is_none() && modes.key.is_some() {
        modes.key = Some("*".into());
    }
    ChannelInfo {
        name: channel.name.clone(),
        created_at: channel.created_at,
        members: channel.members.len(),
        modes,
        topic: channel.topic.clone(),
        ranks,
    }
}
