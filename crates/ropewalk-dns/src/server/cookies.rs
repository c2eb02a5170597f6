//! [`CookieSecret`]: cookies, by which who asks by datagrams shows that it is where it says it is (RFC 7873).
//!
//! The asker sends a number of its own; the server adds one that only it can make, of that number, the asker's address
//! and the time, and keeps nothing. Who sends both back has got an answer before at that address. The form is that of
//! RFC 9018, but for the hash: no other server has the secret, so nobody has to agree on one.

use std::fmt;
use std::net::IpAddr;

use ring::hmac;
use ropewalk_core::{Address, Time};

use super::query::Query;
use crate::Random;

/// What a server makes its cookies with. Servers that share an address should share it.
#[derive(Clone)]
pub struct CookieSecret(hmac::Key);

/// The number of an asker.
const CLIENT_BYTES: usize = 8;

/// That of this server: version, three bytes of nothing, the time in seconds, half of the hash.
const SERVER_BYTES: usize = 16;

/// What a server's part may take in all (RFC 7873, section 4).
const SERVER_BYTES_ALLOWED: std::ops::RangeInclusive<usize> = 8..=32;

/// How long one is good; a new one comes with each answer (RFC 9018, section 4.3).
const GOOD_SECONDS: u32 = 3_600;

const VERSION: u8 = 1;

/// A cookie, as an answer has it.
pub(super) type Cookie = [u8; CLIENT_BYTES + SERVER_BYTES];

/// What a query says with its cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// Nothing, or nothing that proves anything.
    Nothing,
    /// That it has got an answer before, where it says it is.
    Known,
    /// Something that is no cookie: FORMERR.
    Malformed,
}

impl CookieSecret {
    /// A secret by chance.
    pub fn new() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &Random::new().bytes::<32>()))
    }

    /// What the cookie of a query says, if it has one.
    pub(super) fn read(&self, query: &Query<'_>) -> Said {
        let Some(cookie) = asked(query) else { return Said::Nothing };
        let Some((client, server)) = cookie.split_first_chunk() else { return Said::Malformed };
        if server.is_empty() {
            return Said::Nothing;
        }
        if !SERVER_BYTES_ALLOWED.contains(&server.len()) {
            return Said::Malformed;
        }
        let origin = query.origin();
        match server.first_chunk::<8>() {
            Some(&[VERSION, 0, 0, 0, a, b, c, d]) => {
                let made = u32::from_be_bytes([a, b, c, d]);
                let is_fresh = seconds(origin.now).wrapping_sub(made) < GOOD_SECONDS;
                let is_ours = server == self.server_part(client, origin.peer, made);
                if is_fresh && is_ours { Said::Known } else { Said::Nothing }
            }
            _ => Said::Nothing,
        }
    }

    /// The cookie that goes with the answer to a query, if it has asked for one.
    pub(super) fn answer_to(&self, query: &Query<'_>) -> Option<Cookie> {
        let client: &[u8; CLIENT_BYTES] = asked(query)?.first_chunk()?;
        let origin = query.origin();
        let server = self.server_part(client, origin.peer, seconds(origin.now));
        let mut cookie = [0; CLIENT_BYTES + SERVER_BYTES];
        cookie[..CLIENT_BYTES].copy_from_slice(client);
        cookie[CLIENT_BYTES..].copy_from_slice(&server);
        Some(cookie)
    }

    fn server_part(
        &self,
        client: &[u8; CLIENT_BYTES],
        peer: &Address,
        made: u32,
    ) -> [u8; SERVER_BYTES] {
        let mut part = [0; SERVER_BYTES];
        part[0] = VERSION;
        part[4..8].copy_from_slice(&made.to_be_bytes());
        let mut hash = hmac::Context::with_key(&self.0);
        hash.update(client);
        hash.update(&part[..8]);
        match peer.ip().map(|peer| peer.ip()) {
            Some(IpAddr::V4(address)) => hash.update(&address.octets()),
            Some(IpAddr::V6(address)) => hash.update(&address.octets()),
            None => {}
        }
        part[8..].copy_from_slice(&hash.sign().as_ref()[..8]);
        part
    }
}

/// The cookie option of a query.
fn asked<'a>(query: &Query<'a>) -> Option<&'a [u8]> {
    query.edns()?.option(domain::base::iana::OptionCode::COOKIE.to_int())
}

fn seconds(time: Time) -> u32 {
    // It is a circle; an hour of it is looked at.
    u32::try_from((time.as_nanos() / 1_000_000_000) & u64::from(u32::MAX)).unwrap_or(0)
}

impl Default for CookieSecret {
    fn default() -> Self {
        Self::new()
    }
}

/// Nothing of the secret.
impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret")
    }
}
