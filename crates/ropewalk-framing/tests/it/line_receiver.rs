//! [`LineReceiver`] in a conversation.

use proptest::prelude::*;
use ropewalk_core::{Factory, FailureKind};
use ropewalk_framing::{LineDecoder, LineReceiver};
use ropewalk_testing::Conversation;

use crate::heard::{Heard, Notes};

fn receiver(heard: Heard) -> LineReceiver<Heard> {
    let mut decoder = LineDecoder::new();
    decoder.line_bytes_max = 20;
    LineReceiver::with_decoder(decoder, heard)
}

fn conversation(notes: &Notes) -> Conversation<impl Factory> {
    let notes = notes.clone();
    Conversation::new(move || receiver(Heard::new(&notes)))
}

/// Lets pauses end and what is held come.
fn resume(talk: &Conversation<impl Factory>) {
    talk.transport().resume_producing();
    talk.feed(b"");
}

#[test]
fn lines_after_a_pause_come_when_it_is_over_and_the_end_after_them() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed_pieces([&b"one\npau"[..], b"se\ntwo\nthr", b"ee\r\n"]);
    talk.close_peer();
    assert_eq!(notes.take(), ["one", "pause"]);
    resume(&talk);
    assert_eq!(notes.take(), ["two", "three", "read lost", "lost: ConnectionDone"]);
}

#[test]
fn no_line_comes_after_lose_connection() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed(b"lose\ntwo\n");
    assert_eq!(notes.take(), ["lose", "lost: ConnectionDone"]);
}

#[test]
fn the_next_protocol_gets_the_rest_of_the_chunk() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed_pieces([&b"one\nswi"[..], b"tch\r\nhalf a line", b" and more"]);
    let heard = notes.take();
    assert_eq!(heard[..2], ["one", "switch"]);
    assert_eq!(heard[2..].join(""), "bytes:first, bytes:half a linebytes: and more");
}

#[test]
fn raw_bytes_come_between_lines() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed(b"raw 7\nab\ncd\n!two\nraw 0\nthree\n");
    assert_eq!(notes.take(), ["raw 7", "raw:ab\ncd\n!", "two", "raw 0", "raw:", "three"]);
}

#[test]
fn raw_bytes_that_were_not_used_come_again_with_those_after_them() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed(b"raw 10\nabcd");
    assert_eq!(notes.take(), ["raw 10"]);
    talk.feed(b"efghijtwo\n");
    assert_eq!(notes.take(), ["raw:abcdefghij", "two"]);
}

#[test]
fn a_line_too_long_is_passed_over_and_the_next_one_comes() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed(format!("one\n{}\ntwo\n", "x".repeat(50)).as_bytes());
    assert_eq!(notes.take(), ["one", "too long", "two"]);
    (0..5).for_each(|_| talk.feed(&[b'y'; 15]));
    talk.feed(b"\r");
    talk.feed(b"\nthree\n");
    assert_eq!(notes.take(), ["too long", "three"]);
}

#[test]
fn a_line_too_long_costs_a_strict_receiver_its_connection() {
    let notes = Notes::default();
    let strict = notes.clone();
    let talk = Conversation::new(move || receiver(Heard::strict(&strict)));
    talk.feed(format!("one\n{}\ntwo\n", "x".repeat(50)).as_bytes());
    assert_eq!(notes.take(), ["one", "too long", "lost: Limit"]);
    assert!(talk.lost().expect("it is lost").is(FailureKind::Limit));
}

proptest! {
    #[test]
    fn a_stream_split_anywhere_gives_the_same(cuts in prop::collection::vec(0usize..200, 0..20)) {
        let stream = b"one\n\r\npause\ntwo\r\nraw 9\n\r\n123\n\r\n\nraw 2\nabpause\nover twenty bytes of a line\nraw 1\n\nend\n";
        let notes = Notes::default();
        let talk = conversation(&notes);
        let mut at = 0;
        let mut ends: Vec<_> = cuts.into_iter().map(|cut| cut % stream.len()).collect();
        ends.sort_unstable();
        for end in ends.into_iter().chain([stream.len()]) {
            talk.feed(&stream[at..end]);
            resume(&talk);
            at = end;
        }
        resume(&talk);
        let heard = notes.take();
        let expected = [
            "one", "", "pause", "two", "raw 9", "raw:\r\n123\n\r\n\n", "raw 2", "raw:ab", "pause",
            "too long", "raw 1", "raw:\n", "end",
        ];
        prop_assert_eq!(heard, expected);
    }
}
