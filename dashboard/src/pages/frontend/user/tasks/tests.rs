use protocol::Flag;

use super::*;
use crate::grid::tests::{NOW, cell, release};

const PASS: Option<(Phase, Reason)> = Some((Phase::Installcheck, Reason::TestsPassed));
const TESTS: Option<(Phase, Reason)> = Some((Phase::Installcheck, Reason::TestsFailed));
const BUILD: Option<(Phase, Reason)> = Some((Phase::Build, Reason::CompileError));
const LACKS: Option<(Phase, Reason)> = Some((Phase::Build, Reason::MissingHeader));

fn dist() -> Dist {
    Dist { name: "pgTAP".parse().unwrap(), releases: 1, latest: release("1.3.4", 2) }
}

/// A cell that compares in some way since so many days.
fn turned(of: &Dist, target: &str, verdict: Option<(Phase, Reason)>, comparison: Comparison, days: u64) -> Cell {
    let at = NOW.minus(Duration::from_hours(24 * days));
    Cell { comparison: Some(comparison), compared_at: Some(at), ..cell(&of.latest, target, verdict) }
}

fn found(dist: &Dist, cells: &[Cell], waiting: &BTreeMap<JobId, Waiting>) -> Vec<(Urgency, Vec<Task>)> {
    let (matrix, dists) = (Matrix::embedded(), [dist.clone()]);
    let groups = groups(Sources { matrix: &matrix, dists: &dists, cells, waiting, now: NOW });
    groups.into_iter().map(|group| (group.urgency, group.tasks)).collect()
}

#[test]
fn what_is_urgent_comes_first_and_what_ends_alike_is_told_once() {
    let dist = dist();
    let mut unsure = cell(&dist.latest, "pg17-arm64", TESTS);
    unsure.result.as_mut().unwrap().flags.push(Flag::Unconfirmed);
    unsure.state = JobState::Queued;
    let cells = [
        turned(&dist, "pg18-amd64", PASS, Comparison::Fixed, 1),
        turned(&dist, "pg18-arm64", PASS, Comparison::StillPassing, 1),
        turned(&dist, "pg17-amd64", BUILD, Comparison::NewFail, 2),
        turned(&dist, "pg16-amd64", BUILD, Comparison::NewFail, 1),
        turned(&dist, "pg15-amd64", BUILD, Comparison::NewFail, 30),
        turned(&dist, "pg13-amd64", BUILD, Comparison::NewFail, 1),
        cell(&dist.latest, "pg16-arm64", LACKS),
        cell(&dist.latest, "pg15-arm64", None),
        unsure,
    ];
    let found = found(&dist, &cells, &BTreeMap::new());
    let seen: Vec<_> =
        found.iter().flat_map(|(urgency, tasks)| tasks.iter().map(move |task| (*urgency, task.on.as_str()))).collect();
    assert_eq!(
        seen,
        [
            (Urgency::NewlyRed, "PostgreSQL 16 and 17, amd64"),
            (Urgency::StillRed, "PostgreSQL 15, amd64"),
            (Urgency::Waiting, "PostgreSQL 17, arm64"),
            (Urgency::Waiting, "PostgreSQL 15, arm64"),
            (Urgency::NewlyGreen, "PostgreSQL 18, amd64"),
            (Urgency::Stuck, "PostgreSQL 16, arm64"),
        ]
    );
    let newly = &found[0].1[0];
    assert_eq!((newly.release.as_str(), newly.words.as_str()), ("pgTAP 1.3.4", "fail (build)"));
    assert!(newly.next.starts_with("Mend the build: the run shows"), "{}", newly.next);
    assert_eq!(newly.since.relative, "2 days ago");
    assert!(found[2].1[0].next.starts_with("A second run has to agree"), "{}", found[2].1[0].next);
    let stuck = &found[4].1[0].next;
    assert!(stuck.matches("does not count").count() == 1 && stuck.ends_with("Nothing to do."), "{stuck}");
}

#[test]
fn what_waits_says_how_long_and_what_is_not_released_yet_says_so() {
    let dist = dist();
    let waits = cell(&dist.latest, "pg18-amd64", None);
    let waiting = Waiting {
        job_id: waits.job_id,
        target: waits.target,
        priority: protocol::Priority::NewRelease,
        queued_at: NOW,
        ahead: 3,
        eta_ms: Some(200_000),
    };
    let cells = [waits, turned(&dist, "pg19-amd64", TESTS, Comparison::StillFailing, 40)];
    let found = found(&dist, &cells, &BTreeMap::from([(waiting.job_id, waiting)]));
    assert!(found[0].1[0].next.ends_with("PostgreSQL has not released this major yet."), "{}", found[0].1[0].next);
    assert_eq!(found[1].1[0].next, "Nothing to do: 3 jobs before it, about 4 min.");
}

#[test]
fn platforms_are_named_where_they_differ() {
    let latest = dist().latest;
    let of = |targets: &[&str]| {
        let cells: Vec<Cell> = targets.iter().map(|target| cell(&latest, target, TESTS)).collect();
        on(&cells.iter().collect::<Vec<_>>())
    };
    assert_eq!(of(&["pg17-amd64", "pg17-arm64", "pg18-amd64", "pg18-arm64"]), "PostgreSQL 17 and 18");
    assert_eq!(of(&["pg17-arm64"]), "PostgreSQL 17, arm64");
    assert_eq!(of(&["pg17-amd64", "pg18-arm64"]), "PostgreSQL 17, amd64; 18, arm64");
}
