//! Chance that can be had again: a test says its seed, and takes the same turns when it is given that one.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A schedule by chance.
#[derive(Debug)]
pub struct Chance(StdRng);

impl Chance {
    /// A new schedule, or the one of the seed in `FARM_TEST_SEED`. The seed is printed, which shows it where the test fails.
    #[expect(clippy::new_without_default, reason = "no two of them are alike")]
    pub fn new() -> Self {
        let seed = seed().unwrap_or_else(rand::random);
        println!("FARM_TEST_SEED={seed} repeats this schedule");
        Self(StdRng::seed_from_u64(seed))
    }

    /// A further schedule, which is the same whenever this one is.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self(StdRng::seed_from_u64(self.0.random()))
    }

    /// A time of at most that length.
    pub fn time(&mut self, at_most: Duration) -> Duration {
        at_most.mul_f64(self.0.random_range(0.0..1.0))
    }

    /// Lets a time of at most that length pass.
    pub async fn pass(&mut self, at_most: Duration) {
        tokio::time::sleep(self.time(at_most)).await;
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read at this one place")]
fn seed() -> Option<u64> {
    std::env::var("FARM_TEST_SEED").ok().map(|seed| seed.parse().expect("FARM_TEST_SEED is a number"))
}
