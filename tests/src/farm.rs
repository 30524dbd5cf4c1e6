//! A farm of real processes: a mirror tree on disk, a coordinator, runners. What it shows is asked over its API, as anybody would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use protocol::{Flag, Grade, Phase, Platform, Reason, Target};
use sample::Mirror;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::poll;
use crate::process::{Process, run};

/// Everything here happens within seconds; machines are noisy.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// How long a farm may take to get through its queue.
pub const LONG_PATIENCE: Duration = Duration::from_mins(20);

/// What a cell of the matrix says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The run.
    pub run_id: String,
    /// Its grade.
    pub grade: Grade,
    /// The phase that decided.
    pub phase: Phase,
    /// Why.
    pub reason: Reason,
    /// Remarks beside the grade.
    pub flags: Vec<Flag>,
    /// How many tests ran.
    pub tests: u64,
}

/// A directory with a mirror and a data directory; its coordinator is started and killed as a test wants.
pub struct Farm {
    dir: TempDir,
    registry: String,
    database: Option<String>,
    client: reqwest::Client,
}

impl Farm {
    /// A farm over an empty mirror, with SQLite.
    pub fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        Mirror::open(&dir.path().join("mirror"))?;
        let registry = format!("file://{}/", dir.path().join("mirror").display());
        // An error means that another test has done so already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_mins(1)).build()?;
        Ok(Self { dir, registry, database: None, client })
    }

    /// The same farm with another database.
    #[must_use]
    pub fn with_database(mut self, url: &str) -> Self {
        self.database = Some(url.to_owned());
        self
    }

    /// The same farm watching another registry.
    #[must_use]
    pub fn watching(mut self, registry: &str) -> Self {
        registry.clone_into(&mut self.registry);
        self
    }

    /// The address of its registry.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Its mirror, to publish releases in.
    pub fn mirror(&self) -> Result<Mirror> {
        Ok(Mirror::open(&self.dir.path().join("mirror"))?)
    }

    /// A path below the farm's own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The directory of its coordinator's state.
    pub fn data_dir(&self) -> String {
        self.path("data").display().to_string()
    }

    /// The address of its database.
    pub fn database(&self) -> String {
        self.database.clone().unwrap_or_else(|| format!("sqlite://{}/farm.db", self.data_dir()))
    }

    /// Starts the coordinator and waits until it answers.
    pub async fn coordinator(&self, majors: &str, extra: &[&str]) -> Result<Process> {
        let _ = std::fs::remove_file(self.path("data/address"));
        let data = self.data_dir();
        let mut arguments =
            vec!["coordinator", "--data-dir", &data, "--registry", &self.registry, "--pg", majors, "--poll", "1"];
        if !extra.contains(&"--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        if let Some(database) = &self.database {
            arguments.extend(["--database", database]);
        }
        arguments.extend(extra);
        let begun = Instant::now();
        loop {
            let mut process = Process::start(&arguments, &self.path("coordinator.log"))?;
            match process.prints("Open http", PATIENCE).await {
                // Between its end and its new start, somebody else may have had the port for a moment.
                Err(_) if process.output().contains("is taken by another program") && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    self.answers().await?;
                    return Ok(process);
                }
            }
        }
    }

    /// Waits until the API answers.
    pub async fn answers(&self) -> Result<()> {
        poll::until(PATIENCE, "the API to answer", async || Ok(self.get("api/v1/status").await.ok())).await?;
        Ok(())
    }

    /// Waits until a distribution is found by a word, as the index is made anew only every few seconds.
    pub async fn finds(&self, word: &str) -> Result<()> {
        let path = format!("search/dists/?q={word}");
        poll::until(PATIENCE, "the search index", async || {
            let found = self.get(&path).await.ok();
            Ok(found.filter(|found| found["count"].as_u64() > Some(0)))
        })
        .await?;
        Ok(())
    }

    /// Lets a runner in; the file with its token.
    pub fn admit(&self, name: &str) -> Result<PathBuf> {
        let token_file = self.path(&format!("{name}.token"));
        if !token_file.exists() {
            let (code, token, said) = run(&["admin", "runners", "add", name, "--data-dir", &self.data_dir()])?;
            ensure!(code == 0, "the runner {name} was not let in: {said}");
            std::fs::write(&token_file, token)?;
        }
        Ok(token_file)
    }

    /// Lets a runner in and starts it.
    pub fn runner(&self, name: &str, majors: &str, extra: &[&str]) -> Result<Process> {
        self.runner_with(name, majors, extra, &[])
    }

    /// The same with further environment variables.
    pub fn runner_with(
        &self,
        name: &str,
        majors: &str,
        extra: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Process> {
        self.runner_at(&self.address()?, name, &[&["--pg", majors], extra].concat(), environment)
    }

    /// The same at an address where it finds the coordinator, whose token it has: see [`Farm::admit`].
    pub fn runner_at(
        &self,
        address: &str,
        name: &str,
        extra: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Process> {
        let token = self.admit(name)?.display().to_string();
        let data = self.path(&format!("{name}-data")).display().to_string();
        let arguments = [
            "runner",
            "--registry",
            &self.registry,
            "--coordinator",
            address,
            "--token-file",
            &token,
            "--data-dir",
            &data,
        ];
        Process::start_with(&[&arguments, extra].concat(), environment, &self.path(&format!("{name}.log")))
    }

    /// Where the coordinator listens.
    pub fn address(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.path("data/address")).context("read the coordinator's address")?;
        Ok(text.trim().to_owned())
    }

    /// The same, as `--listen` takes it.
    pub fn listen(&self) -> Result<String> {
        Ok(host_and_port(&self.address()?).to_owned())
    }

    /// A document of the farm as JSON.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.address()?);
        let response = self.client.get(&url).send().await?.error_for_status()?;
        Ok(response.json().await?)
    }

    /// A page of the farm as text, with its status.
    pub async fn page(&self, path: &str) -> Result<(u16, String)> {
        let response = self.client.get(format!("{}{path}", self.address()?)).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// An operator's command.
    pub fn admin(&self, arguments: &[&str]) -> Result<(i32, String, String)> {
        let data = self.data_dir();
        run(&[&["admin"], arguments, &["--data-dir", &data]].concat())
    }

    /// Waits until `dists` distributions are known and nothing waits or runs.
    pub async fn idle(&self, dists: u64, within: Duration) -> Result<()> {
        poll::until(within, "the farm to be idle", async || {
            let Ok(status) = self.get("api/v1/status").await else { return Ok(None) };
            let number = |key: &str| status[key].as_u64().unwrap_or(u64::MAX);
            Ok((status["dists"].as_u64() >= Some(dists) && number("queued") == 0 && number("running") == 0)
                .then_some(()))
        })
        .await
        .with_context(|| self.logs())
    }

    /// What was found of a run, as the API has it.
    pub async fn run(&self, id: &str) -> Result<Value> {
        self.get(&format!("api/v1/runs/{id}")).await
    }

    /// The results that were ever accepted, the newest first, at most 200.
    pub async fn results(&self) -> Result<Vec<Value>> {
        let document = self.get("api/v1/results?limit=200").await?;
        Ok(document["results"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until a run is in that phase; its id.
    pub async fn running(&self, phase: Phase, within: Duration) -> Result<String> {
        poll::until(within, &format!("a run to be in {phase}"), async || {
            let Ok(status) = self.get("api/v1/status").await else { return Ok(None) };
            let runs = status["runs"].as_array().cloned().unwrap_or_default();
            let run = runs.into_iter().find(|run| run["phase"] == phase.as_str());
            Ok(run.and_then(|run| run["id"].as_str().map(str::to_owned)))
        })
        .await
        .with_context(|| self.logs())
    }

    /// The newest release's verdicts of a distribution, by target.
    pub async fn verdicts(&self, dist: &str) -> Result<BTreeMap<Target, Verdict>> {
        let document = self.get(&format!("api/v1/dists/{dist}")).await?;
        let mut verdicts = BTreeMap::new();
        for cell in document["releases"][0]["cells"].as_array().into_iter().flatten() {
            let target: Target = cell["target"].as_str().context("a cell has a target")?.parse()?;
            if !cell["result"].is_null() {
                verdicts.insert(target, serde_json::from_value(cell["result"].clone())?);
            }
        }
        Ok(verdicts)
    }

    /// What every process has printed, for the message of a test that fails.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.dir.path()).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                text.push_str(&tail(&path));
            }
        }
        text
    }
}

/// A PostgreSQL major on this machine's own platform, such as `pg17-amd64`.
pub fn target(major: u16) -> String {
    format!("pg{major}-{}", Platform::native())
}

/// Host and port of an address.
pub fn host_and_port(address: &str) -> &str {
    address.trim_start_matches("http://").trim_end_matches('/')
}

/// The output of a test is shown only where it failed.
impl Drop for Farm {
    fn drop(&mut self) {
        println!("{}", self.logs());
    }
}

fn tail(path: &Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    format!("--- {}\n{}\n", path.display(), lines[lines.len().saturating_sub(30)..].join("\n"))
}
