//! When a failed request is made again, and how long we wait until then.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::error::{Error, Result};
use crate::options::ClientOptions;

/// One failed attempt.
pub(crate) struct Failure {
    pub(crate) error: Box<Error>,
    /// What the server asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error: Box::new(error), retry_after: None }
    }
}

/// Counts the attempts at one thing.
pub(crate) struct Attempts<'a> {
    options: &'a ClientOptions,
    made: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(options: &'a ClientOptions) -> Self {
        Self { options, made: 0 }
    }

    /// Waits until the next attempt, or gives the error back when there is none.
    pub(crate) async fn after(&mut self, failure: Failure) -> Result<()> {
        self.made += 1;
        if self.made >= self.options.attempts || !worth_repeating(&failure.error) {
            return Err(*failure.error);
        }
        let pause = pause(self.options, self.made, failure.retry_after, rand::random());
        tracing::debug!(error = %failure.error, attempt = self.made, ?pause, "asking the registry again");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Whether the same request may succeed within seconds. A 404 does not: how long a fresh release may be late is for the caller to say.
fn worth_repeating(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } | Error::Timeout { .. } | Error::Truncated { .. } => true,
        Error::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
        _ => false,
    }
}

/// How long to wait before attempt `made` + 1: doubling, between half and all of it, but at least what the server asks for; never more than
/// the longest wait.
fn pause(options: &ClientOptions, made: u32, retry_after: Option<Duration>, chance: u16) -> Duration {
    let doubled = options.backoff.saturating_mul(2_u32.saturating_pow(made.saturating_sub(1)));
    let whole = doubled.min(options.max_backoff);
    let jittered = whole.mul_f64(1.0 - f64::from(chance) / f64::from(u16::MAX) / 2.0);
    jittered.max(retry_after.unwrap_or_default()).min(options.max_backoff)
}

/// Reads `Retry-After`, in seconds or as a date, which is held against the server's own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    date(text)?.duration_since(date(headers.get(DATE)?.to_str().ok()?)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_the_last_and_has_an_end() {
        let options = ClientOptions::default();
        let pauses = |chance| (1..=8).map(|made| pause(&options, made, None, chance).as_millis()).collect::<Vec<_>>();
        assert_eq!(pauses(0), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        assert_eq!(pauses(u16::MAX), [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause_but_not_for_an_endless_one() {
        let options = ClientOptions::default();
        assert_eq!(pause(&options, 1, Some(Duration::from_secs(7)), 0), Duration::from_secs(7));
        assert_eq!(pause(&options, 1, Some(Duration::from_secs(1_000_000)), 0), options.max_backoff);
        assert_eq!(pause(&options, u32::MAX, Some(Duration::MAX), 0), options.max_backoff);
    }

    #[test]
    fn retry_after_is_read_in_both_of_its_forms() {
        let headers = |pairs: &[(reqwest::header::HeaderName, &str)]| {
            pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "12")])), Some(Duration::from_secs(12)));
        let dated = [(RETRY_AFTER, "Fri, 20 Nov 2026 10:00:30 GMT"), (DATE, "Fri, 20 Nov 2026 10:00:00 GMT")];
        assert_eq!(retry_after(&headers(&dated)), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&dated[..1])), None);
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")])), None);
    }
}
