//! [`IrcClient`]: what a user of the client implements, to be told what happens.

use std::time::Duration;

use ropewalk_core::Failure;

use crate::{Message, MessageError, Source};

use super::Irc;
use super::event::{Event, Said};
use super::mode_change::ModeChange;
use super::server_error::ServerError;

/// What a user of the client implements, as Twisted's `IRCClient`: one value per connection, which is told what
/// happens. All of it is optional.
///
/// # Ordering
/// Of each line first the client's state changes, then the Deferreds fire that waited for it, then
/// [`message_received`](Self::message_received) is called, then [`event_received`](Self::event_received), which
/// calls the others. `signed_on` comes before all that is about channels, and before the Deferreds of
/// [`Irc::signed_on`] fire; `connection_lost` is last, when everything that waited has failed.
///
/// What is asked of [`Irc`] inside a callback is sent when its turn comes; its answer never comes inside the callback.
///
/// # Example: a bot that greets
/// ```
/// use ropewalk_irc::Source;
/// use ropewalk_irc::client::{Irc, IrcClient};
///
/// struct Greeter;
/// impl IrcClient for Greeter {
///     fn signed_on(&mut self, irc: &Irc) {
///         drop(irc.join("#ropes"));
///     }
///     fn user_joined(&mut self, irc: &Irc, user: Source<'_>, channel: &str) {
///         drop(irc.privmsg(channel, &format!("Good evening, {}.", user.nick)));
///     }
/// }
/// ```
#[allow(unused_variables, reason = "what is not implemented does nothing")]
pub trait IrcClient: 'static {
    /// Any line came.
    fn message_received(&mut self, irc: &Irc, message: &Message<'_>) {}

    /// Something happened. By default calls the callback that is named after it; who overrides this has one place
    /// for all of them.
    fn event_received(&mut self, irc: &Irc, event: &Event<'_>) {
        tell(self, irc, event);
    }

    /// The server has let this client in, and has said what it supports.
    fn signed_on(&mut self, irc: &Irc) {}
    /// This client is in a channel. Who else is, is known when the Deferred of `join` fires.
    fn joined(&mut self, irc: &Irc, channel: &str) {}
    /// This client has left a channel.
    fn left(&mut self, irc: &Irc, channel: &str) {}
    /// This client was thrown out of a channel.
    fn kicked_from(&mut self, irc: &Irc, channel: &str, by: Source<'_>, reason: &str) {}
    /// This client has another nick.
    fn nick_changed(&mut self, irc: &Irc, nick: &str) {}
    /// Somebody came into a channel.
    fn user_joined(&mut self, irc: &Irc, user: Source<'_>, channel: &str) {}
    /// Somebody has left a channel.
    fn user_left(&mut self, irc: &Irc, user: Source<'_>, channel: &str, reason: &str) {}
    /// Somebody else was thrown out of a channel.
    fn user_kicked(&mut self, irc: &Irc, channel: &str, nick: &str, by: Source<'_>, reason: &str) {}
    /// Somebody has left the network.
    fn user_quit(&mut self, irc: &Irc, user: Source<'_>, reason: &str) {}
    /// Somebody has another nick.
    fn user_renamed(&mut self, irc: &Irc, user: Source<'_>, nick: &str) {}
    /// Somebody else said something.
    fn privmsg(&mut self, irc: &Irc, said: &Said<'_>) {}
    /// Somebody else said something that no program is to answer, or loops begin (RFC 1459 section 4.4.2).
    fn noticed(&mut self, irc: &Irc, said: &Said<'_>) {}
    /// Somebody else did something: `/me`.
    fn action(&mut self, irc: &Irc, said: &Said<'_>) {}
    /// Something that this client said came back (`echo-message`), as the others see it: a message, a notice or
    /// an action.
    fn echoed(&mut self, irc: &Irc, said: &Said<'_>) {}
    /// Somebody asked this client something by `CTCP`; what is answered by the options is answered already.
    fn ctcp_queried(&mut self, irc: &Irc, said: &Said<'_>) {}
    /// Somebody's client has answered.
    fn ctcp_replied(&mut self, irc: &Irc, said: &Said<'_>) {}
    /// Somebody sent only tags: who is typing, a reaction.
    fn tagged(&mut self, irc: &Irc, said: &Said<'_>) {}
    /// A channel has a new topic.
    fn topic_updated(&mut self, irc: &Irc, by: Source<'_>, channel: &str, topic: &str) {}
    /// Modes were changed, a channel's or this client's own.
    fn mode_changed(
        &mut self,
        irc: &Irc,
        by: Source<'_>,
        target: &str,
        changes: &[ModeChange<'_>],
    ) {
    }
    /// Somebody was invited to a channel: this client, or another.
    fn invited(&mut self, irc: &Irc, by: Source<'_>, nick: &str, channel: &str) {}
    /// The server did not do something that no request waits for.
    fn refused(&mut self, irc: &Irc, error: &ServerError) {}
    /// A line came that is none, and was passed over.
    fn malformed_received(&mut self, irc: &Irc, line: &str, error: MessageError) {}
    /// The server has answered this client's question for a sign of life, so long after it was asked.
    fn lag_measured(&mut self, irc: &Irc, lag: Duration) {}
    /// The connection is gone, or was refused.
    fn connection_lost(&mut self, irc: &Irc, reason: &Failure) {}
}

fn tell<C: IrcClient + ?Sized>(client: &mut C, irc: &Irc, event: &Event<'_>) {
    match event {
        Event::SignedOn => client.signed_on(irc),
        Event::Joined { channel } => client.joined(irc, channel),
        Event::Left { channel } => client.left(irc, channel),
        Event::KickedFrom { channel, by, reason } => client.kicked_from(irc, channel, *by, reason),
        Event::NickChanged { nick } => client.nick_changed(irc, nick),
        Event::UserJoined { user, channel } => client.user_joined(irc, *user, channel),
        Event::UserLeft { user, channel, reason } => client.user_left(irc, *user, channel, reason),
        Event::UserKicked { channel, nick, by, reason } => {
            client.user_kicked(irc, channel, nick, *by, reason);
        }
        Event::UserQuit { user, reason } => client.user_quit(irc, *user, reason),
        Event::UserRenamed { user, nick } => client.user_renamed(irc, *user, nick),
        Event::TopicUpdated { by, channel, topic } => {
            client.topic_updated(irc, *by, channel, topic);
        }
        Event::ModeChanged { by, target, changes } => {
            client.mode_changed(irc, *by, target, changes);
        }
        Event::Invited { by, nick, channel } => client.invited(irc, *by, nick, channel),
        Event::Refused(error) => client.refused(irc, error),
        _ => tell_said(client, irc, event),
    }
}

fn tell_said<C: IrcClient + ?Sized>(client: &mut C, irc: &Irc, event: &Event<'_>) {
    match event {
        Event::Privmsg(said) | Event::Noticed(said) | Event::Action(said) if said.is_own => {
            client.echoed(irc, said);
        }
        Event::Privmsg(said) => client.privmsg(irc, said),
        Event::Noticed(said) => client.noticed(irc, said),
        Event::Action(said) => client.action(irc, said),
        Event::CtcpQueried(said) if !said.is_own => client.ctcp_queried(irc, said),
        Event::CtcpReplied(said) if !said.is_own => client.ctcp_replied(irc, said),
        Event::Tagged(said) if !said.is_own => client.tagged(irc, said),
        _ => {}
    }
}
