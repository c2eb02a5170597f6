//! [`Seed`] and [`Random`]: chance that can be repeated.
//!
//! Everything in this crate that happens by chance is drawn from one small generator (SplitMix64), so a run
//! is a function of its seed. A run that panics prints the seed that it drew from, and
//! `ROPEWALK_SEED=<that number>` repeats it.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Where chance begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seed(u64);

impl Seed {
    /// The seed of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number in the environment variable `ROPEWALK_SEED`, or else another one each time.
    ///
    /// # Panics
    /// If the variable is set and is not a number: a replay that is none would mislead.
    pub fn from_env() -> Self {
        match std::env::var(VARIABLE) {
            Ok(text) => {
                Self(text.parse().unwrap_or_else(|_| panic!("{VARIABLE}={text} is not a number")))
            }
            Err(_) => Self(RandomState::new().build_hasher().finish()),
        }
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Numbers by chance. Dropped while its thread panics, it prints its seed, if anything was drawn from it.
#[derive(Debug)]
pub struct Random {
    seed: Seed,
    state: u64,
}

impl Random {
    /// A generator at the beginning of what `seed` gives.
    pub fn new(seed: Seed) -> Self {
        Self { seed, state: seed.0 }
    }

    /// The seed that it was made from.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.number()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// Whether something happens that happens so often: never with 0, always with 1. Draws nothing if that
    /// is certain.
    pub fn chance(&mut self, probability: f64) -> bool {
        if probability <= 0.0 {
            return false;
        }
        probability >= 1.0 || (self.number() as f64) < probability * (u64::MAX as f64)
    }

    fn has_drawn(&self) -> bool {
        self.state != self.seed.0
    }
}

impl Drop for Random {
    #[allow(clippy::print_stderr, reason = "a failing test's last words")]
    fn drop(&mut self) {
        if std::thread::panicking() && self.has_drawn() {
            eprintln!("to repeat what happened by chance here: {VARIABLE}={}", self.seed.0);
        }
    }
}

const VARIABLE: &str = "ROPEWALK_SEED";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut one, mut two) = (Random::new(Seed::new(7)), Random::new(Seed::new(7)));
        let numbers: Vec<_> = (0..100).map(|_| one.number()).collect();
        assert!(numbers.iter().all(|&number| number == two.number()));
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn it_is_the_published_generator() {
        // The first numbers of SplitMix64 from 1234567, as its author gives them.
        let mut random = Random::new(Seed::new(1_234_567));
        assert_eq!(
            [random.number(), random.number()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn bounds_and_chances_are_kept() {
        let mut random = Random::new(Seed::new(1));
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
        assert!(!random.chance(0.0) && random.chance(1.0));
        let hits = (0..10_000).filter(|_| random.chance(0.25)).count();
        assert!((2_200..2_800).contains(&hits), "{hits}");
    }
}
