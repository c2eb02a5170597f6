//! [`Entries`]: the text of a master file, cut into entries: lines, and lines that parentheses join (RFC 1035, section
//! 5.1).
//!
//! What an entry means is for `domain` to read; it gets each on its own. Here is what it needs help with: the number of
//! the line, times with units (`1h30m`, `2w`), which are no part of the RFC and in many files, and `$GENERATE`.

use std::ops::Range;

/// Cuts a text into entries.
pub(super) struct Entries<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
}

/// One entry: its text, with the end of its last line.
pub(super) struct Entry<'t> {
    pub(super) text: &'t [u8],
    /// The line on which it begins, from one.
    pub(super) line: u32,
    /// What is wrong with it as a text.
    pub(super) flaw: Option<&'static str>,
    /// Where in the text its words are.
    words: Vec<Range<usize>>,
}

impl<'t> Entries<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    /// The next entry that has words.
    fn next(&mut self) -> Option<Entry<'t>> {
        loop {
            let rest = &self.text[self.at..];
            if rest.is_empty() {
                return None;
            }
            let scanned = scan(rest);
            let (line, text) = (self.line, &rest[..scanned.len]);
            self.at += scanned.len;
            self.line += scanned.lines;
            let (flaw, words) = (scanned.flaw, scanned.words);
            if !words.is_empty() || flaw.is_some() {
                return Some(Entry { text, line, flaw, words });
            }
        }
    }
}

/// The first entry of a text.
#[derive(Default)]
struct Scanned {
    len: usize,
    lines: u32,
    words: Vec<Range<usize>>,
    flaw: Option<&'static str>,
}

/// Finds the end of the first entry, and its words.
fn scan(text: &[u8]) -> Scanned {
    let (mut at, mut depth, mut scanned) = (0, 0u32, Scanned::default());
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\n' => {
                at += 1;
                scanned.lines += 1;
                if depth == 0 {
                    break;
                }
            }
            b';' => at += line_len(&text[at..]),
            b'(' => {
                depth += 1;
                at += 1;
            }
            b')' => {
                at += 1;
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => scanned.flaw = Some("a parenthesis closes nothing"),
                }
            }
            b' ' | b'\t' | b'\r' => at += 1,
            _ => {
                let end = at + word_len(&text[at..]);
                let word = &text[at..end];
                if has_open_quote(word) {
                    scanned.flaw = Some("a quote is not closed");
                }
                scanned.lines += u32::try_from(count_lines(word)).unwrap_or(0);
                scanned.words.push(at..end);
                at = end;
            }
        }
    }
    if depth > 0 {
        scanned.flaw = Some("a parenthesis is not closed");
    }
    scanned.len = at;
    scanned
}

/// Whether a quote of a word is never closed.
fn has_open_quote(word: &[u8]) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for &byte in word {
        quoted ^= byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
    }
    quoted
}

fn count_lines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}

/// Up to the end of the line, or of all.
fn line_len(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len())
}

/// How long the word is that begins a text: to the next space, or to the other quote.
fn word_len(text: &[u8]) -> usize {
    let (mut at, mut quoted) = (0, false);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => quoted = !quoted,
            b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b';' if !quoted => break,
            _ => {}
        }
        at += 1;
    }
    at.min(text.len()).max(1)
}

impl<'t> Entry<'t> {
    pub(super) fn word(&self, index: usize) -> Option<&'t [u8]> {
        self.words.get(index).map(|range| &self.text[range.clone()])
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &'t [u8]> {
        self.words.iter().map(|range| &self.text[range.clone()])
    }

    /// Whether its first word is this directive.
    pub(super) fn is(&self, directive: &str) -> bool {
        self.word(0).is_some_and(|word| word.eq_ignore_ascii_case(directive.as_bytes()))
    }

    /// The text with an end of line, and the times in it as seconds.
    pub(super) fn plain_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.text.len() + 1);
        let mut copied = 0;
        for index in self.times() {
            let range = &self.words[index];
            if let Some(seconds) = seconds(&self.text[range.clone()]) {
                text.extend_from_slice(&self.text[copied..range.start]);
                text.extend_from_slice(seconds.to_string().as_bytes());
                copied = range.end;
            }
        }
        text.extend_from_slice(&self.text[copied..]);
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text
    }

    /// Which words may be times: a TTL before the type, and the numbers of a SOA.
    fn times(&self) -> Range<usize> {
        if self.is("$TTL") {
            return 1..2.min(self.words.len());
        }
        let is_indented = self.text.first().is_some_and(|byte| b" \t".contains(byte));
        let first = if is_indented { 0 } else { 1 };
        let is_soa =
            |index: usize| self.word(index).is_some_and(|w| w.eq_ignore_ascii_case(b"SOA"));
        let before_type = first..(first + 2).min(self.words.len());
        let soa = (first..first + 3).find(|&index| is_soa(index));
        match soa {
            // Behind SOA there are two names and the serial.
            Some(soa) if self.words.len() > soa + 4 => soa + 4..self.words.len(),
            _ => before_type.start.min(before_type.end)..before_type.end,
        }
    }
}

/// `1h30m` as seconds: numbers with units of weeks, days, hours, minutes and seconds. `None` for what is none, and for a
/// number without a unit.
fn seconds(word: &[u8]) -> Option<u32> {
    let (mut total, mut number) = (0u32, None::<u32>);
    for &byte in word {
        if byte.is_ascii_digit() {
            let digit = u32::from(byte - b'0');
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && !word.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(u32, String)> {
        let plain = |entry: Entry<'_>| {
            (entry.line, String::from_utf8(entry.plain_text()).expect("it was text"))
        };
        Entries::new(text.as_bytes()).map(plain).collect()
    }

    #[test]
    fn parentheses_join_lines_and_comments_are_none() {
        let text =
            "; a comment (\n\na A 1.2.3.4 ; (\n@ SOA a b ( 1\n 2 ; )\n 3 4 5 )\nb TXT \"( ; \"\n";
        let lines: Vec<u32> = entries(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [3, 4, 7]);
    }

    #[test]
    fn times_have_units_where_times_may_be() {
        let text = |text| entries(text).remove(0).1;
        assert_eq!(text("$TTL 1h30m"), "$TTL 5400\n");
        assert_eq!(text("a 2d IN TXT 1h\n"), "a 172800 IN TXT 1h\n");
        assert_eq!(text(" IN 1w A 1.2.3.4\n"), " IN 604800 A 1.2.3.4\n");
        assert_eq!(
            text("@ SOA 1h 1m 7 1h 1m 1w (1d\n)\n"),
            "@ SOA 1h 1m 7 3600 60 604800 (86400\n)\n"
        );
        assert_eq!(text("1d A 1.2.3.4\n"), "1d A 1.2.3.4\n");
        assert_eq!(text("a 99999999w A 1.2.3.4\n"), "a 99999999w A 1.2.3.4\n");
    }
}
