//! What holds for every source file: it opens with a module doc, and it is not too long.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::Complaints;
use super::tree::{files_with, shown};
use crate::workspace::Workspace;

/// A file of a crate longer than this holds more than one noun.
const FILE_LINES_MAX: usize = 600;

/// Complains about files that do not open with `//!`.
pub(super) fn docs(workspace: &Workspace) -> Complaints {
    let mut files = product_files(workspace)?;
    files.extend(files_with(&workspace.root.join("xtask"), "rs")?);
    files.extend(files_with(&workspace.root.join("benches"), "rs")?);
    let mut complaints = Vec::new();
    for file in files {
        if !opens_with_doc(&fs::read_to_string(&file)?) {
            complaints.push(format!("{} does not open with a //! module doc", shown(&file)));
        }
    }
    Ok(complaints)
}

/// Complains about files of more than [`FILE_LINES_MAX`] lines.
pub(super) fn length(workspace: &Workspace) -> Complaints {
    let mut complaints = Vec::new();
    for file in product_files(workspace)? {
        let lines = fs::read_to_string(&file)?.lines().count();
        if lines > FILE_LINES_MAX {
            complaints.push(format!("{} has {lines} lines, over {FILE_LINES_MAX}", shown(&file)));
        }
    }
    Ok(complaints)
}

fn product_files(workspace: &Workspace) -> io::Result<Vec<PathBuf>> {
    let per_crate = workspace.product().map(|package| files_with(&package.dir.join("src"), "rs"));
    Ok(per_crate.collect::<io::Result<Vec<_>>>()?.concat())
}

fn opens_with_doc(source: &str) -> bool {
    source.trim_start().starts_with("//!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doc_behind_an_import_opens_nothing() {
        assert!(opens_with_doc("\n//! Idea.\nuse std::fs;"));
        assert!(!opens_with_doc("use std::fs;\n//! Idea."));
        assert!(!opens_with_doc("// Idea."));
    }
}
