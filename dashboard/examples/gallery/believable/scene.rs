//! Under which conditions runs were made, and what they found beside their verdicts.

use std::collections::BTreeMap;

use protocol::{
    Circumstances, Crash, LimitFacts, Origin, Outcome, Phase, PhaseRecord, Prerequisite, Provided, Warning,
};

pub(super) const PACKAGES: &str = "gcc 14.2.0-19\nlibc6 2.41-12\nlibicu76 76.1-4\n";
pub(super) const OLD_PACKAGES: &str = "gcc 14.2.0-16\nlibc6 2.41-12\nlibicu72 72.1-3\n";
pub(super) const BACKTRACE: &str = "backtrace-1.txt";
pub(super) const FRAMES: &str =
    "#0  heap_getattr (tup=0x0) at htup_details.h:809\n#1  versioning (fcinfo=0x7ffd) at versioning.c:412\n";

/// Plain limits, as every run has them.
pub(super) fn limited() -> Circumstances {
    let limits = LimitFacts {
        memory_bytes: 4_000_000_000,
        cpus: 2,
        processes: 512,
        phase_ms: 900_000,
        run_ms: 3_600_000,
        silence_ms: 300_000,
        log_bytes: 4_000_000,
    };
    Circumstances { limits: Some(limits), ..Circumstances::default() }
}

/// A backend that a signal killed.
pub(super) fn crashed() -> Circumstances {
    let frames = [
        "heap_getattr at htup_details.h:809",
        "versioning at versioning.c:412",
        "ExecCallTriggerFunc at trigger.c:2380",
    ];
    let crash = Crash {
        phase: Phase::Installcheck,
        process: "client backend".into(),
        signal: 11,
        query: "UPDATE versioning SET \"b b\" = 2 WHERE a = '<script>alert(6)</script>';".into(),
        frames: frames.map(str::to_owned).to_vec(),
        file: Some(BACKTRACE.into()),
    };
    Circumstances { crashes: vec![crash], ..limited() }
}

/// What had to be there before, from everywhere it can come from, and what the farm provided.
pub(super) fn prepared() -> Circumstances {
    let one = |wanted: &str, range: &str, release: Option<(&str, &str)>, origin| Prerequisite {
        wanted: wanted.into(),
        range: range.into(),
        dist: release.map(|(dist, _)| dist.parse().unwrap()),
        version: release.map(|(_, version)| version.parse().unwrap()),
        sha1: None,
        origin,
    };
    let prerequisites = vec![
        one("hstore", "0", None, Origin::Server),
        one("semver", ">= 0.30.0", Some(("semver", "0.40.0")), Origin::Built),
        one("ip4r", "", Some(("ip4r", "2.4.2")), Origin::Cached),
        one("pgmp", ">= 1.0.0", Some(("pgmp", "1.0.5")), Origin::Missing),
        one("<img src=x onerror=alert(7)>", "", None, Origin::Missing),
    ];
    let provided = Provided {
        preload: vec!["topn".into()],
        settings: BTreeMap::from([("wal_level".into(), "logical".into())]),
        packages: vec!["libgmp-dev".into()],
        why: vec!["Its documentation asks for `shared_preload_libraries = 'topn'`.".into()],
    };
    Circumstances { prerequisites, provided, ..limited() }
}

/// What the lanes beyond installcheck found.
pub(super) fn warned() -> Circumstances {
    let warning = |phase, text: &str| Warning { phase, text: text.into() };
    let warnings = vec![
        warning(
            Phase::Upgrade,
            "The function `ip4r_union(ip4r, ip4r)` is there after an update from 2.4.1, but not after CREATE EXTENSION.",
        ),
        warning(Phase::Uninstall, "`make uninstall` leaves `ip4r--2.4.2.sql` behind."),
    ];
    Circumstances { warnings, ..limited() }
}

/// The phases of those lanes.
pub(super) fn lanes() -> Vec<PhaseRecord> {
    let record = |(phase, outcome, duration_ms, command): (Phase, Outcome, u64, &str)| PhaseRecord {
        phase,
        outcome,
        reason: None,
        exit: Some(i32::from(outcome == Outcome::Failed)),
        signal: None,
        duration_ms,
        cpu_ms: Some(duration_ms / 2),
        peak_memory_bytes: Some(96_000_000),
        command: command.into(),
        log: None,
    };
    let lanes = [
        (Phase::Upgrade, Outcome::Failed, 412, "ALTER EXTENSION ip4r UPDATE"),
        (Phase::Reload, Outcome::Passed, 690, "pg_dump | psql"),
        (Phase::Uninstall, Outcome::Passed, 133, "make uninstall"),
    ];
    lanes.into_iter().map(record).collect()
}
