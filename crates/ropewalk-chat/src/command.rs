//! [`Command`]: what a person's line means.

/// A line, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// An empty line.
    Nothing,
    Say(&'a str),
    Act(&'a str),
    Tell {
        to: &'a str,
        text: &'a str,
    },
    Join {
        room: &'a str,
        key: Option<&'a str>,
    },
    /// The room, or none for the one that is in view.
    Leave(&'a str),
    Rooms,
    /// What it is to be, or nothing to be told what it is.
    Topic(&'a str),
    Rename(&'a str),
    Who,
    /// Why, or nothing.
    Away(&'a str),
    Back,
    History(Option<usize>),
    Kick {
        who: &'a str,
        why: &'a str,
    },
    Help,
    Quit,
    /// A command that there is not.
    Unknown(&'a str),
}

/// What can be typed, and what it does.
pub(crate) const HELP: &[(&str, &str)] = &[
    ("/join #ROOM", "come into a room, or make one"),
    ("/leave", "leave the room"),
    ("/rooms", "which rooms there are"),
    ("/topic TEXT", "what the room is about"),
    ("/me TEXT", "do something: /me waves"),
    ("/msg NAME TEXT", "say something to one alone"),
    ("/nick NAME", "take another name"),
    ("/who", "who is here"),
    ("/history 20", "what was said before"),
    ("/away TEXT", "be away; /back is back"),
    ("/kick NAME", "send somebody out of a room of yours"),
    ("/quit", "leave the chat"),
    ("//TEXT", "say something that begins with a slash"),
];

impl<'a> Command<'a> {
    /// Whether it asks, and nobody else hears of it.
    pub(crate) fn is_question(&self) -> bool {
        matches!(self, Self::Rooms | Self::Topic("") | Self::Who | Self::History(_) | Self::Help)
    }

    /// Upper and lower case of the command's word are the same. Of words that a command has no use for, none
    /// is an error.
    pub(crate) fn parse(line: &'a str) -> Self {
        let line = line.trim();
        let Some(command) = line.strip_prefix('/') else {
            return if line.is_empty() { Self::Nothing } else { Self::Say(line) };
        };
        if command.starts_with('/') {
            return Self::Say(command);
        }
        let (word, rest) = split_word(command);
        match word.to_ascii_lowercase().as_str() {
            "me" => Self::Act(rest),
            "msg" => {
                let (to, text) = split_word(rest);
                Self::Tell { to, text }
            }
            "join" => {
                let (room, key) = split_word(rest);
                Self::Join { room, key: Some(key).filter(|key| !key.is_empty()) }
            }
            "leave" | "part" => Self::Leave(split_word(rest).0),
            "rooms" | "list" => Self::Rooms,
            "topic" => Self::Topic(rest),
            "nick" => Self::Rename(rest),
            "who" => Self::Who,
            "away" => Self::Away(rest),
            "back" => Self::Back,
            "history" => Self::History(rest.parse().ok()),
            "kick" => {
                let (who, why) = split_word(rest);
                Self::Kick { who, why }
            }
            "help" => Self::Help,
            "quit" => Self::Quit,
            _ => Self::Unknown(word),
        }
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_the_help_says() {
        for (line, command) in [
            ("hello  there", Command::Say("hello  there")),
            ("//etc/passwd", Command::Say("/etc/passwd")),
            ("/ME  waves at bob", Command::Act("waves at bob")),
            ("/msg bob  psst, you", Command::Tell { to: "bob", text: "psst, you" }),
            ("/msg bob", Command::Tell { to: "bob", text: "" }),
            ("/join #rust", Command::Join { room: "#rust", key: None }),
            ("/join rust sesame", Command::Join { room: "rust", key: Some("sesame") }),
            ("/part", Command::Leave("")),
            ("/leave #rust now", Command::Leave("#rust")),
            ("/topic  boats and ropes", Command::Topic("boats and ropes")),
            ("/nick robert", Command::Rename("robert")),
            ("/who is there", Command::Who),
            ("/away", Command::Away("")),
            ("/history", Command::History(None)),
            ("/history 7", Command::History(Some(7))),
            ("/kick bob too loud", Command::Kick { who: "bob", why: "too loud" }),
            ("/help", Command::Help),
            ("/quit", Command::Quit),
            ("/dance now", Command::Unknown("dance")),
            ("/", Command::Unknown("")),
            (" \t", Command::Nothing),
        ] {
            assert_eq!(Command::parse(line), command, "{line}");
        }
    }

    #[test]
    fn all_of_the_help_is_known() {
        for (line, _) in HELP {
            assert!(!matches!(Command::parse(line), Command::Unknown(_)), "{line}");
        }
    }
}
