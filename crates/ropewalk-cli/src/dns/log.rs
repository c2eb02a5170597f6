//! The file of `ropewalk dns --query-log`.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use ropewalk::dns::server::QueryLog;
use ropewalk::net::{ThreadPool, ThreadPoolLimits};
use ropewalk::{Failure, FailureKind, Reactor};

/// Opens the file, to append to it; a thread writes.
pub(super) fn open(reactor: &Reactor, path: &Path) -> Result<QueryLog, Failure> {
    let opened = File::options().append(true).create(true).open(path);
    let file = opened.map_err(|error| {
        Failure::from_error(FailureKind::System, error).context(format!("open {}", path.display()))
    })?;
    let file = std::sync::Arc::new(file);
    let limits = ThreadPoolLimits { threads_max: 1, ..ThreadPoolLimits::default() };
    let pool = ThreadPool::new(reactor, limits);
    let write = move |lines: String| {
        let file = file.clone();
        pool.defer_to_thread(move || Ok((&*file).write_all(lines.as_bytes())?))
    };
    Ok(QueryLog::new(write, SystemTime::now))
}
