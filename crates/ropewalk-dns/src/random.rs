//! [`Random`]: numbers that nobody else can guess.
//!
//! What protects a question over UDP from forged answers is that its id, its port and the case of its letters are
//! not known (RFC 5452). They come from the system, a page at a time, as bulk lookups take thousands a turn.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A source of random numbers: the system's, or those of a seed.
pub struct Random {
    page: Box<[u8; PAGE_BYTES]>,
    at: usize,
    seed: Option<u64>,
}

/// Bytes asked of the system at once: some hundred queries' worth.
const PAGE_BYTES: usize = 4096;

impl Random {
    /// Numbers from the system.
    pub fn new() -> Self {
        Self { page: Box::new([0; PAGE_BYTES]), at: PAGE_BYTES, seed: None }
    }

    /// The numbers of a seed, the same each time: for tests only, as whoever knows one can tell the rest.
    pub fn from_seed(seed: u64) -> Self {
        Self { seed: Some(seed), ..Self::new() }
    }

    /// Another source of the same kind.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        match self.seed {
            None => Self::new(),
            Some(_) => Self::from_seed(self.u64()),
        }
    }

    /// Any 16 bits.
    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }

    /// Any 32 bits.
    pub fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes())
    }

    /// Any 64 bits.
    pub fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }

    /// A number below `bound`, or 0 if that is 0. Bounds far below 2³² are as good as fair.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u64::from(self.u32()) * (bound as u64);
        usize::try_from(wide >> 32).unwrap_or(0)
    }

    /// Any `N` bytes; at most a page.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        if PAGE_BYTES - self.at < N {
            self.turn_page();
        }
        let bytes = self.page[self.at..].first_chunk().copied();
        self.at += N;
        bytes.expect("N is at most a page")
    }

    #[cold]
    fn turn_page(&mut self) {
        self.at = 0;
        let Some(seed) = &mut self.seed else {
            return fill(&mut self.page[..]);
        };
        for word in self.page.chunks_exact_mut(8) {
            *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
        }
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

/// A system without random numbers still has the ones that its hash tables begin with.
fn fill(page: &mut [u8]) {
    if let Err(error) = getrandom::fill(page) {
        tracing::warn!("the system has no random numbers ({error}): answers may be forged");
        for word in page.chunks_exact_mut(8) {
            word.copy_from_slice(&RandomState::new().build_hasher().finish().to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_the_system_does_not() {
        let (mut one, mut two) = (Random::from_seed(7), Random::from_seed(7));
        assert!((0..10_000).all(|_| one.u64() == two.u64()));
        assert_ne!(Random::new().u64(), Random::new().u64());
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut random = Random::from_seed(1);
        let mut seen = [0; 5];
        (0..10_000).for_each(|_| seen[random.below(5)] += 1);
        assert!(seen.iter().all(|&count| (1_800..2_200).contains(&count)), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }
}
