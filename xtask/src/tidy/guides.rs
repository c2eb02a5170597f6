//! Every name in the guides exists: crates, paths, links, and commands of cargo.
//!
//! Guides rot where they name things. What stands in backticks or in a fenced block of README, ARCHITECTURE,
//! CONTRIBUTING or `docs/` is read here as a reader would type it, and looked up. A placeholder (`*`, `…`,
//! `<name>`, `NNN`) stands for anything: of such a path, the part before it has to exist.

use std::fs;
use std::path::{Path, PathBuf};

use super::Complaints;
use super::markdown::{Snippet, snippets};
use super::tree::{files_with, shown};
use crate::workspace::{Package, Workspace};

const GUIDES: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

/// The directories of the workspace that guides point into.
const ROOMS: &[&str] = &["crates/", "docs/", "examples/", "benches/", "xtask/", ".ci/"];

pub(super) fn check(workspace: &Workspace) -> Complaints {
    let mut complaints = Vec::new();
    for guide in guides(&workspace.root)? {
        let text = fs::read_to_string(&guide)?;
        let wrong = snippets(&text).into_iter().flat_map(|snippet| in_snippet(workspace, &snippet));
        let dead = dead_links(&guide, &text);
        let place = shown(&guide);
        complaints.extend(wrong.chain(dead).map(|(line, what)| format!("{place}:{line}: {what}")));
    }
    Ok(complaints)
}

fn guides(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut guides: Vec<PathBuf> = GUIDES.iter().map(|name| root.join(name)).collect();
    guides.retain(|guide| guide.exists());
    guides.extend(files_with(&root.join("docs"), "md")?);
    Ok(guides)
}

/// What does not exist of that which the snippet names, with its line.
fn in_snippet(workspace: &Workspace, snippet: &Snippet) -> Vec<(usize, String)> {
    let crates = words(&snippet.text).filter(|word| is_crate_name(word));
    let no_crates = crates.filter(|name| workspace.package(name).is_none());
    let paths = words(&snippet.text).filter(|word| ROOMS.iter().any(|room| word.starts_with(room)));
    let no_paths = paths.filter(|path| !exists(workspace, path));
    let mut missing: Vec<String> = no_crates.map(|name| format!("no crate {name}")).collect();
    missing.extend(no_paths.map(|path| format!("no path {path}")));
    missing.extend(no_xtask(&snippet.text));
    missing.extend(no_run(workspace, &snippet.text));
    missing.into_iter().map(|what| (snippet.line, what)).collect()
}

/// The words of a snippet, without the punctuation around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let separators = |c: char| c.is_whitespace() || "()[],;\"'=|├└─".contains(c);
    text.split(separators)
        .map(|word| word.trim_end_matches(['.', ':', '/']))
        .filter(|w| !w.is_empty())
}

fn is_crate_name(word: &str) -> bool {
    let rest = word.strip_prefix("ropewalk-").unwrap_or_default();
    !rest.is_empty()
        && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn exists(workspace: &Workspace, path: &str) -> bool {
    let path = before_placeholder(without_line(path));
    // An example lies in the crate it shows.
    let of_crate =
        |package: &Package| path.starts_with("examples") && package.dir.join(path).exists();
    workspace.root.join(path).exists() || workspace.product().any(of_crate)
}

/// `src/lib.rs` of `src/lib.rs:12`.
fn without_line(path: &str) -> &str {
    path.split_once(':').map_or(path, |(path, _)| path)
}

fn before_placeholder(path: &str) -> &str {
    let is_placeholder =
        |part: &str| part.contains(['*', '…', '<', '{', '$']) || part.contains("NNN");
    let mut end = 0;
    for part in path.split_inclusive('/') {
        if is_placeholder(part) {
            break;
        }
        end += part.len();
    }
    &path[..end]
}

fn no_xtask(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("cargo xtask ")?;
    let name = words(rest).next()?;
    let is_known = name.chars().all(char::is_uppercase)
        || crate::COMMANDS.iter().any(|command| command.name == name);
    (!is_known).then(|| format!("no command cargo xtask {name}"))
}

/// What `cargo run …` in the text would not find.
fn no_run(workspace: &Workspace, text: &str) -> Option<String> {
    let (_, rest) = text.split_once("cargo run")?;
    let options: Vec<&str> = rest
        .split_whitespace()
        .take_while(|word| !["--", "|", "&&", "#", "&"].contains(word))
        .collect();
    let option = |names: &[&str]| {
        options.windows(2).find(|pair| names.contains(&pair[0])).map(|pair| pair[1])
    };
    let package = option(&["-p", "--package"]);
    if let Some(name) = package.filter(|name| workspace.package(name).is_none()) {
        return Some(format!("no crate {name} to run"));
    }
    let has = |kind, name| {
        let mut candidates =
            workspace.packages.iter().filter(|p| package.is_none_or(|n| p.name == n));
        candidates.any(|package| package.targets_of(kind).any(|found| found == name))
    };
    if let Some(name) = option(&["--example"]) {
        return (!has("example", name)).then(|| format!("no example {name} to run"));
    }
    if let Some(name) = option(&["--bin"]) {
        return (!has("bin", name)).then(|| format!("no program {name} to run"));
    }
    let count = programs_of(workspace, package);
    (count != 1).then(|| format!("cargo run finds {count} programs, not one"))
}

/// How many programs a `cargo run` that names none has to choose from.
fn programs_of(workspace: &Workspace, package: Option<&str>) -> usize {
    let is_meant = |p: &&Package| package.map_or(p.is_default, |name| p.name == name);
    workspace
        .packages
        .iter()
        .filter(is_meant)
        .map(|package| package.targets_of("bin").count())
        .sum()
}

/// The relative links of a guide that lead nowhere.
fn dead_links(guide: &Path, text: &str) -> Vec<(usize, String)> {
    let dir = guide.parent().expect("a guide lies in a directory");
    let numbered = text.lines().enumerate();
    let links = numbered.flat_map(|(index, line)| links(line).map(move |link| (index + 1, link)));
    let dead = links.filter(|(_, link)| !dir.join(link).exists());
    dead.map(|(line, link)| (line, format!("no file {link}"))).collect()
}

/// The targets of the `[text](target)` of a line that are files, without their `#fragment`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    files.filter_map(|target| target.split('#').next()).filter(|file| !file.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Target;

    fn workspace() -> Workspace {
        let target = |name: &str, kind: &str| Target {
            name: name.into(),
            kind: kind.into(),
            door: PathBuf::new(),
        };
        let command = Package {
            name: "ropewalk-cli".into(),
            targets: vec![target("ropewalk", "bin"), target("echo", "example")],
            is_default: true,
            ..Package::default()
        };
        Workspace { root: crate::workspace::root().into(), packages: vec![command] }
    }

    fn missing(text: &str) -> Vec<String> {
        let snippet = Snippet { line: 1, text: text.into() };
        in_snippet(&workspace(), &snippet).into_iter().map(|(_, what)| what).collect()
    }

    #[test]
    fn crates_are_looked_up_by_whole_words() {
        assert_eq!(missing("ropewalk-cli = \"0.1\""), [""; 0]);
        assert_eq!(missing("ropewalk-gone = \"0.1\""), ["no crate ropewalk-gone"]);
        assert_eq!(missing("ropewalk-echo.service, ropewalk-…"), [""; 0]);
    }

    #[test]
    fn paths_are_looked_up_as_far_as_they_are_certain() {
        assert_eq!(missing("xtask/src/main.rs:12, xtask/src/*/gone.rs"), [""; 0]);
        assert_eq!(missing("xtask/src/gone.rs"), ["no path xtask/src/gone.rs"]);
        assert_eq!(before_placeholder("docs/design/NNN-title.md"), "docs/design/");
    }

    #[test]
    fn commands_are_looked_up_with_what_they_run() {
        assert_eq!(missing("cargo xtask tidy"), [""; 0]);
        assert_eq!(missing("cargo xtask gone"), ["no command cargo xtask gone"]);
        assert_eq!(missing("cargo run --release -- chat --bin x"), [""; 0]);
        assert_eq!(missing("cargo run -p ropewalk-cli --example echo"), [""; 0]);
        assert_eq!(missing("cargo run --example gone"), ["no example gone to run"]);
        assert_eq!(missing("cargo run -p gone"), ["no crate gone to run"]);
    }

    #[test]
    fn links_to_files_are_told_from_links_to_the_web() {
        let line = "[a](docs/a.md#part) [b](https://b.example) [c](#here)";
        assert_eq!(links(line).collect::<Vec<_>>(), ["docs/a.md"]);
    }
}
