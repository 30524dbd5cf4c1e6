use protocol::Timestamp;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

fn span() -> Span {
    Span::until(NOW, 3, 1)
}

fn major(number: u16) -> PgMajor {
    number.try_into().unwrap()
}

fn found(step: u32, number: u16, grade: Grade, results: u64) -> Found {
    Found { step, major: major(number), grade, results }
}

fn spent(step: u32, phase: Phase, runs: u64, duration_ms: u64) -> Spent {
    Spent { step, phase, runs, duration_ms }
}

fn values(chart: &Chart) -> Vec<(&str, &[u64])> {
    chart.series.iter().map(|one| (one.name.as_str(), one.values.as_slice())).collect()
}

#[test]
fn each_major_has_a_chart_of_the_grades_that_it_got() {
    let all = [
        found(0, 18, Grade::Pass, 4),
        found(2, 18, Grade::Pass, 1),
        found(2, 18, Grade::Env, 2),
        found(1, 19, Grade::Fail, 3),
        found(1, 12, Grade::Na, 1),
    ];
    let charts = verdicts(Range::Month, span(), &all, &[major(18), major(17), major(19)]);
    let titles: Vec<&str> = charts.iter().map(|chart| chart.title.as_str()).collect();
    assert_eq!(titles, ["PostgreSQL 18", "PostgreSQL 19", "PostgreSQL 12"]);
    assert_eq!(charts[0].sentence, "7 results in 30 days: 5 pass, 2 needs setup.");
    insta::assert_json_snapshot!("verdicts", charts[0]);
}

#[test]
fn the_farms_own_failures_are_told_apart_from_what_it_found() {
    let all = [
        found(0, 18, Grade::Pass, 4),
        found(0, 17, Grade::Fail, 1),
        found(1, 17, Grade::Error, 2),
        found(2, 17, Grade::Env, 3),
    ];
    let chart = throughput(Range::Month, span(), &all);
    let expected: [(&str, &[u64]); 3] =
        [("verdicts", &[5, 0, 0]), ("needs setup", &[0, 0, 3]), ("farm error", &[0, 2, 0])];
    assert_eq!(values(&chart), expected);
    assert_eq!(chart.sentence, "10 results in 30 days, 2 failures of the farm itself.");
    assert_eq!(throughput(Range::Month, span(), &all[..1]).sentence, "4 results in 30 days.");
    assert_eq!(throughput(Range::Year, span(), &[]).sentence, "No results in 52 weeks.");
}

#[test]
fn what_waited_is_told_from_what_waits_now_backwards() {
    let flow = [Flow { step: 0, came: 10, went: 2 }, Flow { step: 2, came: 1, went: 6 }];
    let chart = waiting(Range::Month, span(), &flow, 3);
    assert_eq!(values(&chart), [("waiting", [8, 8, 3].as_slice())]);
    assert_eq!(chart.sentence, "3 jobs wait now; 8 at most in 30 days.");
    let impossible = [Flow { step: 2, came: 9, went: 0 }];
    assert_eq!(values(&waiting(Range::Month, span(), &impossible, 3)), [("waiting", [0, 0, 3].as_slice())]);
}

#[test]
fn the_time_of_a_run_is_that_of_its_phases_over_the_number_of_runs() {
    let all = [
        spent(0, Phase::Fetch, 4, 400),
        spent(0, Phase::Build, 4, 8_000),
        spent(0, Phase::Installcheck, 2, 20_000),
        spent(2, Phase::Fetch, 1, 100),
        spent(2, Phase::Uninstall, 1, 500),
    ];
    let chart = durations(Range::Quarter, span(), &all);
    let expected: [(&str, &[u64]); 4] = [
        ("fetch and unpack", &[100, 0, 100]),
        ("build", &[2_000, 0, 0]),
        ("tests", &[5_000, 0, 0]),
        ("beyond the tests", &[0, 0, 500]),
    ];
    assert_eq!(values(&chart), expected);
    assert_eq!(chart.sentence, "A run took 5.8 s on average in 13 weeks; most of it: tests.");
    assert_eq!(durations(Range::Month, span(), &[]).sentence, "Nothing ran in 30 days.");
}

#[test]
fn every_phase_is_part_of_one_stage() {
    for phase in Phase::ALL {
        assert_eq!(STAGES.iter().filter(|(_, _, phases)| phases.contains(&phase)).count(), 1, "{phase}");
    }
}

#[test]
fn the_registry_is_as_large_as_it_was_at_the_end_of_each_step() {
    let sizes = [(2, 1), (2, 1), (9, 4)].map(|(releases, dists)| Size { step: 0, releases, dists });
    let chart = growth(span(), &sizes);
    assert_eq!(values(&chart), [("releases", [2, 2, 9].as_slice()), ("distributions", [1, 1, 4].as_slice())]);
    assert_eq!(chart.sentence, "4 distributions with 9 releases.");
}
