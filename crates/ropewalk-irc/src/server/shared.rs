//! [`Shared`]: what all connections of one server share.

use std::cell::Cell;
use std::time::SystemTime;

use super::IrcSettings;
use super::capability::{Capabilities, Capability};
use crate::network::Server;

/// What all connections of one server share.
pub(crate) struct Shared {
    pub(crate) server: Server,
    pub(crate) settings: IrcSettings,
    pub(crate) started_at: SystemTime,
    /// Connections that are not registered.
    pub(crate) unknown: Cell<usize>,
}

impl Shared {
    pub(crate) fn new(server: Server, settings: IrcSettings) -> Self {
        let started_at = server.calendar_now();
        Self { server, settings, started_at, unknown: Cell::new(0) }
    }

    /// What clients may ask for.
    pub(crate) fn offered(&self) -> Capabilities {
        let has_accounts = self.settings.accounts.is_some();
        let is_offered = |capability: &Capability| has_accounts || *capability != Capability::Sasl;
        Capability::ALL.into_iter().filter(is_offered).collect()
    }
}

/// What `VERSION` says.
pub(crate) const VERSION: &str = concat!("ropewalk-", env!("CARGO_PKG_VERSION"));
