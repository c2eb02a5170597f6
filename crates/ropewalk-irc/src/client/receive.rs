//! What a line changes in the client's state, and what it tells.

use std::rc::Rc;

use crate::{Message, Tags, numeric};

use super::asked::number;
use super::ctcp;
use super::event::{Event, Said, source_of};
use super::mode_change::ModeChange;
use super::options::ClientLimits;
use super::roster::Topic;
use super::state::State;

/// Lines of the message of the day that are kept: as many as anybody reads.
const MOTD_LINES_MAX: usize = 1_000;

/// Batches of history that may be open at once.
const REPLAYS_MAX: usize = 64;

impl State {
    /// Changes what is known, and says what happened.
    pub(crate) fn apply<'m>(&mut self, message: &Message<'m>, limits: &ClientLimits) -> Event<'m> {
        let is_replayed = self.is_replayed(message);
        if message.is_numeric() {
            self.numeric_heard(message, limits);
            return Event::Other;
        }
        let command = message.command().to_ascii_uppercase();
        let happened = match &*command {
            "PRIVMSG" | "NOTICE" | "TAGMSG" => self.said(&command, message, is_replayed),
            _ if is_replayed => None,
            "JOIN" => self.join_heard(message, limits),
            "PART" => self.part_heard(message),
            "KICK" => self.kick_heard(message),
            "QUIT" => self.quit_heard(message),
            "NICK" => self.nick_heard(message),
            "TOPIC" => self.topic_heard(message),
            "MODE" => self.mode_heard(message),
            "INVITE" => invite_heard(message),
            "AWAY" => Some(self.away_heard(message)),
            "ACCOUNT" => self.account_heard(message),
            "CHGHOST" => self.host_heard(message),
            "SETNAME" => setname_heard(message),
            "BATCH" => self.batch_heard(message),
            _ => None,
        };
        happened.unwrap_or(Event::Other)
    }

    fn is_replayed(&self, message: &Message<'_>) -> bool {
        let batch = message.tags().get("batch");
        batch.is_some_and(|batch| self.replays.contains(&*batch))
    }

    /// `BATCH +ref chathistory #channel`
    fn batch_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let name = message.param(0)?;
        if let Some(name) = name.strip_prefix('-') {
            self.replays.remove(name);
        }
        let kind = message.param(1)?;
        let is_history =
            matches!(kind, "chathistory" | "znc.in/playback") || self.is_replayed(message);
        if let Some(name) = name.strip_prefix('+')
            && is_history
            && self.replays.len() < REPLAYS_MAX
        {
            self.replays.insert(name.to_owned());
        }
        None
    }

    fn is_by_me(&self, message: &Message<'_>) -> bool {
        message.source().is_some_and(|source| self.is_me(source.nick))
    }

    fn said<'m>(
        &self,
        command: &str,
        message: &Message<'m>,
        is_replayed: bool,
    ) -> Option<Event<'m>> {
        let target = message.param(0)?;
        let text = message.param(1).unwrap_or_default();
        let bare = self.isupport.without_status(target);
        let (word, text) = ctcp::parse(text).unwrap_or(("", text));
        let said = Said {
            from: source_of(message),
            target,
            channel: self.isupport.is_channel(bare).then_some(bare),
            text,
            ctcp: word,
            tags: message.tags(),
            is_own: self.is_by_me(message),
            is_replayed,
        };
        Some(match (command, word) {
            ("TAGMSG", _) => Event::Tagged(said),
            ("PRIVMSG", "") => Event::Privmsg(said),
            ("PRIVMSG", word) if word.eq_ignore_ascii_case("ACTION") => Event::Action(said),
            ("PRIVMSG", _) => Event::CtcpQueried(said),
            (_, "") => Event::Noticed(said),
            _ => Event::CtcpReplied(said),
        })
    }

    /// With `extended-join` the account, or `*`, and the real name follow.
    fn join_heard<'m>(
        &mut self,
        message: &Message<'m>,
        limits: &ClientLimits,
    ) -> Option<Event<'m>> {
        let (user, channel) = (message.source()?, message.param(0)?);
        let is_own = self.is_me(user.nick);
        if is_own {
            self.roster.joined(channel, limits);
        }
        let account = message.param(1).or(account_tag(message.tags())).filter(|name| *name != "*");
        if let Some(member) = self.roster.member_seen(channel, user.nick, limits) {
            member.account = account.map(str::to_owned);
        }
        Some(if is_own { Event::Joined { channel } } else { Event::UserJoined { user, channel } })
    }

    fn part_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let (user, channel) = (message.source()?, message.param(0)?);
        if self.is_me(user.nick) {
            self.roster.left(channel);
            return Some(Event::Left { channel });
        }
        self.roster.member_left(channel, user.nick);
        let reason = message.param(1).unwrap_or_default();
        Some(Event::UserLeft { user, channel, reason })
    }

    fn kick_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let (channel, nick, by) = (message.param(0)?, message.param(1)?, source_of(message));
        let reason = message.param(2).unwrap_or_default();
        if self.is_me(nick) {
            self.roster.left(channel);
            return Some(Event::KickedFrom { channel, by, reason });
        }
        self.roster.member_left(channel, nick);
        Some(Event::UserKicked { channel, nick, by, reason })
    }

    /// One's own end is told by the connection's.
    fn quit_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let user = message.source()?;
        if !self.is_me(user.nick) {
            self.roster.user_quit(user.nick);
        }
        Some(Event::UserQuit { user, reason: message.param(0).unwrap_or_default() })
    }

    /// Inspircd 3 puts the new nick in place of the old one where it labels the line as an answer.
    fn nick_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let (user, nick) = (message.source()?, message.param(0)?);
        if self.is_me(user.nick) || self.requests.is_answered_by(message) {
            self.roster.user_renamed(&self.nick, nick);
            nick.clone_into(&mut self.nick);
            return Some(Event::NickChanged { nick });
        }
        self.roster.user_renamed(user.nick, nick);
        Some(Event::UserRenamed { user, nick })
    }

    fn topic_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let (by, channel) = (source_of(message), message.param(0)?);
        let topic = message.param(1).unwrap_or_default();
        if let Some(known) = self.roster.channel_mut(channel) {
            let set_by = Some(by.nick.to_owned()).filter(|_| !topic.is_empty());
            known.topic = Topic { text: topic.to_owned(), set_by, set_at: None };
        }
        Some(Event::TopicUpdated { by, channel, topic })
    }

    fn mode_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let target = message.param(0)?;
        let is_channel = self.isupport.is_channel(target);
        let params = message.params().get(1..).unwrap_or_default();
        let changes = ModeChange::parse(&self.isupport, is_channel, params);
        if is_channel {
            self.roster.modes_changed(target, &changes, &self.isupport);
        }
        Some(Event::ModeChanged { by: source_of(message), target, changes })
    }

    fn away_heard<'m>(&mut self, message: &Message<'m>) -> Event<'m> {
        let (user, reason) = (source_of(message), message.param(0).filter(|text| !text.is_empty()));
        self.roster.update_user(user.nick, |member| member.is_away = reason.is_some());
        Event::AwayChanged { user, reason }
    }

    fn account_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let user = message.source()?;
        let account = message.param(0).filter(|name| *name != "*");
        self.roster.update_user(user.nick, |member| member.account = account.map(str::to_owned));
        if self.is_me(user.nick) {
            self.registration.login.account = account.map(str::to_owned);
        }
        Some(Event::AccountChanged { user, account })
    }

    fn host_heard<'m>(&mut self, message: &Message<'m>) -> Option<Event<'m>> {
        let (user, new_user, new_host) = (message.source()?, message.param(0)?, message.param(1)?);
        if self.is_me(user.nick) {
            self.user_host = Some((new_user.to_owned(), new_host.to_owned()));
        }
        Some(Event::HostChanged { user, new_user, new_host })
    }

    fn numeric_heard(&mut self, message: &Message<'_>, limits: &ClientLimits) {
        match message.command() {
            // The server knows best what it calls this client, which may be shorter than what was asked for.
            numeric::RPL_WELCOME => self.nick_told(message),
            numeric::RPL_ISUPPORT => {
                Rc::make_mut(&mut self.isupport).heard(message.params());
                self.roster.set_case_mapping(self.isupport.case_mapping);
            }
            numeric::RPL_MOTDSTART => self.motd.clear(),
            numeric::RPL_MOTD if self.motd.len() < MOTD_LINES_MAX => {
                self.motd.push(message.last_param().unwrap_or_default().to_owned());
            }
            numeric::RPL_NAMREPLY => self.names_heard(message, limits),
            numeric::RPL_VISIBLEHOST => self.host_told(message),
            _ => self.channel_numeric_heard(message),
        }
    }

    fn nick_told(&mut self, message: &Message<'_>) {
        if let Some(nick) = message.param(0) {
            nick.clone_into(&mut self.nick);
        }
    }

    /// `396 me host :is now your displayed host`; some say `user@host`.
    fn host_told(&mut self, message: &Message<'_>) {
        let Some(told) = message.param(1) else { return };
        let (user, host) = told.split_once('@').map_or((None, told), |(u, h)| (Some(u), h));
        let known = self.user_host.take().map(|(user, _)| user);
        let user = user.map(str::to_owned).or(known);
        self.user_host = user.map(|user| (user, host.to_owned()));
    }

    fn names_heard(&mut self, message: &Message<'_>, limits: &ClientLimits) {
        let (Some(channel), Some(names)) = (message.param(2), message.param(3)) else { return };
        for entry in names.split_ascii_whitespace() {
            self.roster.name_heard(channel, entry, &self.isupport, limits);
        }
    }

    fn channel_numeric_heard(&mut self, message: &Message<'_>) {
        let Some(name) = message.param(1) else { return };
        let Some(channel) = self.roster.channel_mut(name) else { return };
        let text = |index| message.param(index).unwrap_or_default().to_owned();
        match message.command() {
            numeric::RPL_NOTOPIC => channel.topic = Topic::default(),
            numeric::RPL_TOPIC => channel.topic = Topic { text: text(2), ..Topic::default() },
            numeric::RPL_TOPICWHOTIME => {
                channel.topic.set_by = Some(text(2));
                channel.topic.set_at = number(message, 3);
            }
            numeric::RPL_CHANNELMODEIS => {
                channel.modes.clear();
                let params = message.params().get(2..).unwrap_or_default();
                let changes = ModeChange::parse(&self.isupport, true, params);
                self.roster.modes_changed(name, &changes, &self.isupport);
            }
            _ => {}
        }
    }
}

fn account_tag(tags: Tags<'_>) -> Option<&str> {
    // The names of accounts have nothing that is escaped.
    tags.iter().rfind(|tag| tag.key == "account").map(|tag| tag.escaped)
}

fn invite_heard<'m>(message: &Message<'m>) -> Option<Event<'m>> {
    let (nick, channel) = (message.param(0)?, message.param(1)?);
    Some(Event::Invited { by: source_of(message), nick, channel })
}

fn setname_heard<'m>(message: &Message<'m>) -> Option<Event<'m>> {
    Some(Event::NameChanged { user: message.source()?, realname: message.param(0)? })
}
