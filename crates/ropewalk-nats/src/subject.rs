//! Subjects: names of places to publish at, and patterns of them to subscribe to.
//!
//! A subject is words with dots between them. In a pattern `*` stands for any one word, and `>`, as the last, for
//! one or more. See "Subject-Based Messaging" in the documentation of NATS.

use ropewalk_core::{Failure, FailureKind};

/// Whether something can be published there.
///
/// # Errors
/// `Local` if it is no subject: it is empty, has an empty word, white space, a control character or a wildcard, or is
/// too long.
pub(crate) fn check(subject: &str, bytes_max: usize) -> Result<(), Failure> {
    let is_good = words(subject, bytes_max).is_some_and(|words| !words.iter().any(|w| is_wild(w)));
    if is_good { Ok(()) } else { Err(bad(subject, bytes_max)) }
}

/// Whether it can be subscribed to.
///
/// # Errors
/// As [`check`]; but wildcards are allowed, `>` as the last word only.
pub(crate) fn check_pattern(subject: &str, bytes_max: usize) -> Result<(), Failure> {
    let is_good = words(subject, bytes_max)
        .and_then(|words| words.split_last().map(|(_, before)| !before.contains(&">")))
        .unwrap_or(false);
    if is_good { Ok(()) } else { Err(bad(subject, bytes_max)) }
}

fn words(subject: &str, bytes_max: usize) -> Option<Vec<&str>> {
    let is_allowed = |c: char| !c.is_whitespace() && !c.is_control();
    if subject.len() > bytes_max || !subject.chars().all(is_allowed) {
        return None;
    }
    let words: Vec<&str> = subject.split('.').collect();
    (!words.contains(&"")).then_some(words)
}

fn is_wild(word: &str) -> bool {
    matches!(word, "*" | ">")
}

fn bad(subject: &str, bytes_max: usize) -> Failure {
    let shown: String = subject.chars().take(80).collect();
    let what = format!(
        "{shown:?} is no subject of NATS: words with dots between them, at most {bytes_max} bytes"
    );
    Failure::new(FailureKind::Local, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_words_with_dots() {
        for good in ["a", "a.b", "chat.räume.1", "_INBOX.x-1", "a*b"] {
            assert!(check(good, 20).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a\tb",
            "a\r\nPUB b 0",
            "*",
            "a.>",
            "123456789012345678901",
        ] {
            assert!(check(bad, 20).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn patterns_may_be_wild_where_nats_says() {
        for good in ["a", "*", ">", "a.*.b", "a.>", "*.>"] {
            assert!(check_pattern(good, 20).is_ok(), "{good}");
        }
        for bad in ["", ">.a", "a.>.b", "a b", "a.\n"] {
            assert!(check_pattern(bad, 20).is_err(), "{bad:?}");
        }
    }
}
