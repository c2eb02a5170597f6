//! Dates as IRCv3 writes them: `2026-11-25T14:00:00.000Z` (server-time, "ISO 8601").
//!
//! The calendar is Gregorian before its time, and days have 86,400 seconds, as Unix time has it.

use std::time::{Duration, SystemTime};

const DAY_SECONDS: u64 = 86_400;

/// A moment as text; one before 1970 is 1970.
pub(crate) fn timestamp(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / DAY_SECONDS);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The moment that a text is, down to the millisecond.
pub(crate) fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, millis) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61; // A leap second is the first of the next minute.
    if !in_range || millis.len() > 9 || !millis.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis = format!("{millis:0<3}")[..3].parse().ok()?;
    let seconds = days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis))
}

/// Seconds of Unix time.
pub(crate) fn unix_seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let parse = |text: &str| {
        let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if is_number { text.parse().ok() } else { None }
    };
    let all: Vec<u64> = text.split(separator).map(parse).collect::<Option<_>>()?;
    all.try_into().ok()
}

/// Days of the four hundred years after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;
/// Days from 1 March of year 0 to 1 January 1970. Years begin in March here, so that leap days end them.
const EPOCH_DAYS: u64 = 719_468;

/// Year, month and day, so many days after 1970 began.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH_DAYS;
    let (era, day_of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / (ERA_DAYS - 1);
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153; // From March; five months have 153 days.
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

/// The other way.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_and_read() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000, "2023-11-14T22:13:20.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(timestamp(at), text);
            assert_eq!(parse_timestamp(text), Some(at));
        }
    }

    #[test]
    fn every_day_of_eight_centuries_comes_back() {
        for day in 0..2 * ERA_DAYS {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2023-11-14",
            "2023-11-14T22:13:20.000",
            "2023-13-14T22:13:20.000Z",
            "2023-00-14T22:13:20.000Z",
            "0000-01-01T00:00:00.000Z",
            "99999-01-01T00:00:00.000Z",
            "2023-11-14T24:00:00.000Z",
            "2023-11-14T22:13:20.éZ",
            "2023-11-14T22:13:20.0000000000Z",
            "+023-11-14T22:13:20.000Z",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        let tenth = parse_timestamp("1970-01-01T00:00:00.1Z");
        assert_eq!(tenth, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(100)));
    }
}
