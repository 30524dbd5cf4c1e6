use protocol::{Comparison, Flag, JobId, JobState, Phase, Priority, Reason, Release, RunId, Version};

use super::*;
use crate::text::{Subject, sentence};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

pub(crate) fn release(version: &str, days: i64) -> StoredRelease {
    let at = Timestamp::from_millis(NOW.as_millis() - days * 86_400_000);
    StoredRelease {
        id: ReleaseId::new(at),
        release: Release {
            dist: "pgTAP".parse().unwrap(),
            version: version.parse::<Version>().unwrap(),
            status: Status::Stable,
            user: "theory".parse().unwrap(),
            sha1: "0".repeat(40),
            released_at: at,
        },
        summary: "Unit testing for PostgreSQL".into(),
        seen_at: at,
        superseded_at: None,
    }
}

pub(crate) fn cell(of: &StoredRelease, target: &str, reason: Option<(Phase, Reason)>) -> store::matrix::Cell {
    let result = reason.map(|(phase, reason)| store::matrix::Summary {
        run_id: RunId::new(NOW),
        grade: reason.grade(),
        phase,
        reason,
        flags: Vec::new(),
        detail: String::new(),
        decisive: None,
        postgresql: Some("18.1".into()),
        tests: 0,
        tests_failed: 0,
        started_at: NOW,
        finished_at: NOW,
        accepted_at: NOW,
    });
    store::matrix::Cell {
        job_id: JobId::new(NOW),
        release_id: of.id,
        target: target.parse().unwrap(),
        state: if result.is_some() { JobState::Finished } else { JobState::Queued },
        priority: Priority::NewRelease,
        queued_at: NOW,
        changed_at: NOW,
        run_id: None,
        runner: result.as_ref().map(|_| "helios".to_owned()),
        result,
        comparison: None,
        compared_at: None,
    }
}

const PASS: Option<(Phase, Reason)> = Some((Phase::Installcheck, Reason::TestsPassed));
const BUILD: Option<(Phase, Reason)> = Some((Phase::Build, Reason::CompileError));
const FARM: Option<(Phase, Reason)> = Some((Phase::Fetch, Reason::EngineFailed));

fn grid(releases: &[StoredRelease], cells: &[store::matrix::Cell]) -> Grid {
    Grid::build(Sources { matrix: &Matrix::embedded(), releases, cells, waiting: &[], now: NOW })
}

fn say(grid: &Grid) -> String {
    let row = &grid.rows[0];
    sentence(Subject { dist: "pgTAP", version: row.version.as_str(), on: &row.on_majors() })
}

#[test]
fn supported_majors_come_first_then_devel_then_ended_ones() {
    let one = release("1.0.0", 1);
    let cells = ["pg13-amd64", "pg19-amd64", "pg18-amd64"].map(|target| cell(&one, target, PASS));
    let grid = grid(&[one], &cells);
    let majors: Vec<u16> = grid.columns.iter().map(|column| column.major.number()).collect();
    assert_eq!(majors, [18, 17, 16, 15, 19, 13]);
    assert_eq!(grid.columns[5].remark(), "ended");
    assert_eq!(grid.rows[0].cells[1].why_empty(), "not planned");
}

#[test]
fn platforms_that_agree_share_a_glyph_and_others_do_not() {
    let one = release("1.0.0", 1);
    let cells = [
        cell(&one, "pg18-amd64", PASS),
        cell(&one, "pg18-arm64", PASS),
        cell(&one, "pg17-arm64", BUILD),
        cell(&one, "pg17-amd64", PASS),
    ];
    let grid = grid(&[one], &cells);
    let shown: Vec<usize> = grid.rows[0].cells.iter().map(|cell| cell.shown().len()).collect();
    assert_eq!(shown, [1, 2, 0, 0]);
    assert_eq!(say(&grid), "pgTAP 1.0.0 passes on PostgreSQL 18; on 17 (arm64 only) it fails to build.");
}

#[test]
fn a_card_tells_once_what_platforms_have_in_common() {
    let one = release("1.0.0", 1);
    let mut cells = vec![
        cell(&one, "pg18-amd64", BUILD),
        cell(&one, "pg18-arm64", BUILD),
        cell(&one, "pg17-amd64", BUILD),
        cell(&one, "pg17-arm64", BUILD),
        cell(&one, "pg16-amd64", PASS),
        cell(&one, "pg16-arm64", BUILD),
    ];
    cells[1].runner = Some("attic".into());
    cells[3].result.as_mut().unwrap().flags.push(Flag::Warnings);
    let grid = grid(&[one], &cells);
    let told = |column: usize| -> Vec<(String, Vec<String>, bool)> {
        let entries = grid.rows[0].cells[column].entries();
        entries.into_iter().map(|entry| (entry.platforms, entry.found, entry.told)).collect()
    };
    let both = vec![
        "amd64: PostgreSQL 18.1, on helios, just now".to_owned(),
        "arm64: PostgreSQL 18.1, on attic, just now".to_owned(),
    ];
    assert_eq!(told(0), [("amd64, arm64".to_owned(), both, false)]);
    let found = vec!["PostgreSQL 18.1, on helios, just now".to_owned()];
    assert_eq!(
        told(1),
        [("amd64".to_owned(), found.clone(), false), ("arm64".to_owned(), found.clone(), true)],
        "a flag is the one's alone, and why is said once"
    );
    assert_eq!(told(2), [("amd64".to_owned(), found.clone(), false), ("arm64".to_owned(), found, false)]);
    assert!(told(3).is_empty());
}

#[test]
fn platforms_are_told_apart_by_what_is_said_of_them_and_not_by_flags() {
    let one = release("1.0.0", 1);
    let mut cells = vec![cell(&one, "pg18-amd64", PASS), cell(&one, "pg18-arm64", PASS)];
    cells[1].result.as_mut().unwrap().flags.push(Flag::Warnings);
    let alike = grid(std::slice::from_ref(&one), &cells);
    assert_eq!(say(&alike), "pgTAP 1.0.0 passes on PostgreSQL 18.");
    assert_eq!(alike.rows[0].cells[0].shown().len(), 1);

    let cells = [cell(&one, "pg18-amd64", BUILD), cell(&one, "pg18-arm64", None)];
    let waiting = grid(std::slice::from_ref(&one), &cells);
    assert_eq!(
        say(&waiting),
        "pgTAP 1.0.0 fails to build on PostgreSQL 18 (amd64); on 18 (arm64) it waits to be tested."
    );

    let mut cells = vec![cell(&one, "pg18-amd64", PASS), cell(&one, "pg18-arm64", PASS)];
    cells[1].result.as_mut().unwrap().flags.push(Flag::Flaky);
    let flaky = grid(&[one], &cells);
    assert_eq!(
        say(&flaky),
        "pgTAP 1.0.0 passes on PostgreSQL 18 (amd64); on 18 (arm64) it passes, but not every time."
    );
    assert_eq!(flaky.rows[0].cells[0].shown().len(), 2);
}

#[test]
fn each_platform_is_dated_by_itself() {
    let releases = [release("1.2", 1), release("1.1", 2), release("1.0", 3)];
    let on = |target: &'static str, reasons: [Option<(Phase, Reason)>; 3]| {
        releases.iter().zip(reasons).map(move |(of, reason)| cell(of, target, reason)).collect::<Vec<_>>()
    };
    let cells = [on("pg18-amd64", [BUILD, PASS, PASS]), on("pg18-arm64", [BUILD, BUILD, PASS])].concat();
    let grid = grid(&releases, &cells);
    assert_eq!(
        say(&grid),
        "pgTAP 1.2 fails to build on PostgreSQL 18 (amd64), since 1.2; on 18 (arm64) it fails to build since 1.1."
    );
    let words: Vec<String> = grid.rows[0].cells[0].spots.iter().map(Spot::compared).collect();
    assert_eq!(words, ["newly failing: 1.1 did not", "fails since 1.1"]);
    assert_eq!(changes(&grid, 0), ["NEW-FAIL 1.1", "NEW-FAIL 1.0", ""], "what turned is told before what did not");
}

#[test]
fn a_failure_is_dated_by_the_first_release_that_has_it() {
    let releases = [release("1.3", 1), release("1.2", 2), release("1.1", 3), release("1.0", 4)];
    let cells = [BUILD, FARM, BUILD, PASS].iter().zip(&releases).map(|(reason, of)| cell(of, "pg18-amd64", *reason));
    let grid = grid(&releases, &cells.collect::<Vec<_>>());
    assert_eq!(say(&grid), "pgTAP 1.3 fails to build on PostgreSQL 18, since 1.1.");
    assert_eq!(changes(&grid, 0), ["STILL-FAILING 1.1", "", "NEW-FAIL 1.0", ""]);
}

#[test]
fn a_failure_without_a_better_past_has_no_date() {
    let releases = [release("1.1", 1), release("1.0", 2)];
    let cells = [BUILD, BUILD].iter().zip(&releases).map(|(reason, of)| cell(of, "pg18-amd64", *reason));
    assert_eq!(say(&grid(&releases, &cells.collect::<Vec<_>>())), "pgTAP 1.1 fails to build on PostgreSQL 18.");
}

#[test]
fn a_mended_release_is_marked() {
    let releases = [release("1.1", 1), release("1.0", 2)];
    let cells = [PASS, BUILD].iter().zip(&releases).map(|(reason, of)| cell(of, "pg18-amd64", *reason));
    let grid = grid(&releases, &cells.collect::<Vec<_>>());
    assert_eq!(changes(&grid, 0), ["FIXED 1.0", ""]);
}

#[test]
fn a_stable_release_is_compared_with_a_stable_one() {
    let mut releases = [release("1.1", 1), release("1.1-b1", 2), release("1.0", 3)];
    releases[1].release.status = Status::Testing;
    let cells = [BUILD, BUILD, PASS].iter().zip(&releases).map(|(reason, of)| cell(of, "pg18-amd64", *reason));
    let grid = grid(&releases, &cells.collect::<Vec<_>>());
    assert_eq!(changes(&grid, 0), ["NEW-FAIL 1.0", "NEW-FAIL 1.0", ""]);
}

#[test]
fn a_major_is_compared_with_the_one_below_on_the_same_platform() {
    let one = release("1.0", 1);
    let cells = [("pg18-amd64", BUILD), ("pg17-arm64", BUILD), ("pg17-amd64", PASS), ("pg15-arm64", PASS)];
    let cells = cells.map(|(on, reason)| cell(&one, on, reason));
    let grid = grid(&[one], &cells);
    let seen: Vec<String> =
        grid.rows[0].cells.iter().flat_map(|cell| &cell.spots).map(|spot| shown(spot.across.as_ref())).collect();
    assert_eq!(seen, ["NEW-FAIL PostgreSQL 17", "", "NEW-FAIL PostgreSQL 15", ""]);
}

#[test]
fn a_release_that_stops_supporting_a_major_is_marked() {
    let releases = [release("1.1", 1), release("1.0", 2)];
    let na = Some((Phase::Metadata, Reason::PostgresUnsupported));
    let reasons = [na, PASS];
    let cells = reasons.iter().zip(&releases).map(|(reason, of)| cell(of, "pg18-amd64", *reason));
    let grid = grid(&releases, &cells.collect::<Vec<_>>());
    let change = grid.rows[0].cells[0].change.as_ref().unwrap();
    assert_eq!((change.comparison, change.corner()), (Comparison::NewlyNa, Some("dropped")));
}

fn shown(change: Option<&Change>) -> String {
    change.map(|change| format!("{} {}", change.comparison, change.with)).unwrap_or_default()
}

/// How a column's cells compare with the release before, newest first.
fn changes(grid: &Grid, column: usize) -> Vec<String> {
    grid.rows.iter().map(|row| shown(row.cells[column].change.as_ref())).collect()
}

#[test]
fn a_failure_that_is_not_confirmed_turns_nothing() {
    let releases = [release("1.1", 1), release("1.0", 2)];
    let mut cells = vec![cell(&releases[0], "pg18-amd64", BUILD), cell(&releases[1], "pg18-amd64", PASS)];
    cells[0].result.as_mut().unwrap().flags.push(Flag::Unconfirmed);
    let grid = grid(&releases, &cells);
    assert_eq!(grid.rows[0].cells[0].change, None);
    assert_eq!(say(&grid), "pgTAP 1.1 fails to build on PostgreSQL 18 (not confirmed yet).");
    cells[0].result.as_mut().unwrap().flags.push(Flag::Flaky);
    let flaky = self::grid(&releases, &cells);
    assert_eq!(say(&flaky), "pgTAP 1.1 fails to build on PostgreSQL 18, but not the same way every time.");
    assert_eq!(flaky.rows[0].cells[0].spots[0].words(), "flaky fail (build)");
}

#[test]
fn a_waiting_cell_says_its_place_and_why_and_how_long() {
    let one = release("1.0.0", 1);
    let cells = [cell(&one, "pg18-amd64", None)];
    let waits = |ahead, eta_ms| {
        let (job_id, target) = (cells[0].job_id, cells[0].target);
        let waiting = [Waiting { job_id, target, priority: Priority::NewRelease, queued_at: NOW, ahead, eta_ms }];
        let (matrix, releases) = (Matrix::embedded(), [one.clone()]);
        let sources = Sources { matrix: &matrix, releases: &releases, cells: &cells, waiting: &waiting, now: NOW };
        let spot = Grid::build(sources).rows[0].cells[0].spots[0].clone();
        assert_eq!((spot.mark, spot.href()), (Mark::Queued, None));
        (spot.now.unwrap(), spot.soon.unwrap())
    };
    let texts = |(now, soon): (&str, &str)| (now.to_owned(), soon.to_owned());
    let known = ("waits: 12 jobs before it, about 4 min; new in the registry", "about 4 min");
    assert_eq!(waits(12, Some(233_000)), texts(known));
    let unknown = (
        "waits: 12 jobs before it; no runner has taken one for this target in the last hour; new in the registry",
        "12 before it",
    );
    assert_eq!(waits(12, None), texts(unknown));
    assert_eq!(waits(0, Some(5_000)), texts(("waits: it is next; new in the registry", "next")));
}
