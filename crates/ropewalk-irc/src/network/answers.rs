//! What is answered to questions: [`Presence`], [`Person`], [`ChannelInfo`], [`Counts`]; and [`Said`].

use std::sync::Arc;
use std::time::SystemTime;

use super::{ChannelModes, Identity, Ranks, Record, Target, Topic, UserModes};
use crate::ChannelName;

/// Somebody who is there.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Who.
    pub identity: Arc<Identity>,
    /// Their modes.
    pub modes: UserModes,
    /// What they say while away, if they are.
    pub away: Option<Arc<str>>,
    /// The channel that was asked about, and what they are there.
    pub channel: Option<(ChannelName, Ranks)>,
}

/// All that may be known of somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who and how.
    pub presence: Presence,
    /// The channels they are on, and what they are there; not those that who asks may not know of.
    pub channels: Vec<(ChannelName, Ranks)>,
    /// When they came to the network.
    pub signed_on: SystemTime,
    /// When they last said something.
    pub active_at: SystemTime,
}

/// What may be known of a channel.
#[derive(Clone, Debug)]
pub struct ChannelInfo {
    /// Its name, as who made it has written it.
    pub name: ChannelName,
    /// When it was made.
    pub created_at: SystemTime,
    /// How many are on it.
    pub members: usize,
    /// Its modes; the key is `*` for who is not on it.
    pub modes: ChannelModes,
    /// Its topic, if it has one.
    pub topic: Option<Topic>,
    /// What who asks is on it, if they are on it.
    pub ranks: Option<Ranks>,
}

/// How much there is on a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users, the invisible among them.
    pub users: usize,
    /// The most that there were.
    pub users_peak: usize,
    /// Those of the users who are invisible.
    pub invisible: usize,
    /// Operators of the network.
    pub operators: usize,
    /// Channels, those that are secret or kept among them.
    pub channels: usize,
}

/// Something that was just said.
#[derive(Clone, Debug)]
pub struct Said {
    /// To whom, by the name as they write it.
    pub to: Target,
    /// What the one it was said to says while away, if they are.
    pub away: Option<Arc<str>>,
    /// The event, as it was told.
    pub record: Arc<Record>,
}
