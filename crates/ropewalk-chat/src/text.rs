//! [`plain`]: what was said, safe to show; and other things as people read them.
//!
//! A terminal does what the bytes say: an escape sequence from somebody else could clear the screen, change its title or
//! type at the prompt. So what is shown of others has no control characters, whichever protocol it came by. What IRC
//! clients put in for bold and colours is left out, since it is shown nowhere here.

use std::time::SystemTime;

use ropewalk_irc::network::{Mode, ModeChange};

/// `text` as one line without anything but what can be seen: tabs and line breaks become spaces, other controls U+FFFD;
/// formatting of IRC (<https://modern.ircdocs.horse/formatting>) and white space at the ends go.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.trim().chars();
    while let Some(character) = rest.next() {
        match character {
            COLOUR => rest = skip_colour(rest.as_str()).chars(),
            HEX_COLOUR => rest = skip_hex_colour(rest.as_str()).chars(),
            '\u{2}' | '\u{f}' | '\u{11}' | '\u{16}' | '\u{1d}' | '\u{1e}' | '\u{1f}' => {}
            other => shown.push(made_safe(other)),
        }
    }
    shown
}

const COLOUR: char = '\u{3}';
const HEX_COLOUR: char = '\u{4}';

/// `\u{2028}` and `\u{2029}` are line and paragraph separators; the ranges are the embeddings, overrides and isolates of
/// the bidirectional algorithm (UAX #9).
fn made_safe(character: char) -> char {
    match character {
        '\t' | '\r' | '\n' | '\u{2028}' | '\u{2029}' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    }
}

/// One or two digits, and a comma and as many for the background.
fn skip_colour(text: &str) -> &str {
    let behind = skip_digits(text, 2, |c| c.is_ascii_digit());
    match behind.strip_prefix(',') {
        Some(ground)
            if behind.len() < text.len() && ground.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            skip_digits(ground, 2, |c| c.is_ascii_digit())
        }
        _ => behind,
    }
}

fn skip_hex_colour(text: &str) -> &str {
    skip_digits(text, 6, |c| c.is_ascii_hexdigit())
}

fn skip_digits(text: &str, digits_max: usize, is_digit: fn(char) -> bool) -> &str {
    let digits = text.chars().take(digits_max).take_while(|c| is_digit(*c)).count();
    &text[digits..] // They are ASCII.
}

/// `+o bob -t`.
pub(crate) fn mode_letters(changes: &[ModeChange]) -> String {
    let words = changes.iter().map(|change| {
        let sign = if change.adds { '+' } else { '-' };
        let letter = change.mode.letter();
        match &change.mode {
            Mode::Limit(limit) if change.adds => format!("{sign}{letter} {limit}"),
            Mode::Mask(_, text) | Mode::Rank(_, text) => format!("{sign}{letter} {}", plain(text)),
            _ => format!("{sign}{letter}"), // Not the key: it is for who may come.
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `2026-11-25 14:05`, of UTC.
pub(crate) fn utc_minute(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, minutes) = (seconds / 86_400, seconds / 60 % 1_440);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// The date so many days after 1 January 1970, in the Gregorian calendar. Years are counted from March, so that the odd
/// day is at their end.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days + 719_468; // From 1 March of the year 0.
    let (cycle, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + next, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_control_reaches_a_terminal() {
        let text = plain("a\u{1b}[2Jb\u{9b}c\u{7f}d\re\u{202e}f\0");
        assert_eq!(text, "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d e\u{fffd}f\u{fffd}");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for said in ["naïve café", "日本語", "e\u{301}", "👩\u{200d}🚀", "שלום"] {
            assert_eq!(plain(said), said);
        }
    }

    #[test]
    fn formatting_is_left_out() {
        for (said, shown) in [
            ("\u{2}bold\u{2} and \u{1d}slanted\u{f}", "bold and slanted"),
            ("\u{3}4,12red on blue\u{3}, \u{3}123", "red on blue, 3"),
            ("\u{3}4,é", ",é"),
            ("\u{3},4", ",4"),
            ("\u{4}ff00aacolour\u{4}", "colour"),
            ("\u{3}", ""),
        ] {
            assert_eq!(plain(said), shown, "{said:?}");
        }
    }

    #[test]
    fn a_moment_is_shown_to_the_minute() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00"),
            (951_827_696, "2000-02-29 12:34"),
            (951_868_800, "2000-03-01 00:00"),
            (1_798_761_599, "2026-12-31 23:59"),
            (4_107_542_400, "2100-03-01 00:00"),
        ] {
            assert_eq!(utc_minute(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), shown);
        }
    }
}
