//! `split`: a long text as several messages.

/// The pieces of a text of at most `bytes_max` bytes each: one per line at least (a line of IRC cannot have two),
/// cut between words where that loses less than half of a piece, else between characters. Empty lines are left out.
pub(crate) fn split(text: &str, bytes_max: usize) -> impl Iterator<Item = &str> {
    let lines = text.split(['\r', '\n']).filter(|line| !line.is_empty());
    lines.flat_map(move |line| Pieces { rest: line, bytes_max: bytes_max.max(BYTES_MIN) })
}

/// The longest character, so that there is always something that fits.
const BYTES_MIN: usize = 4;

struct Pieces<'a> {
    rest: &'a str,
    bytes_max: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.len() <= self.bytes_max {
            let last = std::mem::take(&mut self.rest);
            return (!last.is_empty()).then_some(last);
        }
        let end = self.rest.floor_char_boundary(self.bytes_max);
        // A space right behind the piece is as good as one inside.
        let within = &self.rest.as_bytes()[..=end];
        let space = within.iter().rposition(|&byte| byte == b' ').filter(|&at| at > end / 2);
        let (piece, rest) = self.rest.split_at(space.unwrap_or(end));
        self.rest = if space.is_some() { &rest[1..] } else { rest };
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, bytes_max: usize) -> Vec<&str> {
        split(text, bytes_max).collect()
    }

    #[test]
    fn a_text_is_cut_at_lines_then_words_then_characters() {
        assert_eq!(pieces("short", 10), ["short"]);
        assert_eq!(pieces("one\r\ntwo\n\nthree", 10), ["one", "two", "three"]);
        assert_eq!(pieces("some words here", 10), ["some words", "here"]);
        assert_eq!(pieces("some words here", 11), ["some words", "here"]);
        assert_eq!(pieces("a bbbbbbbbbbbbbbb", 10), ["a bbbbbbbb", "bbbbbbb"]);
        assert_eq!(pieces("éééé", 5), ["éé", "éé"]);
        assert_eq!(pieces("日本", 0), ["日", "本"]);
        assert_eq!(pieces("", 10), Vec::<&str>::new());
        assert_eq!(pieces("\r\n", 10), Vec::<&str>::new());
        assert_eq!(pieces("exactlyten", 10), ["exactlyten"]);
    }

    #[test]
    fn no_piece_is_too_long_and_no_letter_is_lost() {
        let text = "the quick brown fox, ЖЖЖЖЖЖЖЖЖЖЖЖ, 日本語日本語 jumps over";
        for bytes_max in 4..80 {
            let pieces = pieces(text, bytes_max);
            assert!(pieces.iter().all(|piece| piece.len() <= bytes_max), "{pieces:?}");
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&pieces.concat()), letters(text));
        }
    }
}
