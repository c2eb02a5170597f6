//! Whatever is encoded reads the same, and whatever is read encodes the same; no text makes either panic.

use proptest::prelude::*;
use ropewalk_irc::{LineLimits, Mask, Message, TagList};

const LIMITS: LineLimits = LineLimits { tags_bytes_max: 1 << 16, body_bytes_max: 1 << 16 };

proptest! {
    #[test]
    fn what_is_encoded_reads_the_same(
        tags in prop::collection::vec(("\\+?([a-z.]{1,5}/)?[a-z0-9-]{1,5}", "[^\0]{0,12}"), 0..4),
        source in prop::option::of("[^\0\r\n ]{1,20}"),
        command in "[A-Za-z]{1,10}|[0-9]{3}",
        middle in prop::collection::vec("[^\0\r\n :][^\0\r\n ]{0,10}", 0..14),
        last in prop::option::of("[^\0\r\n]{0,30}"),
        is_trailing in any::<bool>(),
    ) {
        let mut list = TagList::new();
        for (key, value) in &tags {
            list.push(key, value).expect("a tag");
        }
        let mut message = Message::new(&command).with_tags(list.as_tags());
        for param in &middle {
            message = message.with_param(param);
        }
        if let Some(source) = &source {
            message = message.with_source(source);
        }
        if let Some(last) = &last {
            message = if is_trailing { message.with_trailing(last) } else { message.with_param(last) };
        }
        let mut out = Vec::new();
        message.encode(&LIMITS, &mut out).expect("a message that is one");
        let line = std::str::from_utf8(&out).expect("text").strip_suffix("\r\n").expect("an end");
        let read = Message::parse(line, &LIMITS).expect("a line that is one");
        prop_assert_eq!(&read, &message);
        for (key, value) in tags.iter().rev().take(1) {
            prop_assert_eq!(read.tags().get(key).expect("the tag"), value.as_str());
        }
    }

    #[test]
    fn what_is_read_encodes_to_what_reads_the_same(line in "[@: a=;\\\\#0-9A-Zé]{0,40}") {
        if let Ok(message) = Message::parse(&line, &LIMITS) {
            let mut out = Vec::new();
            message.encode(&LIMITS, &mut out).expect("what was read can be said");
            let again = std::str::from_utf8(&out).expect("text").trim_end_matches("\r\n");
            prop_assert_eq!(Message::parse(again, &LIMITS).expect("it can be read again"), message);
        }
    }

    #[test]
    fn no_text_makes_reading_or_matching_panic(line in any::<String>(), text in any::<String>()) {
        if let Ok(message) = Message::parse(&line, &LIMITS) {
            let _ = (message.source(), message.tags().get("a"), message.tags().iter().count());
        }
        let _ = Mask::new(&line).matches(&text);
    }

    #[test]
    fn a_cut_line_keeps_to_its_limit(text in "[a-zé日 ]{0,80}", max in 12usize..60) {
        let limits = LineLimits { body_bytes_max: max, ..LIMITS };
        let mut out = Vec::new();
        let message = Message::new("SAY").with_param("#a").with_trailing(&text);
        if message.encode_cut(&limits, &mut out).is_ok() {
            prop_assert!(out.len() <= max && out.ends_with(b"\r\n"));
            let line = std::str::from_utf8(&out).expect("text").trim_end_matches("\r\n");
            let read = Message::parse(line, &limits).expect("a line");
            prop_assert!(text.starts_with(read.last_param().expect("a text")));
        }
    }
}
