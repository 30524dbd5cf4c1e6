//! How far the farm is behind its registry, in words.

use protocol::Timestamp;
use serde::Serialize;
use store::registry::Watch;
use store::{Conn, broken, registry, releases};

use crate::Dashboard;
use crate::fault::Fault;
use crate::text::{When, ago};

/// The state of the watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Lag {
    /// Whether all is well.
    pub well: bool,
    /// The state in a sentence or two.
    pub sentence: String,
    /// When the registry last answered as it should.
    pub read_at: Option<When>,
}

impl Lag {
    /// Says how far the farm is behind; `newest_is_here` tells whether the newest release of the feed is stored or known as broken.
    pub(crate) fn new(watch: Option<&Watch>, newest_is_here: bool, now: Timestamp) -> Self {
        let Some(watch) = watch else {
            return Self { well: true, sentence: "The registry has not been read yet.".into(), read_at: None };
        };
        let read_at = watch.polled_at.map(|at| When::new(at, now));
        if !watch.error.is_empty() {
            return Self { well: false, sentence: failure(watch, now), read_at };
        }
        let sentence = match (&watch.newest, newest_is_here) {
            (None, _) => "The registry lists no release yet.".to_owned(),
            (Some(newest), true) => {
                format!(
                    "Up to date with the registry: its newest release, {} {}, is here.",
                    newest.dist, newest.version
                )
            }
            (Some(newest), false) => {
                let since = ago(newest.released_at, now);
                format!(
                    "Behind the registry: its newest release, {} {} of {since}, is not here yet.",
                    newest.dist, newest.version
                )
            }
        };
        Self { well: watch.newest.is_none() || newest_is_here, sentence, read_at }
    }
}

/// Reads the watch of the registry that the farm follows, and says how far behind it is.
pub(super) async fn lag(dashboard: &Dashboard, conn: &mut Conn) -> Result<Lag, Fault> {
    let watch = registry::get(conn, &dashboard.site().registry_url).await?;
    let is_here = match watch.as_ref().and_then(|watch| watch.newest.as_ref()) {
        Some(newest) => {
            releases::find(conn, &newest.dist, &newest.version).await?.is_some()
                || broken::of_dist(conn, &newest.dist).await?.iter().any(|it| it.version == newest.version.as_str())
        }
        None => false,
    };
    Ok(Lag::new(watch.as_ref(), is_here, dashboard.now()))
}

fn failure(watch: &Watch, now: Timestamp) -> String {
    let error = watch.error.trim_end_matches('.');
    match watch.polled_at {
        Some(at) => format!("The registry last answered as it should {}: {error}.", ago(at, now)),
        None => format!("The registry has never answered as it should: {error}."),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::registry::Newest;

    use super::*;

    const THEN: Timestamp = Timestamp::from_millis(1_795_212_000_000);

    fn watch(error: &str) -> Watch {
        Watch {
            url: "https://api.pgxn.org/".into(),
            cursor: String::new(),
            validators: String::new(),
            polled_at: Some(THEN),
            failed_at: None,
            error: error.into(),
            newest: Some(Newest {
                dist: "pgtap".parse().unwrap(),
                version: "1.3.4".parse().unwrap(),
                released_at: THEN,
            }),
            reconciled_at: None,
        }
    }

    #[test]
    fn the_lag_is_said_in_words_and_its_cause_is_named() {
        let now = THEN.plus(Duration::from_hours(2));
        let say = |watch: &Watch, here| Lag::new(Some(watch), here, now).sentence;
        assert_eq!(say(&watch(""), true), "Up to date with the registry: its newest release, pgtap 1.3.4, is here.");
        assert_eq!(
            say(&watch(""), false),
            "Behind the registry: its newest release, pgtap 1.3.4 of 2 h ago, is not here yet."
        );
        assert_eq!(
            say(&watch("it answered 500."), true),
            "The registry last answered as it should 2 h ago: it answered 500."
        );
        assert!(!Lag::new(Some(&watch("x")), true, now).well && !Lag::new(Some(&watch("")), false, now).well);
        assert_eq!(Lag::new(None, false, now).sentence, "The registry has not been read yet.");
    }
}
