//! What `scripts/corpus-record` noted of each time that it ran the farm, in `sessions.tsv`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use protocol::Timestamp;

/// One time that the farm was up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    /// When it began.
    pub(crate) started_at: Timestamp,
    /// How long it was up.
    pub(crate) wall: Duration,
    /// User and system time of the process and of what it started itself; containers belong to the engine.
    pub(crate) cpu: Duration,
    /// How many runs went on at the same time.
    pub(crate) jobs: u32,
    /// The commit that it was built from.
    pub(crate) commit: String,
}

/// Reads them all, in order.
pub(crate) fn read(dir: &Path) -> Result<Vec<Session>> {
    let path = dir.join("sessions.tsv");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    text.lines().map(parse).collect()
}

/// Start in seconds since 1970, then wall, user and system time in seconds, then the jobs and the commit.
fn parse(line: &str) -> Result<Session> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    ensure!(fields.len() == 6, "a session has six fields, not `{line}`");
    let seconds = |at: usize| -> Result<Duration> {
        let seconds: f64 = fields[at].parse().with_context(|| format!("read the time in `{line}`"))?;
        Duration::try_from_secs_f64(seconds).with_context(|| format!("read the time in `{line}`"))
    };
    let started: i64 = fields[0].parse().with_context(|| format!("read the start in `{line}`"))?;
    Ok(Session {
        started_at: Timestamp::from_millis(started.saturating_mul(1000)),
        wall: seconds(1)?,
        cpu: seconds(2)? + seconds(3)?,
        jobs: fields[4].parse().with_context(|| format!("read the jobs in `{line}`"))?,
        commit: fields[5].to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_script_is_a_session() {
        let session = parse("1763680000\t61.5\t2.25\t0.5\t2\tabc123").unwrap();
        assert_eq!((session.wall, session.cpu), (Duration::from_millis(61_500), Duration::from_millis(2_750)));
        assert_eq!((session.jobs, session.commit.as_str()), (2, "abc123"));
        assert!(parse("1763680000\t61.5").is_err() && parse("x 1 1 1 2 c").is_err() && parse("1 -1 1 1 2 c").is_err());
    }
}
