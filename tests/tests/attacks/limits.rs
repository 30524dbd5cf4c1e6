//! Bombs and floods of everything that is limited.

use anyhow::{Result, ensure};
use tests::table;
use tests::turn;
use tests::watched::Ground;

use crate::case::Case;

const SMALL: &[&str] = &["--memory", "512", "--silence", "10", "--phase-timeout", "30"];
const PROCESSES: &str = "the machine never sees more processes of the container than its limit; none is left";
const MEMORY: &str = "the runner's memory, its files and the container's layer on the engine's disk stay small";

const CASES: &[Case] = &[
    Case {
        name: "fork-bomb",
        what: "a fork bomb that doubles itself",
        phase: "create",
        language: "COPY PROGRAM, sh",
        must: "it ends at the limit of processes, and the phase at one of time",
        verdicts: &[
            "create silent",
            "create timed-out",
            "create too-many-processes",
            "create create-failed",
            "create server-crashed",
            "create out-of-memory",
        ],
        flags: SMALL,
        note: "",
        seen: PROCESSES,
    },
    Case {
        name: "forks-without-end",
        what: "twenty thousand sleeping processes",
        phase: "build",
        language: "make, sh",
        must: "it ends at the limit of processes",
        verdicts: &["build too-many-processes"],
        flags: SMALL,
        note: "",
        seen: PROCESSES,
    },
    Case {
        name: "memory-bomb",
        what: "64 GB of memory",
        phase: "install",
        language: "Python",
        must: "it ends at the limit of memory",
        verdicts: &["install out-of-memory"],
        flags: SMALL,
        note: "",
        seen: MEMORY,
    },
    Case {
        name: "leaks-memory",
        what: "64 GB of the server's memory",
        phase: "installcheck",
        language: "C",
        must: "it ends at the limit of memory",
        verdicts: &["installcheck out-of-memory"],
        flags: SMALL,
        note: "",
        seen: MEMORY,
    },
    Case {
        name: "fills-the-disk",
        what: "16 GB in the work directory",
        phase: "build",
        language: "make, dd",
        must: "the file system in memory is full, and nothing else",
        verdicts: &["build out-of-space"],
        flags: SMALL,
        note: "",
        seen: MEMORY,
    },
    Case {
        name: "fills-everything",
        what: "every place that can be written, one after the other: /dev/shm, /run, the server's directories, /tmp, /data, /sandbox",
        phase: "installcheck",
        language: "dd",
        must: "they are full, or memory is",
        verdicts: &["installcheck out-of-memory", "installcheck out-of-space"],
        flags: SMALL,
        note: "",
        seen: MEMORY,
    },
    Case {
        name: "sparse-and-links",
        what: "sparse files of 7 TB under names that a farm keeps, 40,000 links, directories 800 deep",
        phase: "build",
        language: "sh, Python",
        must: "nobody copies or follows them",
        verdicts: &["build build-failed"],
        flags: SMALL,
        note: "",
        seen: MEMORY,
    },
];

#[tokio::test]
async fn what_is_used_up_is_the_container_s_alone() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let mut rows = Vec::new();
    for case in CASES {
        let (outcome, row) = case.run(&ground).await?;
        ensure!(outcome.report["verdict"]["reason"] != "tests-passed");
        rows.push(row);
    }
    ground.serves_the_next().await?;
    table::compare("Using things up", &rows)
}
