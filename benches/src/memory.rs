//! How much memory of its own a process holds: heap and stacks, not what it maps from files.

use std::fs;
use std::io;

/// The bytes of anonymous memory of the process `pid` that are in use.
///
/// What the kernel holds for its sockets is not in it: that is the same for every program.
///
/// # Errors
///
/// If there is no such process.
pub fn anonymous_bytes(pid: u32) -> io::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    parse_anonymous(&rollup).ok_or_else(|| io::Error::other("smaps_rollup has no Anonymous line"))
}

fn parse_anonymous(rollup: &str) -> Option<u64> {
    let rest = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"))?;
    let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anonymous_line_is_in_kibibytes() {
        let rollup = "Rss:                1716 kB\nAnonymous:           108 kB\nKSM: 0 kB\n";
        assert_eq!(parse_anonymous(rollup), Some(108 * 1024));
        assert_eq!(parse_anonymous("Rss: 1 kB\n"), None);
    }
}
