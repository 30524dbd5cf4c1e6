//! Output that is too much, too long, or not for eyes; and what a farm collects, spoilt.

use anyhow::{Result, ensure};
use tests::table;
use tests::turn;
use tests::watched::{Ground, Outcome};

use crate::case::Case;

const FAST: &[&str] = &["--silence", "10", "--phase-timeout", "15"];
const FLAT: &str = "the runner's memory and files stay small; its log has beginning and end";

const CASES: &[Case] = &[
    Case {
        name: "log-of-ten-gigabytes",
        what: "a log of 10 GB at full rate",
        phase: "build",
        language: "sh",
        must: "beginning and end are kept",
        verdicts: &["build timed-out", "installcheck tests-passed"],
        flags: FAST,
        note: "",
        seen: FLAT,
    },
    Case {
        name: "endless-line",
        what: "3 GB in one line",
        phase: "installcheck",
        language: "sh",
        must: "beginning and end are kept",
        verdicts: &["installcheck timed-out", "installcheck tests-passed"],
        flags: FAST,
        note: "",
        seen: FLAT,
    },
    Case {
        name: "floods-the-servers-log",
        what: "2 GB for the server's log",
        phase: "installcheck",
        language: "SQL",
        must: "the log is cut, or its file system full",
        verdicts: &[
            "installcheck tests-broken",
            "installcheck timed-out",
            "installcheck silent",
            "installcheck out-of-space",
            "installcheck out-of-memory",
        ],
        flags: &["--silence", "10", "--phase-timeout", "15", "--memory", "512"],
        note: "",
        seen: "the runner's memory and files stay small",
    },
    Case {
        name: "hostile-bytes",
        what: "ANSI, titles, links, HTML, NUL, invalid UTF-8, text written backwards, 200 kB of noise",
        phase: "build",
        language: "sh",
        must: "the log keeps the bytes, and no terminal gets them",
        verdicts: &["build compile-error"],
        flags: FAST,
        note: "",
        seen: "what the program prints has no control character but the end of a line; its JSON is read",
    },
    Case {
        name: "spoils-the-evidence",
        what: "links to /etc/passwd, pipes, sparse and countless files in the place of regression.diffs, regression.out and the server's log",
        phase: "installcheck",
        language: "sh",
        must: "what is no file is left, what is too much is left out",
        // It says itself that it failed; there is no second attempt, as its pipe is in the way of a new cluster. It makes its files in silence.
        verdicts: &["installcheck tests-broken"],
        flags: &["--silence", "30", "--phase-timeout", "60", "--memory", "512"],
        note: "",
        seen: "no kept file has a line of /etc/passwd; the runner's memory and files stay small",
    },
];

#[tokio::test]
async fn no_output_takes_more_than_its_share_or_reaches_a_terminal_as_it_is() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let mut rows = Vec::new();
    for case in CASES {
        let (outcome, row) = case.run(&ground).await?;
        is_shown_safely(&outcome)?;
        is_kept_in_bounds(&outcome)?;
        let log = match case.name {
            "log-of-ten-gigabytes" => Some(outcome.file("build.log")?),
            "endless-line" => Some(outcome.file("installcheck.log")?),
            _ => None,
        };
        if let Some(log) = log {
            let text = String::from_utf8_lossy(&log);
            ensure!(text.contains("first line\n") && text.contains("bytes are left out here"), "{}", case.name);
            let ends = ["last line\n", "its limit.\n"];
            ensure!(ends.iter().any(|end| text.contains(end)), "{}", case.name);
        }
        rows.push(row);
    }
    ground.serves_the_next().await?;
    table::compare("Logs, and what a report is made of", &rows)
}

pub(crate) fn is_shown_safely(outcome: &Outcome) -> Result<()> {
    let strange: Vec<char> = outcome
        .said
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c))
        .collect();
    ensure!(strange.is_empty(), "a terminal got {strange:?}");
    Ok(())
}

pub(crate) fn is_kept_in_bounds(outcome: &Outcome) -> Result<()> {
    let files = outcome.files()?;
    ensure!(files.len() <= 129, "{} files", files.len());
    for file in files {
        let facts = std::fs::symlink_metadata(&file)?;
        ensure!(facts.is_file() && facts.len() < 5_500_000, "{} has {} bytes", file.display(), facts.len());
        ensure!(!String::from_utf8_lossy(&std::fs::read(&file)?).contains("root:x:0:0"), "{}", file.display());
    }
    Ok(())
}
