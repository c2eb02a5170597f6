//! What a program that starts knows of the past: the last things that were said in the lobby, and what it is about.

use ropewalk_core::Failure;
use ropewalk_irc::network::{MsgId, Registration, Remembered, Speech};

use crate::{Chat, HistoryEntry, HistoryFile, HistoryKind, HistoryPage};

impl Chat {
    /// Gives the network what `file` has of the lobby, as much as is kept in memory: so that clients of IRC, who ask the
    /// network, are shown it too. Other rooms are not there before somebody comes to them. Waits for the disk: to be
    /// called on one thread, before the loop runs.
    ///
    /// # Errors
    /// Why the file could not be read.
    pub fn recall(&self, file: &HistoryFile) -> Result<(), Failure> {
        let room = self.lobby().folded();
        let count = self.network().limits().history_per_channel_max;
        for row in file.page(room, &HistoryPage::last(count))? {
            // What does not fit this network's limits any more is left out.
            let _ = remembered(row.entry).map(|entry| self.network().remember(entry));
        }
        if let Some(topic) = file.topic(room)? {
            let HistoryEntry { text, who, source, at, .. } = topic.entry;
            let by = format!("{who}!{source}");
            // The lobby is there.
            let _ = self.network().remember_topic(room, &text, &by, at);
        }
        Ok(())
    }
}

/// What was said, as the network has it; `None` if it cannot be that.
pub(crate) fn remembered(entry: HistoryEntry) -> Option<Remembered> {
    let speech = match entry.kind {
        HistoryKind::Message => Speech::message(&entry.text),
        HistoryKind::Notice => Speech::notice(&entry.text),
        HistoryKind::Topic => return None,
    };
    let (user, host) = entry.source.split_once('@').unwrap_or((&entry.source, ""));
    let source = Registration {
        user: user.into(),
        host: host.into(),
        account: entry.account.clone(),
        ..Registration::new(&entry.who)
    };
    Some(Remembered {
        channel: entry.room,
        source,
        speech: speech.with_tags(&entry.tags),
        msgid: MsgId::parse(&entry.msgid)?,
        at: entry.at,
    })
}
