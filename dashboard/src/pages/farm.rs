//! The farm: is it healthy, and how does one help? How far it is behind, what its runners do, how fast, where it fails, what it cannot read.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::{Absence, Away, Platform, Reason, RunnerId, Timestamp};
use serde::Serialize;
use store::farm::{Counts, RUNNER_SEEN};
use store::runners::Runner;
use store::runs::Run;
use store::withdrawal::Progress;
use store::{Conn, broken, farm, runners, runs, signatures, trends, verdicts, withdrawal};

use super::dist::Broken;
use super::lines::{Running, Verdict};
use super::registry::{Lag, lag};
use super::{charts, queue};
use crate::Dashboard;
use crate::answer::Ask;
use crate::chart::Drawn;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::mark::Mark;
use crate::text::{Dash, When, count, majors};

const MOST_BROKEN: u32 = 100;
const MOST_RUNS: u32 = 1_000;
const MOST_RUNNERS: usize = 200;
const MOST_REASONS: u32 = 12;
/// Its failures of so many days before today are told, and today's.
const LATELY: Duration = Duration::from_hours(6 * 24);

/// The farm as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// Everything counted.
    pub counts: Counts,
    /// How much runs and waits, in a sentence.
    pub sentence: String,
    /// How far the farm is behind the registry.
    pub registry: Lag,
    /// Its runners: those that are there, then those that are not, then those that may not claim any more.
    pub runners: Vec<RunnerLine>,
    /// How many more runners there are, the least wanted ones.
    pub more_runners: usize,
    /// Where the farm itself failed in the last seven days, or lacked something, the most frequent first.
    pub failures: Vec<Failure>,
    /// The command that lends a machine to the farm.
    pub lend: String,
    /// Releases that cannot be tested, as they cannot be read.
    pub broken: Vec<Broken>,
}

/// How the farm failed.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// The reason.
    pub reason: Reason,
    /// Whether the farm failed, or lacked something.
    pub mark: Mark,
    /// The reason in a sentence.
    pub sentence: &'static str,
    /// How often.
    pub results: u64,
    /// The latest of them.
    pub latest: Option<Verdict>,
}

impl Failure {
    /// How often, in words.
    pub(crate) fn times(&self) -> String {
        count(self.results, "time", "times")
    }
}

impl View {
    /// How many more runners there are, in words.
    pub(crate) fn more_runners_words(&self) -> String {
        count(self.more_runners as u64, "more runner is", "more runners are")
    }

    /// That there are more broken releases than the list shows; empty where it shows all.
    pub(crate) fn more_broken(&self) -> String {
        let more = self.counts.broken.saturating_sub(self.broken.len() as u64);
        if more == 0 { String::new() } else { format!("The latest {}; {more} more are not listed.", self.broken.len()) }
    }
}

/// A runner.
#[derive(Debug, Serialize)]
pub(crate) struct RunnerLine {
    #[serde(skip)]
    id: RunnerId,
    /// Its name.
    pub name: String,
    /// Whether it is there: `here`, `away`, `silent`, `quarantined`, `revoked`.
    pub state: &'static str,
    /// Why it takes no work for now, though it is there; empty where it does.
    pub away: String,
    /// Why it is quarantined; empty where it is not.
    pub why: String,
    /// What of its results is withdrawn, in words; empty where nothing is.
    pub withdrawn: String,
    /// What people compare of the key with which it signs; empty where it has none.
    pub key: String,
    /// When it was heard of last.
    pub seen_at: Option<When>,
    /// What it can test, in words.
    pub targets: String,
    /// The version of its program.
    pub version: String,
    /// What it does now.
    pub doing: Vec<Running>,
}

#[derive(Template)]
#[template(path = "farm.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
    charts: Vec<Drawn<'a>>,
}

/// `/status/` and `/status.json`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let now = dashboard.now();
    let mut conn = dashboard.store().read().await?;
    let running = runs::running(&mut conn, MOST_RUNS).await?;
    let runners = runners::list(&mut conn).await?;
    let (mut lines, more_runners) = shown(&runners, &running, now);
    let keys = signatures::current(&mut conn).await?;
    for line in &mut lines {
        line.key = keys.get(&line.id).map(|key| key.fingerprint().to_string()).unwrap_or_default();
        if matches!(line.state, "quarantined" | "revoked") {
            line.withdrawn = withdrawn(withdrawal::progress(&mut conn, line.id).await?);
        }
    }
    let counts = farm::counts(&mut conn, now).await?;
    let view = View {
        sentence: queue::sentence(&counts),
        counts,
        registry: lag(&dashboard, &mut conn).await?,
        runners: lines,
        more_runners,
        failures: failures(&mut conn, now).await?,
        lend: format!("pgxn-testers runner --join {}", dashboard.site().public_url),
        broken: broken::list(&mut conn, MOST_BROKEN).await?.iter().map(|it| Broken::new(it, now)).collect(),
    };
    let lately = charts::of_farm_lately(&mut conn, now).await?;
    drop(conn);
    let charts = charts::drawn(&lately)?;
    ask.answer(&view, || {
        let description = "The runners of the farm, what they do now, how fast it works, where it fails, and how to lend it a machine.";
        let frame = Frame::new(dashboard.site(), "Farm", description).with_json("/status.json");
        Page { frame, view: &view, charts }
    })
}

async fn failures(conn: &mut Conn, now: Timestamp) -> Result<Vec<Failure>, Fault> {
    let mut failures = Vec::new();
    for given in trends::failures(conn, now.minus(LATELY), MOST_REASONS).await? {
        let reason = given.reason;
        let latest = verdicts::latest_of_reason(conn, reason).await?.map(|line| Verdict::new(&line, now));
        let (mark, sentence) = (reason.grade().into(), reason.sentence());
        failures.push(Failure { reason, mark, sentence, results: given.results, latest });
    }
    Ok(failures)
}

fn withdrawn(progress: Progress) -> String {
    match (progress.withdrawn, progress.left) {
        (0, 0) => String::new(),
        (withdrawn, 0) => format!("{} withdrawn", count(withdrawn, "result", "results")),
        (withdrawn, left) => {
            format!("{} withdrawn, {left} still to be looked at", count(withdrawn, "result", "results"))
        }
    }
}

/// The runners that the page shows, those that are there first, and how many it leaves out.
fn shown(runners: &[Runner], running: &[Run], now: Timestamp) -> (Vec<RunnerLine>, usize) {
    let mut sorted: Vec<(usize, &Runner)> = runners.iter().map(|runner| (rank(state(runner, now)), runner)).collect();
    sorted.sort_by_key(|(rank, _)| *rank);
    let lines = sorted.iter().take(MOST_RUNNERS).map(|(_, runner)| line(runner, running, now)).collect();
    (lines, sorted.len().saturating_sub(MOST_RUNNERS))
}

fn rank(state: &str) -> usize {
    ["here", "away", "silent", "quarantined"].iter().position(|it| *it == state).unwrap_or(4)
}

fn state(runner: &Runner, now: Timestamp) -> &'static str {
    let is_here = runner.last_seen_at.is_some_and(|at| now.since(at) <= RUNNER_SEEN);
    match (runner.revoked_at, runner.quarantined_at, is_here) {
        (Some(_), _, _) => "revoked",
        (None, Some(_), _) => "quarantined",
        (None, None, true) if runner.absence.is_some() || runner.is_held(now) => "away",
        (None, None, true) => "here",
        (None, None, false) => "silent",
    }
}

fn line(runner: &Runner, running: &[Run], now: Timestamp) -> RunnerLine {
    let state = state(runner, now);
    RunnerLine {
        id: runner.id,
        withdrawn: String::new(),
        key: String::new(),
        name: runner.name.clone(),
        state,
        away: if state == "away" { away(runner) } else { String::new() },
        why: if state == "quarantined" { runner.quarantine_reason.clone() } else { String::new() },
        seen_at: runner.last_seen_at.map(|at| When::new(at, now)),
        targets: targets(runner),
        version: runner.version.clone(),
        doing: running.iter().filter(|run| run.runner_id == runner.id).map(|run| Running::new(run, now)).collect(),
    }
}

/// Why a runner gets no work for now, and until when.
fn away(runner: &Runner) -> String {
    match (runner.absence, runner.held_until()) {
        (Some(absence), _) => words(absence),
        (None, Some(until)) => {
            let times = if runner.lost == 1 { "once".to_owned() } else { format!("{} times in a row", runner.lost) };
            to_the_minute(&format!("lost what it claimed {times}"), until)
        }
        (None, None) => String::new(),
    }
}

fn words(Absence { why, until }: Absence) -> String {
    let why = match why {
        Away::Paused => "paused by its volunteer",
        Away::Draining => "about to end",
        Away::Hours => "outside its hours",
        Away::Busy => "its machine is in use",
    };
    until.map_or_else(|| why.to_owned(), |until| to_the_minute(why, until))
}

/// As a volunteer says it.
fn to_the_minute(why: &str, until: Timestamp) -> String {
    let until = until.to_string();
    format!("{why}, until {} UTC", until.get(..16).unwrap_or(&until).replace('T', " "))
}

/// `PostgreSQL 15–18 on amd64; 17 on arm64`.
fn targets(runner: &Runner) -> String {
    let on = |platform: Platform| {
        let numbers: Vec<u16> =
            runner.targets.iter().filter(|it| it.platform == platform).map(|it| it.major.number()).collect();
        (!numbers.is_empty()).then(|| format!("{} on {}", majors(&numbers, &[], Dash::Short), platform.as_str()))
    };
    Platform::ALL.into_iter().filter_map(on).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

    fn runner(name: &str, seen: bool, revoked: bool) -> Runner {
        Runner {
            id: RunnerId::new(NOW),
            name: name.into(),
            created_at: NOW,
            revoked_at: revoked.then_some(NOW),
            last_seen_at: seen.then_some(NOW),
            version: String::new(),
            emulated: Vec::new(),
            targets: Vec::new(),
            quarantined_at: None,
            quarantine_reason: String::new(),
            absence: None,
            lost: 0,
            lost_at: None,
        }
    }

    #[test]
    fn of_many_runners_those_that_are_there_are_shown_and_the_others_counted() {
        let mut runners: Vec<Runner> = (0..250).map(|number| runner(&format!("gone-{number}"), true, true)).collect();
        runners.push(runner("silent", false, false));
        runners.push(runner("here", true, false));
        let (lines, more) = shown(&runners, &[], NOW);
        assert_eq!((lines.len(), more), (200, 52));
        assert_eq!((lines[0].name.as_str(), lines[1].name.as_str(), lines[2].state), ("here", "silent", "revoked"));
    }

    #[test]
    fn a_runner_that_is_paused_is_told_from_one_that_is_lost() {
        let until = Timestamp::parse_rfc3339("2026-11-27T22:00:00Z");
        let mut away = runner("attic", true, false);
        away.absence = Some(Absence { why: Away::Hours, until });
        let mut held = runner("attic", true, false);
        (held.lost, held.lost_at) = (5, until);
        assert_eq!(line(&held, &[], NOW).away, "lost what it claimed 5 times in a row, until 2026-11-27 22:04 UTC");
        let (lines, _) = shown(&[away.clone()], &[], NOW);
        assert_eq!((lines[0].state, &*lines[0].away), ("away", "outside its hours, until 2026-11-27 22:00 UTC"));
        away.last_seen_at = Some(NOW.minus(Duration::from_hours(1)));
        let (lines, _) = shown(&[away], &[], NOW);
        assert_eq!((lines[0].state, &*lines[0].away), ("silent", ""));
    }
}
