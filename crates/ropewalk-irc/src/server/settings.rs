//! [`IrcSettings`]: what a server says of itself, and whom it trusts; [`IrcLimits`].

use std::rc::Rc;
use std::time::Duration;

use ropewalk_core::Deferred;

use super::HistoryStore;

/// What a server says of itself, and whom it trusts.
#[derive(Clone)]
pub struct IrcSettings {
    /// What the server is called, before what it says: a host's name. What cannot be in one becomes `_`. Default
    /// `irc.ropewalk.local`.
    pub server_name: String,
    /// What it is, for people: `LINKS` says it. Default `Ropewalk`.
    pub description: String,
    /// What the network is called. Default `Ropewalk`.
    pub network_name: String,
    /// The message of the day, in lines. Default none.
    pub motd: Vec<String>,
    /// Who runs the server, in lines: where it is, whose it is, how to reach them. At most three are shown.
    pub admin: Vec<String>,
    /// What every client has to say with `PASS`. Default nothing.
    pub password: Option<String>,
    /// Who may become an operator of the network with `OPER`. Default nobody.
    pub operators: Vec<OperatorLogin>,
    /// Who knows the accounts, for SASL. Default nobody: SASL is not offered.
    pub accounts: Option<Rc<dyn Accounts>>,
    /// Who keeps more of what was said than the network. Default nobody.
    pub history: Option<Rc<dyn HistoryStore>>,
    /// Whether others see a [hidden host](crate::network::Network::hidden_host) instead of a client's address. Default true.
    pub hides_hosts: bool,
    /// The channels that clients are put on when they come. Default none.
    pub channels: Vec<String>,
    /// What a client may do.
    pub limits: IrcLimits,
}

/// The name and the password of an operator.
#[derive(Clone)]
pub struct OperatorLogin {
    /// The first parameter of `OPER`.
    pub name: String,
    /// The second.
    pub password: String,
}

/// Who knows which accounts there are (SASL PLAIN, RFC 4616).
pub trait Accounts {
    /// Fires with the account's name, as it is shown, if that is its password; with `None` if it is not.
    ///
    /// # Errors
    /// It is not known now; the client may try again.
    fn check(&self, account: &str, password: &str) -> Deferred<Option<String>>;
}

/// What one connection may do, and how long it may take.
#[derive(Clone, Debug)]
pub struct IrcLimits {
    /// Until a client is registered. Default 60 s: a person may have to type a password. Connections that do not
    /// register are not users, so they are not to stay.
    pub registration_timeout: Duration,
    /// After so long a silence the client is asked whether it is there. Default 120 s: shorter than most routers
    /// forget a connection.
    pub ping_interval: Duration,
    /// And has so long to answer. Default 60 s.
    pub ping_timeout: Duration,
    /// How often a client may send a line, in the long run. Default 50 ms: a client that asks for something about
    /// each of its channels does not do it faster.
    pub line_interval: Duration,
    /// So many lines may come at once. Default 300: who joins a hundred channels asks three things of each.
    pub line_burst: u32,
    /// Whom one message may be for, and of how many channels the members are told at once. Default 4: a message is
    /// rarely for more, and to name the members of a large channel takes milliseconds.
    pub targets_max: usize,
    /// Messages in one page of history. Default 100.
    pub history_page_max: usize,
    /// Wrong passwords of one connection; with one more it is lost. Default 3.
    pub wrong_passwords_max: u32,
}

impl Default for IrcSettings {
    fn default() -> Self {
        Self {
            server_name: "irc.ropewalk.local".into(),
            description: "Ropewalk".into(),
            network_name: "Ropewalk".into(),
            motd: Vec::new(),
            admin: Vec::new(),
            password: None,
            operators: Vec::new(),
            accounts: None,
            history: None,
            hides_hosts: true,
            channels: Vec::new(),
            limits: IrcLimits::default(),
        }
    }
}

impl Default for IrcLimits {
    fn default() -> Self {
        Self {
            registration_timeout: Duration::from_secs(60),
            ping_interval: Duration::from_secs(120),
            ping_timeout: Duration::from_secs(60),
            line_interval: Duration::from_millis(50),
            line_burst: 300,
            targets_max: 4,
            history_page_max: 100,
            wrong_passwords_max: 3,
        }
    }
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
pub(crate) fn same_secret(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}
