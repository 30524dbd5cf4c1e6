//! Attacks from the lanes beyond installcheck: they only warn, whatever happens in them.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tests::table::Row;
use tests::watched::{Ground, Outcome};
use tests::{table, turn};

use crate::case::Case;
use crate::logs::{is_kept_in_bounds, is_shown_safely};

const FAST: &[&str] = &["--silence", "100", "--memory", "512"];
/// For what would never end: lanes take at most a quarter of what is left of a run.
const SHORT: &[&str] = &["--run-timeout", "160", "--memory", "512"];
/// What a lane's script may take beyond that, and what it takes to end it.
const LANES: Duration = Duration::from_secs(120 + 40 + 10);
const VERDICT: &str = "the lane is cut short, and the verdict is what the tests came to";
const LIMIT: &str = "the lanes share a limit far below the run's; container and processes are gone with the run";
const SMALL: &str = "the runner's memory, its files and the container's layer on the engine's disk stay small";
const PASSES: &[&str] = &["installcheck tests-passed"];

const fn case(
    name: &'static str,
    [what, phase, language]: [&'static str; 3],
    (note, seen): (&'static str, &'static str),
) -> Case {
    Case { name, what, phase, language, must: VERDICT, verdicts: PASSES, flags: FAST, note, seen }
}

const CASES: &[Case] = &[
    Case {
        flags: SHORT,
        ..case(
            "never-ends-a-lane",
            [
                "an update in a server process that hears no signal, a DROP EXTENSION that catches what ends it, and a `make uninstall` that ignores every signal",
                "upgrade, uninstall",
                "C, event trigger, make, sh",
            ],
            ("it did not end within", LIMIT),
        )
    },
    case(
        "memory-in-a-reload",
        ["64 GB of memory while a dump is restored", "reload", "COPY PROGRAM, Python"],
        ("", SMALL),
    ),
    case(
        "disk-in-a-drop",
        ["every place that can be written, full", "uninstall", "event trigger, COPY PROGRAM, dd"],
        ("", SMALL),
    ),
    case("floods-make-uninstall", ["10 GB of output", "uninstall", "make, sh"], ("", SMALL)),
    case(
        "daemon-of-a-lane",
        ["daemons that outlive their lane", "upgrade, uninstall", "COPY PROGRAM, make, sh"],
        ("", LIMIT),
    ),
    case("forks-in-make-uninstall", ["twenty thousand sleeping processes", "uninstall", "make, sh"], ("", LIMIT)),
    case("kills-in-a-lane", ["killing the server (SIGKILL)", "upgrade", "COPY PROGRAM"], ("", LIMIT)),
    case(
        "kills-everything-in-a-lane",
        ["killing all processes, the farm's wrapper and server included (kill -9 -1)", "uninstall", "make, sh"],
        ("The lanes beyond installcheck", LIMIT),
    ),
    case(
        "leaves-pipes",
        ["pipes that nobody writes into, in the place of what the farm reads", "uninstall", "make, sh"],
        ("", LIMIT),
    ),
    Case {
        must: "believed as warnings, in bounds, and as text; the verdict is what the tests came to",
        ..case(
            "forges-lanes",
            [
                "3,000 facts that nobody found, in words for a terminal, and an exit code of its own",
                "uninstall",
                "make, sh",
            ],
            (
                "",
                "what the program prints has no control character but the end of a line; a report has at most 100 warnings",
            ),
        )
    },
    Case {
        must: "they are text in warnings, and no command of who reads the dump",
        ..case(
            "hostile-names",
            [
                "names of tables that paint terminals, break lines and are commands of psql",
                "upgrade, reload, uninstall",
                "SQL",
            ],
            ("", "what the program prints has no control character but the end of a line"),
        )
    },
];

fn warnings(outcome: &Outcome) -> Vec<&str> {
    let warnings = outcome.report["circumstances"]["warnings"].as_array();
    warnings.into_iter().flatten().filter_map(|warning| warning["text"].as_str()).collect()
}

/// The records of the lanes.
fn records(outcome: &Outcome) -> Vec<&Value> {
    let phases = outcome.report["phases"].as_array();
    let is_lane = |record: &&Value| ["upgrade", "reload", "uninstall"].iter().any(|lane| record["phase"] == *lane);
    phases.into_iter().flatten().filter(is_lane).collect()
}

fn only_warns(case: &Case, outcome: &Outcome) -> Result<()> {
    let name = case.name;
    let verdict = &outcome.report["verdict"];
    ensure!(verdict["detail"] == "1 of 1 tests passed", "{name}: {verdict}");
    ensure!(verdict["flags"].as_array().is_some_and(Vec::is_empty), "{name}: {verdict}");
    let records = records(outcome);
    ensure!(!records.is_empty() && records.iter().all(|record| record["reason"].is_null()), "{name}: {records:?}");
    let millis: u64 = records.iter().filter_map(|record| record["duration_ms"].as_u64()).sum();
    ensure!(Duration::from_millis(millis) < LANES, "{name}: the lanes took {millis} ms");
    let warnings = warnings(outcome);
    ensure!(warnings.len() <= 100 && warnings.iter().all(|text| text.len() <= 2_000), "{name}: {warnings:?}");
    let strange = warnings.iter().find(|text| text.chars().any(char::is_control));
    ensure!(strange.is_none(), "{name}: {strange:?}");
    Ok(())
}

async fn tried(case: &Case, ground: &Ground) -> Result<Row> {
    let (outcome, row) = case.run(ground).await?;
    println!("{}: {:?} {}", case.name, warnings(&outcome), outcome.notes());
    only_warns(case, &outcome)?;
    is_shown_safely(&outcome)?;
    is_kept_in_bounds(&outcome)?;
    ensure!(tests::host::escaped("pgxn-lane-daemon").is_empty(), "a daemon runs on");
    Ok(row)
}

#[tokio::test]
async fn a_lane_is_cut_short_and_changes_no_verdict_whatever_it_does() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for case in CASES {
        match tried(case, &ground).await {
            Ok(row) => rows.push(row),
            Err(error) => failures.push(format!("{}: {error:#}", case.name)),
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    ground.serves_the_next().await?;
    table::compare("In the lanes beyond installcheck", &rows)
}
