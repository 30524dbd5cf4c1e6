//! The farm: is it healthy? Its runners and what they do, how far it is behind, what it cannot read.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::{Platform, Timestamp};
use serde::Serialize;
use store::farm::{Counts, RUNNER_SEEN};
use store::runners::Runner;
use store::runs::Run;
use store::{broken, farm, runners, runs};

use super::dist::Broken;
use super::lines::Running;
use super::registry::{Lag, lag};
use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::text::{Dash, When, count, majors};

const MOST_BROKEN: u32 = 100;
const MOST_RUNS: u32 = 1_000;
const MOST_RUNNERS: usize = 200;

/// The farm as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// Everything counted.
    pub counts: Counts,
    /// How far the farm is behind the registry.
    pub registry: Lag,
    /// Its runners: those that are there, then those that are not, then those that may not claim any more.
    pub runners: Vec<RunnerLine>,
    /// How many more runners there are, the least wanted ones.
    pub more_runners: usize,
    /// Releases that cannot be tested, as they cannot be read.
    pub broken: Vec<Broken>,
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
    /// Its name.
    pub name: String,
    /// Whether it is there: `here`, `silent`, `quarantined`, `revoked`.
    pub state: &'static str,
    /// Why it is quarantined; empty where it is not.
    pub why: String,
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
}

/// `/status/` and `/status.json`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let now = dashboard.now();
    let mut conn = dashboard.store().read().await?;
    let running = runs::running(&mut conn, MOST_RUNS).await?;
    let runners = runners::list(&mut conn).await?;
    let (lines, more_runners) = shown(&runners, &running, now);
    let view = View {
        counts: farm::counts(&mut conn, now).await?,
        registry: lag(&dashboard, &mut conn).await?,
        runners: lines,
        more_runners,
        broken: broken::list(&mut conn, MOST_BROKEN).await?.iter().map(|it| Broken::new(it, now)).collect(),
    };
    ask.answer(&view, || {
        let description = "The runners of the farm, what they do now, and what the farm cannot read.";
        Page { frame: Frame::new(dashboard.site(), "Farm", description).with_json("/status.json"), view: &view }
    })
}

/// The runners that the page shows, those that are there first, and how many it leaves out.
fn shown(runners: &[Runner], running: &[Run], now: Timestamp) -> (Vec<RunnerLine>, usize) {
    let mut sorted: Vec<(usize, &Runner)> = runners.iter().map(|runner| (rank(state(runner, now)), runner)).collect();
    sorted.sort_by_key(|(rank, _)| *rank);
    let lines = sorted.iter().take(MOST_RUNNERS).map(|(_, runner)| line(runner, running, now)).collect();
    (lines, sorted.len().saturating_sub(MOST_RUNNERS))
}

fn rank(state: &str) -> usize {
    ["here", "silent", "quarantined"].iter().position(|it| *it == state).unwrap_or(3)
}

fn state(runner: &Runner, now: Timestamp) -> &'static str {
    let is_here = runner.last_seen_at.is_some_and(|at| now.since(at) <= RUNNER_SEEN);
    match (runner.revoked_at, runner.quarantined_at, is_here) {
        (Some(_), _, _) => "revoked",
        (None, Some(_), _) => "quarantined",
        (None, None, true) => "here",
        (None, None, false) => "silent",
    }
}

fn line(runner: &Runner, running: &[Run], now: Timestamp) -> RunnerLine {
    let state = state(runner, now);
    RunnerLine {
        name: runner.name.clone(),
        state,
        why: if state == "quarantined" { runner.quarantine_reason.clone() } else { String::new() },
        seen_at: runner.last_seen_at.map(|at| When::new(at, now)),
        targets: targets(runner),
        version: runner.version.clone(),
        doing: running.iter().filter(|run| run.runner_id == runner.id).map(|run| Running::new(run, now)).collect(),
    }
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
    use protocol::RunnerId;

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
            targets: Vec::new(),
            quarantined_at: None,
            quarantine_reason: String::new(),
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
}
