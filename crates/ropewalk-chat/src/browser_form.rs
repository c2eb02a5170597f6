//! [`BrowserForm`]: what happens, as a browser reads it: an object of JSON without its opening brace, behind which each
//! browser's own number goes.

use std::time::SystemTime;

use bytes::Bytes;
use ropewalk_irc::ChannelName;
use ropewalk_irc::network::{Encoding, Event, Presence, Record, Refusal, Speech, SpeechKind, User};
use serde_json::{Value, json};

use crate::past::{Past, PastKind};
use crate::text::{mode_letters, plain};

/// The events of a network as JSON. Empty for what is not shown. There is one key.
pub(crate) struct BrowserForm;

/// In a room with more people than these, on all threads or on this one, a page is not told who is there, nor who comes
/// and goes: nobody could follow, and each would have to be told of each.
pub(crate) const LISTED_MAX: usize = 200;

impl Encoding for BrowserForm {
    fn encode(record: &Record, _: u64) -> Bytes {
        let Some(mut event) = event(record) else { return Bytes::new() };
        event["name"] = record.source().nick().as_str().into();
        event["at"] = milliseconds(record.at()).into();
        open(&event)
    }
}

/// Without the opening brace.
pub(crate) fn open(event: &Value) -> Bytes {
    Bytes::copy_from_slice(&event.to_string().as_bytes()[1..]) // With no more than it needs: many may wait.
}

fn event(record: &Record) -> Option<Value> {
    Some(match record.event() {
        Event::Said { to, speech } => {
            let (kind, text) = spoken(speech)?;
            json!({"kind": kind, "to": to.to_string(), "text": text, "id": record.msgid().as_str()})
        }
        Event::Tagged { to, tags } => {
            json!({"kind": "typing", "to": to.to_string(), "text": typing(tags)?})
        }
        Event::Joined { channel, away } => {
            json!({"kind": "joined", "room": channel.as_str(), "away": away.is_some()})
        }
        Event::Parted { channel, reason } => {
            json!({"kind": "parted", "room": channel.as_str(), "text": plain(reason)})
        }
        Event::Quit { reason } => json!({"kind": "quit", "text": plain(reason)}),
        Event::Renamed { to } => json!({"kind": "renamed", "text": to.as_str()}),
        Event::TopicSet { channel, topic } => {
            json!({"kind": "topic", "room": channel.as_str(), "text": plain(topic)})
        }
        Event::ModeChanged { channel, changes } => {
            json!({"kind": "mode", "room": channel.as_str(), "text": mode_letters(changes)})
        }
        Event::Kicked { channel, who, reason } => {
            let who = who.nick().as_str();
            json!({"kind": "kicked", "room": channel.as_str(), "who": who, "text": plain(reason)})
        }
        Event::Invited { channel, who } => {
            json!({"kind": "invited", "room": channel.as_str(), "who": who.nick().as_str()})
        }
        Event::AwaySet { message: Some(message) } => {
            json!({"kind": "away", "text": plain(message)})
        }
        Event::AwaySet { message: None } => json!({"kind": "back"}),
        Event::Wallopsed { text } => json!({"kind": "announced", "text": plain(text)}),
        Event::Killed { reason } => json!({"kind": "killed", "text": plain(reason)}),
        _ => return None,
    })
}

fn spoken(speech: &Speech) -> Option<(&'static str, String)> {
    if let Some(text) = speech.as_action() {
        return Some(("acted", plain(text)));
    }
    if speech.is_ctcp() {
        return None;
    }
    let kind = match speech.kind {
        SpeechKind::Message => "said",
        SpeechKind::Notice => "noticed",
    };
    Some((kind, plain(&speech.text)))
}

/// What the tag says that tells of typing (IRCv3 `+typing`): one of three words.
fn typing(tags: &str) -> Option<&str> {
    let word = tags.split(';').find_map(|tag| tag.strip_prefix("+typing="))?;
    matches!(word, "active" | "paused" | "done").then_some(word)
}

/// A room as who is in it sees it now.
pub(crate) fn room(user: &User, room: &ChannelName) -> Result<Value, Refusal> {
    let count = user.channel(room.as_str())?.members;
    let topic = user.topic(room.as_str())?;
    let people = if count > LISTED_MAX { Vec::new() } else { user.names(room.as_str())? };
    let listed: Vec<Value> = people.iter().map(person).collect();
    Ok(json!({
        "kind": "room",
        "room": room.as_str(),
        "topic": topic.map_or(String::new(), |topic| plain(&topic.text)),
        "who": listed,
        "count": count,
    }))
}

fn person(presence: &Presence) -> Value {
    json!({"name": presence.identity.nick().as_str(), "away": presence.away.is_some()})
}

/// Something that was said before.
pub(crate) fn past(past: &Past) -> Value {
    let kind = match past.how {
        PastKind::Said => "said",
        PastKind::Acted => "acted",
        PastKind::Noticed => "noticed",
    };
    json!({
        "kind": kind, "name": past.who, "text": plain(&past.text), "id": past.msgid,
        "at": milliseconds(past.at),
    })
}

/// Since 1970, as a page's script counts.
fn milliseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
