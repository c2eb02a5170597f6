//! [`User`]: somebody on a network, who can speak there.
//!
//! Whoever holds it is that user: there is no way to speak under a name but through the value that
//! [`Server::connect`] gave, so a name cannot be taken over. Dropping it leaves the network.

use std::borrow::Borrow;
use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use ropewalk_core::Time;

use super::state::{Moment, State};
use super::{
    ChannelInfo, HistoryRange, Identity, Listener, MaskEntry, MaskList, ModeChange, MsgId, Notice,
    Person, Presence, Record, Refusal, Said, Server, Speech, Topic, UserId, UserMode, UserModes,
    WasHere,
};
use crate::{ChannelName, Mask, Nick};

/// Somebody on a network. Quits when dropped, without a reason.
///
/// Channels and users are named by text, as others write it, in any case.
///
/// # Limits
/// What others hear is counted: over `message_burst` at once, and one each `message_interval` in the long run, it
/// is refused as [`TooFast`](Refusal::TooFast). When that happens again before the user has rested, it is
/// [`Flooding`](Refusal::Flooding): the user has left the network. Questions are not counted here.
///
/// # Errors
/// Of all methods: these two, `NotConnected` or `Closed` if the user is not on the network any more, `Busy`, and
/// `NoSuchChannel` and `NoSuchNick` for what is not there, or what the user is not to know of.
pub struct User {
    server: Server,
    seat: Rc<Seat>,
}

/// A user as their thread knows them. Found, and in order, by the number.
pub(crate) struct Seat {
    id: UserId,
    listener: Rc<dyn Listener>,
    is_gone: Cell<bool>,
}

/// What users do.
impl User {
    pub(crate) fn new(server: Server, seat: Rc<Seat>) -> Self {
        Self { server, seat }
    }

    /// Comes to a channel, with the key if it has one; gives its name as it was first written. Who makes a
    /// channel is its operator.
    ///
    /// # Errors
    /// Also `BadChannelName`, `AlreadyOnChannel`, `TooManyChannels`, `NoMoreChannels`, `BadKey`, `InviteOnly`,
    /// `ChannelFull`, `Banned`.
    pub fn join(
        &self,
        now: Time,
        channel: &str,
        key: Option<&str>,
    ) -> Result<ChannelName, Refusal> {
        self.act(now, |state, who, at| state.join(who, channel, key, at))
    }

    /// Leaves a channel. The reason may be empty; what is too long of it is cut.
    ///
    /// # Errors
    /// Also `NotOnChannel`.
    pub fn part(&self, now: Time, channel: &str, reason: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.part_from(who, channel, reason, at))
    }

    /// Says something to a user, to a channel, or to those on a channel with a rank (`@#channel`).
    ///
    /// # Errors
    /// Also `TextEmpty`, `TextTooLong`, `TextHasLineBreak`, `CannotSend`, `NoCtcp`.
    pub fn say(&self, now: Time, target: &str, speech: Speech) -> Result<Said, Refusal> {
        self.act(now, |state, who, at| state.say(who, target, speech, at))
    }

    /// The same for what was said elsewhere and is passed on by a relay: it keeps the identity and the time that it
    /// has there, and is not counted.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub fn pass_on(
        &self,
        target: &str,
        speech: Speech,
        msgid: MsgId,
        at: SystemTime,
    ) -> Result<Said, Refusal> {
        let said = self.ask(|state, who| state.pass_on(who, target, speech, msgid, at));
        self.server.tell_posted();
        said
    }

    /// Sends client-only tags (`+typing=active`), as on the wire, without a message.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub fn tag(&self, now: Time, target: &str, tags: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.tag(who, target, tags, at))
    }

    /// Sets a channel's topic, or takes it away with an empty one. What is too long of it is cut.
    ///
    /// # Errors
    /// Also `NotOnChannel`, `NotOperator`.
    pub fn set_topic(&self, now: Time, channel: &str, topic: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.set_topic(who, channel, topic, at))
    }

    /// Changes the modes of a channel, as many of them as can be changed; gives which could not, by their place
    /// in `changes`, and why (`BadKey`, `ListFull`, `NoSuchNick`, `UserNotOnChannel`). What is so already is not
    /// told.
    ///
    /// # Errors
    /// Also `NotOperator`: none was done.
    pub fn set_modes(
        &self,
        now: Time,
        channel: &str,
        changes: &[ModeChange],
    ) -> Result<Vec<(usize, Refusal)>, Refusal> {
        self.act(now, |state, who, at| state.set_modes(who, channel, changes, at))
    }

    /// Sends somebody away from a channel. Without a reason, it is the user's name.
    ///
    /// # Errors
    /// Also `NotOperator`, `UserNotOnChannel`.
    pub fn kick(&self, now: Time, channel: &str, nick: &str, reason: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.kick(who, channel, nick, reason, at))
    }

    /// Invites somebody to a channel; they may come even if it is for the invited only.
    ///
    /// # Errors
    /// Also `NotOnChannel`, `NotOperator`, `AlreadyOnChannel`.
    pub fn invite(&self, now: Time, nick: &str, channel: &str) -> Result<ChannelName, Refusal> {
        self.act(now, |state, who, at| state.invite(who, nick, channel, at))
    }

    /// Takes another nickname. To be called the same again is no news to anybody.
    ///
    /// # Errors
    /// Also `BadNick`, `NickTaken`; the user keeps the one before.
    pub fn rename(&self, now: Time, nick: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.rename(who, nick, at))
    }

    /// Is away, which is told to who writes; or is back, with `None` or an empty message.
    ///
    /// # Errors
    /// As all.
    pub fn set_away(&self, now: Time, message: Option<&str>) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.set_away(who, message, at))
    }

    /// Says something else of themselves.
    ///
    /// # Errors
    /// Also `TextTooLong`.
    pub fn set_realname(&self, now: Time, realname: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.set_realname(who, realname, at))
    }

    /// Has proven to own an account; or owns none any more.
    ///
    /// # Errors
    /// As all.
    pub fn set_account(&self, now: Time, account: Option<&str>) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.set_account(who, account, at))
    }

    /// Sets one of the user's own modes, or takes it back; false if that changes nothing. To be an operator is
    /// not to be set here.
    ///
    /// # Errors
    /// As all.
    pub fn set_mode(&self, mode: UserMode, on: bool) -> Result<bool, Refusal> {
        self.ask(|state, who| state.set_user_mode(who, mode, on))
    }

    /// Makes the user an operator of the network, who has proven to be one.
    ///
    /// # Errors
    /// As all.
    pub fn make_operator(&self) -> Result<(), Refusal> {
        self.ask(|state, who| state.make_operator(who))
    }

    /// Says something to all users who hear such (`+w`).
    ///
    /// # Errors
    /// Also `NoPrivileges`: only operators of the network do.
    pub fn wallops(&self, now: Time, text: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.wallops(who, text, at))
    }

    /// Throws somebody off the network.
    ///
    /// # Errors
    /// Also `NoPrivileges`: only operators of the network do.
    pub fn kill(&self, now: Time, nick: &str, reason: &str) -> Result<(), Refusal> {
        self.act(now, |state, who, at| state.kill(who, nick, reason, at))
    }

    /// Is told when somebody of that name comes and goes.
    ///
    /// # Errors
    /// Also `BadNick`, `TooManyWatched`.
    pub fn watch(&self, nick: &str) -> Result<(), Refusal> {
        self.ask(|state, who| state.watch(who, nick))
    }

    /// Is told no more.
    ///
    /// # Errors
    /// Also `BadNick`.
    pub fn unwatch(&self, nick: &str) -> Result<(), Refusal> {
        self.ask(|state, who| state.unwatch(who, nick))
    }

    /// Leaves the network, for a reason that the others hear. What is too long of it is cut.
    pub fn quit(&self, reason: &str) {
        self.leave(reason);
    }
}

/// What users ask.
impl User {
    /// The number that stays under all names.
    pub fn id(&self) -> UserId {
        self.seat.id
    }

    /// Who they are now.
    ///
    /// # Errors
    /// `NotConnected`, `Closed`.
    pub fn identity(&self) -> Result<Arc<Identity>, Refusal> {
        self.ask(|state, who| state.identity(who))
    }

    /// Their modes.
    ///
    /// # Errors
    /// As all.
    pub fn modes(&self) -> Result<UserModes, Refusal> {
        self.ask(|state, who| Ok(state.user(who)?.modes))
    }

    /// The channels they are on, by name.
    ///
    /// # Errors
    /// As all.
    pub fn channels(&self) -> Result<Vec<ChannelName>, Refusal> {
        self.ask(|state, who| Ok(state.user(who)?.channels.clone()))
    }

    /// Those on a channel, by nickname. Who is not on it does not see the invisible.
    ///
    /// # Errors
    /// As all.
    pub fn names(&self, channel: &str) -> Result<Vec<Presence>, Refusal> {
        self.ask(|state, who| state.names(who, channel))
    }

    /// What a channel is about.
    ///
    /// # Errors
    /// As all.
    pub fn topic(&self, channel: &str) -> Result<Option<Topic>, Refusal> {
        self.ask(|state, who| state.topic(who, channel))
    }

    /// What may be known of a channel.
    ///
    /// # Errors
    /// As all.
    pub fn channel(&self, channel: &str) -> Result<ChannelInfo, Refusal> {
        self.ask(|state, who| state.channel_info(who, channel))
    }

    /// One of the lists of masks of a channel.
    ///
    /// # Errors
    /// As all.
    pub fn masks(&self, channel: &str, list: MaskList) -> Result<Vec<MaskEntry>, Refusal> {
        self.ask(|state, who| state.masks(who, channel, list))
    }

    /// All channels, by name.
    ///
    /// # Errors
    /// As all.
    pub fn list(&self) -> Result<Vec<ChannelInfo>, Refusal> {
        self.ask(|state, who| state.list(who))
    }

    /// Somebody who is called so.
    ///
    /// # Errors
    /// As all.
    pub fn find(&self, nick: &str) -> Result<Presence, Refusal> {
        self.ask(|state, _| state.find(nick))
    }

    /// All that may be known of somebody.
    ///
    /// # Errors
    /// As all.
    pub fn whois(&self, nick: &str) -> Result<Person, Refusal> {
        self.ask(|state, who| state.whois(who, nick))
    }

    /// All whose nickname, user name, host or real name matches, by nickname. The invisible are found by who is
    /// on a channel with them, or knows their whole nickname.
    ///
    /// # Errors
    /// As all.
    pub fn who(&self, mask: &Mask) -> Result<Vec<Presence>, Refusal> {
        self.ask(|state, who| state.who(who, mask))
    }

    /// Those who were called so and are not any more, the last first.
    ///
    /// # Errors
    /// As all.
    pub fn whowas(&self, nick: &str) -> Result<Vec<WasHere>, Refusal> {
        self.ask(|state, _| Ok(state.whowas(nick)))
    }

    /// What was said on a channel that the user is on: of those in `range`, at most `count`, oldest first.
    ///
    /// # Errors
    /// Also `NotOnChannel`, and `NoSuchMessage` if a point of the range is an event that is not kept.
    pub fn history(
        &self,
        channel: &str,
        range: &HistoryRange,
        count: usize,
    ) -> Result<Vec<Arc<Record>>, Refusal> {
        self.ask(|state, who| state.history(who, channel, range, count))
    }

    /// The user's channels on which something was said, and when the last of it, the latest last.
    ///
    /// # Errors
    /// As all.
    pub fn history_targets(&self) -> Result<Vec<(ChannelName, SystemTime)>, Refusal> {
        self.ask(|state, who| state.history_targets(who))
    }

    /// The channels that the user is invited to, the last invitation last.
    ///
    /// # Errors
    /// As all.
    pub fn invitations(&self) -> Result<Vec<ChannelName>, Refusal> {
        self.ask(|state, who| state.invitations(who))
    }

    /// The names that the user watches.
    ///
    /// # Errors
    /// As all.
    pub fn watched(&self) -> Result<Vec<Nick>, Refusal> {
        self.ask(|state, who| state.watched(who))
    }

    fn act<R>(
        &self,
        now: Time,
        act: impl FnOnce(&mut State, UserId, Moment) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let at = self.server.moment(now);
        let done = self.ask(|state, who| act(state, who, at));
        self.server.tell_posted();
        done
    }

    fn ask<R>(
        &self,
        ask: impl FnOnce(&mut State, UserId) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        self.server.change(|state| ask(state, self.seat.id))
    }

    fn leave(&self, reason: &str) {
        let at = self.server.moment(Time::START);
        self.seat.set_gone();
        let left = self.ask(|state, who| {
            state.quit(who, reason, at);
            Ok(())
        });
        if left.is_ok() {
            self.server.tell_posted();
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.leave("");
    }
}

impl Borrow<UserId> for Rc<Seat> {
    fn borrow(&self) -> &UserId {
        &self.id
    }
}

impl Hash for Seat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl PartialEq for Seat {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Seat {}

impl PartialOrd for Seat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Seat {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }
}

impl Seat {
    pub(crate) fn new(id: UserId, listener: Rc<dyn Listener>) -> Rc<Self> {
        Rc::new(Self { id, listener, is_gone: Cell::new(false) })
    }

    pub(crate) fn id(&self) -> UserId {
        self.id
    }

    pub(crate) fn set_gone(&self) {
        self.is_gone.set(true);
    }

    pub(crate) fn notify(&self, notice: &Notice) {
        if !self.is_gone.get() {
            self.listener.notified(notice);
        }
    }

    pub(crate) fn echo(&self, notice: &Notice) {
        if !self.is_gone.get() {
            self.listener.echoed(notice);
        }
    }

    pub(crate) fn tell_watched(&self, notice: &Notice) {
        if !self.is_gone.get() {
            self.listener.watched(notice);
        }
    }

    pub(crate) fn close(&self) {
        if !self.is_gone.replace(true) {
            self.listener.closed();
        }
    }
}
