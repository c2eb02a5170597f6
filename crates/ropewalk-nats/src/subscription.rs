//! [`Subscription`]: that somebody hears what is published somewhere.

use std::rc::Weak;

use crate::event::NatsMessage;
use crate::link::Link;

/// Messages are heard until this is dropped.
///
/// It keeps neither the client nor its connection.
#[must_use = "dropping it unsubscribes"]
pub struct Subscription {
    link: Weak<Link>,
    number: u64,
}

/// Who hears what.
pub(crate) struct Interest {
    pub(crate) subject: String,
    /// Of those in one group, one hears each message.
    pub(crate) group: Option<String>,
    pub(crate) heard: Box<dyn Fn(&NatsMessage)>,
}

impl Subscription {
    pub(crate) fn new(link: Weak<Link>, number: u64) -> Self {
        Self { link, number }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.unsubscribe(self.number);
        }
    }
}
