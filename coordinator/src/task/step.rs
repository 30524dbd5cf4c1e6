//! What is logged of a loop's step: its first failure, then ever fewer of those that follow, and its first success.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::sentence;
use crate::{Error, Result};

/// From one failure that is told to the next one: at first, doubled each time up to the second.
const SILENCE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));

/// A step that is taken again and again.
#[derive(Debug)]
pub(super) struct Step {
    name: &'static str,
    trouble: Option<Trouble>,
}

/// A row of failures.
#[derive(Debug)]
struct Trouble {
    failures: u64,
    tell_at: Instant,
    silence: Duration,
}

/// What is to be said of an outcome.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    /// It failed, so many times in a row.
    Failed(u64),
    /// It works again, after so many failures.
    Works(u64),
}

impl Step {
    /// A step that has not been taken yet.
    pub(super) const fn named(name: &'static str) -> Self {
        Self { name, trouble: None }
    }

    /// Takes note of how it went.
    pub(super) fn went<T>(&mut self, outcome: Result<T>) {
        let (step, error) = (self.name, outcome.err());
        if let Some(error @ Error::Registry(_)) = &error {
            // The watch of the registry tells of that, and when it is over.
            tracing::info!(step, error = sentence(error), "a step failed; it is taken again");
            return;
        }
        match (self.told(error.is_some(), Instant::now()), error) {
            (Told::Failed(failures), Some(error)) => {
                tracing::error!(step, failures, error = sentence(&error), "a step failed; it is taken again");
            }
            (Told::Works(failures), _) => tracing::warn!(step, failures, "a step that failed works again"),
            _ => {}
        }
    }

    fn told(&mut self, failed: bool, now: Instant) -> Told {
        match (&mut self.trouble, failed) {
            (None, false) => Told::Nothing,
            (None, true) => {
                self.trouble = Some(Trouble { failures: 1, tell_at: now + SILENCE.0, silence: SILENCE.0 });
                Told::Failed(1)
            }
            (Some(trouble), false) => {
                let failures = trouble.failures;
                self.trouble = None;
                Told::Works(failures)
            }
            (Some(trouble), true) => {
                trouble.failures += 1;
                if now < trouble.tell_at {
                    return Told::Nothing;
                }
                trouble.silence = (trouble.silence * 2).min(SILENCE.1);
                trouble.tell_at = now + trouble.silence;
                Told::Failed(trouble.failures)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_every_second_is_told_of_ever_less_often_and_once_when_it_works_again() {
        let (mut step, began) = (Step::named("expire"), Instant::now());
        let mut told = |second: u64, failed| step.told(failed, began + Duration::from_secs(second));
        let failures: Vec<u64> = (0..=10_800).filter(|second| matches!(told(*second, true), Told::Failed(_))).collect();
        let minutes: Vec<u64> = failures.iter().map(|second| second / 60).collect();
        assert_eq!(minutes, [0, 1, 3, 7, 15, 31, 63, 123]);
        assert_eq!(told(10_801, false), Told::Works(10_801));
        assert_eq!(told(10_802, false), Told::Nothing);
        assert_eq!(told(10_803, true), Told::Failed(1));
    }
}
