//! A distribution that does nothing wrong, and needs one that does.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tests::fixtures::{self, Fixture};
use tests::table::Row;
use tests::watched::{Ground, Outcome};
use tests::{hostile, table, turn};

use crate::case::Case;
use crate::logs::{is_kept_in_bounds, is_shown_safely};

const FAST: &[&str] = &["--silence", "100", "--phase-timeout", "100", "--memory", "512"];
/// For what would never end.
const SHORT: &[&str] = &["--silence", "20", "--phase-timeout", "100"];
const BLOCKED: &[&str] = &["dependencies prerequisite-failed"];
const BLOCKED_LATER: &[&str] = &["create prerequisite-failed"];
const KEPT: &str = "no file of the machine is written; the runner's memory and files stay small";

/// What it is, the phase of its own, and its language.
type What = [&'static str; 3];

/// An attack that ends with the container in which it was built.
const fn harmless(name: &'static str, [what, phase, language]: What) -> Case {
    let must = "it reaches nothing that comes after it";
    let seen = "the report of the distribution that needs it, by a run that builds it and by one that finds it kept";
    let verdicts = &["installcheck tests-passed"];
    Case { name, what, phase, language, must, verdicts, flags: FAST, note: "", seen }
}

/// An attack for which whoever needs it cannot be judged, and of which the report has to say this.
const fn blocks(name: &'static str, [what, phase, language]: What, note: &'static str) -> Case {
    let must = "the distribution is blocked, and says by whom";
    let seen = "the report of the distribution that needs it";
    Case { name, what, phase, language, must, verdicts: BLOCKED, flags: FAST, note, seen }
}

const CASES: &[Case] = &[
    harmless("kills-the-server-early", ["killing the server", "build", "sh"]),
    harmless(
        "spoils-what-comes-after",
        ["a daemon that waits for the distribution, writes into its source and kills its server", "build", "sh"],
    ),
    harmless(
        "waits-in-the-source",
        [
            "a GNUmakefile in the distribution's place, settings at home, in template1 and of the server",
            "install",
            "sh, SQL",
        ],
    ),
    harmless(
        "fills-what-it-can",
        ["the places of the cluster, its sockets and temporary files, full", "install", "dd"],
    ),
    blocks(
        "fills-the-servers-directories",
        ["the server's own directories, full, by a file that it installs", "install", "dd"],
        "it leaves no room in the server's directories",
    ),
    blocks(
        "fakes-pg-regress",
        ["a pg_regress of its own in the place of the server's", "install", "sh"],
        "it installs a part of the server's makefiles",
    ),
    blocks(
        "fakes-psql",
        ["a psql of its own in the place of the server's", "install", "sh"],
        "it replaces a file of the server",
    ),
    blocks(
        "plants-programs",
        ["tar, find, stat, sed and others of its own in front of the system's", "install", "sh"],
        "plants-programs 1.0.0 (install): it",
    ),
    blocks(
        "plants-makefiles",
        ["a makefile that PGXS reads everywhere", "install", "sh"],
        "it installs a part of the server's makefiles",
    ),
    blocks(
        "plants-headers",
        ["a header in front of the C library's", "install", "sh"],
        "it installs a file in front of the system's own",
    ),
    blocks(
        "plants-control-files",
        ["a second control file of the distribution's own extension", "install", "sh"],
        "it installs files of the extension honest",
    ),
    blocks(
        "forges-the-exit",
        ["the words with which the farm's wrapper tells an exit code, for a build that fails", "build", "sh"],
        "The compiler refuses its source",
    ),
    Case {
        flags: SHORT,
        ..blocks(
            "ignores-signals",
            ["a build that ignores every signal that can be", "build", "sh"],
            "printed nothing for longer than the limit",
        )
    },
    blocks("memory-bomb", ["64 GB of memory", "install", "Python"], "more memory than the limit"),
    Case {
        flags: &["--run-timeout", "20"],
        ..blocks(
            "takes-all-the-time",
            ["the whole time of the run, and never silent", "build", "sh"],
            "takes-all-the-time 1.0.0 (build): A phase took longer than its limit",
        )
    },
    Case {
        must: "no verdict on the distribution; nobody can tell it from a failure of the machine, so that the farm takes the blame",
        verdicts: &["dependencies engine-failed"],
        ..blocks(
            "kills-everything",
            ["killing all processes, the farm's wrapper and server included (kill -9 -1)", "build", "sh"],
            "kills-everything 1.0.0 (build)",
        )
    },
    Case {
        flags: SHORT,
        verdicts: BLOCKED_LATER,
        ..blocks("hangs-when-created", ["a script that never ends", "create", "SQL"], "20 s without any output")
    },
    Case {
        verdicts: BLOCKED_LATER,
        ..blocks("stops-the-server-when-created", ["stopping the server", "create", "COPY PROGRAM"], "")
    },
    Case {
        must: "a FAIL, as nobody can tell it from a distribution that does not go with what it needs; the report names what was installed",
        verdicts: &["create create-failed"],
        ..blocks(
            "refuses-what-comes-after",
            ["an event trigger that refuses every further extension", "create", "SQL"],
            "nothing is created here any more",
        )
    },
];

/// Those that are about the copying itself.
const COPIES: &[Case] = &[
    Case {
        must: "files and links are copied as such, and nothing else is",
        seen: KEPT,
        ..harmless(
            "installs-oddities",
            [
                "links out of everything, pipes, sockets, 2,000 names for one file, setuid bits, names of two lines",
                "install",
                "sh, Python",
            ],
        )
    },
    Case {
        seen: KEPT,
        ..blocks("installs-seven-terabytes", ["a sparse file of 7 TB", "install", "sh"], "it installs more than 512 MB")
    },
    Case {
        must: "it is refused as a whole, or comes too late",
        verdicts: &["dependencies prerequisite-failed", "installcheck tests-passed"],
        seen: KEPT,
        ..blocks(
            "forges-what-is-kept",
            [
                "a tar file of its own into the farm's: names that climb, through links and into other places, device nodes, setuid bits",
                "install",
                "Python",
            ],
            "",
        )
    },
];

/// Runs what needs it, and where that passes, once more with what was kept.
async fn twice(case: &Case, ground: &Ground) -> Result<Row> {
    let attack = hostile::write(case.name, &ground.path("attacks"))?;
    let registry = hostile::registry(&attack, &ground.path(&format!("registry-{}", case.name)))?;
    let honest = hostile::honest(&ground.path("attacks"))?;
    let flags = [case.flags, &["--registry", &registry]].concat();
    let first = once(case, ground, &honest, &flags).await?;
    if first.reason() == "tests-passed" {
        ensure!(origins(&first) == ["built"], "{}", first.report["circumstances"]);
        let second = once(case, ground, &honest, &flags).await?;
        ensure!(origins(&second) == ["cached"], "{}", second.report["circumstances"]);
    }
    case.row(&first)
}

async fn once(case: &Case, ground: &Ground, honest: &Path, flags: &[&str]) -> Result<Outcome> {
    let outcome = ground.run(honest, flags).await?;
    case.row(&outcome)?;
    is_shown_safely(&outcome)?;
    is_kept_in_bounds(&outcome)?;
    Ok(outcome)
}

fn origins(outcome: &Outcome) -> Vec<&str> {
    let known = outcome.report["circumstances"]["prerequisites"].as_array();
    known.into_iter().flatten().filter_map(|one| one["origin"].as_str()).collect()
}

#[tokio::test]
async fn what_a_distribution_needs_decides_nothing_that_it_does_not_bring() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for case in CASES {
        match twice(case, &ground).await {
            Ok(row) => rows.push(row),
            Err(error) => failures.push(format!("{}: {error:#}", case.name)),
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    ensure!(tests::host::escaped("pgxn-early-daemon").is_empty(), "a daemon runs on");
    ground.serves_the_next().await?;
    table::compare("From what a distribution needs", &rows)
}

#[tokio::test]
async fn what_is_kept_of_a_prerequisite_is_its_own_and_reaches_nobody_else() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let mut rows = Vec::new();
    for case in COPIES {
        rows.push(twice(case, &ground).await?);
        ensure!(!std::path::Path::new("/tmp/pgxn-attack").exists(), "{}: a file of the machine", case.name);
    }
    // A next version has nothing of the one before it, and neither has another distribution.
    let spoilt = "plants-makefiles";
    let registry = ground.path("registry-next");
    let address = hostile::registry(&hostile::write(spoilt, &ground.path("attacks"))?, &registry)?;
    let honest = hostile::honest(&ground.path("attacks"))?;
    let before = ground.run(&honest, &["--registry", &address]).await?;
    ensure!(before.verdict() == "dependencies prerequisite-failed", "{}", before.said);
    hostile::mend(spoilt, &registry)?;
    let after = ground.run(&honest, &["--registry", &address]).await?;
    ensure!(after.reason() == "tests-passed" && origins(&after) == ["built"], "{}", after.said);

    let mut mirror = sample::Mirror::open(&ground.path("registry-others"))?;
    fixtures::publish(&mut mirror, &["passes", "requires-another"])?;
    let address = format!("file://{}/", ground.path("registry-others").display());
    let other = ground.run(&Fixture::named("requires-another")?.dir, &["--registry", &address]).await?;
    ensure!(other.reason() == "tests-passed" && origins(&other) == ["built"], "{}", other.said);
    are_plain_files(&ground)?;
    ground.serves_the_next().await?;
    table::compare("What is kept of what a distribution needs", &rows)
}

/// What the runner keeps are files under names of its own.
fn are_plain_files(ground: &Ground) -> Result<()> {
    let kept = ground.path("cache/pgxn-testers/test/prerequisites");
    let mut count = 0;
    for entry in std::fs::read_dir(&kept).with_context(|| kept.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let digits = name.strip_suffix(".tar.zst").unwrap_or_default();
        ensure!(entry.file_type()?.is_file() && digits.len() == 64, "{name}");
        ensure!(digits.chars().all(|c| c.is_ascii_hexdigit()), "{name}");
        count += 1;
    }
    ensure!(count >= 3, "{count} entries are kept");
    Ok(())
}
