//! A run of an attack, by the program as a process of its own, which is watched from outside while it goes on.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::Fixture;
use crate::host::{self, Confinement, Usage};
use crate::process::binary;
use crate::{containers, hostile};

/// No run here may last longer; with limits of seconds, each is over in less than one minute on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(6);

/// Attacks are tested on one PostgreSQL: what they attack is not it.
const TARGET: &str = if cfg!(target_arch = "aarch64") { "pg17-arm64" } else { "pg17-amd64" };

/// What a runner has in its environment, and nobody else may see.
pub const SECRET: (&str, &str) = ("PGXN_TESTERS_SECRET", "pgxn-secret-5f1d9c3e");

/// A runner's directories, which all attacks of one test share, so that each begins where the one before has left them.
pub struct Ground {
    dir: TempDir,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Its report.
    pub report: Value,
    /// What was printed for people.
    pub said: String,
    /// The most that the runner itself ever used.
    pub peak: Usage,
    /// The most children that it ever had.
    pub children: usize,
    /// The most that its files ever took.
    pub disk_bytes: u64,
    /// The most that its container ever had on the engine's disk, where this may look there.
    pub layer_bytes: u64,
    /// How a process of the distribution was kept in.
    pub confinement: Option<Confinement>,
    /// The most processes and threads that its container ever had, by the kernel's count.
    pub processes: usize,
    /// How many it might have, by the kernel's word; none where nobody could look.
    pub most_processes: Option<usize>,
    /// How long it took.
    pub took: Duration,
    output: PathBuf,
}

impl Ground {
    /// An empty one.
    pub fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        for name in ["scratch", "cache", "attacks"] {
            fs::create_dir(dir.path().join(name))?;
        }
        Ok(Self { dir })
    }

    /// A path below it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs an attack to its end.
    pub async fn attack(&self, attack: &str, flags: &[&str]) -> Result<Outcome> {
        self.run(&hostile::write(attack, &self.path("attacks"))?, flags).await
    }

    /// Runs a distribution to its end, and makes sure that nothing of it is left.
    pub async fn run(&self, dist: &Path, flags: &[&str]) -> Result<Outcome> {
        let mut run = self.start(dist, flags)?;
        let outcome = run.watch(self).await.with_context(|| format!("run {}", dist.display()))?;
        self.is_left_as_it_was(&run.containers).await?;
        Ok(outcome)
    }

    /// Starts a run.
    pub fn start(&self, dist: &Path, flags: &[&str]) -> Result<Running> {
        let name = dist.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let output = self.path(&format!("out-{name}-{}", fs::read_dir(self.dir.path())?.count()));
        fs::create_dir(&output)?;
        let child = Command::new(binary())
            .args(["test", "--pg", "17", "--report", "json", "--output"])
            .arg(&output)
            .args(flags)
            .arg(dist)
            .env("TMPDIR", self.path("scratch"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env(SECRET.0, SECRET.1)
            .stdin(Stdio::null())
            .stdout(File::create(output.join("json"))?)
            .stderr(File::create(output.join("said"))?)
            .spawn()
            .context("start pgxn-testers")?;
        Ok(Running { child, output, containers: Vec::new() })
    }

    /// The containers of every run that was started here, as far as the engine has them.
    async fn containers(&self) -> Result<Vec<String>> {
        let instances = self.path("cache/pgxn-testers/test/instances");
        let instances =
            if instances.exists() { containers::instances(&self.path("cache/pgxn-testers/test"))? } else { Vec::new() };
        containers::of_runners(&instances).await
    }

    async fn is_left_as_it_was(&self, seen: &[String]) -> Result<()> {
        ensure!(self.containers().await?.is_empty(), "a container is left");
        for container in seen {
            ensure!(host::inside(container).is_empty(), "processes of the container {container} are left");
        }
        let left: Vec<_> = fs::read_dir(self.path("scratch"))?.flatten().map(|entry| entry.path()).collect();
        ensure!(left.is_empty(), "files are left: {left:?}");
        Ok(())
    }

    /// The next run on the same runner is as good as any.
    pub async fn serves_the_next(&self) -> Result<()> {
        let next = self.run(&Fixture::named("passes")?.dir, &[]).await?;
        ensure!(next.reason() == "tests-passed", "the next run: {}", next.said);
        ensure!(next.report["notes"].as_array().is_some_and(|notes| notes.len() <= 1), "{}", next.report["notes"]);
        Ok(())
    }
}

/// A run that goes on; killed when it is dropped.
pub struct Running {
    child: Child,
    output: PathBuf,
    /// Its containers, as far as they were seen.
    pub containers: Vec<String>,
}

impl Running {
    /// The runner's process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Watches it to its end.
    pub async fn watch(&mut self, ground: &Ground) -> Result<Outcome> {
        let began = Instant::now();
        let mut outcome = Outcome {
            report: Value::Null,
            said: String::new(),
            peak: Usage::default(),
            children: 0,
            disk_bytes: 0,
            layer_bytes: 0,
            confinement: None,
            processes: 0,
            most_processes: None,
            took: Duration::ZERO,
            output: self.output.clone(),
        };
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > PATIENCE {
                bail!("it did not end within {} s; it said:\n{}", PATIENCE.as_secs(), self.said());
            }
            self.sample(ground, &mut outcome).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        outcome.took = began.elapsed();
        outcome.said = self.said();
        let text = fs::read_to_string(self.output.join("json"))?;
        let mut reports: Value = serde_json::from_str(&text).with_context(|| format!("a report; {}", outcome.said))?;
        outcome.report = reports[0].take();
        Ok(outcome)
    }

    async fn sample(&mut self, ground: &Ground, outcome: &mut Outcome) -> Result<()> {
        if let Some(usage) = host::usage(self.id()) {
            outcome.peak.peak_bytes = outcome.peak.peak_bytes.max(usage.peak_bytes);
            outcome.peak.files = outcome.peak.files.max(usage.files);
            outcome.peak.threads = outcome.peak.threads.max(usage.threads);
        }
        outcome.children = outcome.children.max(host::children(self.id()));
        outcome.disk_bytes = outcome.disk_bytes.max(host::disk_usage(ground.dir.path()));
        for container in ground.containers().await? {
            let processes = host::inside(&container);
            if let Some((now, most)) = processes.first().and_then(|pid| host::tally(*pid)) {
                outcome.processes = outcome.processes.max(now);
                outcome.most_processes = Some(most);
            }
            let layer = processes.first().and_then(|pid| host::layer(*pid)).map_or(0, |dir| host::disk_usage(&dir));
            outcome.layer_bytes = outcome.layer_bytes.max(layer);
            outcome.confinement =
                processes.last().and_then(|pid| host::confinement(*pid)).or(outcome.confinement.take());
            if !self.containers.contains(&container) {
                self.containers.push(container);
            }
        }
        Ok(())
    }

    /// The processes of its containers.
    pub async fn processes(&mut self, ground: &Ground) -> Result<Vec<u32>> {
        self.containers = ground.containers().await?;
        Ok(self.containers.iter().flat_map(|container| host::inside(container)).collect())
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.output.join("said")).unwrap_or_default()).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // An interrupted run removes its container; the next of the same ground would, too.
            let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
            let _ = self.child.wait();
        }
    }
}

impl Outcome {
    /// Grade, phase and reason, as the report has them.
    pub fn verdict(&self) -> String {
        let verdict = &self.report["verdict"];
        format!("{} {}", verdict["phase"].as_str().unwrap_or_default(), self.reason())
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        self.report["verdict"]["reason"].as_str().unwrap_or_default()
    }

    /// A file of the report.
    pub fn file(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.files()?.into_iter().find(|path| path.file_name().is_some_and(|found| found == name));
        let path = path.with_context(|| format!("the report has no {name}: {}", self.report["files"]))?;
        Ok(fs::read(path)?)
    }

    /// Every file that was kept.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(fs::read_dir(self.output.join(TARGET))?.flatten().map(|entry| entry.path()).collect())
    }

    /// Everything that the report's notes say.
    pub fn notes(&self) -> String {
        self.report["notes"].to_string()
    }
}
