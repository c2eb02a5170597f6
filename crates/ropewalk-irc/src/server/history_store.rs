//! [`HistoryStore`]: who keeps more of what was said than the network has in memory.

use std::sync::Arc;

use ropewalk_core::Deferred;

use crate::ChannelName;
use crate::network::{HistoryPoint, Record};

/// Who keeps more of what was said on channels than the network has in memory: a file, a database.
pub trait HistoryStore {
    /// Fires with the last `count` things that were said on `channel` before a point, or with the last that are kept,
    /// oldest first. Fewer if there are no more.
    ///
    /// # Errors
    /// They cannot be had now; or the point is an event that is not kept.
    fn before(
        &self,
        channel: &ChannelName,
        point: Option<&HistoryPoint>,
        count: usize,
    ) -> Deferred<Vec<Arc<Record>>>;
}
