use protocol::{Flag, JobId, LimitFacts, Platform, Provided, ReleaseId, SourceKind, Status};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(number: usize) -> T {
    format!("01KAJ{number:021}").parse().unwrap()
}

/// Verdicts of a past, written oldest first: version, job, grade, flags, whether it is its job's latest.
fn past(all: &[(&str, usize, Grade, &[Flag], bool)]) -> Vec<Past> {
    let one = |(number, (version, job, grade, flags, is_latest)): (usize, &(&str, usize, Grade, &[Flag], bool))| Past {
        run_id: id(number),
        job_id: id::<JobId>(*job),
        release_id: id::<ReleaseId>(*job),
        version: version.parse().unwrap(),
        status: Status::Stable,
        grade: *grade,
        flags: flags.to_vec(),
        is_latest: *is_latest,
        accepted_at: Timestamp::from_millis(1_000 * i64::try_from(number).unwrap()),
    };
    let mut past: Vec<Past> = all.iter().enumerate().map(one).collect();
    past.reverse();
    past
}

/// The numbers of the last good run and of the first bad one, for the run with that number.
fn turned(all: &[(&str, usize, Grade, &[Flag], bool)], run: usize) -> Option<(RunId, RunId)> {
    turn(&past(all), id(run)).map(|turn| (turn.passed.run_id, turn.failed.run_id))
}

#[test]
fn the_same_test_that_passed_yesterday_comes_before_other_releases() {
    use Grade::{Error, Fail, Pass};
    let all: [(&str, usize, Grade, &[Flag], bool); 6] = [
        ("1.0", 1, Pass, &[], true),
        ("1.1", 2, Pass, &[], false),
        ("1.1", 2, Error, &[], false),
        ("1.1", 2, Fail, &[], false),
        ("1.1", 2, Fail, &[], true),
        ("1.2", 3, Pass, &[], true),
    ];
    assert_eq!(turned(&all, 4), Some((id(1), id(3))), "the first failure after it counts");
    assert_eq!(turned(&all, 3), Some((id(1), id(3))));
    assert_eq!(turned(&all, 5), None, "it passes");
}

#[test]
fn else_the_releases_before_tell_when_it_turned() {
    use Grade::{Env, Fail, Na, Pass, Untested};
    let all: [(&str, usize, Grade, &[Flag], bool); 6] = [
        ("1.0", 1, Pass, &[], true),
        ("1.1", 2, Untested, &[], true),
        ("1.2", 3, Na, &[], true),
        ("1.3", 4, Fail, &[], true),
        ("1.4", 5, Pass, &[Flag::Flaky], true),
        ("1.5", 6, Env, &[], true),
    ];
    assert_eq!(turned(&all, 5), Some((id(1), id(3))), "what is flaky passed for nobody");
    assert_eq!(turned(&all, 3), Some((id(1), id(3))));
    assert_eq!(turned(&all[3..], 0), None, "nothing before it passed");
    assert_eq!(turned(&all, 9), None);
}

fn conditions(version: &str) -> Conditions {
    Conditions {
        run_id: id(1),
        version: version.parse().unwrap(),
        sha1: "aa".into(),
        accepted_at: NOW,
        image: Some(ImageFacts {
            tag: "t".into(),
            digest: "sha256:1".into(),
            recipe: "r1".into(),
            source: SourceKind::Debian,
            suite: "trixie".into(),
            postgresql: "17.6".into(),
            postgresql_full: "PostgreSQL 17.6".into(),
            platform: Platform::Amd64,
            emulated: false,
        }),
        runner: Some(RunnerFacts {
            version: "0.1.0".into(),
            kernel: "Linux 6.12.0".into(),
            engine: "Docker 28.5.1".into(),
            cpus: 2.0,
            memory_bytes: 4_000_000_000,
        }),
        runner_name: Some("attic".into()),
        circumstances: Circumstances::default(),
        packages: None,
    }
}

fn words(before: &Conditions, after: &Conditions) -> Vec<String> {
    let found = differences(before, after);
    found.iter().map(|it| format!("{}: {} > {}", it.what, it.before, it.after)).collect()
}

#[test]
fn everything_that_a_run_depends_on_is_compared() {
    let (before, mut after) = (conditions("1.0"), conditions("1.0"));
    let image = after.image.as_mut().unwrap();
    (image.postgresql_full, image.digest, image.suite) =
        ("PostgreSQL 17.7".into(), "sha256:2".into(), "bookworm".into());
    after.runner.as_mut().unwrap().engine = "Docker 29".into();
    after.sha1 = "bb".into();
    after.circumstances.provided = Provided { preload: vec!["x".into()], ..Provided::default() };
    after.circumstances.limits = Some(LimitFacts {
        memory_bytes: 2_000_000_000,
        cpus: 2,
        processes: 256,
        phase_ms: 600_000,
        run_ms: 3_600_000,
        silence_ms: 120_000,
        log_bytes: 1,
    });
    after.circumstances.prerequisites = vec![Prerequisite {
        wanted: "hstore".into(),
        range: String::new(),
        dist: None,
        version: Some("1.8".parse().unwrap()),
        sha1: None,
        origin: Origin::Server,
    }];
    assert_eq!(
        words(&before, &after),
        [
            "Archive: aa > bb",
            "PostgreSQL: PostgreSQL 17.6 > PostgreSQL 17.7",
            "Image's source: debian, Debian trixie > debian, Debian bookworm",
            "Image: sha256:1 > sha256:2",
            "Container engine: Docker 28.5.1 > Docker 29",
            "Limits:  > 2 GB, 2 processors, 10 min a phase, 2 min of silence, 256 processes",
            "Preloaded:  > x",
            "Prerequisites:  > hstore 1.8",
        ]
    );
}

#[test]
fn what_did_not_change_is_said_in_words() {
    let say =
        |after: &str, packages| Changed::new([&conditions("1.0"), &conditions(after)], packages, id(1), NOW).sentence;
    assert!(say("1.0", None).starts_with("Nothing that the farm records is different"));
    assert!(say("1.1", Some(["gcc 1\n", "gcc 1\n"])).starts_with("Nothing but the release is different"));
    assert_eq!(say("1.1", Some(["gcc 1\n", "gcc 2\n"])), "Packages of the image are different.");
    let mut other = conditions("1.1");
    other.runner_name = Some("cellar".into());
    assert_eq!(Changed::new([&conditions("1.0"), &other], None, id(1), NOW).sentence, "These are different:");
}

#[test]
fn packages_are_told_apart_by_name_and_version() {
    let found = differing("gcc\t14.2\nlibc6\t2.41\nold 1\nsame 3\n", "gcc\t14.3\nlibc6\t2.41\nnew 2\nsame 3\n");
    assert_eq!(found.changed, [("gcc".to_owned(), "14.2".to_owned(), "14.3".to_owned())]);
    assert_eq!((found.added, found.removed), (vec![("new".into(), "2".into())], vec![("old".into(), "1".into())]));
}

#[test]
fn a_flood_of_packages_is_bounded() {
    let long = "x".repeat(100_000);
    let list = (0..50_000).map(|number| format!("p{number} {long:.200}")).collect::<Vec<_>>().join("\n");
    let found = differing("", &list);
    assert_eq!((found.total, found.added.len()), (MAX_PACKAGES, SHOWN_PACKAGES));
    assert_eq!(found.more(), "and 19,970 others");
    assert!(found.added.iter().all(|(_, version)| version.chars().count() == MAX_CHARS));
    assert_eq!(differing("é\n\n \nno-version\n", "").total, 0);
}
