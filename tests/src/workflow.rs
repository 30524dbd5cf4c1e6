//! GitHub's side of a composite action: its steps, read from `action.yml` itself, run in order with the environment and the files that GitHub gives.
//!
//! Steps with `run` are real processes. Of the actions that steps use, the three that this project does are stood in for by what they do here: a
//! cache is a directory of files by key, an artifact a list of files. What this does not know it refuses, so that nothing passes unseen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

pub mod expression;
mod step;

pub use step::Step;

use expression::{Scope, Value};

/// An `action.yml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What it is called.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// Whose it is.
    pub author: String,
    /// What it is given.
    pub inputs: BTreeMap<String, Input>,
    /// What it gives.
    pub outputs: BTreeMap<String, Output>,
    /// What it does.
    pub runs: Runs,
}

/// An input of an action.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What it means.
    pub description: String,
    /// What it is where nothing is given.
    pub default: String,
}

/// An output of an action.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What it means.
    pub description: String,
    /// Where it comes from.
    pub value: String,
}

/// What an action does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// `composite`.
    pub using: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Action {
    /// Reads the action in a directory.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("action.yml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let action: Self = serde_saphyr::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        ensure!(action.runs.using == "composite", "{} is no composite action", path.display());
        Ok(action)
    }
}

/// A job on a runner of GitHub's: its workspace, and what it keeps from step to step.
pub struct Job {
    dir: tempfile::TempDir,
    cache: PathBuf,
    workspace: PathBuf,
    event: &'static str,
}

/// The commit that a job is for.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What came of an action.
#[derive(Debug, Default)]
pub struct Ran {
    /// Whether every step did what it should.
    pub is_success: bool,
    /// The action's outputs.
    pub outputs: BTreeMap<String, String>,
    /// Standard output and standard error of all steps.
    pub printed: String,
    /// The job's summary.
    pub summary: String,
    /// The files of artifacts by the artifact's name, relative to what was uploaded.
    pub artifacts: BTreeMap<String, Vec<PathBuf>>,
    /// The steps that ran, by name.
    pub steps: Vec<String>,
}

impl Job {
    /// A job in a workspace, with a cache that other jobs may have filled.
    pub fn new(workspace: &Path, cache: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join("temp"))?;
        Ok(Self { dir, cache: cache.to_owned(), workspace: workspace.to_owned(), event: "push" })
    }

    /// The same for another event than a push, such as `pull_request`.
    #[must_use]
    pub fn on(mut self, event: &'static str) -> Self {
        self.event = event;
        self
    }

    /// `RUNNER_TEMP`.
    pub fn temp(&self) -> PathBuf {
        self.dir.path().join("temp")
    }

    /// Runs an action by its directory.
    pub fn run(&self, action: &Path, inputs: &[(&str, &str)]) -> Result<Ran> {
        let read = Action::read(action)?;
        let mut scope = self.scope();
        for (name, input) in &read.inputs {
            let default = scope.fill(&input.default)?;
            scope.set(&format!("inputs.{name}"), &default);
        }
        for (name, value) in inputs {
            ensure!(read.inputs.contains_key(*name), "the action has no input `{name}`");
            scope.set(&format!("inputs.{name}"), value);
        }
        let mut ran = Ran { is_success: true, ..Ran::default() };
        for step in &read.runs.steps {
            scope.knows_step(step.id.as_deref());
            scope.is_success = ran.is_success;
            if !scope.condition(step.condition.as_deref())? {
                continue;
            }
            ran.steps.push(step.name.clone());
            let done = self.step(step, action, &scope, &mut ran).with_context(|| format!("step `{}`", step.name))?;
            for (key, value) in &done.outputs {
                if let Some(id) = &step.id {
                    scope.set(&format!("steps.{id}.outputs.{key}"), value);
                }
            }
            ran.is_success &= done.is_success;
            ran.printed += &done.printed;
            ran.summary += &done.summary;
        }
        for (name, output) in &read.outputs {
            ran.outputs.insert(name.clone(), scope.fill(&output.value)?);
        }
        Ok(ran)
    }

    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        // A checkout in the workspace, as `uses: ./.github/actions/…` has it, is of no repository.
        scope.set("github.action_repository", "");
        scope.set("runner.os", "Linux");
        scope.set("runner.arch", arch());
        scope.set("runner.temp", &self.temp().display().to_string());
        scope
    }

    fn step(&self, step: &Step, action: &Path, scope: &Scope, ran: &mut Ran) -> Result<step::Done> {
        match (&step.run, &step.uses) {
            (Some(script), None) => step.script(script, self, action, scope),
            (None, Some(uses)) => {
                let with = step.with.iter().map(|(key, value)| Ok((key.as_str(), scope.fill(value)?)));
                let with: BTreeMap<&str, String> = with.collect::<Result<_>>()?;
                let given = |key: &str| with.get(key).cloned().with_context(|| format!("`{uses}` without `{key}`"));
                match uses.split('@').next().unwrap_or_default() {
                    "actions/cache/restore" => {
                        step::restore(&self.cache.join(given("key")?), Path::new(&given("path")?))
                    }
                    "actions/cache/save" => step::keep(&self.cache.join(given("key")?), Path::new(&given("path")?)),
                    "actions/upload-artifact" => {
                        let files = step::files(Path::new(&given("path")?))?;
                        ran.artifacts.insert(given("name")?, files);
                        Ok(step::Done::default())
                    }
                    other => bail!("nothing here stands in for `{other}`"),
                }
            }
            _ => bail!("a step has either `run` or `uses`"),
        }
    }
}

/// The value that a condition comes to.
impl Scope {
    fn condition(&self, text: Option<&str>) -> Result<bool> {
        let Some(text) = text else { return Ok(self.is_success) };
        let asks = ["always()", "success()", "failure()", "cancelled()"].iter().any(|word| text.contains(word));
        Ok((asks || self.is_success) && self.value(text)? != Value::Bool(false) && self.value(text)?.is_true())
    }
}

/// `RUNNER_ARCH` of this machine.
pub fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }
}

/// The root of this repository.
pub fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap_or(root)
}
