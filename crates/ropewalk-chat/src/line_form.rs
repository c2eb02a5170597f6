//! [`LineForm`]: what is shown to people who read lines.
//!
//! What the chat says begins with `*** `, which nobody's words can: those stand behind `<name> `, `* name `, `-name- ` or
//! `[name] `, and a name has no stars and no spaces. What happens in a room that is not in view has the room's name
//! before it.

use bytes::Bytes;
use ropewalk_core::Transport;
use ropewalk_irc::network::{Encoding, Event, Record, Speech, SpeechKind, Target};

use crate::past::{Past, PastKind};
use crate::text::{mode_letters, plain, utc_minute};

/// Events as lines of text, with CR LF as telnet wants it; `nc` does not mind. Empty for what is not shown. The key is
/// [`IN_VIEW`] or [`ELSEWHERE`].
///
/// [`IN_VIEW`]: Self::IN_VIEW
/// [`ELSEWHERE`]: Self::ELSEWHERE
#[derive(Debug)]
pub struct LineForm;

impl LineForm {
    /// The key for who has the event's room in view, and for events of no room.
    pub const IN_VIEW: u64 = 0;
    /// The key for who looks at another room.
    pub const ELSEWHERE: u64 = 1;
}

impl Encoding for LineForm {
    fn encode(record: &Record, key: u64) -> Bytes {
        let Some(line) = line(record) else { return Bytes::new() };
        match record.event().channel() {
            Some(room) if key == Self::ELSEWHERE => format!("{room} {line}\r\n").into(),
            _ => format!("{line}\r\n").into(),
        }
    }
}

fn line(record: &Record) -> Option<String> {
    let name = record.source().nick();
    Some(match record.event() {
        Event::Said { to, speech } => return said(name.as_str(), to, speech),
        Event::Joined { .. } => format!("*** {name} has joined"),
        Event::Parted { reason, .. } | Event::Quit { reason } => {
            format!("*** {name} has left{}", because(reason))
        }
        Event::Renamed { to } => format!("*** {name} is now called {to}"),
        Event::TopicSet { topic, .. } if topic.is_empty() => {
            format!("*** {name} has taken the topic away")
        }
        Event::TopicSet { topic, .. } => format!("*** {name} has set the topic: {}", plain(topic)),
        Event::ModeChanged { changes, .. } => {
            format!("*** {name} has set the mode {}", mode_letters(changes))
        }
        Event::Kicked { who, reason, .. } => {
            format!("*** {name} has sent {} away{}", who.nick(), because(reason))
        }
        Event::Invited { channel, who } => {
            format!("*** {name} invites {} to {channel}: /join {channel}", who.nick())
        }
        Event::AwaySet { message: Some(message) } => {
            format!("*** {name} is away: {}", plain(message))
        }
        Event::AwaySet { message: None } => format!("*** {name} is back"),
        Event::Wallopsed { text } => format!("*** {name} says to all: {}", plain(text)),
        Event::Killed { reason } => {
            format!("*** Goodbye: {name} has thrown you out{}", because(reason))
        }
        _ => return None,
    })
}

fn said(name: &str, to: &Target, speech: &Speech) -> Option<String> {
    let is_alone = matches!(to, Target::User(_));
    if let Some(text) = speech.as_action() {
        let text = plain(text);
        return Some(if is_alone {
            format!("[{name}] * {text}")
        } else {
            format!("* {name} {text}")
        });
    }
    if speech.is_ctcp() {
        return None;
    }
    let text = plain(&speech.text);
    Some(match speech.kind {
        _ if is_alone => format!("[{name}] {text}"),
        SpeechKind::Message => format!("<{name}> {text}"),
        SpeechKind::Notice => format!("-{name}- {text}"),
    })
}

fn because(reason: &str) -> String {
    let reason = plain(reason);
    if reason.is_empty() { reason } else { format!(" ({reason})") }
}

/// What was said before, with when that was.
pub(crate) fn past_line(past: &Past) -> String {
    let (at, who, text) = (utc_minute(past.at), &past.who, plain(&past.text));
    match past.how {
        PastKind::Said => format!("{at} <{who}> {text}"),
        PastKind::Acted => format!("{at} * {who} {text}"),
        PastKind::Noticed => format!("{at} -{who}- {text}"),
    }
}

/// Writes something that the chat says.
pub(crate) fn notify(transport: &Transport, text: impl std::fmt::Display) {
    transport.write(format!("*** {text}\r\n").as_bytes());
}
