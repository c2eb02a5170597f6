//! [`ChannelPast`]: the past of channels for clients of IRC, who ask for it by `CHATHISTORY`.

use std::sync::Arc;

use ropewalk_core::Deferred;
use ropewalk_irc::ChannelName;
use ropewalk_irc::network::{HistoryPoint, Network, Record};
use ropewalk_irc::server::HistoryStore;

use crate::recall::remembered;
use crate::{History, HistoryMark, HistoryPage};

/// Gives the IRC server what a [`History`] has; see [`IrcSettings`](ropewalk_irc::server::IrcSettings).
pub struct ChannelPast {
    network: Network,
    history: History,
}

impl ChannelPast {
    /// What `history` has of the channels of `network`.
    pub fn new(network: &Network, history: &History) -> Self {
        Self { network: network.clone(), history: history.clone() }
    }
}

impl HistoryStore for ChannelPast {
    fn before(
        &self,
        channel: &ChannelName,
        point: Option<&HistoryPoint>,
        count: usize,
    ) -> Deferred<Vec<Arc<Record>>> {
        let before = point.map(|point| match point {
            HistoryPoint::Event(msgid) => HistoryMark::Message(msgid.to_string()),
            HistoryPoint::Time(at) => HistoryMark::Time(*at),
        });
        let page = HistoryPage { before, ..HistoryPage::last(count) };
        let limits = self.network.limits().clone();
        self.history.page(channel.folded(), page).add_callback(move |rows| {
            let records = rows.into_iter().filter_map(|row| remembered(row.entry));
            // What does not fit this network's limits any more is left out.
            Ok(records.filter_map(|entry| entry.into_record(&limits).ok()).collect())
        })
    }
}
