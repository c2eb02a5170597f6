//! Masks: what they mean, and what they cost.

use ropewalk_irc::Mask;

#[test]
fn a_mask_means_what_it_says() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("*@127.0.0.1", &["coolguy!ab@127.0.0.1", "@127.0.0.1"], &["coolguy!ab@127.0.0.5"]),
        ("cool*@*", &["coolguy!ab@net", "COOLGUY@x"], &["a!b@c", "acool@x"]),
        ("cool!*@*", &["cool!guyab@net"], &["coolguy!ab@net"]),
        ("cool!?username@*", &["cool!ausername@net"], &["cool!username@net"]),
        ("cool!a?*@*", &["cool!ab@net", "cool!abc@net"], &["cool!a@net"]),
        ("cool[guy]!*@*", &["cool[guy]!a@b"], &["coolg!a@b", "cool{guy}!a@b"]),
        ("", &[""], &["a"]),
        ("*", &["", "anything"], &[]),
        ("**a", &["a", "ba", "aa"], &["ab", ""]),
        ("*a*b*c", &["abc", "xaybzc", "aabbcc"], &["acb", "ab", "abcd"]),
        (r"\*\?\\", &[r"*?\"], &["abc", r"*?\\"]),
        (r"a\b\", &[r"a\b\"], &["ab"]),
        ("?", &["é", "日"], &["", "ab"]),
        ("*É*", &["caféx"], &["cafe"]),
    ];
    for (mask, matching, others) in rows {
        for text in *matching {
            assert!(Mask::new(mask).matches(text), "{mask} means {text}");
        }
        for text in *others {
            assert!(!Mask::new(mask).matches(text), "{mask} does not mean {text}");
        }
    }
}

#[test]
fn a_mask_full_of_stars_costs_no_more_than_its_length_and_the_text_s() {
    // One that tries each way to share the text out among the stars would not come back from this.
    let mask = Mask::new(&"*a".repeat(200));
    assert!(!mask.matches(&("a".repeat(199) + &"b".repeat(300))));
    assert!(mask.matches(&"a".repeat(400)));
}

#[test]
fn a_mask_knows_whether_it_means_one_text_only() {
    assert!(Mask::new("a*").has_wildcards());
    assert!(Mask::new("a?").has_wildcards());
    assert!(!Mask::new(r"a\*").has_wildcards());
    assert_eq!(Mask::new("A*").to_string(), "A*");
}
