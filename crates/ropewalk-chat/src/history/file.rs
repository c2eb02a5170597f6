//! [`HistoryFile`]: the SQLite file that a history is in. Everything here waits for the disk.
//!
//! One table. `seq` is SQLite's row number, so entries lie in the file in the order of their writing, and the oldest
//! are at its beginning. The journal is a write-ahead log: who reads does not wait for who writes, and a transaction
//! costs one wait for the disk at most.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use ropewalk_core::{Failure, FailureKind};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{HistoryEntry, HistoryKind, HistoryLimits, HistoryMark, HistoryPage, HistoryRow};

/// A history's file, open. A clone is the same; may be sent to any thread.
#[derive(Clone)]
pub struct HistoryFile(Arc<Shared>);

struct Shared {
    path: PathBuf,
    limits: HistoryLimits,
    open: Mutex<Open>,
}

struct Open {
    connection: Connection,
    /// Entries written since what is too much was deleted, and the rooms that they are of.
    fresh: u64,
    fresh_rooms: BTreeSet<String>,
}

/// In the file's head: "rwch".
const APPLICATION_ID: i32 = 0x7277_6368;
const SCHEMA_VERSION: i32 = 1;
const SCHEMA: &str = "
    CREATE TABLE said (
        seq INTEGER PRIMARY KEY,
        room TEXT NOT NULL,
        msgid TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,
        who TEXT NOT NULL,
        source TEXT NOT NULL,
        account TEXT,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        tags TEXT NOT NULL
    ) STRICT;
    CREATE INDEX said_by_place ON said (room, seq);
    CREATE INDEX said_by_time ON said (room, at);
";
const COLUMNS: &str = "seq, room, msgid, at, who, source, account, kind, text, tags";
/// What is too much is deleted each time that so many entries were written: it may be exceeded by so much.
const FRESH_MAX: u64 = 1_000;
const PAGE_BYTES: u64 = 4_096;

impl HistoryFile {
    /// Opens the file at `path`; makes it, if there is none.
    ///
    /// # Errors
    /// Says what is wrong with it: it cannot be opened or written, is locked, is no history, or was written by a newer
    /// program.
    pub fn open(path: impl AsRef<Path>, limits: HistoryLimits) -> Result<Self, Failure> {
        let path = path.as_ref().to_owned();
        let connection = connect(&path, &limits).map_err(|error| failure(&path, error))?;
        prepare(&path, &connection)?;
        let open = Open { connection, fresh: 0, fresh_rooms: BTreeSet::new() };
        let file = Self(Arc::new(Shared { path, limits, open: Mutex::new(open) }));
        file.with(|open| {
            open.fresh_rooms = open.rooms()?;
            open.prune(&file.0.limits, SystemTime::now())
        })?;
        Ok(file)
    }

    /// What it may hold.
    pub fn limits(&self) -> &HistoryLimits {
        &self.0.limits
    }

    /// Writes entries, all or none. One whose msgid is there already is passed over.
    ///
    /// # Errors
    /// Why it could not: the disk is full, the file is locked, gone or broken.
    pub fn write(&self, entries: &[HistoryEntry], now: SystemTime) -> Result<(), Failure> {
        self.with(|open| {
            open.write(entries)?;
            open.fresh += entries.len() as u64;
            open.fresh_rooms.extend(entries.iter().map(|entry| entry.room.clone()));
            if open.fresh >= FRESH_MAX { open.prune(&self.0.limits, now) } else { Ok(()) }
        })
    }

    /// What was said in `room`, oldest first; topics are not among it.
    ///
    /// # Errors
    /// `Local` if a mark is at a message that is not there; else why the file could not be read.
    pub fn page(&self, room: &str, page: &HistoryPage) -> Result<Vec<HistoryRow>, Failure> {
        let count = page.count.min(self.0.limits.page_max);
        let ends = self.with(|open| {
            let after =
                open.place(room, page.after.as_ref(), "at <= ?2 ORDER BY at DESC, seq DESC", 0)?;
            let before =
                open.place(room, page.before.as_ref(), "at >= ?2 ORDER BY at, seq", i64::MAX)?;
            Ok(after.zip(before))
        })?;
        let Some((after, before)) = ends else {
            return Err(Failure::new(FailureKind::Local, "there is no such message"));
        };
        self.with(|open| open.rows(room, after, before, page.from_start, count))
    }

    /// The last topic that was set in `room`, if that is kept.
    ///
    /// # Errors
    /// Why the file could not be read.
    pub fn topic(&self, room: &str) -> Result<Option<HistoryRow>, Failure> {
        self.with(|open| {
            let mut asked = open.connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM said WHERE room = ?1 AND kind = 'topic' ORDER BY seq DESC LIMIT 1"
            ))?;
            asked.query_row([room], read_row).optional()
        })
    }

    /// The rooms that there are entries of, those with the latest first, at most `count`.
    ///
    /// # Errors
    /// Why the file could not be read.
    pub fn rooms(&self, count: usize) -> Result<Vec<String>, Failure> {
        self.with(|open| {
            let mut asked = open.connection.prepare_cached(
                "SELECT room FROM said GROUP BY room ORDER BY max(seq) DESC LIMIT ?1",
            )?;
            asked.query_map([sql_number(count as u64)], |row| row.get(0))?.collect()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Open) -> rusqlite::Result<T>) -> Result<T, Failure> {
        work(&mut self.lock()).map_err(|error| failure(&self.0.path, error))
    }

    /// A panic leaves a transaction rolled back, and nothing half done.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path, limits: &HistoryLimits) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(limits.lock_timeout)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(
        None,
        "max_page_count",
        sql_number(limits.file_bytes_max / PAGE_BYTES),
    )?;
    Ok(connection)
}

/// Makes the table, if the file is new.
fn prepare(path: &Path, connection: &Connection) -> Result<(), Failure> {
    let ask =
        |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let about = |error| failure(path, error);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(about)?;
    if tables == 0 {
        let made = format!(
            "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        );
        return connection.execute_batch(&made).map_err(about);
    }
    if ask("application_id").map_err(about)? != APPLICATION_ID {
        let what = format!("{} is not a history: another program's data is in it", path.display());
        return Err(Failure::new(FailureKind::Local, what));
    }
    let version = ask("user_version").map_err(about)?;
    if version != SCHEMA_VERSION {
        let what = format!(
            "the history {} is of version {version}, and this program knows {SCHEMA_VERSION}",
            path.display()
        );
        return Err(Failure::new(FailureKind::Local, what));
    }
    Ok(())
}

impl Open {
    fn write(&mut self, entries: &[HistoryEntry]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT OR IGNORE INTO said (room, msgid, at, who, source, account, kind, text, tags)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            for entry in entries {
                insert.execute(params![
                    entry.room,
                    entry.msgid,
                    milliseconds(entry.at),
                    entry.who,
                    entry.source,
                    entry.account,
                    entry.kind.as_str(),
                    entry.text,
                    entry.tags,
                ])?;
            }
        }
        transaction.commit()
    }

    /// The row number at a mark, or `none` without one. `at` says which row a time means. `None`: no such message.
    fn place(
        &self,
        room: &str,
        mark: Option<&HistoryMark>,
        at: &str,
        none: i64,
    ) -> rusqlite::Result<Option<i64>> {
        match mark {
            None => Ok(Some(none)),
            Some(HistoryMark::Number(number)) => Ok(Some(sql_number(*number))),
            Some(HistoryMark::Message(msgid)) => self
                .connection
                .prepare_cached("SELECT seq FROM said WHERE msgid = ?1 AND room = ?2")?
                .query_row(params![msgid, room], |row| row.get(0))
                .optional(),
            Some(HistoryMark::Time(time)) => {
                let found = self
                    .connection
                    .prepare_cached(&format!(
                        "SELECT seq FROM said WHERE room = ?1 AND {at} LIMIT 1"
                    ))?
                    .query_row(params![room, milliseconds(*time)], |row| row.get(0))
                    .optional()?;
                Ok(found.or(Some(none)))
            }
        }
    }

    fn rows(
        &self,
        room: &str,
        after: i64,
        before: i64,
        from_start: bool,
        count: usize,
    ) -> rusqlite::Result<Vec<HistoryRow>> {
        let order = if from_start { "ASC" } else { "DESC" };
        let mut asked = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM said WHERE room = ?1 AND seq > ?2 AND seq < ?3 AND kind <> 'topic' ORDER BY seq {order} LIMIT ?4"
        ))?;
        let rows =
            asked.query_map(params![room, after, before, sql_number(count as u64)], read_row)?;
        let mut rows = rows.collect::<rusqlite::Result<Vec<HistoryRow>>>()?;
        if !from_start {
            rows.reverse();
        }
        Ok(rows)
    }

    fn rooms(&self) -> rusqlite::Result<BTreeSet<String>> {
        let mut asked = self.connection.prepare("SELECT DISTINCT room FROM said")?;
        asked.query_map([], |row| row.get(0))?.collect()
    }

    /// Deletes what is too much: of the rooms written to since the last time, of all, and what is too old.
    fn prune(&mut self, limits: &HistoryLimits, now: SystemTime) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for room in &self.fresh_rooms {
            transaction
                .prepare_cached(
                    "DELETE FROM said WHERE room = ?1 AND seq <=
                     (SELECT seq FROM said WHERE room = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                )?
                .execute(params![room, sql_number(limits.per_room_max)])?;
        }
        // Numbers have gaps, so this may be fewer than `entries_max`, and is never more.
        transaction.execute(
            "DELETE FROM said WHERE seq <= (SELECT max(seq) FROM said) - ?1",
            [sql_number(limits.entries_max)],
        )?;
        // Only what is deleted is looked at: it is at the beginning.
        let oldest =
            milliseconds(now.checked_sub(limits.age_max).unwrap_or(SystemTime::UNIX_EPOCH));
        transaction.execute(
            "DELETE FROM said WHERE seq <
             coalesce((SELECT seq FROM said WHERE at >= ?1 ORDER BY seq LIMIT 1), 9223372036854775807)",
            [oldest],
        )?;
        transaction.commit()?;
        self.fresh = 0;
        self.fresh_rooms.clear();
        Ok(())
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<HistoryRow> {
    let (number, at): (i64, i64) = (row.get(0)?, row.get(3)?);
    let kind: String = row.get(7)?;
    Ok(HistoryRow {
        number: u64::try_from(number).unwrap_or(0),
        entry: HistoryEntry {
            room: row.get(1)?,
            msgid: row.get(2)?,
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap_or(0)),
            who: row.get(4)?,
            source: row.get(5)?,
            account: row.get(6)?,
            kind: HistoryKind::from_str(&kind),
            text: row.get(8)?,
            tags: row.get(9)?,
        },
    })
}

/// Since 1970; what is before is then.
fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// SQLite's numbers have a sign.
fn sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Says what is wrong in words that help.
fn failure(path: &Path, error: rusqlite::Error) -> Failure {
    let path = path.display();
    let (kind, what) = match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => (
            FailureKind::System,
            format!(
                "the history {path} cannot be opened: is its directory there, and may it be written?"
            ),
        ),
        Some(ErrorCode::ReadOnly) => {
            (FailureKind::System, format!("the history {path} may not be written"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (FailureKind::System, format!("the history {path} is locked by another program"))
        }
        Some(ErrorCode::DiskFull) => (
            FailureKind::Limit,
            format!(
                "the history {path} cannot grow: the disk is full, or it has file_bytes_max bytes"
            ),
        ),
        Some(ErrorCode::NotADatabase) => {
            (FailureKind::Local, format!("{path} is not a history: it is no SQLite file"))
        }
        Some(ErrorCode::DatabaseCorrupt) => (
            FailureKind::System,
            format!("the history {path} is damaged: put it aside, or restore it"),
        ),
        _ => {
            return Failure::from_error(FailureKind::System, error)
                .context(format!("the history {path}"));
        }
    };
    Failure::new(kind, what)
}
