//! Lies: what a distribution can make a runner believe of it, and what is noticed.

use anyhow::{Result, ensure};
use tests::table;
use tests::turn;
use tests::watched::Ground;

use crate::case::Case;

const FAST: &[&str] = &["--silence", "10", "--phase-timeout", "30"];
const ITSELF: &str = "the next run on the same runner is judged as ever";

const CASES: &[Case] = &[
    Case {
        name: "prints-success",
        what: "an installcheck that runs nothing and prints what pg_regress would",
        phase: "installcheck",
        language: "make",
        must: "believed, as nobody else knows its tests; noticed, as the server saw nobody",
        verdicts: &["installcheck tests-passed"],
        flags: FAST,
        note: "nobody connected to the server",
        seen: ITSELF,
    },
    Case {
        name: "fakes-pg-regress",
        what: "a pg_regress of its own in the place of the server's",
        phase: "install",
        language: "sh",
        must: "believed and noticed",
        verdicts: &["installcheck tests-passed"],
        flags: FAST,
        note: "It replaced programs of the server by its own: pg_regress.",
        seen: ITSELF,
    },
    Case {
        name: "fakes-psql",
        what: "a psql of its own in the place of the server's, for a CREATE EXTENSION that fails",
        phase: "install",
        language: "sh",
        must: "noticed",
        verdicts: &["installcheck tests-failed"],
        flags: FAST,
        note: "It replaced programs of the server by its own: psql.",
        seen: ITSELF,
    },
    Case {
        name: "fakes-regression-out",
        what: "a regression.out that tells of tests which never ran",
        phase: "installcheck",
        language: "make",
        must: "not believed: what was printed decides",
        verdicts: &["installcheck no-tests"],
        flags: FAST,
        note: "",
        seen: ITSELF,
    },
    Case {
        name: "forges-the-exit",
        what: "the words with which the farm's wrapper tells an exit code, into every open file and the log",
        phase: "build",
        language: "sh",
        must: "not believed: of several, the worst counts",
        verdicts: &["build compile-error"],
        flags: FAST,
        note: "",
        seen: ITSELF,
    },
    Case {
        name: "plants-programs",
        what: "tar, find, stat, sed and others of its own in front of the system's",
        phase: "install",
        language: "sh",
        must: "the farm's own scripts use the system's",
        verdicts: &["installcheck tests-broken"],
        flags: FAST,
        note: "",
        seen: "what a report has to have came out of the container",
    },
];

#[tokio::test]
async fn a_lie_is_about_the_liar_alone_and_the_cheap_ones_are_noticed() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let mut rows = Vec::new();
    for case in CASES {
        let (outcome, row) = case.run(&ground).await?;
        if !matches!(case.name, "forges-the-exit") {
            let log = String::from_utf8_lossy(&outcome.file("server.log")?).into_owned();
            ensure!(log.contains("database system is ready"), "{}: {log}", case.name);
            ensure!(String::from_utf8_lossy(&outcome.file("packages.txt")?).contains("libc6"), "{}", case.name);
        }
        rows.push(row);
    }
    ground.serves_the_next().await?;
    table::compare("Lies", &rows)
}
