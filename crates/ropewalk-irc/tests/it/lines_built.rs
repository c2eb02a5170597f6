//! Lines that are put together: what they look like, and what is not let out.

use ropewalk_irc::{LineLimits, Message, MessageError, TagList, numeric};

fn encode(message: Message<'_>) -> Result<String, MessageError> {
    let mut out = b"before ".to_vec();
    let encoded = message.encode(&LineLimits::FROM_CLIENT, &mut out);
    let text = String::from_utf8(out).expect("what is encoded is text");
    let rest = text.strip_prefix("before ").expect("what stood there stays").to_owned();
    assert!(encoded.is_ok() || rest.is_empty(), "what failed has left {rest:?}");
    encoded.map(|()| rest)
}

#[test]
fn a_parameter_gets_a_colon_where_it_needs_one() {
    let rows: &[(&[&str], &str)] = &[
        (&[], "FOO\r\n"),
        (&["a", "b"], "FOO a b\r\n"),
        (&["a", "b c"], "FOO a :b c\r\n"),
        (&["a", ""], "FOO a :\r\n"),
        (&["a", ":b"], "FOO a ::b\r\n"),
        (&["a", "b:c"], "FOO a b:c\r\n"),
        (&[" "], "FOO : \r\n"),
    ];
    for (params, line) in rows {
        assert_eq!(encode(Message::new("FOO").with_params(params)).as_deref(), Ok(*line));
    }
    assert_eq!(encode(Message::new("FOO").with_trailing("a")).as_deref(), Ok("FOO :a\r\n"));
}

#[test]
fn tags_source_and_numeric_stand_in_their_places() {
    let mut tags = TagList::new();
    tags.push("label", "x y").expect("a tag");
    tags.push("+typing", "").expect("a tag");
    let message = Message::new(numeric::RPL_WELCOME)
        .with_tags(tags.as_tags())
        .with_source("irc.example")
        .with_param("dan")
        .with_trailing("Welcome");
    let line = "@label=x\\sy;+typing :irc.example 001 dan :Welcome\r\n";
    assert_eq!(encode(message).as_deref(), Ok(line));
}

#[test]
fn nothing_that_a_user_wrote_can_begin_a_line_or_a_parameter_of_its_own() {
    let foo = Message::new("FOO");
    for bad in ["a\r\nQUIT", "a\nQUIT", "a\rQUIT", "a\0b"] {
        assert_eq!(encode(foo.with_param(bad)), Err(MessageError::ForbiddenByte));
        assert_eq!(encode(foo.with_trailing(bad)), Err(MessageError::ForbiddenByte));
        assert_eq!(encode(foo.with_source(bad)), Err(MessageError::ForbiddenByte));
        assert_eq!(encode(Message::new(bad)), Err(MessageError::Command));
    }
    for bad in ["a b", "", ":a"] {
        assert_eq!(encode(foo.with_params(&[bad, "last"])), Err(MessageError::Param));
    }
    for bad in ["a b", ""] {
        assert_eq!(encode(foo.with_source(bad)), Err(MessageError::Source));
    }
    assert_eq!(encode(Message::new("")), Err(MessageError::NoCommand));
    assert_eq!(encode(Message::new("FOO BAR")), Err(MessageError::Command));
    assert_eq!(encode(foo.with_params(&["x"; 16])), Err(MessageError::TooManyParams));
    assert!(encode(foo.with_params(&["x"; 15])).is_ok());
}

#[test]
fn a_tag_has_a_key_that_is_one_and_a_value_that_can_be_written() {
    let mut tags = TagList::new();
    for bad in ["", "+", "a b", "a;b", "a=b", "ä", "v/", "/a", "v/+a", "a\n", "++a", "a_b"] {
        assert_eq!(tags.push(bad, "x"), Err(MessageError::TagKey), "{bad}");
    }
    assert_eq!(tags.push("a", "b\0"), Err(MessageError::ForbiddenByte));
    assert!(tags.as_tags().is_empty());
    for good in ["a", "+a", "a-b", "+draft/reply", "example.org/x-y9"] {
        tags.push(good, "; \\\r\n").expect(good);
        assert_eq!(tags.as_tags().get(good).as_deref(), Some("; \\\r\n"));
    }
}

#[test]
fn what_passes_a_limit_is_refused_or_cut_at_a_character() {
    let limits = LineLimits { tags_bytes_max: 8, body_bytes_max: 20 };
    let encode = |text| {
        let mut out = Vec::new();
        Message::new("FOO").with_params(&["#a", text]).encode(&limits, &mut out).map(|()| out.len())
    };
    assert_eq!(encode("12345678901"), Ok(20));
    assert_eq!(encode("1234567890 "), Err(MessageError::BodyTooLong));
    let cut = |message: Message<'_>| {
        let mut out = Vec::new();
        message.encode_cut(&limits, &mut out).map(|()| String::from_utf8(out).expect("text"))
    };
    let foo = Message::new("FOO");
    let cut_line = cut(foo.with_params(&["#a", "ééééé é"]));
    assert_eq!(cut_line.as_deref(), Ok("FOO #a :ééééé\r\n"));
    let too_long_before = foo.with_params(&["#aaaaaaaaaaaaaaaaa", "b"]);
    assert_eq!(cut(too_long_before), Err(MessageError::BodyTooLong));
    let mut tags = TagList::new();
    tags.push("a", "12345").expect("a tag");
    assert_eq!(cut(foo.with_tags(tags.as_tags())), Err(MessageError::TagsTooLong));
}

#[test]
fn a_numeric_is_found_by_its_name_and_told_from_an_error() {
    assert_eq!(numeric::name("001"), Some("RPL_WELCOME"));
    assert_eq!(numeric::name("999"), None);
    for error in ["401", "599", "904", "691"] {
        assert!(numeric::is_error(error), "{error}");
    }
    for answer in ["001", "376", "900", "903", "PING", "44", "4444"] {
        assert!(!numeric::is_error(answer), "{answer}");
    }
}
