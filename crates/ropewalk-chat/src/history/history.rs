//! [`History`]: one thread's handle: the queue of what is to be written, and the pages that are asked for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ropewalk_core::{Deferred, Failure, Reactor, Resolver};

use super::{DeferToThread, HistoryEntry, HistoryFile, HistoryPage, HistoryRow};

/// One thread's handle to a history. A clone is the same.
///
/// # Ordering
/// Entries are written in the order in which they were [recorded](Self::record); a page asked for later may not have
/// those that wait yet.
#[derive(Clone)]
pub struct History(Rc<State>);

struct State {
    reactor: Reactor,
    file: HistoryFile,
    threads: DeferToThread,
    waiting: RefCell<VecDeque<HistoryEntry>>,
    /// Of those in `waiting`, so many are being written.
    writing: Cell<usize>,
    /// The last attempt to write failed.
    is_in_trouble: Cell<bool>,
    /// Entries that found no room in the queue since the last that did.
    dropped: Cell<u64>,
    flushes: RefCell<Vec<Resolver<()>>>,
}

/// How long to wait before what could not be written is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl History {
    /// A handle for `reactor`'s thread.
    pub fn new(reactor: &Reactor, file: HistoryFile, threads: DeferToThread) -> Self {
        Self(Rc::new(State {
            reactor: reactor.clone(),
            file,
            threads,
            waiting: RefCell::default(),
            writing: Cell::new(0),
            is_in_trouble: Cell::new(false),
            dropped: Cell::new(0),
            flushes: RefCell::default(),
        }))
    }

    /// Keeps an entry: it is written soon, with those that come meanwhile.
    ///
    /// # Limits
    /// While the file cannot be written, at most [`waiting_max`](crate::HistoryLimits::waiting_max) entries wait; one more is
    /// lost, and counted in the log. It is tried again every second.
    pub fn record(&self, entry: HistoryEntry) {
        let state = &self.0;
        if state.waiting.borrow().len() >= state.file.limits().waiting_max {
            return state.dropped.set(state.dropped.get() + 1);
        }
        state.waiting.borrow_mut().push_back(entry);
        if state.writing.get() == 0 && !state.is_in_trouble.get() {
            state.write();
        }
    }

    /// What was said in `room` (see [`HistoryPage`]), oldest first; topics are not among it.
    ///
    /// # Errors
    /// `Local` if the page begins or ends at a message that is not kept; else why the file could not be read.
    pub fn page(&self, room: &str, page: HistoryPage) -> Deferred<Vec<HistoryRow>> {
        let (file, room) = (self.0.file.clone(), room.to_owned());
        self.0.threads.run(move || file.page(&room, &page))
    }

    /// Fires when all that was recorded so far is in the file.
    ///
    /// # Errors
    /// Why it could not be written, the first time that it cannot.
    pub fn flush(&self) -> Deferred<()> {
        let state = &self.0;
        if state.waiting.borrow().is_empty() {
            return Deferred::succeed(());
        }
        let (resolver, flushed) = Deferred::new();
        state.flushes.borrow_mut().push(resolver);
        if state.writing.get() == 0 {
            state.write();
        }
        flushed
    }
}

impl State {
    /// Has a thread write what waits, as much as one batch takes.
    fn write(self: &Rc<Self>) {
        let batch: Arc<[HistoryEntry]> = {
            let waiting = self.waiting.borrow();
            waiting.iter().take(self.file.limits().batch_max).cloned().collect()
        };
        if batch.is_empty() {
            return self.fire_flushes(&Ok(()));
        }
        self.writing.set(batch.len());
        let file = self.file.clone();
        let written = self.threads.run(move || file.write(&batch, SystemTime::now()));
        let state = self.clone();
        drop(written.add_both(move |result| state.written(result)));
    }

    fn written(self: &Rc<Self>, result: Result<(), Failure>) {
        let count = self.writing.replace(0);
        match result {
            Ok(()) => {
                drop(self.waiting.borrow_mut().drain(..count));
                self.note_recovery();
                self.write();
            }
            Err(failure) => {
                self.note_trouble(&failure);
                let weak = Rc::downgrade(self);
                self.reactor.call_later(RETRY_AFTER, move || {
                    if let Some(state) = weak.upgrade()
                        && state.writing.get() == 0
                    {
                        state.write();
                    }
                });
                self.fire_flushes(&Err(failure));
            }
        }
    }

    fn note_trouble(&self, failure: &Failure) {
        if !self.is_in_trouble.replace(true) {
            let waiting = self.waiting.borrow().len();
            tracing::error!(target: "ropewalk::chat", "{failure}; {waiting} messages wait, and it is tried again");
        }
    }

    fn note_recovery(&self) {
        if self.is_in_trouble.replace(false) {
            let dropped = self.dropped.replace(0);
            tracing::warn!(target: "ropewalk::chat", "the history is written again; {dropped} messages are not in it");
        }
    }

    fn fire_flushes(&self, result: &Result<(), Failure>) {
        let flushes = self.flushes.take();
        flushes.into_iter().for_each(|resolver| resolver.fire(result.clone()));
    }
}
