//! [`IrcLines`]: events of the network as lines of IRC.

use std::borrow::Cow;

use bytes::Bytes;

use super::capability::{Capabilities, Capability};
use super::timestamp::timestamp;
use crate::network::{Encoding, Event, Mode, ModeChange, Record, Speech, SpeechKind};
use crate::{LineLimits, Message, TagList, Tags};

/// Writes events for all clients with the same capabilities, of those that make a difference.
pub(crate) struct IrcLines;

impl Encoding for IrcLines {
    fn encode(record: &Record, key: u64) -> Bytes {
        encode(record, Capabilities::from_writing_key(key), None).into()
    }
}

/// An event as one line, or as many as it takes; as part of a batch, if one is given.
pub(crate) fn encode(record: &Record, caps: Capabilities, batch: Option<&str>) -> Vec<u8> {
    let source = record.source().to_string();
    let mut lines = Lines { source: &source, record, caps, batch, out: Vec::new() };
    lines.add_event();
    lines.out
}

struct Lines<'a> {
    source: &'a str,
    record: &'a Record,
    caps: Capabilities,
    batch: Option<&'a str>,
    out: Vec<u8>,
}

impl Lines<'_> {
    fn add_event(&mut self) {
        match self.record.event() {
            Event::Joined { channel, away } => self.add_joined(channel.as_str(), away.as_deref()),
            Event::Parted { channel, reason } => {
                self.add_reasoned(Message::new("PART").with_param(channel.as_str()), reason);
            }
            Event::Quit { reason } => self.add(Message::new("QUIT").with_trailing(reason)),
            Event::Renamed { to } => self.add(Message::new("NICK").with_param(to.as_str())),
            Event::Said { to, speech } => self.add_speech(&to.to_string(), speech),
            Event::Tagged { to, tags } => {
                let to = to.to_string();
                self.add_tagged(Message::new("TAGMSG").with_param(&to), tags, true);
            }
            Event::TopicSet { channel, topic } => {
                self.add(Message::new("TOPIC").with_param(channel.as_str()).with_trailing(topic));
            }
            Event::ModeChanged { channel, changes } => self.add_modes(channel.as_str(), changes),
            Event::Kicked { channel, who, reason } => {
                let params = [channel.as_str(), who.nick().as_str()];
                self.add(Message::new("KICK").with_params(&params).with_trailing(reason));
            }
            Event::Invited { channel, who } => {
                let params = [who.nick().as_str(), channel.as_str()];
                self.add(Message::new("INVITE").with_params(&params));
            }
            Event::AwaySet { message } => self.add_away(message.as_deref()),
            Event::RealnameSet => {
                let realname = self.record.source().realname().to_owned();
                self.add(Message::new("SETNAME").with_trailing(&realname));
            }
            Event::AccountSet => {
                let account = self.account().to_owned();
                self.add(Message::new("ACCOUNT").with_param(&account));
            }
            Event::Wallopsed { text } => self.add(Message::new("WALLOPS").with_trailing(text)),
            // To whom they are told, they are told as numerics, or in words.
            Event::Killed { .. } | Event::Online | Event::Offline => {}
        }
    }

    fn add_joined(&mut self, channel: &str, away: Option<&str>) {
        let join = Message::new("JOIN").with_param(channel);
        if self.caps.has(Capability::ExtendedJoin) {
            let (account, realname) =
                (self.account().to_owned(), self.record.source().realname().to_owned());
            self.add(join.with_param(&account).with_trailing(&realname));
        } else {
            self.add(join);
        }
        if away.is_some() && self.caps.has(Capability::AwayNotify) {
            self.add_away(away);
        }
    }

    fn add_away(&mut self, message: Option<&str>) {
        let away = Message::new("AWAY");
        self.add(message.map_or(away, |message| away.with_trailing(message)));
    }

    fn add_reasoned(&mut self, message: Message<'_>, reason: &str) {
        self.add(if reason.is_empty() { message } else { message.with_trailing(reason) });
    }

    /// The account of the source, or `*`.
    fn account(&self) -> &str {
        self.record.source().account().unwrap_or("*")
    }

    /// What does not fit into a line goes into several; the first of them is the event.
    fn add_speech(&mut self, to: &str, speech: &Speech) {
        let command = match speech.kind {
            SpeechKind::Message => "PRIVMSG",
            SpeechKind::Notice => "NOTICE",
        };
        let head = ": PRIVMSG  :\r\n".len() + self.source.len() + to.len();
        let room = LineLimits::FROM_SERVER.body_bytes_max.saturating_sub(head);
        let mut is_first = true;
        for text in pieces(speech, room) {
            let message = Message::new(command).with_param(to).with_trailing(&text);
            self.add_tagged(message, &speech.tags, is_first);
            is_first = false;
        }
    }

    /// As many modes in a line as have room for their parameters.
    fn add_modes(&mut self, channel: &str, changes: &[ModeChange]) {
        for changes in changes.chunks(MODES_PER_LINE) {
            let (letters, params) = mode_params(changes);
            let message = Message::new("MODE").with_param(channel).with_param(&letters);
            let params: Vec<&str> = params.iter().map(AsRef::as_ref).collect();
            self.add(message.with_params(&params));
        }
    }

    fn add(&mut self, message: Message<'_>) {
        self.add_tagged(message, "", true);
    }

    fn add_tagged(&mut self, message: Message<'_>, client_tags: &str, is_event: bool) {
        let tags = self.tags(client_tags, is_event);
        let message = message.with_source(self.source).with_tags(tags.as_tags());
        if let Err(error) = message.encode_cut(&LineLimits::FROM_SERVER, &mut self.out) {
            tracing::warn!(%error, command = message.command(), "an event that is no line of IRC");
        }
    }

    fn tags(&self, client_tags: &str, is_event: bool) -> TagList {
        let mut tags = TagList::new();
        let mut push = |key: &str, value: &str| {
            let pushed = tags.push(key, value);
            pushed.expect("the server's own keys are tags");
        };
        if let Some(batch) = self.batch {
            push("batch", batch);
        }
        if self.caps.has(Capability::ServerTime) {
            push("time", &timestamp(self.record.at()));
        }
        if let Some(account) = self.record.source().account()
            && self.caps.has(Capability::AccountTag)
        {
            push("account", account);
        }
        if self.caps.has(Capability::MessageTags) {
            if is_event {
                push("msgid", self.record.msgid().as_str());
            }
            if self.record.source().is_bot() {
                push("bot", "");
            }
            let client = Tags::from_wire(client_tags).iter().filter(|tag| tag.is_client_only());
            for tag in client {
                let _ = tags.push_tag(tag); // One that is no tag is nobody's loss.
            }
        }
        tags
    }
}

/// Modes with a mask or a nickname each may fill a line; so few fit with what is before them.
pub(crate) const MODES_PER_LINE: usize = 4;

/// `+o-v` and what belongs to each.
pub(crate) fn mode_params(changes: &[ModeChange]) -> (String, Vec<Cow<'_, str>>) {
    let (mut letters, mut params, mut sign) = (String::new(), Vec::new(), None);
    for change in changes {
        if sign.replace(change.adds) != Some(change.adds) {
            letters.push(if change.adds { '+' } else { '-' });
        }
        letters.push(change.mode.letter());
        match &change.mode {
            Mode::Flag(_) => {}
            Mode::Limit(limit) if change.adds => params.push(limit.to_string().into()),
            Mode::Limit(_) => {}
            Mode::Key(text) | Mode::Mask(_, text) | Mode::Rank(_, text) => {
                params.push((**text).into());
            }
        }
    }
    (letters, params)
}

/// What is said, in pieces of at most `room` bytes; each piece of an action is one.
fn pieces(speech: &Speech, room: usize) -> Vec<Cow<'_, str>> {
    if speech.text.len() <= room {
        return vec![Cow::Borrowed(&speech.text)];
    }
    match speech.as_action() {
        None => cut_up(&speech.text, room).map(Cow::Borrowed).collect(),
        Some(action) => {
            let room = room.saturating_sub("\u{1}ACTION \u{1}".len());
            let piece = |piece| Cow::Owned(format!("\u{1}ACTION {piece}\u{1}"));
            cut_up(action, room).map(piece).collect()
        }
    }
}

/// Pieces of at most `room` bytes, cut behind a space where there is one in the second half.
fn cut_up(text: &str, room: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.floor_char_boundary(room.max(4)); // Any character fits, so it ends.
        let space = rest[..end].rfind(' ').map(|at| at + 1).filter(|at| *at > end / 2);
        let end = if end == rest.len() { end } else { space.unwrap_or(end) };
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_spaces_and_between_characters() {
        let all = |text, room| cut_up(text, room).collect::<Vec<_>>();
        assert_eq!(all("one two three", 100), ["one two three"]);
        assert_eq!(all("one two three", 9), ["one two ", "three"]);
        assert_eq!(all("ééé", 5), ["éé", "é"]);
        assert_eq!(all("abcdef", 0), ["abcd", "ef"]);
    }

    #[test]
    fn each_piece_of_an_action_is_one() {
        let action = Speech::action("waves and waves");
        let all = pieces(&action, 16);
        assert_eq!(
            all,
            ["\u{1}ACTION waves \u{1}", "\u{1}ACTION and \u{1}", "\u{1}ACTION waves\u{1}"]
        );
    }

    #[test]
    fn modes_are_written_with_one_sign_for_those_that_follow() {
        use crate::network::{ChannelFlag, Rank};
        let flag = |adds, flag| ModeChange { adds, mode: Mode::Flag(flag) };
        let changes = [
            flag(true, ChannelFlag::Moderated),
            ModeChange { adds: true, mode: Mode::Limit(5) },
            flag(false, ChannelFlag::Secret),
            ModeChange { adds: false, mode: Mode::Limit(0) },
            ModeChange { adds: true, mode: Mode::Rank(Rank::Voice, "bob".into()) },
        ];
        let (letters, params) = mode_params(&changes);
        assert_eq!((letters.as_str(), params), ("+ml-sl+v", vec!["5".into(), "bob".into()]));
    }
}
