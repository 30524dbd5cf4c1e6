use super::*;

const NOW: &str = "2026-11-20T12:00:00Z";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339(NOW).unwrap()
}

fn meta(status: &str, prereqs: &str) -> Meta {
    let text = format!(
        r#"{{"name":"pair","version":"1.2.0","release_status":"{status}","prereqs":{prereqs},
             "provides":{{"pair":{{"file":"pair.sql","version":"1.2.0"}}}}}}"#
    );
    Meta::parse(text.as_bytes()).unwrap()
}

fn requires(range: &str) -> String {
    format!(r#"{{"runtime":{{"requires":{{"PostgreSQL":"{range}"}}}}}}"#)
}

fn scope(majors: &[u16], platforms: &[Platform]) -> Result<Scope> {
    let majors: Vec<PgMajor> = majors.iter().map(|major| PgMajor::try_from(*major).unwrap()).collect();
    Scope::new(Matrix::embedded(), &majors, platforms)
}

fn names(targets: &[Target]) -> Vec<String> {
    targets.iter().map(ToString::to_string).collect()
}

/// `18+ 17- 160`: queued on 18, not applicable to 17, skipped on 16.
fn marks(plans: &[Plan]) -> String {
    let mark = |plan: &Plan| match plan {
        Plan::Queue { target, .. } => format!("{}+", target.major),
        Plan::NotApplicable { target, .. } => format!("{}-", target.major),
        Plan::Skip { target, .. } => format!("{}0", target.major),
    };
    plans.iter().map(mark).collect::<Vec<_>>().join(" ")
}

#[test]
fn by_default_every_supported_major_of_the_day_is_a_target() {
    let scope = scope(&[], &[Platform::Amd64]).unwrap();
    assert_eq!(names(&scope.targets(now())), ["pg18-amd64", "pg17-amd64", "pg16-amd64", "pg15-amd64"]);
    let earlier = Timestamp::parse_rfc3339("2026-11-01T00:00:00Z").unwrap();
    assert_eq!(scope.targets(earlier).len(), 5, "14 is supported until 2026-11-12");
}

#[test]
fn configured_majors_are_targets_whatever_their_age() {
    let scope = scope(&[13, 19, 13], &Platform::ALL).unwrap();
    assert_eq!(names(&scope.targets(now())), ["pg19-amd64", "pg19-arm64", "pg13-amd64", "pg13-arm64"]);
}

#[test]
fn a_major_without_an_image_is_refused_by_name() {
    let error = scope(&[12], &[Platform::Amd64]).unwrap_err().to_string();
    assert_eq!(error, "PostgreSQL 12 is not in the image matrix; choose from 19, 18, 17, 16, 15, 14, 13");
    assert!(matches!(scope(&[], &[]), Err(Error::NoPlatform)));
}

#[test]
fn what_meta_excludes_is_not_applicable_without_a_run() {
    let targets = scope(&[13, 14, 15, 16, 17, 18, 19], &[Platform::Amd64]).unwrap().targets(now());
    let table = [
        ("{}", "19+ 18+ 17+ 16+ 15+ 14+ 13+"),
        (&requires("0"), "19+ 18+ 17+ 16+ 15+ 14+ 13+"),
        (&requires("9.1.0"), "19+ 18+ 17+ 16+ 15+ 14+ 13+"),
        (&requires("16.0.0"), "19+ 18+ 17+ 16+ 15- 14- 13-"),
        (&requires(">= 14.0.0, < 17.0.0"), "19- 18- 17- 16+ 15+ 14+ 13-"),
        (&requires("> 17.0.0"), "19+ 18+ 17+ 16- 15- 14- 13-"),
        (&requires("<= 15.4.0"), "19- 18- 17- 16- 15+ 14+ 13+"),
        (&requires("!= 16.0.0"), "19+ 18+ 17+ 16+ 15+ 14+ 13+"),
        (&requires("nonsense"), "19+ 18+ 17+ 16+ 15+ 14+ 13+"),
        (&requires("99.0.0"), "19- 18- 17- 16- 15- 14- 13-"),
        (r#"{"runtime":{"recommends":{"PostgreSQL":"18.0.0"}}}"#, "19+ 18+ 17+ 16+ 15+ 14+ 13+"),
        (
            r#"{"build":{"requires":{"PostgreSQL":"15.0.0"}},"runtime":{"requires":{"PostgreSQL":"< 18.0.0"}}}"#,
            "19- 18- 17+ 16+ 15+ 14- 13-",
        ),
    ];
    for (prereqs, expected) in table {
        assert_eq!(
            marks(&plan(&meta("stable", prereqs), Why::New, &targets, &Overrides::default())),
            expected,
            "{prereqs}"
        );
    }
}

#[test]
fn a_verdict_without_a_run_names_the_range() {
    let targets = scope(&[17], &[Platform::Amd64]).unwrap().targets(now());
    let plans = plan(&meta("stable", &requires(">= 14.0.0, < 17.0.0")), Why::New, &targets, &Overrides::default());
    let Plan::NotApplicable { detail, .. } = &plans[0] else { panic!("{plans:?}") };
    assert_eq!(detail, "it asks for PostgreSQL >= 14.0.0, < 17.0.0");
}

#[test]
fn only_a_new_stable_release_is_urgent() {
    let targets = scope(&[18], &[Platform::Amd64]).unwrap().targets(now());
    let table = [
        ("stable", Why::New, Priority::NewRelease),
        ("testing", Why::New, Priority::Backfill),
        ("unstable", Why::New, Priority::Backfill),
        ("stable", Why::Backfill, Priority::Backfill),
        ("testing", Why::Backfill, Priority::Backfill),
    ];
    for (status, why, expected) in table {
        let plans = plan(&meta(status, "{}"), why, &targets, &Overrides::default());
        assert_eq!(plans, [Plan::Queue { target: targets[0], priority: expected }], "{status} {why:?}");
    }
}

#[test]
fn of_a_burst_only_the_highest_version_stays_urgent() {
    let version = |text: &str| text.parse::<Version>().unwrap();
    let table: [(&[&str], &[&str]); 5] = [
        (&[], &[]),
        (&["1.0.0"], &[]),
        (&["1.0.0", "1.0.1", "1.0.10", "1.0.9"], &["1.0.0", "1.0.1", "1.0.9"]),
        (&["2.0.1", "1.0.9"], &["1.0.9"]),
        (&["1.0.0", "1.0.0"], &[]),
    ];
    for (waiting, expected) in table {
        let waiting: Vec<(Version, &str)> = waiting.iter().map(|text| (version(text), *text)).collect();
        assert_eq!(demoted(&waiting).copied().collect::<Vec<_>>(), expected, "{waiting:?}");
    }
}

#[test]
fn what_the_overrides_leave_out_says_why_and_costs_no_run() {
    let text = "[[override]]\ndist = \"pair\"\npostgresql = [17]\nskip = true\nwhy = \"It needs a graphics card.\"\n";
    let overrides = Overrides::parse(text).unwrap();
    let targets = scope(&[18, 17, 16], &[Platform::Amd64]).unwrap().targets(now());
    let plans = plan(&meta("stable", &requires(">= 17.0.0")), Why::New, &targets, &overrides);
    assert_eq!(marks(&plans), "18+ 170 16-");
    assert!(matches!(&plans[1], Plan::Skip { detail, .. } if detail == "It needs a graphics card."), "{plans:?}");
}
