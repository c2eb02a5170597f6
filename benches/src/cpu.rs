//! [`CpuTime`]: what a process has used of the processor so far.
//!
//! Linux keeps two accounts. `/proc/PID/task/TID/schedstat` is exact, in nanoseconds, but does not tell user
//! from system time. `/proc/PID/stat` does, but by sampling: at each tick of the kernel's clock the whole tick goes
//! to whichever was running. So the total is taken from the first and its division from the second, and a division
//! needs many ticks to be good.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Sub;
use std::time::Duration;

/// The ticks of a second, by which Debian's kernels sample (`CONFIG_HZ`).
pub const SAMPLES_PER_SECOND: f64 = 250.0;

/// Processor time of all threads of a process since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// The exact total.
    pub total: Duration,
    /// How long it was ready to run and other processes had the core: what disturbs a measurement.
    pub waited: Duration,
    /// Of the sampled time, the part in user space, in units that only mean something beside `system_ticks`.
    pub user_ticks: u64,
    /// Of the sampled time, the part in the kernel.
    pub system_ticks: u64,
}

impl CpuTime {
    /// Reads the accounts of the process `pid`.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        let (mut total, mut waited) = (Duration::ZERO, Duration::ZERO);
        for (ran, was_ready) in schedstats(pid)?.into_values() {
            total += ran;
            waited += was_ready;
        }
        let (user_ticks, system_ticks) =
            parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat"))?);
        Ok(Self { total, waited, user_ticks, system_ticks })
    }
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            waited: self.waited.saturating_sub(earlier.waited),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(earlier.system_ticks),
        }
    }
}

/// What each thread of the process `pid` has used, by the thread's id.
///
/// # Errors
///
/// If there is no such process.
pub fn threads(pid: u32) -> io::Result<BTreeMap<u32, Duration>> {
    Ok(schedstats(pid)?.into_iter().map(|(thread, (ran, _))| (thread, ran)).collect())
}

fn schedstats(pid: u32) -> io::Result<BTreeMap<u32, (Duration, Duration)>> {
    let mut times = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?;
        let thread = task.file_name().to_str().and_then(|name| name.parse().ok());
        // A thread may end between being listed and being read.
        let schedstat = fs::read_to_string(task.path().join("schedstat")).ok();
        if let (Some(thread), Some(schedstat)) = (thread, schedstat) {
            times.insert(thread, parse_schedstat(&schedstat));
        }
    }
    Ok(times)
}

/// The first two of its three numbers: nanoseconds on the processor, and ready for it.
fn parse_schedstat(text: &str) -> (Duration, Duration) {
    let numbers = text.split_whitespace().map(|word| word.parse().unwrap_or(0));
    let mut times = numbers.map(Duration::from_nanos);
    (times.next().unwrap_or_default(), times.next().unwrap_or_default())
}

/// Fields 14 and 15, `utime` and `stime`. Field 2 is the program's name and may hold spaces, so we count behind it.
fn parse_stat(text: &str) -> (u64, u64) {
    let behind_name = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let mut ticks = behind_name.split(' ').skip(11).map(|word| word.parse().unwrap_or(0));
    (ticks.next().unwrap_or(0), ticks.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 123 0 1 0 55 66 0 0 20 0 1 0";
        assert_eq!(parse_stat(stat), (55, 66));
    }

    #[test]
    fn the_total_is_exact() {
        let times = (Duration::from_nanos(631_397), Duration::from_nanos(20));
        assert_eq!(parse_schedstat("631397 20 4\n"), times);
    }

    #[test]
    fn our_own_accounts_can_be_read() {
        assert!(CpuTime::of(std::process::id()).expect("we exist").total > Duration::ZERO);
    }
}
