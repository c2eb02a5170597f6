//! [`Telnet`]: a layer that makes plain text of what a telnet client sends.
//!
//! A telnet client may ask for options at any time, in commands that begin with the byte 255 (RFC 854). This
//! side has none: it says no to each, and what is left is text. To a client that knows nothing of telnet
//! (`nc`) the layer makes no difference, since 255 is in no UTF-8.
//!
//! Someone who types Ctrl-C sends a command, too; it is passed over. Return is CR LF from a client that
//! collects lines, CR NUL from one that sends each key, which RFC 1123 (3.3.1) wants to be the same.

use ropewalk_core::{Chunk, Failure, Layer, LayerIo, OutQueue};

/// Takes the commands of telnet out of what comes in, and says no to every option.
///
/// # Limits
/// It holds nothing: a command may be split anywhere, and a subnegotiation be as long as it likes.
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
}

/// What the bytes before make of the next one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After CR.
    Return,
    Command,
    /// After WILL, WONT, DO or DONT, which it is.
    Option(u8),
    /// After SB: up to IAC SE.
    Subnegotiation,
    CommandInSubnegotiation,
}

const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;

impl Telnet {
    /// One that is in the middle of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one byte; `text` gets what it means to people, `answer` what the peer is told.
    fn byte(&mut self, byte: u8, text: &mut Vec<u8>, answer: &mut Vec<u8>) {
        self.state = match (self.state, byte) {
            (State::Text | State::Return, IAC) => State::Command,
            (State::Return, 0) => {
                text.push(b'\n');
                State::Text
            }
            (State::Text | State::Return, byte) => {
                text.push(byte);
                if byte == b'\r' { State::Return } else { State::Text }
            }
            (State::Command, WILL | WONT | DO | DONT) => State::Option(byte),
            (State::Command, SB) => State::Subnegotiation,
            (State::Command, IAC) => {
                text.push(IAC);
                State::Text
            }
            (State::Command, _) => State::Text,
            (State::Option(verb), option) => {
                refuse(verb, option, answer);
                State::Text
            }
            (State::Subnegotiation, IAC) => State::CommandInSubnegotiation,
            (State::CommandInSubnegotiation, SE) => State::Text,
            (State::Subnegotiation | State::CommandInSubnegotiation, _) => State::Subnegotiation,
        };
    }
}

/// WONT and DONT only say what is so already; an answer to them could go on for ever.
fn refuse(verb: u8, option: u8, answer: &mut Vec<u8>) {
    match verb {
        DO => answer.extend_from_slice(&[IAC, WONT, option]),
        WILL => answer.extend_from_slice(&[IAC, DONT, option]),
        _ => {}
    }
}

impl Layer for Telnet {
    fn inbound(&mut self, chunk: Chunk<'_>, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        let (mut text, mut answer) = (Vec::with_capacity(chunk.len()), Vec::new());
        for byte in chunk.as_slice() {
            self.byte(*byte, &mut text, &mut answer);
        }
        io.deliver(&text);
        io.send(&answer);
        Ok(())
    }

    /// Nothing is changed: the byte 255 is in no UTF-8, and lines end with CR LF.
    fn outbound(&mut self, from: &mut OutQueue, io: &mut LayerIo<'_>) -> Result<(), Failure> {
        io.send_queue(from);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(chunks: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let (mut telnet, mut text, mut answer) = (Telnet::new(), Vec::new(), Vec::new());
        for byte in chunks.concat() {
            telnet.byte(byte, &mut text, &mut answer);
        }
        (text, answer)
    }

    #[test]
    fn plain_text_is_left_as_it_is() {
        let said = "bob\r\nnaïve\n\0日本\r".as_bytes();
        assert_eq!(through(&[said]), (said.to_vec(), Vec::new()));
    }

    #[test]
    fn every_option_is_refused_and_every_refusal_taken() {
        let (text, answer) =
            through(&[b"a", &[IAC, DO, 31, IAC, WILL, 24, IAC, DONT, 1, IAC, WONT, 10], b"b\r\n"]);
        assert_eq!(text, b"ab\r\n");
        assert_eq!(answer, [IAC, WONT, 31, IAC, DONT, 24]);
    }

    #[test]
    fn a_subnegotiation_with_line_feeds_in_it_is_passed_over() {
        let (text, answer) = through(&[b"a", &[IAC, SB, 31, 10, IAC, IAC, 10, IAC, SE], b"b"]);
        assert_eq!((text, answer), (b"ab".to_vec(), Vec::new()));
    }

    #[test]
    fn keys_and_doubled_bytes_are_what_they_mean() {
        let interrupt = [IAC, 244];
        let (text, _) = through(&[&interrupt, b"one\r\0two\r\0", &[IAC, IAC]]);
        assert_eq!(text, b"one\r\ntwo\r\n\xff");
    }
}
