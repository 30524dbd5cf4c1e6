use super::*;

fn on(major: u16, mark: Mark) -> OnMajor {
    let support = match major {
        19.. => Support::Devel,
        15..=18 => Support::Supported,
        _ => Support::Eol,
    };
    OnMajor { major, support, mark, phase: None, platform: None, since: None, doubt: None }
}

fn fail(major: u16, phase: Phase) -> OnMajor {
    OnMajor { phase: Some(phase), ..on(major, Mark::Fail) }
}

fn since(mut on: OnMajor, version: &str) -> OnMajor {
    on.since = Some(version.into());
    on
}

fn amd64(on: OnMajor) -> OnMajor {
    OnMajor { platform: Some(Platform::Amd64), ..on }
}

fn arm64(on: OnMajor) -> OnMajor {
    OnMajor { platform: Some(Platform::Arm64), ..on }
}

fn doubted(on: OnMajor, doubt: Doubt) -> OnMajor {
    OnMajor { doubt: Some(doubt), ..on }
}

fn say(on: &[OnMajor]) -> String {
    sentence(Subject { dist: "pgtap", version: "1.3.4", on })
}

#[test]
fn what_passes_everywhere_is_said_in_one_breath() {
    assert_eq!(say(&[18, 17].map(|major| on(major, Mark::Pass))), "pgtap 1.3.4 passes on PostgreSQL 17 and 18.");
    assert_eq!(say(&[18, 17, 16, 15].map(|major| on(major, Mark::Pass))), "pgtap 1.3.4 passes on PostgreSQL 15 to 18.");
    assert_eq!(say(&[on(17, Mark::Pass)]), "pgtap 1.3.4 passes on PostgreSQL 17.");
}

#[test]
fn what_breaks_on_devel_says_since_when() {
    let mut all = [18, 17, 16, 15, 14].map(|major| on(major, Mark::Pass)).to_vec();
    all.push(since(fail(19, Phase::Build), "1.3.3"));
    assert_eq!(say(&all), "pgtap 1.3.4 passes on PostgreSQL 14 to 18; on 19 devel it fails to build since 1.3.3.");
}

#[test]
fn each_phase_that_fails_has_its_own_verb() {
    let cases = [
        (Phase::Unpack, "fails to unpack"),
        (Phase::Metadata, "fails for its META.json"),
        (Phase::Configure, "fails to configure"),
        (Phase::Build, "fails to build"),
        (Phase::Install, "fails to install"),
        (Phase::Create, "fails to load"),
        (Phase::Installcheck, "fails its tests"),
    ];
    for (phase, verb) in cases {
        assert_eq!(say(&[fail(18, phase)]), format!("pgtap 1.3.4 {verb} on PostgreSQL 18."));
    }
}

#[test]
fn different_failures_are_kept_apart_and_equal_ones_joined() {
    let all = [fail(18, Phase::Build), fail(17, Phase::Installcheck), fail(16, Phase::Installcheck)];
    assert_eq!(say(&all), "pgtap 1.3.4 fails to build on PostgreSQL 18; on 16 and 17 it fails its tests.");
}

#[test]
fn a_failure_everywhere_since_a_release_says_so() {
    let all = [18, 17, 16].map(|major| since(fail(major, Phase::Build), "1.3.0"));
    assert_eq!(say(&all), "pgtap 1.3.4 fails to build on PostgreSQL 16 to 18, since 1.3.0.");
}

#[test]
fn what_has_no_tests_builds_and_loads() {
    assert_eq!(
        say(&[18, 17].map(|major| on(major, Mark::Untested))),
        "pgtap 1.3.4 builds and loads on PostgreSQL 17 and 18, but has no tests."
    );
    assert_eq!(
        say(&[on(18, Mark::Pass), on(17, Mark::Untested)]),
        "pgtap 1.3.4 passes on PostgreSQL 18; on 17 it builds and loads, but has no tests."
    );
}

#[test]
fn the_farm_never_blames_the_author_for_its_own_lack() {
    assert_eq!(
        say(&[on(18, Mark::Env)]),
        "pgtap 1.3.4 could not be tested on PostgreSQL 18, as the farm lacks something that it needs."
    );
    assert_eq!(
        say(&[on(18, Mark::Pass), on(17, Mark::Env), on(16, Mark::Error)]),
        "pgtap 1.3.4 passes on PostgreSQL 18; on 17 it could not be tested, as the farm lacks something that it needs; \
         on 16 the farm failed to test it."
    );
    assert_eq!(say(&[on(18, Mark::Error)]), "pgtap 1.3.4 could not be tested on PostgreSQL 18, as the farm failed.");
    assert_eq!(say(&[on(18, Mark::Blocked)]), "pgtap 1.3.4 is blocked by something that it needs on PostgreSQL 18.");
}

#[test]
fn what_is_not_supported_is_said_as_the_authors_choice() {
    assert_eq!(say(&[on(13, Mark::Na), on(14, Mark::Na)]), "pgtap 1.3.4 does not support PostgreSQL 13 and 14.");
    assert_eq!(
        say(&[on(18, Mark::Pass), on(13, Mark::Na)]),
        "pgtap 1.3.4 passes on PostgreSQL 18; it does not support 13."
    );
}

#[test]
fn what_is_not_known_yet_is_said_last() {
    let all = [on(18, Mark::Queued), on(17, Mark::Running), on(16, Mark::Pass), on(15, Mark::Queued)];
    assert_eq!(
        say(&all),
        "pgtap 1.3.4 passes on PostgreSQL 16; on 17 it is being tested; on 15 and 18 it waits to be tested."
    );
    assert_eq!(say(&[on(18, Mark::Queued)]), "pgtap 1.3.4 waits to be tested on PostgreSQL 18.");
}

#[test]
fn platforms_that_differ_are_named_and_only_is_said_where_the_others_work() {
    let flaky = |on| doubted(on, Doubt::Flaky);
    let unsure = |on| doubted(on, Doubt::Unconfirmed);
    let build = || fail(17, Phase::Build);
    let tests = || fail(17, Phase::Installcheck);
    let pass = || on(17, Mark::Pass);
    let cases = [
        ((pass(), build()), "fails to build on PostgreSQL 17 (arm64 only)"),
        ((build(), pass()), "fails to build on PostgreSQL 17 (amd64 only)"),
        ((on(17, Mark::Untested), build()), "fails to build on PostgreSQL 17 (arm64 only)"),
        ((pass(), unsure(build())), "fails to build on PostgreSQL 17 (arm64 only) (not confirmed yet)"),
        ((build(), tests()), "fails to build on PostgreSQL 17 (amd64); on 17 (arm64) it fails its tests"),
        (
            (build(), unsure(build())),
            "fails to build on PostgreSQL 17 (amd64); on 17 (arm64) it fails to build (not confirmed yet)",
        ),
        (
            (since(build(), "1.2"), since(build(), "1.3")),
            "fails to build on PostgreSQL 17 (amd64), since 1.2; on 17 (arm64) it fails to build since 1.3",
        ),
        (
            (build(), on(17, Mark::Queued)),
            "fails to build on PostgreSQL 17 (amd64); on 17 (arm64) it waits to be tested",
        ),
        ((build(), on(17, Mark::Running)), "fails to build on PostgreSQL 17 (amd64); on 17 (arm64) it is being tested"),
        (
            (build(), on(17, Mark::Env)),
            "fails to build on PostgreSQL 17 (amd64); on 17 (arm64) it could not be tested, as the farm lacks something \
             that it needs",
        ),
        (
            (build(), on(17, Mark::Error)),
            "fails to build on PostgreSQL 17 (amd64); on 17 (arm64) the farm failed to test it",
        ),
        ((build(), on(17, Mark::Na)), "fails to build on PostgreSQL 17 (amd64); it does not support 17 (arm64)"),
        ((build(), on(17, Mark::Withdrawn)), "fails to build on PostgreSQL 17 (amd64)"),
        (
            (flaky(pass()), build()),
            "passes on PostgreSQL 17 (amd64), but not every time; on 17 (arm64) it fails to build",
        ),
        ((pass(), on(17, Mark::Queued)), "passes on PostgreSQL 17 (amd64); on 17 (arm64) it waits to be tested"),
        (
            (pass(), on(17, Mark::Untested)),
            "passes on PostgreSQL 17 (amd64); on 17 (arm64) it builds and loads, but has no tests",
        ),
    ];
    for ((one, other), words) in cases {
        assert_eq!(say(&[amd64(one), arm64(other)]), format!("pgtap 1.3.4 {words}."));
    }
}

#[test]
fn majors_are_joined_only_where_the_same_is_true_of_their_other_platforms() {
    let on_18 = [amd64(fail(18, Phase::Build)), arm64(on(18, Mark::Pass))];
    let on_17 = [amd64(fail(17, Phase::Build)), arm64(on(17, Mark::Pass))];
    let on_16 = [amd64(fail(16, Phase::Build)), arm64(on(16, Mark::Queued))];
    assert_eq!(
        say(&[on_18.clone(), on_17].concat()),
        "pgtap 1.3.4 fails to build on PostgreSQL 17 and 18 (amd64 only)."
    );
    assert_eq!(
        say(&[on_18.to_vec(), on_16.to_vec(), vec![on(15, Mark::Pass)]].concat()),
        "pgtap 1.3.4 passes on PostgreSQL 15; on 18 (amd64 only) it fails to build; on 16 (amd64) it fails to build; \
         on 16 (arm64) it waits to be tested."
    );
}

#[test]
fn what_nobody_planned_is_said_plainly() {
    let none = "pgtap 1.3.4 has not been tested, and no test is planned.";
    assert_eq!(say(&[]), none);
    assert_eq!(say(&[on(17, Mark::Withdrawn)]), none);
}

#[test]
fn a_badge_says_the_worst_that_the_author_can_mend() {
    let passing = |majors: &[u16]| majors.iter().map(|major| on(*major, Mark::Pass)).collect::<Vec<_>>();
    let cases: [(Vec<OnMajor>, &str, Mark); 8] = [
        (passing(&[18, 17, 16, 15]), "15–18 passing", Mark::Pass),
        (passing(&[18]), "18 passing", Mark::Pass),
        ([passing(&[17, 16]), vec![fail(18, Phase::Build)]].concat(), "failing on 18", Mark::Fail),
        ([passing(&[18]), vec![fail(19, Phase::Build)]].concat(), "18 passing", Mark::Pass),
        ([passing(&[18]), vec![on(17, Mark::Env), on(16, Mark::Error)]].concat(), "18 passing", Mark::Pass),
        (vec![on(18, Mark::Untested), on(17, Mark::Untested)], "builds on 17–18", Mark::Untested),
        (vec![on(18, Mark::Queued), on(17, Mark::Running)], "untested", Mark::Na),
        (vec![], "untested", Mark::Na),
    ];
    for (on, text, mark) in cases {
        assert_eq!(badge(&on), (text.to_owned(), mark));
    }
}

#[test]
fn a_badge_of_an_extension_for_devel_alone_says_devel() {
    assert_eq!(badge(&[on(19, Mark::Pass)]), ("19 devel passing".to_owned(), Mark::Pass));
}

#[test]
fn a_failure_that_nobody_confirmed_is_said_with_doubt_and_not_on_the_badge() {
    let all = [on(17, Mark::Pass), doubted(fail(18, Phase::Build), Doubt::Unconfirmed)];
    assert_eq!(say(&all), "pgtap 1.3.4 passes on PostgreSQL 17; on 18 it fails to build (not confirmed yet).");
    assert_eq!(badge(&all), ("17 passing".to_owned(), Mark::Pass));
}

#[test]
fn what_ends_now_so_and_now_so_says_it_and_counts_on_no_badge() {
    let flaky = doubted(on(17, Mark::Pass), Doubt::Flaky);
    assert_eq!(
        say(&[on(18, Mark::Pass), flaky.clone()]),
        "pgtap 1.3.4 passes on PostgreSQL 18; on 17 it passes, but not every time."
    );
    assert_eq!(badge(std::slice::from_ref(&flaky)).0, "untested");
    assert_eq!(badge(&[on(18, Mark::Pass), flaky]).0, "18 passing");
}

#[test]
fn a_failure_in_now_this_phase_and_now_that_is_not_said_to_wait_for_a_second_run() {
    let flaky = doubted(fail(18, Phase::Installcheck), Doubt::Flaky);
    assert_eq!(
        say(&[on(17, Mark::Pass), flaky.clone()]),
        "pgtap 1.3.4 passes on PostgreSQL 17; on 18 it fails its tests, but not the same way every time."
    );
    assert_eq!(
        say(std::slice::from_ref(&flaky)),
        "pgtap 1.3.4 fails its tests on PostgreSQL 18, but not the same way every time."
    );
    assert_eq!(badge(&[on(17, Mark::Pass), flaky]), ("17 passing".to_owned(), Mark::Pass));
    assert_eq!(
        say(&[doubted(on(18, Mark::Untested), Doubt::Flaky)]),
        "pgtap 1.3.4 builds and loads on PostgreSQL 18, but not every time, and has no tests."
    );
}

#[test]
fn a_badge_of_one_major_says_what_each_platform_does_where_they_differ() {
    let cases: [(Vec<OnMajor>, &str, Mark); 9] = [
        (vec![on(18, Mark::Pass)], "passing", Mark::Pass),
        (vec![fail(18, Phase::Build)], "failing (build)", Mark::Fail),
        (vec![on(18, Mark::Untested)], "builds", Mark::Untested),
        (vec![on(18, Mark::Env)], "needs setup", Mark::Na),
        (vec![on(18, Mark::Na)], "not supported", Mark::Na),
        (vec![doubted(fail(18, Phase::Build), Doubt::Unconfirmed)], "unconfirmed", Mark::Na),
        (
            vec![amd64(on(18, Mark::Pass)), arm64(fail(18, Phase::Build))],
            "passing on amd64, failing (build) on arm64",
            Mark::Fail,
        ),
        (
            vec![amd64(on(18, Mark::Pass)), arm64(on(18, Mark::Queued))],
            "passing on amd64, waiting on arm64",
            Mark::Pass,
        ),
        (vec![], "untested", Mark::Na),
    ];
    for (on, text, mark) in cases {
        assert_eq!(badge_of_major(&on), (text.to_owned(), mark));
    }
}
