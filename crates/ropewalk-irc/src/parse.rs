//! `Message::parse`: a line is taken apart (RFC 2812 section 2.3.1, IRCv3 message-tags).
//!
//! What can be understood in one way only is taken, as the public parser tests ask: several spaces where one is
//! due, spaces at the end, tags that are escaped oddly. What cannot is refused.

use memchr::memchr3;

use crate::limits::LINE_END;
use crate::{LineLimits, Message, MessageError, PARAMS_MAX, Tags};

impl<'a> Message<'a> {
    /// Reads a line, without the CR LF that ended it.
    ///
    /// The fifteenth parameter takes all that is left, with or without a colon.
    ///
    /// # Errors
    /// Which rule the line breaks, or which of the limits it passes.
    pub fn parse(line: &'a str, limits: &LineLimits) -> Result<Self, MessageError> {
        if memchr3(b'\0', b'\r', b'\n', line.as_bytes()).is_some() {
            return Err(MessageError::ForbiddenByte);
        }
        let (tags, body) = split_tags(line, limits)?;
        if body.len() + LINE_END.len() > limits.body_bytes_max {
            return Err(MessageError::BodyTooLong);
        }
        let (source, rest) = split_source(body)?;
        let (command, rest) = next_word(rest);
        check_command(command)?;
        let mut message = Message::new(command).with_tags(tags);
        message.source = source;
        Ok(with_params(message, rest))
    }
}

fn split_tags<'a>(line: &'a str, limits: &LineLimits) -> Result<(Tags<'a>, &'a str), MessageError> {
    let Some(rest) = line.strip_prefix('@') else { return Ok((Tags::NONE, line)) };
    let Some((tags, body)) = rest.split_once(' ') else { return Err(MessageError::NoCommand) };
    if tags.len() + "@ ".len() > limits.tags_bytes_max {
        return Err(MessageError::TagsTooLong);
    }
    Ok((Tags::from_wire(tags), body.trim_start_matches(' ')))
}

fn split_source(body: &str) -> Result<(Option<&str>, &str), MessageError> {
    let Some(rest) = body.strip_prefix(':') else { return Ok((None, body)) };
    match next_word(rest) {
        ("", _) => Err(MessageError::Source),
        (source, rest) => Ok((Some(source), rest)),
    }
}

fn with_params<'a>(mut message: Message<'a>, mut rest: &'a str) -> Message<'a> {
    while !rest.is_empty() {
        if let Some(trailing) = rest.strip_prefix(':') {
            return message.with_trailing(trailing);
        }
        if message.params().len() + 1 == PARAMS_MAX {
            return message.with_param(rest);
        }
        let (param, after) = next_word(rest);
        message = message.with_param(param);
        rest = after;
    }
    message
}

/// What stands before the first space, and what behind all that follow it.
fn next_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start_matches(' '))
}

/// A word of letters, or three digits.
pub(crate) fn check_command(command: &str) -> Result<(), MessageError> {
    let bytes = command.as_bytes();
    let is_word = bytes.iter().all(u8::is_ascii_alphabetic);
    let is_numeric = bytes.len() == 3 && bytes.iter().all(u8::is_ascii_digit);
    match command {
        "" => Err(MessageError::NoCommand),
        _ if is_word || is_numeric => Ok(()),
        _ => Err(MessageError::Command),
    }
}
