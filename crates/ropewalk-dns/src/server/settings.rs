//! [`ServerSettings`]: what a server allows, with the reason beside each limit.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::access::Access;
use super::cookies::CookieSecret;
use super::query_log::QueryLog;
use super::rate_limit::RateLimitSettings;
use crate::tsig::KeyRing;

/// What a server allows and says of itself.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The longest answer in a datagram, however much the asker takes. Default 1,232 bytes: what passes every network
    /// without being cut into fragments (the figure of the DNS flag day 2020); at least 512 counts.
    pub udp_bytes_max: u16,
    /// What is said to those who ask which server this is (NSID, RFC 5001). Default nothing.
    pub nsid: Option<Bytes>,
    /// What cookies are made with (RFC 7873). Default by chance; servers that share an address should share it.
    pub cookies: CookieSecret,
    /// Who may ask; all others are told REFUSED. Default everybody.
    pub access: Access,
    /// The keys that queries may be signed with. Default none: what is signed is told BADKEY.
    pub keys: KeyRing,
    /// How many datagrams a network gets in answer, beside those to who has a cookie or a key. Default no limit.
    pub rate_limit: RateLimitSettings,
    /// Where each query is noted. Default nowhere.
    pub query_log: Option<QueryLog>,
    /// Answers that are waited for, of all askers together; one more is SERVFAIL. Default 100,000: each has a copy of its
    /// query, so some tens of megabytes.
    pub replies_max: usize,
    /// Questions of one connection that are not answered yet; until one is, no more are read. Default 100: a resolver's
    /// pipeline, and one peer's share of `replies_max`.
    pub pipelined_max: usize,
    /// How long a connection may be silent when nothing is owed to it (RFC 7766, section 6.2.3). Default 30 s: a resolver
    /// comes back within it, and the slots of those who do not are free soon.
    pub idle_timeout: Duration,
    /// How long the first question may take to be there. Default 5 s: whoever opens a connection has one to ask.
    pub first_query_timeout: Duration,
    /// Connections of all peers. Default 10,000: a small share of the descriptors that a system gives a server.
    pub connections_max: usize,
    /// Connections of one address. Default 100: more than a resolver opens, and a hundredth of all.
    pub connections_per_peer_max: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            udp_bytes_max: 1_232,
            nsid: None,
            cookies: CookieSecret::new(),
            access: Access::everybody(),
            rate_limit: RateLimitSettings::default(),
            query_log: None,
            keys: KeyRing::new(Vec::new(), SystemTime::now),
            replies_max: 100_000,
            pipelined_max: 100,
            idle_timeout: Duration::from_secs(30),
            first_query_timeout: Duration::from_secs(5),
            connections_max: 10_000,
            connections_per_peer_max: 100,
        }
    }
}
