//! The lanes beyond installcheck, in whole runs of fixtures that pass their tests.

use std::path::Path;
use std::time::Duration;

use protocol::{Grade, Outcome, Phase, Report};

use super::whole::{fixture, run_source, site};
use crate::config::Lanes;
use crate::run::Source;

const LANES: [Phase; 3] = [Phase::Upgrade, Phase::Reload, Phase::Uninstall];

async fn report_of(source: &Path) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let site = site(dir.path()).await;
    let (completed, _) = run_source(&site, Source::Directory(source.to_owned())).await;
    let report = completed.report;
    assert_eq!(report.verdict.grade(), Grade::Pass, "a lane lowers no grade: {:?}", report.verdict);
    for record in report.phases.iter().filter(|record| LANES.contains(&record.phase)) {
        assert_eq!((record.reason, record.exit), (None, None), "{record:?}");
        let warns = report.circumstances.warnings.iter().any(|warning| warning.phase == record.phase);
        assert_eq!(record.outcome == Outcome::Failed, warns, "{record:?}");
    }
    report
}

fn warnings(report: &Report) -> Vec<(Phase, &str)> {
    report.circumstances.warnings.iter().map(|warning| (warning.phase, warning.text.as_str())).collect()
}

fn outcomes(report: &Report) -> Vec<(Phase, Outcome)> {
    let lanes = report.phases.iter().filter(|record| LANES.contains(&record.phase));
    lanes.map(|record| (record.phase, record.outcome)).collect()
}

#[tokio::test]
async fn a_release_that_can_be_updated_moved_and_removed_has_no_warning_which_needs_an_engine() {
    let report = report_of(&fixture("upgrades-well")).await;
    assert_eq!(warnings(&report), []);
    assert_eq!(outcomes(&report), LANES.map(|phase| (phase, Outcome::Passed)));
    let upgrade = report.phases.iter().find(|record| record.phase == Phase::Upgrade).unwrap();
    assert!(upgrade.command.contains("VERSION '1.0'") && upgrade.log.is_some(), "{upgrade:?}");
}

#[tokio::test]
async fn an_update_that_ends_elsewhere_than_a_fresh_create_is_described_which_needs_an_engine() {
    let report = report_of(&fixture("upgrades-differently")).await;
    let text = "After an update of upgrades_differently from 1.0, compared with a fresh 1.1: \
         function public.upgrades_differently_answer() differs in body (SELECT 41 instead of SELECT 42), volatility (v instead of i); \
         table public.upgrades_differently_log differs in columns ([\"at\"] instead of [\"at\", \"said\"]); \
         table column public.upgrades_differently_log.said is missing";
    assert_eq!(warnings(&report), [(Phase::Upgrade, text)]);
}

#[tokio::test]
async fn a_dump_that_cannot_be_restored_is_a_warning_which_needs_an_engine() {
    let report = report_of(&fixture("reloads-badly")).await;
    let [(Phase::Reload, restore), (Phase::Reload, sequence)] = warnings(&report)[..] else { panic!("{report:?}") };
    assert!(restore.contains("duplicate key") && restore.contains("COPY reloads_badly_setting, line 1"), "{restore}");
    assert!(sequence.contains("the state of public.reloads_badly_setting_id_seq"), "{sequence}");
    assert_eq!(outcomes(&report)[0], (Phase::Upgrade, Outcome::Skipped), "it has only one version");
}

#[tokio::test]
async fn what_drop_extension_leaves_behind_is_named_which_needs_an_engine() {
    let report = report_of(&fixture("leaves-objects-behind")).await;
    let left: Vec<_> = warnings(&report).into_iter().filter(|(phase, _)| *phase == Phase::Uninstall).collect();
    let names = ["table public.leaves_objects_behind_log", "role leaves_objects_behind_reader"];
    let text = |name| (Phase::Uninstall, format!("`DROP EXTENSION leaves_objects_behind` leaves behind: {name}"));
    assert_eq!(left.iter().map(|(phase, it)| (*phase, (*it).to_owned())).collect::<Vec<_>>(), names.map(text));
}

#[tokio::test]
async fn what_make_uninstall_leaves_behind_is_named_which_needs_an_engine() {
    let report = report_of(&fixture("leaves-files-behind")).await;
    let [(Phase::Uninstall, text)] = warnings(&report)[..] else { panic!("{report:?}") };
    assert!(text.ends_with("/leaves_files_behind/answers.json"), "{text}");
}

#[tokio::test]
async fn a_server_that_crashes_in_a_lane_is_a_warning_and_the_next_lane_runs_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    copy(&fixture("upgrades-well"), &source);
    // A backend is the parent of the shell that it starts.
    let crash = "COPY (SELECT 1) TO PROGRAM 'kill -SEGV $PPID';";
    std::fs::write(source.join("sql/upgrades_well--1.1--1.2.sql"), crash).unwrap();
    let report = report_of(&source).await;
    assert_eq!(
        warnings(&report),
        [(Phase::Upgrade, "The update of upgrades_well from 1.0 to 1.2 fails: the server crashed")]
    );
    let [crash] = &report.circumstances.crashes[..] else { panic!("{report:?}") };
    assert_eq!((crash.phase, crash.signal), (Phase::Upgrade, 11));
    assert_eq!(report.verdict.flags, [], "a lane changes nothing that is said of the tests");
    assert_eq!(outcomes(&report)[1..], [(Phase::Reload, Outcome::Passed), (Phase::Uninstall, Outcome::Passed)]);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_runner_can_leave_the_lanes_out_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(dir.path()).await;
    site.lanes = Lanes::None;
    let (completed, _) = run_source(&site, Source::Directory(fixture("upgrades-differently"))).await;
    let last = completed.report.phases.last().map(|record| record.phase);
    assert_eq!((last, completed.report.circumstances.warnings.len()), (Some(Phase::Installcheck), 0));
}

#[tokio::test]
async fn a_run_that_has_no_time_left_keeps_its_verdict_and_skips_the_lanes_which_needs_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = site(dir.path()).await;
    site.limits.run = Duration::from_secs(36);
    let (completed, _) = run_source(&site, Source::Directory(fixture("upgrades-differently"))).await;
    let report = completed.report;
    assert_eq!((report.verdict.grade(), outcomes(&report)), (Grade::Pass, Vec::new()));
    assert!(report.notes.iter().any(|note| note.contains("no time left")), "{:?}", report.notes);
}
