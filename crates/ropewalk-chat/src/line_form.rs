//! [`LineForm`]: what is shown to members who read lines.
//!
//! What the room says begins with `*** `, which nobody's words can: those stand behind `<name> `, `* name ` or
//! `[name] `, and a name has no stars and no spaces.

use bytes::Bytes;
use ropewalk_core::Transport;

use crate::{Encoding, Name, RoomEvent};

/// Events as lines of text, with CR LF as telnet wants it; `nc` does not mind.
#[derive(Debug)]
pub struct LineForm;

/// As many names are listed, and the others counted: a list is to be read, and is not to fill the mailbox of
/// who asks for it.
const NAMES_LISTED_MAX: usize = 100;

/// What `/help` says.
pub(crate) const HELP: &str = "\
*** What you type is said to all. Or:\r
***   /me TEXT        do something: /me waves\r
***   /msg NAME TEXT  say something to one alone\r
***   /nick NAME      take another name\r
***   /who            who is here\r
***   /quit           leave\r
***   //TEXT          say something that begins with a slash\r
";

impl Encoding for LineForm {
    fn encode(event: &RoomEvent) -> Bytes {
        let line = match event {
            RoomEvent::Joined { name } => format!("*** {name} has joined\r\n"),
            RoomEvent::Left { name, why } => format!("*** {name} has left ({why})\r\n"),
            RoomEvent::Said { name, text } => format!("<{name}> {text}\r\n"),
            RoomEvent::Acted { name, text } => format!("* {name} {text}\r\n"),
            RoomEvent::Told { name, text } => format!("[{name}] {text}\r\n"),
            RoomEvent::Renamed { from, to } => format!("*** {from} is now called {to}\r\n"),
            RoomEvent::Closed => "*** The room is closed. Goodbye.\r\n".to_owned(),
        };
        line.into()
    }
}

/// Writes something that the room says.
pub(crate) fn notify(transport: &Transport, text: impl std::fmt::Display) {
    transport.write(format!("*** {text}\r\n").as_bytes());
}

/// `3 here: alice, bob, carol`.
pub(crate) fn list(names: &[Name]) -> String {
    let listed: Vec<&str> = names.iter().take(NAMES_LISTED_MAX).map(Name::as_str).collect();
    let more = match names.len() - listed.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} here: {}{more}", names.len(), listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<Name> {
        (0..count).map(|i| Name::new(&format!("m{i}"), 9).expect("it is a name")).collect()
    }

    #[test]
    fn a_list_of_names_is_bounded() {
        assert_eq!(list(&names(3)), "3 here: m0, m1, m2");
        let long = list(&names(NAMES_LISTED_MAX + 7));
        assert!(long.starts_with("107 here: m0, ") && long.ends_with("m99 and 7 more"), "{long}");
    }
}
