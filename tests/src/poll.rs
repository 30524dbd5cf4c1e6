//! Waiting for something to become true, with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks `check` every 50 ms until it gives a value; fails after `within`, naming what was waited for.
pub async fn until<T>(within: Duration, what: &str, mut check: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = check().await? {
            return Ok(value);
        }
        if start.elapsed() > within {
            bail!("waited {} s in vain for {what}", within.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
