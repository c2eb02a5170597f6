//! Walking the repository's files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Directories that hold nothing anyone wrote.
const SKIPPED: &[&str] = &["target", ".git", "node_modules"];

/// Every file under `dir`, in order of name; none if there is no such directory.
pub(crate) fn files_under(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries {
            let entry = entry?;
            if SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                continue;
            }
            let is_dir = entry.file_type()?.is_dir();
            if is_dir { &mut waiting } else { &mut found }.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Every file under `dir` with that extension.
pub(crate) fn files_with(dir: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = files_under(dir)?;
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    Ok(files)
}

/// The path as a reader of the repository knows it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(crate::workspace::root()).unwrap_or(path).display().to_string()
}
