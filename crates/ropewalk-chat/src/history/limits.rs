//! [`HistoryLimits`]: how much is kept, and how much may wait.

use std::time::Duration;

/// What a history keeps, and how it is written.
#[derive(Clone, Debug)]
pub struct HistoryLimits {
    /// Entries kept of one room; the oldest go. Default 100,000: years of a quiet room, weeks of a lively one.
    pub per_room_max: u64,
    /// Entries kept of all rooms together; the oldest go. Default 5 million, which is about 1 GiB.
    pub entries_max: u64,
    /// How long an entry is kept. Default ten years.
    pub age_max: Duration,
    /// The size of the file. Default 4 GiB: what nobody has counted on is found by an error in the log, not by a full
    /// disk.
    pub file_bytes_max: u64,
    /// Entries that wait to be written. Default 20,000: at a thousand a second, time to move a file off a full disk.
    pub waiting_max: usize,
    /// Entries in one transaction. Default 1,000: it costs one wait for the disk, as a single one does.
    pub batch_max: usize,
    /// Entries on one page. Default 200: some screens.
    pub page_max: usize,
    /// How long a thread waits for another program that has the file locked. Default 2 s.
    pub lock_timeout: Duration,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self {
            per_room_max: 100_000,
            entries_max: 5_000_000,
            age_max: Duration::from_secs(10 * 365 * 24 * 3600),
            file_bytes_max: 4 << 30,
            waiting_max: 20_000,
            batch_max: 1_000,
            page_max: 200,
            lock_timeout: Duration::from_secs(2),
        }
    }
}
