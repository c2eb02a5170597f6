//! The code in a Markdown text: its spans in backticks and the lines of its fenced blocks.

/// A piece of code in a guide.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// The line of the file on which it begins, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Every piece of code: a span may go on over a line's end, but not over a blank line.
pub(crate) fn snippets(markdown: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut open: Option<Snippet> = None;
    let mut is_fenced = false;
    for (index, text) in markdown.lines().enumerate() {
        let line = index + 1;
        if is_fence(text) {
            is_fenced = !is_fenced;
            open = None;
        } else if is_fenced {
            found.push(Snippet { line, text: text.to_owned() });
        } else if text.trim().is_empty() {
            open = None;
        } else {
            spans(line, text, &mut open, &mut found);
        }
    }
    found
}

fn is_fence(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches("> ");
    text.starts_with("```") || text.starts_with("~~~")
}

/// Goes over one line; `open` is the span that the line before left unfinished.
fn spans(line: usize, text: &str, open: &mut Option<Snippet>, found: &mut Vec<Snippet>) {
    if let Some(span) = open {
        span.text.push(' ');
    }
    // Two backticks in a row delimit like one.
    for (index, part) in text.replace("``", "`").split('`').enumerate() {
        if index > 0 {
            match open.take() {
                Some(span) => found.push(span),
                None => *open = Some(Snippet { line, text: String::new() }),
            }
        }
        if let Some(span) = open {
            span.text.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(markdown: &str) -> Vec<(usize, String)> {
        snippets(markdown).into_iter().map(|s| (s.line, s.text)).collect()
    }

    #[test]
    fn spans_and_fences_are_code_and_prose_is_not() {
        let found = texts("a `b` c ``d``\n\n```sh\ncargo x\n```\nrest `e`");
        let wanted = [(1, "b"), (1, "d"), (4, "cargo x"), (6, "e")];
        assert_eq!(found, wanted.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn a_span_goes_on_over_a_line_end_but_not_over_a_blank_line() {
        assert_eq!(texts("run `cargo\nxtask` now"), [(1, "cargo xtask".to_owned())]);
        assert_eq!(texts("a ` lone\n\n`b`"), [(3, "b".to_owned())]);
    }
}
