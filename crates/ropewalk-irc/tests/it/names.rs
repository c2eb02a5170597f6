//! What users and channels of our own network may be called.

use ropewalk_irc::{ChannelName, NameError, Nick};

#[test]
fn letters_of_any_script_and_some_signs_are_a_nick() {
    for text in ["a", "Zoë", "ボブ", "x-1_y.z", "Ольга", "[a]", "\\^{}|`", "_", "a9"] {
        assert_eq!(Nick::new(text, 32).expect(text).as_str(), text);
    }
}

#[test]
fn what_cannot_be_seen_or_deceives_is_no_nick() {
    for bad in [
        ' ', '\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{200b}', '\u{202e}', '\u{301}', '\u{3164}',
        '/', '<', '!', '@', '#', ',', '*', '?', ':', '+', '%', '~', '&', '\0', '\u{2800}',
    ] {
        let text = format!("a{bad}b");
        assert_eq!(Nick::new(&text, 32), Err(NameError::Has(bad)), "{text:?}");
    }
}

#[test]
fn a_nick_is_neither_empty_nor_long_and_begins_with_no_number() {
    assert_eq!(Nick::new("", 8), Err(NameError::Empty));
    assert!(Nick::new("éééé", 8).is_ok());
    assert_eq!(Nick::new("ééééé", 8), Err(NameError::TooLong(8)));
    assert_eq!(Nick::new("9a", 8), Err(NameError::BeginsWith('9')));
    assert_eq!(Nick::new("-a", 8), Err(NameError::BeginsWith('-')));
}

#[test]
fn case_makes_no_other_name() {
    let nick = |text| Nick::new(text, 32).expect(text);
    for (one, other) in
        [("bob", "BOB"), ("Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"), ("Straße", "STRASSE"), ("k", "\u{212a}")]
    {
        assert_eq!(nick(one), nick(other), "{one} and {other}");
        assert_eq!(nick(one).folded(), nick(other).folded());
    }
    assert_ne!(nick("bob"), nick("rob"));
    assert_ne!(nick("[a]"), nick("{a}"), "in ASCII only letters have a case");
    let channel = |text| ChannelName::new(text, 32).expect(text);
    assert_eq!(channel("#Ünder"), channel("#üNDER"));
}

#[test]
fn a_channel_is_a_hash_and_anything_that_can_be_seen() {
    for text in ["#a", "##", "#a:b", "#日本", "#a!b@c", "#🚀", "#*?"] {
        assert_eq!(ChannelName::new(text, 32).expect(text).as_str(), text);
    }
    for (text, error) in [
        ("", NameError::Empty),
        ("#", NameError::Empty),
        ("a", NameError::BeginsWith('a')),
        ("&a", NameError::BeginsWith('&')),
        ("#a b", NameError::Has(' ')),
        ("#a,b", NameError::Has(',')),
        ("#a\u{7}", NameError::Has('\u{7}')),
        ("#a\u{200b}", NameError::Has('\u{200b}')),
        ("#a\u{a0}", NameError::Has('\u{a0}')),
        ("#123456789", NameError::TooLong(9)),
    ] {
        assert_eq!(ChannelName::new(text, 9), Err(error), "{text}");
    }
}
