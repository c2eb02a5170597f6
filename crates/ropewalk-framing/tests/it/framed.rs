//! [`Framed`] in a conversation.

use proptest::prelude::*;
use ropewalk_core::{Factory, FailureKind};
use ropewalk_framing::{Framed, NetstringDecoder};
use ropewalk_testing::Conversation;

use crate::heard::{Heard, Notes};

fn conversation(notes: &Notes) -> Conversation<impl Factory> {
    let notes = notes.clone();
    Conversation::new(move || Framed::new(NetstringDecoder::new(), Heard::new(&notes)))
}

fn encode(frames: &[&str]) -> Vec<u8> {
    let mut stream = Vec::new();
    frames.iter().for_each(|frame| NetstringDecoder::encode(frame.as_bytes(), &mut stream));
    stream
}

#[test]
fn frames_after_a_pause_come_when_it_is_over() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed(&encode(&["one", "pause", "two", "pause", "three"]));
    talk.feed(&encode(&["four"]));
    assert_eq!(notes.take(), ["one", "pause"]);
    talk.transport().resume_producing();
    assert!(notes.take().is_empty(), "never inside resume_producing");
    talk.feed(b"");
    assert_eq!(notes.take(), ["two", "pause"]);
    talk.transport().resume_producing();
    talk.feed(b"");
    assert_eq!(notes.take(), ["three", "four"]);
}

#[test]
fn no_frame_comes_after_lose_connection() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    talk.feed(&encode(&["lose", "two"]));
    assert_eq!(notes.take(), ["lose", "lost: ConnectionDone"]);
}

#[test]
fn the_next_protocol_gets_the_rest_of_the_chunk() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    let mut stream = encode(&["one", "switch"]);
    stream.extend_from_slice(b"then the rest");
    let (front, back) = stream.split_at(8); // In the middle of a frame.
    talk.feed_pieces([front, back, b"; and more"]);
    let heard = notes.take();
    assert_eq!(heard[..2], ["one", "switch"]);
    assert_eq!(heard[2..].join(""), "bytes:first, bytes:then the restbytes:; and more");
}

#[test]
fn a_broken_format_costs_the_connection_after_the_frames_before() {
    let notes = Notes::default();
    let talk = conversation(&notes);
    let mut stream = encode(&["one"]);
    stream.extend_from_slice(b"x:");
    talk.feed(&stream);
    assert_eq!(notes.take(), ["one", "lost: Peer"]);
    assert!(talk.lost().expect("it is lost").is(FailureKind::Peer));
}

proptest! {
    #[test]
    fn a_stream_split_anywhere_gives_the_same(cuts in prop::collection::vec(0usize..80, 0..12)) {
        let frames = ["one", "", "pause", "two and a half", "pause", "three", "four"];
        let notes = Notes::default();
        let talk = conversation(&notes);
        let stream = encode(&frames);
        let mut at = 0;
        let mut ends: Vec<_> = cuts.into_iter().map(|cut| cut % stream.len()).collect();
        ends.sort_unstable();
        for end in ends.into_iter().chain([stream.len()]) {
            talk.feed(&stream[at..end]);
            talk.transport().resume_producing();
            talk.feed(b"");
            at = end;
        }
        talk.transport().resume_producing();
        talk.feed(b"");
        prop_assert_eq!(notes.take(), frames);
    }
}
