//! Coming to the network, being called something else, being away, leaving.

use std::sync::Arc;

use super::{Called, Member, Moment, Rare, State};
use crate::network::identity::{self, cut, line};
use crate::network::pace::Pace;
use crate::network::part::Audience;
use crate::network::{Event, Identity, Refusal, Registration, UserId, UserMode, UserModes};
use crate::{ChannelName, Nick};

impl State {
    /// Somebody comes, on a thread.
    pub(crate) fn connect(
        &mut self,
        part: usize,
        registration: &Registration,
        at: Moment,
    ) -> Result<Arc<Identity>, Refusal> {
        let id = UserId(self.next_number());
        let identity = Arc::new(Identity::new(id, registration, &self.limits)?);
        if self.nicks.contains(identity.nick.folded()) {
            return Err(Refusal::NickTaken);
        }
        if self.users.len() >= self.limits.users_max {
            return Err(Refusal::Full);
        }
        self.check_room()?;
        self.nicks.insert(Called(identity.clone()));
        let member = Member::new(identity.clone(), part, registration, at);
        self.users.insert(id, Box::new(member));
        self.users_peak = self.users_peak.max(self.users.len());
        self.post_to_watchers(&identity, Event::Online, at);
        Ok(identity)
    }

    /// Whether somebody could be called so now.
    pub(crate) fn check_nick(&self, text: &str) -> Result<(), Refusal> {
        let nick = identity::nick(text, &self.limits)?;
        if self.nicks.contains(nick.folded()) { Err(Refusal::NickTaken) } else { Ok(()) }
    }

    /// Somebody is called something else. To be called the same again is no news to anybody.
    pub(crate) fn rename(&mut self, who: UserId, text: &str, at: Moment) -> Result<(), Refusal> {
        let to = identity::nick(text, &self.limits)?;
        let before = self.identity(who)?;
        if to.as_str() == before.nick.as_str() {
            return Ok(());
        }
        // One's own name may be written another way.
        let is_other = to != before.nick;
        if is_other && self.nicks.contains(to.folded()) {
            return Err(Refusal::NickTaken);
        }
        self.step(who, at)?;
        self.post_renamed(who, to.clone(), at)?;
        let after = self.change_identity(who, |identity| identity.nick = to)?;
        if is_other {
            self.whowas.push(before.clone(), at.wall, self.limits.whowas_max);
            self.post_to_watchers(&before, Event::Offline, at);
            self.post_to_watchers(&after, Event::Online, at);
        }
        Ok(())
    }

    /// Who watches a name hears that it went or came, not that it was changed.
    fn post_renamed(&mut self, who: UserId, to: Nick, at: Moment) -> Result<(), Refusal> {
        let user = self.user(who)?;
        let (source, channels) = (user.identity.clone(), user.channels.iter().cloned().collect());
        let record = self.record(source, Event::Renamed { to }, at);
        self.post(&record, &Audience::Friends { channels, watchers: [].into() });
        Ok(())
    }

    /// Somebody is away, or back without a message. Empty is back, too.
    pub(crate) fn set_away(
        &mut self,
        who: UserId,
        message: Option<&str>,
        at: Moment,
    ) -> Result<(), Refusal> {
        let message = message.filter(|message| !message.is_empty());
        let message = message.map(|message| line(message, self.limits.away_bytes_max).into());
        if self.user(who)?.away() == message.as_ref() {
            return Ok(());
        }
        self.step(who, at)?;
        self.user_mut(who)?.rare_mut().away.clone_from(&message);
        self.post_to_friends(who, Event::AwaySet { message }, at)
    }

    pub(crate) fn set_realname(
        &mut self,
        who: UserId,
        text: &str,
        at: Moment,
    ) -> Result<(), Refusal> {
        if text.len() > self.limits.realname_bytes_max {
            return Err(Refusal::TextTooLong(self.limits.realname_bytes_max));
        }
        self.step(who, at)?;
        let realname = line(text, self.limits.realname_bytes_max);
        self.change_identity(who, |identity| identity.set_realname(&realname))?;
        self.post_to_friends(who, Event::RealnameSet, at)
    }

    pub(crate) fn set_account(
        &mut self,
        who: UserId,
        account: Option<&str>,
        at: Moment,
    ) -> Result<(), Refusal> {
        let account = account.map(|account| identity::word(account, self.limits.nick_bytes_max));
        if self.identity(who)?.account() == account.as_deref() {
            return Ok(());
        }
        self.step(who, at)?;
        self.change_identity(who, |identity| identity.set_account(account.as_deref()))?;
        self.post_to_friends(who, Event::AccountSet, at)
    }

    /// Sets a user's own mode, or takes it back; false if that changes nothing. What is not theirs to set is not.
    pub(crate) fn set_user_mode(
        &mut self,
        who: UserId,
        mode: UserMode,
        on: bool,
    ) -> Result<bool, Refusal> {
        if mode == UserMode::Operator && on {
            return Ok(false);
        }
        let changed = self.user_mut(who)?.modes.set(mode, on);
        if changed && mode == UserMode::Bot {
            self.change_identity(who, |identity| identity.is_bot = on)?;
        }
        Ok(changed)
    }

    pub(crate) fn make_operator(&mut self, who: UserId) -> Result<(), Refusal> {
        self.user_mut(who)?.modes.set(UserMode::Operator, true);
        Ok(())
    }

    pub(crate) fn quit(&mut self, who: UserId, reason: &str, at: Moment) {
        self.remove_user(who, at, reason);
    }

    /// An operator throws somebody off the network.
    pub(crate) fn kill(
        &mut self,
        who: UserId,
        nick: &str,
        reason: &str,
        at: Moment,
    ) -> Result<(), Refusal> {
        let by = self.user(who)?;
        if !by.modes.operator {
            return Err(Refusal::NoPrivileges);
        }
        let by = by.identity.clone();
        let (victim, _) = self.called(nick)?;
        let reason = line(reason, self.limits.reason_bytes_max);
        let killed = Event::Killed { reason: reason.as_str().into() };
        let record = self.record(by.clone(), killed, at);
        self.post(&record, &Audience::Users([victim].into()));
        self.remove_user(victim, at, &format!("Killed ({} ({reason}))", by.nick));
        Ok(())
    }

    /// Takes somebody off the network. That is told however much waits: it happens once for each who came.
    pub(super) fn remove_user(&mut self, who: UserId, at: Moment, reason: &str) {
        let reason = line(cut(reason, self.limits.reason_bytes_max), usize::MAX).into();
        if self.post_to_friends(who, Event::Quit { reason }, at).is_err() {
            return; // Gone before.
        }
        let Some(user) = self.users.remove(&who) else { return };
        self.nicks.remove(user.identity.nick.folded());
        user.channels.iter().for_each(|channel| self.take_off(channel, who));
        user.watched().for_each(|nick| self.stop_watching(nick, who));
        self.post_to_watchers(&user.identity, Event::Offline, at);
        self.whowas.push(user.identity, at.wall, self.limits.whowas_max);
    }

    /// Watches a name: the user is told when it comes and goes.
    pub(crate) fn watch(&mut self, who: UserId, nick: &str) -> Result<(), Refusal> {
        let nick = identity::nick(nick, &self.limits)?;
        let watched_max = self.limits.watched_max;
        let watched = &mut self.user_mut(who)?.rare_mut().watched;
        if watched.len() >= watched_max && !watched.contains(&nick) {
            return Err(Refusal::TooManyWatched(watched_max));
        }
        watched.insert(nick.clone());
        self.watchers.entry(nick).or_default().insert(who);
        Ok(())
    }

    pub(crate) fn unwatch(&mut self, who: UserId, nick: &str) -> Result<(), Refusal> {
        let nick = identity::nick(nick, &self.limits)?;
        self.user_mut(who)?.rare_mut().watched.remove(&nick);
        self.stop_watching(&nick, who);
        Ok(())
    }

    fn stop_watching(&mut self, nick: &Nick, who: UserId) {
        let Some(watchers) = self.watchers.get_mut(nick) else { return };
        watchers.remove(&who);
        if watchers.is_empty() {
            self.watchers.remove(nick);
        }
    }

    /// Gives a user another identity; those that were told before stay as they are.
    fn change_identity(
        &mut self,
        who: UserId,
        change: impl FnOnce(&mut Identity),
    ) -> Result<Arc<Identity>, Refusal> {
        let user = self.user_mut(who)?;
        let before = user.identity.clone();
        change(Arc::make_mut(&mut user.identity));
        let after = user.identity.clone();
        self.nicks.remove(before.nick.folded());
        self.nicks.insert(Called(after.clone()));
        Ok(after)
    }
}

impl Member {
    fn new(identity: Arc<Identity>, part: usize, registration: &Registration, at: Moment) -> Self {
        Self {
            identity,
            part,
            modes: UserModes::default(),
            channels: Vec::new(),
            rare: None,
            pace: (!registration.is_relayed).then(Pace::default),
            signed_on: at.wall,
            active_at: at.wall,
        }
    }

    /// What is told to who writes to them.
    pub(crate) fn away(&self) -> Option<&Arc<str>> {
        self.rare.as_ref()?.away.as_ref()
    }

    /// The names that they watch.
    pub(super) fn watched(&self) -> impl Iterator<Item = &Nick> {
        self.rare.iter().flat_map(|rare| &rare.watched)
    }

    /// The channels that they are invited to, the last invitation last, and whether by an operator.
    pub(super) fn invitations(&self) -> impl Iterator<Item = &(ChannelName, bool)> {
        self.rare.iter().flat_map(|rare| &rare.invited_to)
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}
