//! Who is on a channel: coming, leaving, being sent away, being invited.

use super::{Member, Moment, State};
use crate::ChannelName;
use crate::network::channel::Channel;
use crate::network::identity::line;
use crate::network::part::Audience;
use crate::network::{ChannelFlag, Event, Ranks, Refusal, UserId};

impl State {
    /// Somebody comes to a channel, which is made if it is not there: then they are its operator.
    pub(crate) fn join(
        &mut self,
        who: UserId,
        text: &str,
        key: Option<&str>,
        at: Moment,
    ) -> Result<ChannelName, Refusal> {
        let name = self.channel_name(text)?;
        let user = self.user(who)?;
        if user.is_on(&name) {
            return Err(Refusal::AlreadyOnChannel);
        }
        if user.channels.len() >= self.limits.channels_per_user_max && !user.is_relayed() {
            return Err(Refusal::TooManyChannels);
        }
        match self.channels.get(&name) {
            Some(_) if user.is_relayed() => {}
            Some(channel) => channel.admit(&user.identity, user.invitation_to(&name), key)?,
            None if self.channels.len() >= self.limits.channels_max => {
                return Err(Refusal::NoMoreChannels);
            }
            None => {}
        }
        self.step(who, at)?;
        self.put_on(who, name, at)
    }

    fn put_on(
        &mut self,
        who: UserId,
        name: ChannelName,
        at: Moment,
    ) -> Result<ChannelName, Refusal> {
        let channel = self.channels.entry(name.clone());
        let channel = channel.or_insert_with(|| Channel::new(name, at.wall));
        let name = channel.name.clone(); // As who came first has written it.
        let is_first = channel.members.is_empty() && !channel.is_kept;
        channel.members.insert(who, if is_first { Ranks::OPERATOR } else { Ranks::NONE });
        let user = self.user_mut(who)?;
        user.note_on(&name);
        if let Some(rare) = &mut user.rare {
            rare.invited_to.retain(|(channel, _)| *channel != name);
        }
        let (source, away) = (user.identity.clone(), user.away().cloned());
        let joined = Event::Joined { channel: name.clone(), away };
        let record = self.record(source, joined, at);
        self.post_to_channel(&record, &name);
        Ok(name)
    }

    /// Somebody leaves a channel.
    pub(crate) fn part_from(
        &mut self,
        who: UserId,
        text: &str,
        reason: &str,
        at: Moment,
    ) -> Result<(), Refusal> {
        let channel = self.channel(text)?;
        let name = channel.name.clone();
        channel.ranks_of(who).ok_or(Refusal::NotOnChannel)?;
        self.step(who, at)?;
        let reason = line(reason, self.limits.reason_bytes_max).into();
        let parted = Event::Parted { channel: name.clone(), reason };
        let record = self.record(self.identity(who)?, parted, at);
        self.post_to_channel(&record, &name);
        self.take_off(&name, who);
        self.user_mut(who)?.note_off(&name);
        Ok(())
    }

    /// An operator sends somebody away from a channel. Without a reason, it is their own name.
    pub(crate) fn kick(
        &mut self,
        by: UserId,
        text: &str,
        nick: &str,
        reason: &str,
        at: Moment,
    ) -> Result<(), Refusal> {
        let channel = self.channel(text)?;
        let name = channel.name.clone();
        self.check_operator(by, channel)?;
        let (victim, user) = self.called(nick)?;
        let who = user.identity.clone();
        channel.ranks_of(victim).ok_or(Refusal::UserNotOnChannel)?;
        self.step(by, at)?;
        let source = self.identity(by)?;
        let reason = if reason.is_empty() { source.nick.as_str() } else { reason };
        let reason = line(reason, self.limits.reason_bytes_max).into();
        let record = self.record(source, Event::Kicked { channel: name.clone(), who, reason }, at);
        self.post_to_channel(&record, &name);
        self.take_off(&name, victim);
        self.user_mut(victim)?.note_off(&name);
        Ok(())
    }

    /// Somebody on a channel invites somebody who is not. To one for the invited only operators do.
    pub(crate) fn invite(
        &mut self,
        by: UserId,
        nick: &str,
        text: &str,
        at: Moment,
    ) -> Result<ChannelName, Refusal> {
        let (guest, user) = self.called(nick)?;
        let who = user.identity.clone();
        let channel = self.channel(text)?;
        let name = channel.name.clone();
        channel.ranks_of(by).ok_or(Refusal::NotOnChannel)?;
        let as_operator = self.check_operator(by, channel);
        if channel.modes.has(ChannelFlag::InviteOnly) {
            as_operator?;
        }
        if channel.ranks_of(guest).is_some() {
            return Err(Refusal::AlreadyOnChannel);
        }
        let operators = channel.members.iter().filter(|(_, ranks)| ranks.operator);
        let audience = operators.map(|(id, _)| *id).chain([guest, by]).collect();
        self.step(by, at)?;
        self.remember_invitation(guest, &name, as_operator.is_ok())?;
        let invited = Event::Invited { channel: name.clone(), who };
        let record = self.record(self.identity(by)?, invited, at);
        self.post(&record, &Audience::Users(audience));
        Ok(name)
    }

    fn remember_invitation(
        &mut self,
        guest: UserId,
        name: &ChannelName,
        by_operator: bool,
    ) -> Result<(), Refusal> {
        let invitations_max = self.limits.invitations_max;
        let invited_to = &mut self.user_mut(guest)?.rare_mut().invited_to;
        invited_to.retain(|(channel, _)| channel != name);
        invited_to.push((name.clone(), by_operator));
        let too_many = invited_to.len().saturating_sub(invitations_max);
        invited_to.drain(..too_many);
        Ok(())
    }

    /// Whether somebody may change a channel: its operators, and those of the network, who look after the
    /// channels that belong to nobody.
    pub(super) fn check_operator(&self, who: UserId, channel: &Channel) -> Result<(), Refusal> {
        let is_operator = channel.ranks_of(who).is_some_and(|ranks| ranks.operator);
        let user = self.user(who)?;
        if is_operator || user.modes.operator || user.is_relayed() {
            return Ok(());
        }
        Err(Refusal::NotOperator)
    }

    /// Takes somebody off a channel, which is over when nobody is left.
    pub(super) fn take_off(&mut self, name: &ChannelName, who: UserId) {
        let Some(channel) = self.channels.get_mut(name) else { return };
        channel.members.remove(&who);
        if channel.is_over() {
            self.channels.remove(name);
        }
    }

    /// Makes a channel that stays when nobody is on it, or keeps the one that is there.
    pub(crate) fn keep_channel(&mut self, text: &str, at: Moment) -> Result<ChannelName, Refusal> {
        let name = self.channel_name(text)?;
        let channel = self.channels.entry(name.clone());
        let channel = channel.or_insert_with(|| Channel::new(name, at.wall));
        channel.is_kept = true;
        Ok(channel.name.clone())
    }
}

/// Which channels a user is on.
impl Member {
    pub(super) fn is_on(&self, name: &ChannelName) -> bool {
        self.channels.binary_search(name).is_ok()
    }

    fn note_on(&mut self, name: &ChannelName) {
        if let Err(place) = self.channels.binary_search(name) {
            self.channels.reserve_exact(1);
            self.channels.insert(place, name.clone());
        }
    }

    fn note_off(&mut self, name: &ChannelName) {
        if let Ok(place) = self.channels.binary_search(name) {
            self.channels.remove(place);
        }
    }
}
