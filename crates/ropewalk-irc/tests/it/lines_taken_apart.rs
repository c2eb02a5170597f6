//! Lines as they come from servers and clients, odd ones among them, in the spirit of the public parser tests.

use ropewalk_irc::{LineLimits, Message, MessageError, Source};

fn parse(line: &str) -> Result<Message<'_>, MessageError> {
    Message::parse(line, &LineLimits::FROM_SERVER)
}

/// A line, the source in it, the command, the parameters.
type Row = (&'static str, Option<&'static str>, &'static str, &'static [&'static str]);

const LINES: &[Row] = &[
    ("foo bar baz asdf", None, "foo", &["bar", "baz", "asdf"]),
    (":coolguy foo bar baz asdf", Some("coolguy"), "foo", &["bar", "baz", "asdf"]),
    ("foo bar baz :asdf quux", None, "foo", &["bar", "baz", "asdf quux"]),
    ("foo bar baz :", None, "foo", &["bar", "baz", ""]),
    ("foo bar baz ::asdf", None, "foo", &["bar", "baz", ":asdf"]),
    (":coolguy foo bar baz :  asdf quux ", Some("coolguy"), "foo", &["bar", "baz", "  asdf quux "]),
    (":coolguy PRIVMSG bar :lol :) ", Some("coolguy"), "PRIVMSG", &["bar", "lol :) "]),
    (":coolguy foo bar baz :  ", Some("coolguy"), "foo", &["bar", "baz", "  "]),
    (":src JOIN #chan", Some("src"), "JOIN", &["#chan"]),
    (":src JOIN :#chan", Some("src"), "JOIN", &["#chan"]),
    (":src AWAY", Some("src"), "AWAY", &[]),
    (":src AWAY ", Some("src"), "AWAY", &[]),
    (":cool\tguy foo bar baz", Some("cool\tguy"), "foo", &["bar", "baz"]),
    (
        ":coolguy!~ag@n\x02et\x0305w\x0fork.admin PRIVMSG foo :bar",
        Some("coolguy!~ag@n\x02et\x0305w\x0fork.admin"),
        "PRIVMSG",
        &["foo", "bar"],
    ),
    ("@tag1=value1;tag2;vendor1/tag3=value2 COMMAND", None, "COMMAND", &[]),
    ("@a=1   :src   COMMAND   x   :y", Some("src"), "COMMAND", &["x", "y"]),
    (
        ":gravel.mozilla.org 432  #momo :Erroneous Nickname: Illegal characters",
        Some("gravel.mozilla.org"),
        "432",
        &["#momo", "Erroneous Nickname: Illegal characters"],
    ),
    (":gravel.mozilla.org MODE #tckk +n ", Some("gravel.mozilla.org"), "MODE", &["#tckk", "+n"]),
    (":services MODE #foo +o foobar  ", Some("services"), "MODE", &["#foo", "+o", "foobar"]),
    ("@ FOO bar", None, "FOO", &["bar"]),
    ("privmsg ボブ :こんにちは", None, "privmsg", &["ボブ", "こんにちは"]),
];

#[test]
fn a_line_is_taken_apart_into_source_command_and_parameters() {
    for (line, source, command, params) in LINES {
        let message = parse(line).expect(line);
        assert_eq!(message.source_str(), *source, "{line}");
        assert_eq!(message.command(), *command, "{line}");
        assert_eq!(message.params(), *params, "{line}");
    }
}

#[test]
fn the_fifteenth_parameter_takes_all_that_is_left() {
    let message = parse("F 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 :17").expect("a line");
    assert_eq!(message.params().len(), 15);
    assert_eq!(message.last_param(), Some("15 16 :17"));
    let message = parse("F 1 2 3 4 5 6 7 8 9 10 11 12 13 14 :15 16").expect("a line");
    assert_eq!(message.last_param(), Some("15 16"));
}

#[test]
fn a_line_that_cannot_be_understood_is_refused_by_name() {
    let rows = [
        ("", MessageError::NoCommand),
        (" ", MessageError::NoCommand),
        (" PING", MessageError::NoCommand),
        (":", MessageError::Source),
        (": PING", MessageError::Source),
        (":source", MessageError::NoCommand),
        (":source ", MessageError::NoCommand),
        ("@tag", MessageError::NoCommand),
        ("@tag ", MessageError::NoCommand),
        ("@tag :source", MessageError::NoCommand),
        ("12 x", MessageError::Command),
        ("1234 x", MessageError::Command),
        ("4a3 x", MessageError::Command),
        ("PÜNG x", MessageError::Command),
        ("PING\tx", MessageError::Command),
        ("PING x\0", MessageError::ForbiddenByte),
        ("PING x\rQUIT", MessageError::ForbiddenByte),
        ("@a=\n PING x", MessageError::ForbiddenByte),
    ];
    for (line, error) in rows {
        assert_eq!(parse(line), Err(error), "{line:?}");
    }
}

#[test]
fn tags_are_read_where_they_are_asked_for() {
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("@a=b;c=32;k;rt=ql7 foo", &[("a", "b"), ("c", "32"), ("k", ""), ("rt", "ql7")]),
        (
            r"@a=b\\and\nk;c=72\s45;d=gh\:764 foo",
            &[("a", "b\\and\nk"), ("c", "72 45"), ("d", "gh;764")],
        ),
        ("@c;h=;a=b :quux ab cd", &[("c", ""), ("h", ""), ("a", "b")]),
        (r"@foo=\\\\\:\\s\s\r\n COMMAND", &[("foo", "\\\\;\\s \r\n")]),
        (r"@tag1=value\\ntest COMMAND", &[("tag1", "value\\ntest")]),
        (r"@tag1=value\1 COMMAND", &[("tag1", "value1")]),
        (r"@tag1=value1\ COMMAND", &[("tag1", "value1")]),
        ("@tag1=1;tag2=3;tag3=4;tag1=5 COMMAND", &[("tag1", "5"), ("tag2", "3"), ("tag3", "4")]),
        (
            "@tag1=1;vendor/tag1=2;+tag1=3 COMMAND",
            &[("tag1", "1"), ("vendor/tag1", "2"), ("+tag1", "3")],
        ),
        ("@a==b=;;x COMMAND", &[("a", "=b="), ("x", "")]),
        (r"@a=\\\ü;b=\\ COMMAND", &[("a", "\\ü"), ("b", "\\")]),
    ];
    for (line, tags) in rows {
        let message = parse(line).expect(line);
        for (key, value) in *tags {
            assert_eq!(message.tags().get(key).as_deref(), Some(*value), "{key} of {line}");
        }
        assert_eq!(message.tags().get("none"), None);
        assert!(!message.tags().has("none"));
    }
}

#[test]
fn a_source_is_taken_apart_into_nick_user_and_host() {
    let rows = [
        ("coolguy", "coolguy", None, None),
        ("coolguy!ag@127.0.0.1", "coolguy", Some("ag"), Some("127.0.0.1")),
        ("coolguy!~ag@localhost", "coolguy", Some("~ag"), Some("localhost")),
        ("coolguy@127.0.0.1", "coolguy", None, Some("127.0.0.1")),
        ("coolguy!ag", "coolguy", Some("ag"), None),
        (
            "coolguy!ag@net\x035w\x03ork.admin",
            "coolguy",
            Some("ag"),
            Some("net\x035w\x03ork.admin"),
        ),
        ("a!b@c@d!e", "a", Some("b"), Some("c@d!e")),
        ("!@", "", Some(""), Some("")),
    ];
    for (text, nick, user, host) in rows {
        let source = Source::parse(text);
        assert_eq!(source, Source { nick, user, host });
        assert_eq!(source.to_string(), text);
    }
}

#[test]
fn each_part_of_a_line_has_its_own_limit() {
    let limits = LineLimits::FROM_CLIENT;
    let tags = |bytes: usize| format!("@{} PING x", "a".repeat(bytes));
    assert!(Message::parse(&tags(4094), &limits).is_ok());
    assert_eq!(Message::parse(&tags(4095), &limits), Err(MessageError::TagsTooLong));
    let body = |bytes: usize| format!("@a=b PING {}", "x".repeat(bytes - "PING \r\n".len()));
    assert!(Message::parse(&body(512), &limits).is_ok());
    assert_eq!(Message::parse(&body(513), &limits), Err(MessageError::BodyTooLong));
    assert_eq!(limits.line_bytes_max(), 4096 + 510);
}
