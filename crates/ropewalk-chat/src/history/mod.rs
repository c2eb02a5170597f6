//! What was said, kept in a file.
//!
//! The loop never waits for the disk: what is to be kept waits in a queue, and is written in batches by a thread; pages
//! of what is kept are read by a thread, too. Which thread is not known here: whoever makes a history gives a
//! [`DeferToThread`].

mod defer_to_thread;
mod entry;
mod file;
#[expect(clippy::module_inception, reason = "the file of the noun that the room is named for")]
mod history;
mod limits;

pub use defer_to_thread::DeferToThread;
pub use entry::{HistoryEntry, HistoryKind, HistoryMark, HistoryPage, HistoryRow};
pub use file::HistoryFile;
pub use history::History;
pub use limits::HistoryLimits;
