//! [`Recorder`]: has what is said on the network kept in a [`History`].

use ropewalk_irc::network::{Event, Listener, Network, Notice, SpeechKind, Target};

use crate::{History, HistoryEntry, HistoryKind};

/// Observes a network. What is said to one alone, to some, or in a room that is not open to everybody is not kept: later
/// another may make a room of that name, and would read it.
pub(crate) struct Recorder {
    network: Network,
    history: History,
}

impl Recorder {
    pub(crate) fn new(network: Network, history: History) -> Self {
        Self { network, history }
    }
}

impl Listener for Recorder {
    fn notified(&self, notice: &Notice) {
        if let Some(entry) = entry(notice)
            && notice.event().channel().is_some_and(|room| self.network.is_public(room.as_str()))
        {
            self.history.record(entry);
        }
    }
}

fn entry(notice: &Notice) -> Option<HistoryEntry> {
    let (room, kind, text, tags) = match notice.event() {
        Event::Said { to: Target::Channel(room), speech } if !speech.is_ctcp() => {
            let kind = match speech.kind {
                SpeechKind::Message => HistoryKind::Message,
                SpeechKind::Notice => HistoryKind::Notice,
            };
            (room, kind, &speech.text, speech.tags.as_ref())
        }
        Event::TopicSet { channel, topic } => (channel, HistoryKind::Topic, topic, ""),
        _ => return None,
    };
    let who = notice.source();
    Some(HistoryEntry {
        room: room.folded().to_string(),
        msgid: notice.msgid().to_string(),
        at: notice.at(),
        who: who.nick().to_string(),
        source: format!("{}@{}", who.user(), who.host()),
        account: who.account().map(str::to_owned),
        kind,
        text: text.to_string(),
        tags: tags.to_owned(),
    })
}
