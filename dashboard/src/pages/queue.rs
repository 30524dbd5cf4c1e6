//! The queue: how much waits for what, what runs, and what waits next.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::{Priority, Timestamp};
use serde::Serialize;
use store::queue::{self, QueueCount, QueueCursor, QueuedJob};
use store::{farm, runs};

use super::lines::Running;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::text::{When, count};
use crate::{Dashboard, address};

const PER_PAGE: u32 = 100;
const MOST_RUNS: u32 = 100;

/// The queue as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// How much waits and runs, in a sentence.
    pub sentence: String,
    /// What waits for each target.
    pub targets: Vec<TargetLine>,
    /// What runs, the oldest first.
    pub running: Vec<Running>,
    /// What waits, the most urgent first.
    pub waiting: Vec<WaitingLine>,
    /// The address of the page after this one.
    pub next: Option<String>,
}

/// What waits for a target.
#[derive(Debug, Serialize)]
pub(crate) struct TargetLine {
    /// The major.
    pub major: u16,
    /// The platform.
    pub platform: &'static str,
    /// How much waits in all.
    pub waiting: u64,
    /// How much waits by urgency, in words.
    pub words: String,
}

/// A waiting job.
#[derive(Debug, Serialize)]
pub(crate) struct WaitingLine {
    /// The release.
    pub release: String,
    /// Its page.
    pub href: String,
    /// The major.
    pub major: u16,
    /// The platform.
    pub platform: &'static str,
    /// Why it waits at this place.
    pub why: &'static str,
    /// How often it was tried before.
    pub attempts: u32,
    /// Since when.
    pub since: When,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/queue/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let now = dashboard.now();
    let mut conn = dashboard.store().read().await?;
    let counts = farm::counts(&mut conn, now).await?;
    let after = ask.get("after").and_then(cursor);
    let mut jobs = queue::page(&mut conn, after, PER_PAGE + 1).await?;
    let more = jobs.len() > PER_PAGE as usize;
    jobs.truncate(PER_PAGE as usize);
    let next = jobs.last().filter(|_| more).map(|job| format!("/queue/?after={}", write(job.cursor())));
    let running = runs::running(&mut conn, MOST_RUNS).await?;
    let view = View {
        sentence: sentence(&counts),
        targets: targets(&queue::counts(&mut conn).await?),
        running: running.iter().map(|run| Running::new(run, now)).collect(),
        waiting: jobs.iter().map(|job| waiting_line(job, now)).collect(),
        next,
    };
    ask.answer(&view, || {
        let frame = Frame::new(dashboard.site(), "Queue", &view.sentence);
        Page { frame: frame.with_json(ask.keeping("/queue/?format=json", &["after"])), view: &view }
    })
}

/// How much runs and waits.
pub(super) fn sentence(counts: &farm::Counts) -> String {
    let running = match counts.running {
        0 => "Nothing runs now".to_owned(),
        some => format!("{} now", count(some, "test runs", "tests run")),
    };
    let queued = match counts.queued {
        0 => "nothing waits".to_owned(),
        some => count(some, "waits", "wait"),
    };
    let runners = count(counts.runners, "runner is", "runners are");
    let away = match counts.away {
        0 => String::new(),
        some => format!(", {} away for now", count(some, "is", "are")),
    };
    format!("{running}, {queued}; {runners} connected{away}.")
}

fn targets(counts: &[QueueCount]) -> Vec<TargetLine> {
    let mut lines: Vec<TargetLine> = Vec::new();
    let mut sorted = counts.to_vec();
    sorted.sort_by_key(|count| (std::cmp::Reverse(count.target.major), count.target.platform, count.priority));
    for one in &sorted {
        let words = format!("{} {}", one.waiting, short(one.priority));
        let (major, platform) = (one.target.major.number(), one.target.platform.as_str());
        match lines.last_mut().filter(|line| (line.major, line.platform) == (major, platform)) {
            Some(line) => {
                line.waiting += one.waiting;
                line.words = format!("{}, {words}", line.words);
            }
            None => lines.push(TargetLine { major, platform, waiting: one.waiting, words }),
        }
    }
    lines
}

const fn short(priority: Priority) -> &'static str {
    match priority {
        Priority::Asked => "asked for",
        Priority::NewRelease => "new",
        Priority::Confirmation => "to confirm",
        Priority::NewImage => "for a new image",
        Priority::Backfill => "backfill",
    }
}

fn waiting_line(job: &QueuedJob, now: Timestamp) -> WaitingLine {
    WaitingLine {
        release: format!("{} {}", job.dist, job.version),
        href: address::release(&job.dist, &job.version),
        major: job.target.major.number(),
        platform: job.target.platform.as_str(),
        why: job.priority.sentence(),
        attempts: job.attempts,
        since: When::new(job.queued_at, now),
    }
}

/// A place in the queue as text for an address: `rank.millis.id`.
fn write(cursor: QueueCursor) -> String {
    format!("{}.{}.{}", cursor.priority.rank(), cursor.queued_at.as_millis(), cursor.id)
}

fn cursor(text: &str) -> Option<QueueCursor> {
    let mut parts = text.splitn(3, '.');
    let priority = Priority::from_rank(parts.next()?.parse().ok()?)?;
    let queued_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    Some(QueueCursor { priority, queued_at, id: parts.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use protocol::JobId;

    use super::*;

    #[test]
    fn a_place_in_the_queue_survives_its_address() {
        let at = Timestamp::from_millis(1_795_212_000_000);
        let place = QueueCursor { priority: Priority::Backfill, queued_at: at, id: JobId::new(at) };
        assert_eq!(cursor(&write(place)), Some(place));
        for text in ["", "1", "9.0.x", "1.x.y", "../.."] {
            assert_eq!(cursor(text), None, "{text}");
        }
    }

    #[test]
    fn a_target_says_what_waits_for_it_by_urgency() {
        let one = |target: &str, priority, waiting| QueueCount { target: target.parse().unwrap(), priority, waiting };
        let lines = targets(&[
            one("pg17-amd64", Priority::Backfill, 300),
            one("pg17-amd64", Priority::NewRelease, 2),
            one("pg18-amd64", Priority::NewRelease, 4),
        ]);
        let words: Vec<_> = lines.iter().map(|line| (line.major, line.waiting, line.words.as_str())).collect();
        assert_eq!(words, [(18, 4, "4 new"), (17, 302, "2 new, 300 backfill")]);
    }

    #[test]
    fn an_idle_farm_is_said_in_plain_words() {
        let counts =
            farm::Counts { dists: 0, releases: 0, broken: 0, queued: 0, running: 0, results: 0, runners: 1, away: 0 };
        assert_eq!(sentence(&counts), "Nothing runs now, nothing waits; 1 runner is connected.");
        let paused = farm::Counts { runners: 0, away: 2, ..counts };
        assert_eq!(sentence(&paused), "Nothing runs now, nothing waits; no runners are connected, 2 are away for now.");
    }
}
