//! The limits of a recursive resolver: what each bounds, how much, and why.

use std::time::Duration;

/// How much work one question may be, and how much is remembered.
#[derive(Clone, Debug)]
pub struct RecursorLimits {
    /// Queries that one question may cost, those for the addresses of name servers included. Default 100: names that need
    /// more than thirty are rare, and a zone that is made to cost thousands costs this much (CVE-2020-8616).
    pub queries_max: u32,
    /// Queries to the servers of one zone for one question. Default 16: each of the thirteen that a zone has at most, and
    /// no more of the addresses that somebody has named to have them asked.
    pub queries_per_zone_max: u32,
    /// Queries in flight to one server that has not answered the last ones; one more is not sent. Default 100: questions for
    /// names without end in a zone that does not answer must not take the place of all others.
    pub queries_per_silent_server_max: usize,
    /// Name servers without addresses that are looked up for one zone. Default 4.
    pub lookups_per_zone_max: usize,
    /// Name servers that are looked up for one question, in all zones on its way. Default 16: aliases through zones each
    /// of which has its servers in somebody's zone cost that zone so much and no more.
    pub lookups_max: u32,
    /// How deep lookups of name servers' addresses go: the address of a server that is in a zone whose server … Default
    /// 5: more is a loop.
    pub depth_max: u32,
    /// How long one question may take. Default 10 s: then its asker has given up, and asks again.
    pub resolution_timeout: Duration,
    /// Questions being looked up at once; one more fails. Default 10,000: some 50 MB of memory.
    pub resolutions_max: usize,
    /// Bytes of what is remembered of whose servers answer for which zone. Default 32 MiB: 50,000 zones of the usual size.
    pub delegation_bytes_max: usize,
    /// How long a failure is remembered, so that asking again and again costs nothing (RFC 9520). Default 5 s.
    pub failure_ttl: Duration,
}

impl Default for RecursorLimits {
    fn default() -> Self {
        Self {
            queries_max: 100,
            queries_per_zone_max: 16,
            queries_per_silent_server_max: 100,
            lookups_per_zone_max: 4,
            lookups_max: 16,
            depth_max: 5,
            resolution_timeout: Duration::from_secs(10),
            resolutions_max: 10_000,
            delegation_bytes_max: 32 << 20,
            failure_ttl: Duration::from_secs(5),
        }
    }
}
