//! What comes of a [`Command`], whichever way somebody came in by.

use ropewalk_core::Time;
use ropewalk_irc::ChannelName;
use ropewalk_irc::network::{Presence, Refusal, Speech, User};

use crate::command::{Command, HELP};
use crate::text::plain;

/// What came of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Others hear it, or there was nothing to do.
    Nothing,
    /// To be shown to who asked.
    Notes(Vec<String>),
    /// This room is to be in view.
    Show(ChannelName),
    /// So many of the last things that were said in the room in view are to be shown.
    History(usize),
    Quit,
}

/// As many names are listed, and the others counted: a list is to be read, and is not to fill the mailbox of who asks
/// for it.
const NAMES_LISTED_MAX: usize = 100;
/// As many rooms are listed.
const ROOMS_LISTED_MAX: usize = 100;
/// As much of the past is shown, if nobody says how much.
const HISTORY_DEFAULT: usize = 20;

/// Has `user` do what `command` says, in the room that is in `view`.
pub(crate) fn run(
    user: &User,
    now: Time,
    view: Option<&str>,
    command: &Command<'_>,
) -> Result<Done, Refusal> {
    let here = view.ok_or(Refusal::NotOnChannel);
    match *command {
        Command::Nothing => Ok(Done::Nothing),
        Command::Say(text) => say(user, now, here?, &plain(text)),
        Command::Act(text) => act(user, now, here?, &plain(text)),
        Command::Tell { to, text } => tell(user, now, to, &plain(text)),
        Command::Join { room, key } => join(user, now, &room_name(room), key),
        Command::Leave(room) => {
            let room = if room.is_empty() { here?.to_owned() } else { room_name(room) };
            user.part(now, &room, "").map(|()| Done::Nothing)
        }
        Command::Rooms => rooms(user),
        Command::Topic("") => topic(user, here?),
        Command::Topic(text) => user.set_topic(now, here?, &plain(text)).map(|()| Done::Nothing),
        Command::Rename(name) => user.rename(now, name).map(|()| Done::Nothing),
        Command::Who => Ok(note(list(&user.names(here?)?))),
        Command::Away(text) => away(user, now, text),
        Command::Back => user.set_away(now, None).map(|()| note("You are back.")),
        Command::History(count) => Ok(Done::History(count.unwrap_or(HISTORY_DEFAULT))),
        Command::Kick { who, why } => {
            user.kick(now, here?, who, &plain(why)).map(|()| Done::Nothing)
        }
        Command::Help => Ok(Done::Notes(help())),
        Command::Quit => Ok(Done::Quit),
        Command::Unknown(word) => {
            let word = plain(&word.chars().take(40).collect::<String>());
            Ok(note(format!("There is no command /{word}; /help lists them.")))
        }
    }
}

fn note(text: impl Into<String>) -> Done {
    Done::Notes(vec![text.into()])
}

fn say(user: &User, now: Time, to: &str, text: &str) -> Result<Done, Refusal> {
    user.say(now, to, Speech::message(text)).map(|_| Done::Nothing)
}

fn act(user: &User, now: Time, to: &str, text: &str) -> Result<Done, Refusal> {
    user.say(now, to, Speech::action(text)).map(|_| Done::Nothing)
}

/// To one alone: not to a room by its name, which would be a way around what is in view.
fn tell(user: &User, now: Time, to: &str, text: &str) -> Result<Done, Refusal> {
    if to.is_empty() {
        return Err(Refusal::TextEmpty);
    }
    if ChannelName::is_meant(to.trim_start_matches(['@', '+'])) {
        return Err(Refusal::NoSuchNick);
    }
    let said = user.say(now, to, Speech::message(text))?;
    let told = format!("{} was told.", said.to);
    Ok(note(match said.away {
        Some(why) => format!("{told} They are away: {}", plain(&why)),
        None => told,
    }))
}

fn join(user: &User, now: Time, room: &str, key: Option<&str>) -> Result<Done, Refusal> {
    match user.join(now, room, key) {
        Err(Refusal::AlreadyOnChannel) => Ok(Done::Show(user.channel(room)?.name)),
        joined => joined.map(Done::Show),
    }
}

/// What people type for a room's name: the `#` may be missing.
fn room_name(text: &str) -> String {
    if text.starts_with('#') || text.is_empty() { text.to_owned() } else { format!("#{text}") }
}

fn rooms(user: &User) -> Result<Done, Refusal> {
    let mut rooms = user.list()?;
    rooms.sort_by(|one, other| other.members.cmp(&one.members).then(one.name.cmp(&other.name)));
    let more = rooms.len().saturating_sub(ROOMS_LISTED_MAX);
    let line = |topic: &str| if topic.is_empty() { String::new() } else { format!(": {topic}") };
    let mut notes: Vec<String> = rooms
        .iter()
        .take(ROOMS_LISTED_MAX)
        .map(|room| {
            let topic = room.topic.as_ref().map_or(String::new(), |topic| plain(&topic.text));
            format!("{} has {} people{}", room.name, room.members, line(&topic))
        })
        .collect();
    if more > 0 {
        notes.push(format!("and {more} more"));
    }
    Ok(Done::Notes(notes))
}

fn topic(user: &User, room: &str) -> Result<Done, Refusal> {
    Ok(note(match user.topic(room)? {
        Some(topic) => format!("{room} is about: {}", plain(&topic.text)),
        None => format!("{room} is about nothing in particular."),
    }))
}

fn away(user: &User, now: Time, text: &str) -> Result<Done, Refusal> {
    let text = plain(text);
    let why = if text.is_empty() { "away" } else { &text };
    user.set_away(now, Some(why)).map(|()| note("You are away; /back ends it."))
}

/// `3 here: alice, bob, carol`.
pub(crate) fn list(names: &[Presence]) -> String {
    let shown = |presence: &Presence| presence.identity.nick().to_string();
    let listed: Vec<String> = names.iter().take(NAMES_LISTED_MAX).map(shown).collect();
    let more = match names.len() - listed.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} here: {}{more}", names.len(), listed.join(", "))
}

fn help() -> Vec<String> {
    let lines = HELP.iter().map(|(line, does)| format!("  {line:<16} {does}"));
    std::iter::once("What you type is said to all. Or:".to_owned()).chain(lines).collect()
}
