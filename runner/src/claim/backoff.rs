//! How long a worker waits after trouble: ever longer, so that a coordinator that comes back is not met by all its runners at once. Who waits adds
//! a quarter more or less, by chance.

use std::time::Duration;

use crate::claim::Trouble;
use crate::client::CallError;

/// At first, doubled each time up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));
/// Somebody has to replace a program first.
const OTHER_PROTOCOL: Duration = Duration::from_mins(10);

/// The pauses of one worker.
#[derive(Debug, Default)]
pub(crate) struct Backoff(Option<Duration>);

impl Backoff {
    /// Whether the last step ended in trouble.
    pub(crate) const fn is_needed(&self) -> bool {
        self.0.is_some()
    }

    /// The pause after a step that did.
    pub(crate) fn after(&mut self, trouble: &Trouble) -> Duration {
        let pause = self.0.map_or(PAUSES.0, |last| (last * 2).min(PAUSES.1));
        self.0 = Some(pause);
        if matches!(trouble, Trouble::Coordinator(CallError::Protocol { .. })) { OTHER_PROTOCOL } else { pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinator_that_is_away_is_asked_ever_more_rarely_and_one_of_another_protocol_rarely_from_the_first() {
        let coordinator: url::Url = "http://127.0.0.1:1/".parse().unwrap();
        let away = Trouble::Coordinator(CallError::Away { coordinator, why: String::new() });
        let mut backoff = Backoff::default();
        let pauses: Vec<u64> = (0..8).map(|_| backoff.after(&away).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        let other = Trouble::Coordinator(CallError::Protocol { detail: String::new() });
        assert_eq!(Backoff::default().after(&other), Duration::from_mins(10));
    }
}
