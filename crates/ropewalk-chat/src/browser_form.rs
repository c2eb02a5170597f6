//! [`BrowserForm`]: what happens in a room, as a browser reads it: the inside of an object of JSON.

use std::fmt::Write;

use bytes::Bytes;

use crate::{Encoding, RoomEvent};

/// The events of a room as fields of JSON, without the braces and the number that each browser's own count gives.
pub(crate) struct BrowserForm;

impl Encoding for BrowserForm {
    fn encode(event: &RoomEvent) -> Bytes {
        let fields = match event {
            RoomEvent::Joined { name } => fields(&[("kind", "joined"), ("name", name.as_str())]),
            RoomEvent::Left { name, why } => {
                fields(&[("kind", "left"), ("name", name.as_str()), ("text", &why.to_string())])
            }
            RoomEvent::Said { name, text } => spoken("said", name.as_str(), text.as_str()),
            RoomEvent::Acted { name, text } => spoken("acted", name.as_str(), text.as_str()),
            RoomEvent::Told { name, text } => spoken("told", name.as_str(), text.as_str()),
            RoomEvent::Renamed { from, to } => {
                fields(&[("kind", "renamed"), ("name", from.as_str()), ("text", to.as_str())])
            }
            RoomEvent::Closed => fields(&[("kind", "closed")]),
        };
        fields.into()
    }
}

fn spoken(kind: &str, name: &str, text: &str) -> String {
    fields(&[("kind", kind), ("name", name), ("text", text)])
}

/// Names and texts as the fields of an object.
pub(crate) fn fields(pairs: &[(&str, &str)]) -> String {
    let all: Vec<String> =
        pairs.iter().map(|(name, value)| format!("\"{name}\":{}", quoted(value))).collect();
    all.join(",")
}

/// A text in quotes (RFC 8259 section 7). `<` is written so that the text could stand in HTML, too.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '<' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character)); // A String takes everything.
            }
            character if character.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\"\\\n</script>é"), "\"a\\\"\\\\\\u000a\\u003c/script>é\"");
    }
}
