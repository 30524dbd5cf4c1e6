//! One attack that has a run of its own: what must come of it, and what holds for the runner whatever comes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::fixtures::Fixture;
use tests::hostile;
use tests::table::{Row, row};
use tests::watched::{Ground, Outcome};

const MIB: u64 = 1024 * 1024;

/// A runner holds the beginning and the end of a log, and no more than 24 MB of what comes out of a container.
const RUNNER_BYTES: u64 = 160 * MIB;
/// Its files: the tree, and what a report keeps.
const DISK_BYTES: u64 = 48 * MIB;
/// What a container may leave on the engine's disk: the directories on which its file systems are mounted.
const LAYER_BYTES: u64 = MIB;
/// The limit of the container's processes and threads.
const PROCESSES: usize = 512;
/// Those that the engine brings for a moment, which no limit holds up.
const ENGINE_PROCESSES: usize = 16;
const OPEN_FILES: usize = 64;

/// An attack and its row.
pub(crate) struct Case {
    /// The directory below `tests/fixtures/attacks`, or the fixture of that fate.
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) phase: &'static str,
    pub(crate) language: &'static str,
    pub(crate) must: &'static str,
    /// The verdict, as phase and reason; several where it depends on the machine's speed.
    pub(crate) verdicts: &'static [&'static str],
    pub(crate) flags: &'static [&'static str],
    /// What the report's notes, or the verdict's detail, have to say.
    pub(crate) note: &'static str,
    pub(crate) seen: &'static str,
}

impl Case {
    /// Runs it; what every run has to hold to is made sure of.
    pub(crate) async fn run(&self, ground: &Ground) -> Result<(Outcome, Row)> {
        let outcome = ground.run(&self.dist(ground)?, self.flags).await?;
        let row = self.row(&outcome)?;
        Ok((outcome, row))
    }

    /// What a run came to, once it is made sure of what every run has to hold to.
    pub(crate) fn row(&self, outcome: &Outcome) -> Result<Row> {
        let (name, verdict) = (self.name, outcome.verdict());
        ensure!(self.verdicts.contains(&verdict.as_str()), "{name}: {verdict}\n{}", outcome.said);
        let noted = format!("{} {}", outcome.notes(), outcome.report["verdict"]["detail"]);
        ensure!(noted.contains(self.note), "{name}: {noted}");
        ensure!(outcome.peak.peak_bytes < RUNNER_BYTES, "{name}: the runner took {:?}", outcome.peak);
        ensure!(outcome.peak.files < OPEN_FILES, "{name}: the runner took {:?}", outcome.peak);
        ensure!(outcome.disk_bytes < DISK_BYTES, "{name}: the runner's files took {}", outcome.disk_bytes);
        ensure!(outcome.layer_bytes < LAYER_BYTES, "{name}: the engine's disk took {}", outcome.layer_bytes);
        ensure!(
            outcome.most_processes == Some(PROCESSES),
            "{name}: {:?} is the kernel's limit",
            outcome.most_processes
        );
        ensure!(outcome.processes > 0, "{name}: nobody looked into its container");
        ensure!(outcome.processes <= PROCESSES + ENGINE_PROCESSES, "{name}: {} processes", outcome.processes);
        ensure!(outcome.took < Duration::from_mins(5), "{name}: it took {:?}", outcome.took);
        let text = outcome.report.to_string();
        ensure!(text.len() < 1_000_000, "{name}: the report has {} bytes", text.len());
        println!("{name}: {verdict}, {:?}, {:?}, {} processes", outcome.took, outcome.peak, outcome.processes);
        let happened = match (self.verdicts, self.note) {
            ([one], "") => (*one).to_owned(),
            ([one], note) => format!("{one}; noted: “{note}”"),
            _ => format!("as it must; the verdict depends on the moment: {}", self.verdicts.join(", ")),
        };
        Ok(row([self.what, self.phase, self.language, self.must, &happened, self.seen]))
    }

    fn dist(&self, ground: &Ground) -> Result<PathBuf> {
        if hostile::names()?.iter().any(|name| name == self.name) {
            return hostile::write(self.name, &ground.path("attacks"));
        }
        Ok(Fixture::named(self.name).with_context(|| format!("no attack is called {}", self.name))?.dir)
    }
}
