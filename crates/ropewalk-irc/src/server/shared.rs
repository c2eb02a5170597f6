//! [`Shared`]: what all connections of one server share.

use std::cell::Cell;
use std::time::SystemTime;

use super::IrcSettings;
use super::capability::{Capabilities, Capability};
use crate::network::Server;
use crate::network::identity::word;

/// What all connections of one server share.
pub(crate) struct Shared {
    pub(crate) server: Server,
    pub(crate) settings: IrcSettings,
    pub(crate) started_at: SystemTime,
    /// Connections that are not registered.
    pub(crate) unknown: Cell<usize>,
}

impl Shared {
    pub(crate) fn new(server: Server, mut settings: IrcSettings) -> Self {
        let started_at = server.calendar_now();
        // It stands before every line.
        settings.server_name = word(&settings.server_name, server.limits().host_bytes_max);
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
