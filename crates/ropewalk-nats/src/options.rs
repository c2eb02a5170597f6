//! [`NatsOptions`]: what a client says of itself, and its limits.

use crate::NatsLimits;

/// What a client says when it comes, and what it may hold.
#[derive(Clone, Debug, Default)]
pub struct NatsOptions {
    /// What the server's lists of its clients show. Default empty: no name.
    pub name: String,
    /// Whether the client is not to hear what it publishes itself. Default false: it hears it.
    pub no_echo: bool,
    /// Who it is, for a server that asks.
    pub user: Option<String>,
    /// That user's password.
    pub password: Option<String>,
    /// What a server may ask for instead of a user.
    pub token: Option<String>,
    /// What it may hold.
    pub limits: NatsLimits,
}
