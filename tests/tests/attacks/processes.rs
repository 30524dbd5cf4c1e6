//! Processes that do not end, that outlive their phase, and the end of the farm's own.

use anyhow::{Result, ensure};
use tests::watched::Ground;
use tests::{table, turn};

use crate::case::Case;

/// For what would never end.
const SHORT: &[&str] = &["--silence", "6", "--phase-timeout", "60"];
const PATIENT: &[&str] = &["--silence", "60", "--phase-timeout", "60"];
const GONE: &str = "container and processes are gone with the run, by the machine's process table";

const CASES: &[Case] = &[
    Case {
        name: "hangs",
        what: "a test that waits for ever",
        phase: "installcheck",
        language: "SQL",
        must: "it is ended by the limit of silence",
        verdicts: &["installcheck silent"],
        flags: SHORT,
        note: "6 s without any output",
        seen: GONE,
    },
    Case {
        name: "ignores-signals",
        what: "a build that ignores every signal that can be",
        phase: "build",
        language: "sh",
        must: "it is ended by the limit of silence",
        verdicts: &["build silent"],
        flags: SHORT,
        note: "6 s without any output",
        seen: GONE,
    },
    Case {
        name: "leaves-a-daemon",
        what: "daemons that outlive their phase, with its output in their hands and without",
        phase: "build",
        language: "sh",
        must: "no phase waits for them, and they end with the run",
        verdicts: &["installcheck tests-passed"],
        flags: PATIENT,
        note: "",
        seen: GONE,
    },
    Case {
        name: "stops-the-server",
        what: "stopping the server",
        phase: "installcheck",
        language: "pg_ctl",
        must: "its log tells of it",
        verdicts: &["installcheck tests-broken"],
        flags: PATIENT,
        note: "",
        seen: GONE,
    },
    Case {
        name: "kills-the-server",
        what: "killing the server (SIGKILL)",
        phase: "installcheck",
        language: "sh",
        must: "no PASS; nobody can tell it from a failure of the machine, so that the farm takes the blame",
        verdicts: &["installcheck engine-failed"],
        flags: PATIENT,
        note: "",
        seen: GONE,
    },
    Case {
        name: "replaces-the-server",
        what: "another server in the place of the farm's",
        phase: "installcheck",
        language: "pg_ctl",
        must: "believed, and noticed",
        verdicts: &["installcheck tests-passed"],
        flags: PATIENT,
        note: "The server that answered after the tests is not the one before them.",
        seen: GONE,
    },
    Case {
        name: "kills-everything",
        what: "killing all processes, the farm's wrapper and server included (kill -9 -1)",
        phase: "build",
        language: "sh",
        must: "no PASS; nobody can tell it from a failure of the machine, so that the farm takes the blame",
        verdicts: &["build engine-failed"],
        flags: PATIENT,
        note: "",
        seen: GONE,
    },
];

#[tokio::test]
async fn no_process_outlives_its_run_and_no_server_is_trusted_once_it_was_stopped() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let mut rows = Vec::new();
    for case in CASES {
        let (_, row) = case.run(&ground).await?;
        for word in ["pgxn-daemon", "pgxn-ignores-signals"] {
            ensure!(tests::host::escaped(word).is_empty(), "{word} runs on");
        }
        rows.push(row);
    }
    ground.serves_the_next().await?;
    table::compare("Processes and the server", &rows)
}
