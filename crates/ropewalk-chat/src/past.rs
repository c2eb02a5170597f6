//! [`Past`]: what was said before, from the network's memory and, further back, from the file.

use std::sync::Arc;
use std::time::SystemTime;

use ropewalk_core::{Deferred, FailureKind};
use ropewalk_irc::network::{
    Event, HistoryPoint, HistoryRange, MsgId, Record, Refusal, SpeechKind, User,
};

use crate::{Chat, HistoryEntry, HistoryKind, HistoryMark, HistoryPage, HistoryRow};

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) msgid: String,
    pub(crate) at: SystemTime,
    pub(crate) who: String,
    pub(crate) how: PastKind,
    /// As it was said; make it [plain](crate::text::plain) to show it.
    pub(crate) text: String,
}

/// How it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PastKind {
    Said,
    Acted,
    Noticed,
}

/// Things on one page, at most: as in [`HistoryLimits`](crate::HistoryLimits).
const PAGE_MAX: usize = 200;

impl Chat {
    /// The last things that were said in `room`, or the last before the one of that msgid; oldest first, at most
    /// `count`.
    ///
    /// # Errors
    /// `NotOnChannel` if `user` is not there. The Deferred fails with why the file could not be read, and with `Local`
    /// if there is no such msgid.
    pub(crate) fn past(
        &self,
        user: &User,
        room: &str,
        before: Option<&str>,
        count: usize,
    ) -> Result<Deferred<Vec<Past>>, Refusal> {
        let count = count.min(PAGE_MAX);
        let range = match before.map(MsgId::parse) {
            None => HistoryRange::Latest(None),
            Some(Some(msgid)) => HistoryRange::Before(HistoryPoint::Event(msgid)),
            Some(None) => return Err(Refusal::NoSuchMessage),
        };
        let channel = user.channel(room)?;
        let in_memory = match user.history(room, &range, count) {
            Err(Refusal::NoSuchMessage) if self.history().is_some() => Vec::new(),
            other => other?,
        };
        let Some(history) = self.history().filter(|_| in_memory.len() < count) else {
            return Ok(Deferred::succeed(of_records(&in_memory)));
        };
        let oldest = in_memory.first().map(|record| record.msgid().to_string());
        let is_new = oldest.is_some();
        let mark = oldest.or(before.map(str::to_owned));
        let (room, missing) = (channel.name.folded().to_string(), count - in_memory.len());
        let page = move |mark: Option<String>| HistoryPage {
            before: mark.map(HistoryMark::Message),
            ..HistoryPage::last(missing)
        };
        let found = history.page(&room, page(mark)).add_errback(move |failure| {
            if is_new && failure.is(FailureKind::Local) {
                // What is in memory has not been written yet, so all that is written is older.
                return history.page(&room, page(None));
            }
            Deferred::fail(failure)
        });
        Ok(found.add_callback(move |rows| {
            let mut all: Vec<Past> = rows.into_iter().map(Past::from).collect();
            all.extend(of_records(&in_memory));
            Ok(all)
        }))
    }
}

fn of_records(records: &[Arc<Record>]) -> Vec<Past> {
    records.iter().filter_map(|record| Past::of_record(record)).collect()
}

impl Past {
    fn of_record(record: &Record) -> Option<Self> {
        let Event::Said { speech, .. } = record.event() else { return None };
        if speech.is_ctcp() {
            return None;
        }
        let kind = match speech.kind {
            SpeechKind::Message => HistoryKind::Message,
            SpeechKind::Notice => HistoryKind::Notice,
        };
        Some(Self::new(
            record.msgid().to_string(),
            record.at(),
            record.source().nick().to_string(),
            kind,
            &speech.text,
        ))
    }

    fn new(msgid: String, at: SystemTime, who: String, kind: HistoryKind, text: &str) -> Self {
        let action = text.strip_prefix("\u{1}ACTION ").map(|text| text.trim_end_matches('\u{1}'));
        let how = match kind {
            HistoryKind::Message if action.is_some() => PastKind::Acted,
            HistoryKind::Message => PastKind::Said,
            HistoryKind::Notice | HistoryKind::Topic => PastKind::Noticed,
        };
        Self { msgid, at, who, how, text: action.unwrap_or(text).to_owned() }
    }
}

impl From<HistoryRow> for Past {
    fn from(row: HistoryRow) -> Self {
        let HistoryEntry { msgid, at, who, kind, text, .. } = row.entry;
        Self::new(msgid, at, who, kind, &text)
    }
}
