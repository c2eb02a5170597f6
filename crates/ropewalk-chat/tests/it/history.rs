//! What was said is kept in a real file, and what is wrong with a file is said.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use ropewalk_chat::{
    DeferToThread, History, HistoryEntry, HistoryFile, HistoryKind, HistoryLimits, HistoryMark,
    HistoryPage, HistoryRow,
};
use ropewalk_core::{Deferred, Failure, FailureKind, Loop, defer_later};
use ropewalk_testing::{MemoryDriver, Network};
use rusqlite::Connection;

/// A directory of one test's own, removed at its end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("ropewalk-history-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("there is room for tests");
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("history.db")
    }

    fn open(&self, limits: HistoryLimits) -> Result<HistoryFile, Failure> {
        HistoryFile::open(self.file(), limits)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // It is in the temporary directory.
    }
}

/// What is in these tests was said long ago, and is kept all the same.
fn limits() -> HistoryLimits {
    HistoryLimits { age_max: Duration::MAX, ..HistoryLimits::default() }
}

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + second)
}

fn entry(room: &str, number: u64) -> HistoryEntry {
    HistoryEntry {
        room: room.into(),
        msgid: format!("{room}-{number}"),
        at: at(number),
        who: "Zoë".into(),
        source: "zoe@host".into(),
        account: number.is_multiple_of(2).then(|| "zoe".to_owned()),
        kind: HistoryKind::Message,
        text: format!("line {number}; DROP TABLE said; --'\"\0"),
        tags: "+draft/reply=x".into(),
    }
}

fn write(file: &HistoryFile, room: &str, numbers: impl IntoIterator<Item = u64>) {
    let entries: Vec<HistoryEntry> =
        numbers.into_iter().map(|number| entry(room, number)).collect();
    file.write(&entries, at(0)).expect("it can be written");
}

fn seconds(rows: &[HistoryRow]) -> Vec<u64> {
    let second =
        |row: &HistoryRow| row.entry.at.duration_since(at(0)).expect("it is later").as_secs();
    rows.iter().map(second).collect()
}

fn page(file: &HistoryFile, room: &str, page: &HistoryPage) -> Vec<u64> {
    seconds(&file.page(room, page).expect("it can be read"))
}

fn all(file: &HistoryFile, room: &str) -> Vec<u64> {
    page(file, room, &HistoryPage::last(usize::MAX))
}

/// What is wrong with what is there.
fn complaint(result: Result<HistoryFile, Failure>) -> String {
    result.err().expect("it is refused").to_string()
}

#[test]
fn what_was_said_is_there_when_the_file_is_opened_again() {
    let directory = Directory::new();
    let said = [entry("#a", 1), HistoryEntry { kind: HistoryKind::Notice, ..entry("#a", 2) }];
    let file = directory.open(limits()).expect("it is made");
    file.write(&said, at(0)).expect("it can be written");
    drop(file);
    let file = directory.open(limits()).expect("it is there");
    let rows = file.page("#a", &HistoryPage::last(9)).expect("it can be read");
    assert_eq!(rows.iter().map(|row| row.entry.clone()).collect::<Vec<_>>(), said);
    assert!(rows[0].number < rows[1].number);
}

#[test]
fn pages_are_found_by_number_by_message_and_by_time() {
    let directory = Directory::new();
    let file = directory.open(limits()).expect("it is made");
    for number in 1..=9 {
        write(&file, "#a", [number]);
        write(&file, "#b", [100 + number]);
    }
    let rows = file.page("#a", &HistoryPage::last(9)).expect("it can be read");
    let numbered =
        |second: u64| HistoryMark::Number(rows[usize::try_from(second).expect("small") - 1].number);
    let message = |second: u64| HistoryMark::Message(format!("#a-{second}"));
    let time = |second| HistoryMark::Time(at(second));
    let between = |after, before, from_start| HistoryPage {
        after: Some(after),
        before: Some(before),
        from_start,
        count: 3,
    };
    for (wanted, expected) in [
        (HistoryPage::last(3), vec![7, 8, 9]),
        (HistoryPage::before(numbered(3), 3), vec![1, 2]),
        (HistoryPage::before(message(6), 3), vec![3, 4, 5]),
        (HistoryPage::before(time(6), 3), vec![3, 4, 5]),
        (HistoryPage::before(time(99), 3), vec![7, 8, 9]),
        (HistoryPage::before(time(0), 3), vec![]),
        (HistoryPage::after(numbered(3), 3), vec![4, 5, 6]),
        (HistoryPage::after(message(8), 3), vec![9]),
        (HistoryPage::after(time(3), 3), vec![4, 5, 6]),
        (HistoryPage::after(time(0), 3), vec![1, 2, 3]),
        (HistoryPage::after(time(99), 3), vec![]),
        (between(message(2), time(9), true), vec![3, 4, 5]),
        (between(message(2), time(9), false), vec![6, 7, 8]),
        (between(message(4), message(4), true), vec![]),
    ] {
        assert_eq!(page(&file, "#a", &wanted), expected, "{wanted:?}");
    }
    assert_eq!(all(&file, "#b"), (101..=109).collect::<Vec<_>>());
    assert!(all(&file, "#c").is_empty());
    assert_eq!(file.rooms(9).expect("it can be read"), ["#b", "#a"], "the latest first");
    for unknown in [message(10), HistoryMark::Message("#b-101".into())] {
        let failure =
            file.page("#a", &HistoryPage::before(unknown, 3)).expect_err("it is not there");
        assert!(failure.is(FailureKind::Local));
    }
}

#[test]
fn topics_are_kept_and_are_on_no_page() {
    let directory = Directory::new();
    let file = directory.open(limits()).expect("it is made");
    let topic = |number| HistoryEntry { kind: HistoryKind::Topic, ..entry("#a", number) };
    file.write(&[topic(1), entry("#a", 2), topic(3), entry("#a", 4)], at(0))
        .expect("it can be written");
    assert_eq!(all(&file, "#a"), [2, 4]);
    assert_eq!(
        page(&file, "#a", &HistoryPage::before(HistoryMark::Message("#a-3".into()), 9)),
        [2]
    );
    let last = |room| file.topic(room).expect("it can be read").map(|row| row.entry.at);
    assert_eq!((last("#a"), last("#b")), (Some(at(3)), None));
}

#[test]
fn an_entry_is_kept_once_however_often_it_comes() {
    let directory = Directory::new();
    let file = directory.open(limits()).expect("it is made");
    write(&file, "#a", [1, 2, 1]);
    write(&file, "#a", [2, 3]);
    assert_eq!(all(&file, "#a"), [1, 2, 3]);
}

#[test]
fn the_oldest_go_when_a_room_the_whole_or_time_has_its_limit() {
    let directory = Directory::new();
    let file = directory.open(limits()).expect("it is made");
    write(&file, "#a", 1..=10);
    write(&file, "#b", 11..=13);
    drop(file);
    let limits = HistoryLimits { per_room_max: 4, ..limits() };
    let file = directory.open(limits.clone()).expect("it is there");
    assert_eq!((all(&file, "#a"), all(&file, "#b")), (vec![7, 8, 9, 10], vec![11, 12, 13]));
    write(&file, "#a", 1_000..2_000);
    assert_eq!(all(&file, "#a"), [1_996, 1_997, 1_998, 1_999], "also while it is open");
    drop(file);
    let file =
        directory.open(HistoryLimits { entries_max: 3, ..limits.clone() }).expect("it is there");
    assert_eq!((all(&file, "#a"), all(&file, "#b")), (vec![1_997, 1_998, 1_999], vec![]));
    drop(file);
    let age_max =
        SystemTime::now().duration_since(at(1_998)).expect("it was") - Duration::from_millis(500);
    let file = directory.open(HistoryLimits { age_max, ..limits }).expect("it is there");
    assert_eq!(all(&file, "#a"), [1_999]);
}

#[test]
fn a_page_has_at_most_as_much_as_it_may() {
    let directory = Directory::new();
    let limits = HistoryLimits { page_max: 2, ..limits() };
    let file = directory.open(limits).expect("it is made");
    write(&file, "#a", 1..=5);
    assert_eq!(all(&file, "#a"), [4, 5]);
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let directory = Directory::new();
    let (path, limits) = (directory.file(), limits());
    let nowhere = HistoryFile::open(directory.0.join("no/where.db"), limits.clone());
    assert!(complaint(nowhere).contains("where.db cannot be opened"));
    let folder = HistoryFile::open(&directory.0, limits.clone());
    assert!(complaint(folder).contains("cannot be opened"));
    std::fs::write(&path, "This is a letter to my mother, and no database at all. ".repeat(99))
        .expect("a file");
    assert!(complaint(directory.open(limits.clone())).contains("it is no SQLite file"));
    std::fs::remove_file(&path).expect("it is there");
    let other = Connection::open(&path).expect("it is made");
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").expect("it can be written");
    assert!(complaint(directory.open(limits.clone())).contains("another program's data"));
    other
        .execute_batch("PRAGMA application_id = 0x72776368; PRAGMA user_version = 9")
        .expect("it can be written");
    assert!(complaint(directory.open(limits)).contains("of version 9"));
}

#[test]
fn a_file_that_is_full_says_so_and_keeps_what_is_in_it() {
    let directory = Directory::new();
    let limits = HistoryLimits { file_bytes_max: 64 << 10, ..limits() };
    let file = directory.open(limits).expect("it is made");
    write(&file, "#a", 1..=9);
    let many: Vec<HistoryEntry> = (10..2_000).map(|number| entry("#a", number)).collect();
    let failure = file.write(&many, at(0)).expect_err("it does not fit");
    assert!(
        failure.is(FailureKind::Limit) && failure.to_string().contains("the disk is full"),
        "{failure}"
    );
    assert_eq!(all(&file, "#a"), (1..=9).collect::<Vec<_>>(), "all or none");
}

/// A loop, and a history on it whose jobs are done when a test says so.
struct Slow {
    event_loop: Loop,
    history: History,
    jobs: Rc<RefCell<Vec<Box<dyn FnOnce()>>>>,
}

impl Slow {
    fn new(file: HistoryFile) -> Self {
        let event_loop = Loop::new(MemoryDriver::new(Network::default()));
        let jobs = Rc::<RefCell<Vec<Box<dyn FnOnce()>>>>::default();
        let asked = jobs.clone();
        let threads = DeferToThread::new(move |job| {
            let (resolver, done) = Deferred::new();
            asked.borrow_mut().push(Box::new(move || {
                job();
                resolver.callback(());
            }));
            done
        });
        let history = History::new(event_loop.reactor(), file, threads);
        Self { event_loop, history, jobs }
    }

    /// The threads do what they were asked so far; gives how many jobs that were.
    fn work(&self) -> usize {
        let jobs = self.jobs.take();
        let count = jobs.len();
        jobs.into_iter().for_each(|job| job());
        count
    }

    fn record(&self, numbers: impl IntoIterator<Item = u64>) {
        numbers.into_iter().for_each(|number| self.history.record(entry("#a", number)));
    }

    fn advance(&self, time: Duration) {
        let later = defer_later(self.event_loop.reactor(), time, || ());
        self.event_loop.run_until(later).expect("time passes");
    }
}

#[test]
fn what_comes_while_a_batch_is_written_is_the_next_batch() {
    let directory = Directory::new();
    let limits = HistoryLimits { batch_max: 4, ..limits() };
    let file = directory.open(limits).expect("it is made");
    let slow = Slow::new(file.clone());
    slow.record(1..=6);
    let flushed = slow.history.flush();
    assert_eq!(slow.jobs.borrow().len(), 1, "one at a time");
    assert!(all(&file, "#a").is_empty(), "the loop did not wait for the disk");
    slow.work();
    assert_eq!(all(&file, "#a"), [1], "the first did not wait for others");
    slow.work();
    assert_eq!(all(&file, "#a"), [1, 2, 3, 4, 5]);
    assert!(!flushed.is_fired());
    slow.work();
    assert_eq!(all(&file, "#a"), [1, 2, 3, 4, 5, 6]);
    assert!(flushed.is_fired() && slow.history.flush().is_fired());
    assert_eq!(slow.work(), 0);
    let page = slow.history.page("#a", HistoryPage::last(2));
    assert!(!page.is_fired());
    slow.work();
    assert_eq!(seconds(&page.into_result().expect("it is there").expect("it was read")), [5, 6]);
}

#[test]
fn what_cannot_be_written_waits_and_is_written_when_it_can() {
    let directory = Directory::new();
    let limits = HistoryLimits { waiting_max: 3, lock_timeout: Duration::ZERO, ..limits() };
    let file = directory.open(limits).expect("it is made");
    let slow = Slow::new(file.clone());
    let other = Connection::open(directory.file()).expect("it is there");
    other.execute_batch("BEGIN EXCLUSIVE").expect("nobody writes");
    slow.record([1]);
    let flushed = slow.history.flush();
    slow.work();
    let failure = flushed.into_result().expect("it fired").expect_err("it is locked");
    assert!(failure.to_string().contains("locked by another program"), "{failure}");
    slow.record(2..=5);
    slow.advance(Duration::from_secs(3));
    assert_eq!(slow.work(), 1, "it is tried once a second, not for each entry");
    other.execute_batch("COMMIT").expect("it is open");
    slow.advance(Duration::from_secs(1));
    while slow.work() > 0 {}
    assert_eq!(all(&file, "#a"), [1, 2, 3], "no more may wait");
    slow.record([6]);
    slow.work();
    assert_eq!(all(&file, "#a"), [1, 2, 3, 6]);
}

#[test]
fn a_file_that_is_locked_is_not_opened() {
    let directory = Directory::new();
    drop(directory.open(limits()).expect("it is made"));
    let other = Connection::open(directory.file()).expect("it is there");
    other.execute_batch("BEGIN EXCLUSIVE; DELETE FROM said").expect("nobody writes");
    let limits = HistoryLimits { lock_timeout: Duration::ZERO, ..limits() };
    assert!(complaint(directory.open(limits)).contains("locked by another program"));
}
