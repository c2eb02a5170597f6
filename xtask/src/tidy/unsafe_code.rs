//! Where unsafe code is forbidden: at the door of every library and program but a few.
//!
//! The lint table denies it everywhere; `forbid` is the word that no file behind the door can take back.

use std::fs;

use super::Complaints;
use super::tree::shown;
use crate::workspace::{Target, Workspace};

/// The crates that talk to the system in its own terms (of the peers, the bare io_uring loop does).
const MAY_BE_UNSAFE: &[&str] =
    &["ropewalk-net", "ropewalk-glib", "ropewalk-qt", "ropewalk-tokio", "ropewalk-peers"];

const FORBIDDEN: &str = "#![forbid(unsafe_code)]";

pub(super) fn check(workspace: &Workspace) -> Complaints {
    let safe = workspace.packages.iter().filter(|p| !MAY_BE_UNSAFE.contains(&p.name.as_str()));
    let mut complaints = Vec::new();
    for target in safe.flat_map(|package| &package.targets).filter(|target| is_door(target)) {
        let source = fs::read_to_string(&target.door)?;
        if !source.lines().any(|line| line.trim() == FORBIDDEN) {
            complaints.push(format!("{} does not say {FORBIDDEN}", shown(&target.door)));
        }
    }
    Ok(complaints)
}

fn is_door(target: &Target) -> bool {
    ["lib", "bin", "proc-macro"].contains(&target.kind.as_str())
}
