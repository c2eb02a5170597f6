//! [`RateLimit`]: so that a server is of no use to those who ask in another's name.
//!
//! A question whose sender is forged sends an answer, which is longer, to somebody who has not asked. One who is flooded
//! so gets the same answer again and again; one who asks does not ask for the same thing many times a second. So answers
//! of a kind to a network are counted, and those too many are not given; now and then one is given that says nothing but
//! that it is truncated, and who is really there asks by TCP.
//!
//! The table has a fixed size. Accounts that fall on the same place take it from each other, which makes the limit
//! laxer, never stricter.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::net::IpAddr;

use domain::base::iana::OptRcode;
use foldhash::fast::RandomState;

use super::answer::{Answer, Section};
use super::query::Query;

/// How many answers a network gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Answers of one kind to one network in a second, and at once. No reasonable default: 0 is no limit.
    pub per_second: u32,
    /// Of the answers too many, every so-manyth is given truncated. Default 2; 0 gives none.
    pub slip: u32,
    /// How many bits of an IPv4 address are a network. Default 24.
    pub v4_bits: u8,
    /// How many bits of an IPv6 address are a network. Default 56: what one customer has.
    pub v6_bits: u8,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self { per_second: 0, slip: 2, v4_bits: 24, v6_bits: 56 }
    }
}

/// What is to be done with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Limited {
    Send,
    Truncate,
    Drop,
}

/// Accounts: a megabyte. A flood in the name of more networks than that is none to any of them.
const ACCOUNTS: usize = 1 << 16;

/// Which answers count together, beside those to the same question.
const NO_NAME: u64 = 1;
const ERROR: u64 = 2;

pub(super) struct RateLimit {
    settings: RateLimitSettings,
    hasher: RandomState,
    accounts: RefCell<Box<[Account]>>,
}

#[derive(Clone, Copy, Default)]
struct Account {
    tag: u32,
    second: u32,
    credit: u32,
    refused: u32,
}

impl RateLimit {
    pub(super) fn new(settings: RateLimitSettings) -> Self {
        let accounts = RefCell::new(vec![Account::default(); ACCOUNTS].into());
        Self { settings, hasher: RandomState::default(), accounts }
    }

    /// What is to be done with an answer to a datagram.
    pub(super) fn judge(&self, query: &Query<'_>, answer: &Answer<'_>) -> Limited {
        let Some(peer) = query.origin().peer.ip() else { return Limited::Send };
        let kind = match answer.rcode() {
            OptRcode::NOERROR if answer.count(Section::Answer) > 0 => {
                self.hasher.hash_one((query.lowercase_name(), query.rtype().to_int()))
            }
            OptRcode::NOERROR | OptRcode::NXDOMAIN => NO_NAME,
            _ => ERROR,
        };
        let network = self.network(peer.ip());
        let hash = self.hasher.hash_one((network, kind));
        let seconds = query.origin().now.as_nanos() / 1_000_000_000;
        self.count(hash, u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    fn count(&self, hash: u64, second: u32) -> Limited {
        let RateLimitSettings { per_second, slip, .. } = self.settings;
        let place = usize::from(u16::try_from(hash & 0xFFFF).unwrap_or(0));
        let tag = u32::try_from(hash >> 32).unwrap_or(0);
        let account = &mut self.accounts.borrow_mut()[place];
        let gone = second.saturating_sub(account.second);
        if account.tag != tag {
            *account = Account { tag, second, credit: per_second, refused: 0 };
        } else if gone > 0 {
            account.credit =
                account.credit.saturating_add(gone.saturating_mul(per_second)).min(per_second);
            account.second = second;
        }
        if account.credit > 0 {
            account.credit -= 1;
            return Limited::Send;
        }
        account.refused = account.refused.wrapping_add(1);
        match slip {
            0 => Limited::Drop,
            slip if account.refused.is_multiple_of(slip) => Limited::Truncate,
            _ => Limited::Drop,
        }
    }

    fn network(&self, address: IpAddr) -> u128 {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let kept = 32u32.saturating_sub(self.settings.v4_bits.into());
                u128::from(u32::from(address).checked_shr(kept).unwrap_or(0))
            }
            IpAddr::V6(address) => {
                let kept = 128u32.saturating_sub(self.settings.v6_bits.into());
                // Not the same as any of IPv4.
                u128::from(address).checked_shr(kept).unwrap_or(0) | 1 << 127
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_too_many_in_a_second_are_not_given() {
        let limit = RateLimit::new(RateLimitSettings { per_second: 3, ..Default::default() });
        let in_second =
            |second| (0..7).map(|_| limit.count(0xABCD_0000_0000_0007, second)).collect::<Vec<_>>();
        use Limited::{Drop, Send, Truncate};
        assert_eq!(in_second(5), [Send, Send, Send, Drop, Truncate, Drop, Truncate]);
        assert_eq!(limit.count(0xABCD_0000_0000_0008, 5), Send, "another kind");
        assert_eq!(in_second(6)[..4], [Send, Send, Send, Drop]);
        assert_eq!(in_second(100)[2..4], [Send, Drop], "what was not used is not kept");
    }

    #[test]
    fn a_network_is_the_first_bits_of_an_address() {
        let limit = RateLimit::new(RateLimitSettings::default());
        let network = |text: &str| limit.network(text.parse().expect("an address"));
        assert_eq!(network("192.0.2.1"), network("192.0.2.255"));
        assert_ne!(network("192.0.2.1"), network("192.0.3.1"));
        assert_eq!(network("2001:db8:0:1::"), network("2001:db8:0:ff::1"));
        assert_ne!(network("2001:db8:0:1::"), network("2001:db8:0:100::1"));
    }
}
