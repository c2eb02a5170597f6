//! [`LineCommand`]: what a member's line means.

/// A line, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LineCommand<'a> {
    /// An empty line.
    Nothing,
    Say(&'a str),
    Act(&'a str),
    Tell {
        to: &'a str,
        text: &'a str,
    },
    Rename(&'a str),
    Who,
    Help,
    Quit,
    /// A command that there is not.
    Unknown(&'a str),
}

impl<'a> LineCommand<'a> {
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
            "nick" => Self::Rename(rest),
            "who" => Self::Who,
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
            ("hello  there", LineCommand::Say("hello  there")),
            ("//etc/passwd", LineCommand::Say("/etc/passwd")),
            ("/ME  waves at bob", LineCommand::Act("waves at bob")),
            ("/msg bob  psst, you", LineCommand::Tell { to: "bob", text: "psst, you" }),
            ("/msg bob", LineCommand::Tell { to: "bob", text: "" }),
            ("/nick robert", LineCommand::Rename("robert")),
            ("/who is there", LineCommand::Who),
            ("/help", LineCommand::Help),
            ("/quit", LineCommand::Quit),
            ("/dance now", LineCommand::Unknown("dance")),
            ("/", LineCommand::Unknown("")),
            (" \t", LineCommand::Nothing),
        ] {
            assert_eq!(LineCommand::parse(line), command, "{line}");
        }
    }
}
