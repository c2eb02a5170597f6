//! How large the heart is: the lines of code of `ropewalk-core`, which a newcomer should read in an hour.
//!
//! Blank lines, comments, docs and tests are not counted. The count is by line and trusts rustfmt: an item
//! under `#[cfg(test)]` ends where a closing brace stands at the item's own indentation.

use std::fs;
use std::path::Path;

use super::Complaints;
use super::tree::files_with;
use crate::workspace::Workspace;

/// What the heart is meant to be.
const HEART_LINES_GOAL: usize = 2_500;
/// What it may be: it is over its goal (`docs/design/002-the-size-of-the-heart.md` says why), and is not to
/// grow any more.
const HEART_LINES_MAX: usize = 5_430;

pub(super) fn check(workspace: &Workspace) -> Complaints {
    let src = workspace.root.join("crates/ropewalk-core/src");
    let mut lines = 0;
    for file in files_with(&src, "rs")?.iter().filter(|file| !is_test_file(&src, file)) {
        lines += code_lines(&fs::read_to_string(file)?);
    }
    println!(
        "     the heart: {lines} lines of code (goal {HEART_LINES_GOAL}, at most {HEART_LINES_MAX})"
    );
    let is_too_large = lines > HEART_LINES_MAX;
    Ok(is_too_large
        .then(|| format!("{lines} lines are over {HEART_LINES_MAX}"))
        .into_iter()
        .collect())
}

/// Whether the file is a `tests.rs`, a `…_tests.rs`, or lies in a `tests` directory.
fn is_test_file(src: &Path, file: &Path) -> bool {
    let inside = file.strip_prefix(src).unwrap_or(file);
    inside.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name == "tests" || name == "tests.rs" || name.ends_with("_tests.rs")
    })
}

/// Where a line-by-line reader of Rust stands.
enum Place {
    Code,
    BlockComment,
    /// Behind a `#[cfg(test)]`, before its item.
    BeforeTest,
    /// In an item under `#[cfg(test)]` that ends with this line.
    InTest(String),
}

fn code_lines(source: &str) -> usize {
    let mut place = Place::Code;
    let mut count = 0;
    for line in source.lines() {
        let is_code;
        (place, is_code) = step(place, line);
        count += usize::from(is_code);
    }
    count
}

/// The place behind `line`, and whether the line is code.
fn step(place: Place, line: &str) -> (Place, bool) {
    let text = line.trim();
    match place {
        Place::BlockComment if text.contains("*/") => (Place::Code, false),
        Place::InTest(end) if line.trim_end_matches([';', ',']) == end => (Place::Code, false),
        Place::BeforeTest if text.starts_with(['#', '/']) => (Place::BeforeTest, false),
        Place::BeforeTest => (behind_first_line_of_test(line), false),
        Place::Code if text.starts_with("/*") && !text.contains("*/") => {
            (Place::BlockComment, false)
        }
        Place::Code if text.is_empty() || text.starts_with(['/', '*']) => (Place::Code, false),
        Place::Code if text.starts_with("#[cfg(test)]") => (Place::BeforeTest, false),
        Place::Code => (Place::Code, true),
        inside => (inside, false),
    }
}

fn behind_first_line_of_test(line: &str) -> Place {
    if line.trim_end().ends_with([';', ',', '}']) {
        return Place::Code;
    }
    let indentation = &line[..line.len() - line.trim_start().len()];
    Place::InTest(format!("{indentation}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_comments_and_docs_are_not_code() {
        let source =
            "//! Doc.\n\n/// Doc.\nfn a() {\n    // why\n    b(); // twice\n}\n/* one\ntwo */\n";
        assert_eq!(code_lines(source), 3);
    }

    #[test]
    fn a_test_module_is_not_code_and_what_follows_it_is() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
        assert_eq!(code_lines(source), 2);
        assert_eq!(code_lines("#[cfg(test)]\nmod tests;\nfn c() {}\n"), 1);
        assert_eq!(code_lines("#[cfg(test)]\nuse a::{\n    b,\n};\nfn c() {}\n"), 1);
        assert_eq!(
            code_lines("    #[cfg(test)]\n    #[x]\n    fn a(\n    ) {\n    }\n    fn c() {}\n"),
            1
        );
    }

    #[test]
    fn test_files_are_known_by_name() {
        let src = Path::new("src");
        assert!(is_test_file(src, Path::new("src/wheel/tests.rs")));
        assert!(is_test_file(src, Path::new("src/tests/wheel.rs")));
        assert!(!is_test_file(src, Path::new("src/wheel.rs")));
    }
}
