//! Saying something, to one or to many, and setting topics.

use std::sync::Arc;
use std::time::SystemTime;

use super::{Moment, State};
use crate::ChannelName;
use crate::network::channel::{Channel, Topic};
use crate::network::event::in_millis;
use crate::network::identity::line;
use crate::network::part::Audience;
use crate::network::speech::check_tags;
use crate::network::{
    ChannelFlag, Event, MsgId, Ranks, Record, Refusal, Said, Speech, Target, UserId,
};

/// Where something goes that is said to a target.
struct Route {
    to: Target,
    audience: Audience,
    /// What the target says while away.
    away: Option<Arc<str>>,
}

impl State {
    /// Says something to a user (`nick`), a channel (`#channel`) or those with a rank there (`@#channel`).
    pub(crate) fn say(
        &mut self,
        who: UserId,
        target: &str,
        speech: Speech,
        at: Moment,
    ) -> Result<Said, Refusal> {
        speech.check(&self.limits)?;
        let route = self.route(who, target, Some(&speech))?;
        self.step(who, at)?;
        let user = self.user_mut(who)?;
        user.active_at = at.wall;
        let source = user.identity.clone();
        let record = self.record(source, Event::Said { to: route.to.clone(), speech }, at);
        Ok(self.spread(record, route))
    }

    /// The same for what was said elsewhere, and has its identity and its time from there.
    pub(crate) fn pass_on(
        &mut self,
        who: UserId,
        target: &str,
        speech: Speech,
        msgid: MsgId,
        at: SystemTime,
    ) -> Result<Said, Refusal> {
        speech.check(&self.limits)?;
        let route = self.route(who, target, Some(&speech))?;
        self.check_room()?;
        let source = self.identity(who)?;
        let event = Event::Said { to: route.to.clone(), speech };
        let record = Record { source, event, msgid, at: in_millis(at) };
        Ok(self.spread(Arc::new(record), route))
    }

    fn spread(&mut self, record: Arc<Record>, route: Route) -> Said {
        self.post(&record, &route.audience);
        if let Target::Channel(name) = &route.to {
            self.keep(&record, name);
        }
        Said { to: route.to, away: route.away, record }
    }

    /// Keeps what was said before this network was there.
    pub(crate) fn remember(&mut self, record: &Arc<Record>) -> Result<(), Refusal> {
        let name = record.event().channel().ok_or(Refusal::NoSuchChannel)?;
        if !self.channels.contains_key(name) {
            return Err(Refusal::NoSuchChannel);
        }
        self.keep(record, name);
        Ok(())
    }

    /// Sends client-only tags without a message.
    pub(crate) fn tag(
        &mut self,
        who: UserId,
        target: &str,
        tags: &str,
        at: Moment,
    ) -> Result<(), Refusal> {
        check_tags(tags, &self.limits)?;
        let Route { to, audience, .. } = self.route(who, target, None)?;
        self.step(who, at)?;
        let record = self.record(self.identity(who)?, Event::Tagged { to, tags: tags.into() }, at);
        self.post(&record, &audience);
        Ok(())
    }

    /// Finds out whom a target means, and whether they may be spoken to.
    fn route(&self, who: UserId, target: &str, speech: Option<&Speech>) -> Result<Route, Refusal> {
        let (least, name) = match target.split_at_checked(1) {
            Some(("@", name)) => (Ranks::OPERATOR, name),
            Some(("+", name)) => (Ranks::VOICE, name),
            _ => (Ranks::NONE, target),
        };
        if !ChannelName::is_meant(name) {
            return self.route_to_user(who, target);
        }
        let channel = self.channel(name)?;
        let user = self.user(who)?;
        if user.is_relayed() {
            return Ok(route_to_channel(who, channel, least));
        }
        channel.admit_speech(&user.identity)?;
        if channel.modes.has(ChannelFlag::NoCtcp) && speech.is_some_and(Speech::is_ctcp) {
            return Err(Refusal::NoCtcp);
        }
        Ok(route_to_channel(who, channel, least))
    }

    fn route_to_user(&self, who: UserId, nick: &str) -> Result<Route, Refusal> {
        let (id, user) = self.called(nick)?;
        let to = Target::User(user.identity.clone());
        Ok(Route { to, audience: Audience::Users([id, who].into()), away: user.away().cloned() })
    }

    /// What is said to a whole channel is kept.
    fn keep(&mut self, record: &Arc<Record>, name: &ChannelName) {
        let records_max = self.limits.history_per_channel_max;
        if let Some(channel) = self.channels.get_mut(name) {
            channel.history.push(record.clone(), records_max);
        }
    }

    /// Sets a channel's topic; there is none if it is empty. What is too long is cut.
    pub(crate) fn set_topic(
        &mut self,
        who: UserId,
        text: &str,
        topic: &str,
        at: Moment,
    ) -> Result<(), Refusal> {
        let channel = self.channel(text)?;
        channel.ranks_of(who).ok_or(Refusal::NotOnChannel)?;
        if channel.modes.has(ChannelFlag::TopicLocked) {
            self.check_operator(who, channel)?;
        }
        let name = channel.name.clone();
        self.step(who, at)?;
        let source = self.identity(who)?;
        let topic: Arc<str> = line(topic, self.limits.topic_bytes_max).into();
        let by = source.to_string().into();
        let event = Event::TopicSet { channel: name.clone(), topic: topic.clone() };
        let record = self.record(source, event, at);
        let is_set = !topic.is_empty();
        self.channel_mut(text)?.topic = is_set.then(|| Topic { text: topic, by, at: record.at });
        self.post_to_channel(&record, &name);
        Ok(())
    }

    /// An operator says something to all who hear such.
    pub(crate) fn wallops(&mut self, who: UserId, text: &str, at: Moment) -> Result<(), Refusal> {
        if !self.user(who)?.modes.operator {
            return Err(Refusal::NoPrivileges);
        }
        self.step(who, at)?;
        let hearing = self.users.iter().filter(|(_, user)| user.modes.wallops);
        let audience = Audience::Users(hearing.map(|(id, _)| *id).collect());
        let text = line(text, self.limits.message_bytes_max).into();
        let record = self.record(self.identity(who)?, Event::Wallopsed { text }, at);
        self.post(&record, &audience);
        Ok(())
    }
}

fn route_to_channel(who: UserId, channel: &Channel, least: Ranks) -> Route {
    let name = channel.name.clone();
    let (to, audience) = if least == Ranks::NONE {
        (Target::Channel(name.clone()), Audience::Channel(name))
    } else {
        let ranked = channel.members.iter().filter(|(_, ranks)| ranks.reach(least));
        let hearing = ranked.map(|(id, _)| *id).chain([who]).collect();
        (Target::Ranked(name, least), Audience::Users(hearing))
    };
    Route { to, audience, away: None }
}
