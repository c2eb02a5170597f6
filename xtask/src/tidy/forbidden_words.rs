//! Words that no file of the repository holds: what is true of one machine only.
//!
//! A path from a developer's disk or the address of a private registry builds here and nowhere else.

use std::fs;
use std::path::Path;

use super::Complaints;
use super::tree::{files_under, shown};
use crate::workspace::Workspace;

/// Directories of a developer's machine. They count where a path begins, not inside of one.
const PLACES: &[&str] = &["/work/", "/root/", "/tmp/bash_jobs"];

/// The one registry that a lock file may name.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The one file that has to hold the words.
const THIS_FILE: &str = file!();

pub(super) fn check(workspace: &Workspace) -> Complaints {
    let mut complaints = Vec::new();
    for file in files_under(&workspace.root)? {
        if file.ends_with(THIS_FILE) {
            continue;
        }
        // What is not text names nothing.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let in_line = |(index, line)| {
            complaint_about(&file, line)
                .map(|word| format!("{}:{}: {word}", shown(&file), index + 1))
        };
        complaints.extend(text.lines().enumerate().filter_map(in_line));
    }
    Ok(complaints)
}

fn complaint_about(file: &Path, line: &str) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    let place = PLACES.iter().find(|place| begins_a_path(line, place));
    match name {
        _ if place.is_some() => place.map(|place| format!("names {place}")),
        "Cargo.lock" if names_other_source(line) => Some("names a registry of its own".into()),
        "config.toml" | "Cargo.toml" if names_registry(line) => Some("sets a registry".into()),
        _ => None,
    }
}

fn begins_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-*…}>".contains(c))
    })
}

fn names_other_source(line: &str) -> bool {
    line.strip_prefix("source = ").is_some_and(|source| source.trim_matches('"') != REGISTRY)
}

fn names_registry(line: &str) -> bool {
    let line = line.trim_start();
    ["[registries", "[registry", "[source.", "registry ="].iter().any(|word| line.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_where_a_path_begins() {
        assert!(begins_a_path("see \"/work/x\"", "/work/"));
        assert!(!begins_a_path("GET http://a.example/work/x", "/work/"));
    }

    #[test]
    fn only_the_public_registry_is_named() {
        assert!(names_other_source("source = \"registry+https://mirror.example/index\""));
        assert!(!names_other_source(&format!("source = \"{REGISTRY}\"")));
        assert!(names_registry("[source.crates-io]"));
        assert!(!names_registry("name = \"registry\""));
    }
}
