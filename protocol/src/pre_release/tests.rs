use super::*;
use crate::phase::Phase;
use crate::reason::Reason;
use crate::report::Decisive;

fn pre_release() -> PreRelease {
    let decisive = Decisive { file: "build.log".into(), line: 7, text: "error: no".into() };
    let verdict = Verdict { decisive: Some(decisive), ..Verdict::new(Phase::Build, Reason::CompileError) };
    let excerpt = Some(Excerpt { file: "build.log".into(), lines: vec!["a".into(), "b".into()] });
    PreRelease {
        dist: "pair".parse().unwrap(),
        version: "1.1.0".parse().unwrap(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        git_ref: Some("refs/heads/main".into()),
        source_sha256: "ab".repeat(32),
        results: vec![PreReleaseResult {
            target: "pg17-amd64".parse().unwrap(),
            verdict,
            postgresql: "17.11".into(),
            excerpt,
        }],
    }
}

#[test]
fn a_sound_one_is_taken_and_survives_the_wire() {
    let sound = pre_release();
    sound.check().unwrap();
    let json = serde_json::to_value(&sound).unwrap();
    assert_eq!(json["ref"], "refs/heads/main");
    assert_eq!(serde_json::from_value::<PreRelease>(json).unwrap(), sound);
    PreRelease { commit: None, git_ref: None, ..sound }.check().unwrap();
}

/// A way to go beyond the bounds, and what is said of it.
type Breach = (fn(&mut PreRelease), &'static str);

#[test]
fn whatever_goes_beyond_its_bounds_is_refused_by_name() {
    let breaches: [Breach; 17] = [
        (|it| it.commit = Some("main".into()), "`commit`"),
        (|it| it.commit = Some("ABCDEF0".into()), "`commit`"),
        (|it| it.git_ref = Some("a b".into()), "`ref`"),
        (|it| it.git_ref = Some("x".repeat(201)), "`ref`"),
        (|it| it.source_sha256 = String::new(), "`source_sha256`"),
        (|it| it.results.clear(), "0 results"),
        (|it| it.results = vec![it.results[0].clone(); 65], "65 results"),
        (|it| it.results = vec![it.results[0].clone(); 2], "two results on pg17-amd64"),
        (|it| it.results[0].verdict.reason = Reason::TestsPassed, "cannot be found in the phase build"),
        (|it| it.results[0].verdict = Verdict::new(Phase::Verify, Reason::DigestMismatch), "ERROR"),
        (|it| it.results[0].verdict.flags = vec![Flag::Flaky], "FLAKY"),
        (|it| it.results[0].verdict.detail = "x".repeat(1_001), "`detail`"),
        (|it| it.results[0].postgresql = "17\n".into(), "`postgresql`"),
        (|it| it.results[0].verdict.decisive.as_mut().unwrap().file = "../x".into(), "`../x` is not a file name"),
        (|it| it.results[0].excerpt.as_mut().unwrap().lines = vec![String::new(); 41], "`excerpt`"),
        (|it| it.results[0].excerpt.as_mut().unwrap().lines = vec!["x".repeat(400); 11], "`excerpt`"),
        (|it| it.results[0].excerpt.as_mut().unwrap().lines[0] = "\u{1b}[2J".into(), "`excerpt`"),
    ];
    for (breach, said) in breaches {
        let mut broken = pre_release();
        breach(&mut broken);
        let why = broken.check().unwrap_err().why;
        assert!(why.contains(said), "{why} does not say {said}");
    }
}

#[test]
fn whatever_a_run_shows_is_cut_to_what_is_taken() {
    let mut report = crate::report::tests::report();
    report.verdict.detail = format!("a\n\u{1b}{}", "é".repeat(2_000));
    report.verdict.flags = vec![Flag::Unconfirmed, Flag::Crash];
    for (lines, kept) in [(vec!["\té\0".repeat(300); 90], 40), (vec!["x".into(); 39], 39), (Vec::new(), 0)] {
        let mut whole = pre_release();
        let shown = Some(("build.log".to_owned(), lines));
        whole.results = vec![PreReleaseResult::of("pg17-amd64".parse().unwrap(), &report, shown)];
        whole.check().unwrap();
        assert_eq!(whole.results[0].verdict.flags, [Flag::Crash]);
        assert_eq!(whole.results[0].excerpt.as_ref().map_or(0, |excerpt| excerpt.lines.len()), kept);
    }
}
