//! A line of IRC, of any bytes: it is refused, or says the same after it was put together again; and a mask of any
//! text comes to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_irc::{LineLimits, Mask, Message};

fuzz_target!(|input: &[u8]| {
    let Ok(line) = std::str::from_utf8(input) else { return };
    let limits = LineLimits::FROM_SERVER;
    if let Ok(message) = Message::parse(line, &limits) {
        let _ = (message.source(), message.tags().get("time"));
        let mut out = Vec::new();
        // One byte may be more now: the colon before a last parameter that had none.
        let wider = LineLimits { body_bytes_max: limits.body_bytes_max + 1, ..limits };
        message.encode(&wider, &mut out).expect("what was read can be said");
        let again = std::str::from_utf8(&out).expect("what is encoded is text");
        let again = Message::parse(again.trim_end_matches("\r\n"), &wider);
        assert_eq!(again, Ok(message));
    }
    let (pattern, text) = line.split_at(line.floor_char_boundary(line.len() / 2));
    let _ = Mask::new(pattern).matches(text);
});
