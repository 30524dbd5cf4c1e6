//! One step: a script with GitHub's environment, or what an action does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::expression::Scope;
use super::{COMMIT, Job, arch};

/// A step of an action.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is called.
    pub name: String,
    /// What others call it by.
    #[serde(default)]
    pub id: Option<String>,
    /// When it runs.
    #[serde(default, rename = "if")]
    pub condition: Option<String>,
    /// By what its script is run.
    #[serde(default)]
    pub shell: Option<String>,
    /// Its script.
    #[serde(default)]
    pub run: Option<String>,
    /// The action that it uses.
    #[serde(default)]
    pub uses: Option<String>,
    /// What that is given.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// Its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// What came of a step.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) is_success: bool,
    pub(super) outputs: BTreeMap<String, String>,
    /// Standard output, then standard error.
    pub(super) printed: String,
    pub(super) summary: String,
}

impl Default for Done {
    fn default() -> Self {
        Self { is_success: true, outputs: BTreeMap::new(), printed: String::new(), summary: String::new() }
    }
}

impl Step {
    /// Runs a script as GitHub runs one of `shell: bash`.
    pub(super) fn script(&self, script: &str, job: &Job, action: &Path, scope: &Scope) -> Result<Done> {
        ensure!(self.shell.as_deref() == Some("bash"), "a step of an action names its shell, and here that is bash");
        ensure!(!script.contains("${{"), "an expression stands in a script, where its value would be code");
        let files = tempfile::tempdir_in(job.dir.path())?;
        let file = |name: &str| -> Result<PathBuf> {
            let path = files.path().join(name);
            std::fs::write(&path, "")?;
            Ok(path)
        };
        let (output, summary, text) = (file("output")?, file("summary")?, file("script")?);
        std::fs::write(&text, script)?;
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(&text);
        let paths = [
            ("GITHUB_ACTION_PATH", action.to_owned()),
            ("GITHUB_WORKSPACE", job.workspace.clone()),
            ("GITHUB_OUTPUT", output.clone()),
            ("GITHUB_STEP_SUMMARY", summary.clone()),
            ("GITHUB_ENV", file("env")?),
            ("GITHUB_PATH", file("path")?),
            ("RUNNER_TEMP", job.temp()),
        ];
        command.envs(paths).current_dir(&job.workspace).stdin(Stdio::null());
        let words = [("GITHUB_ACTIONS", "true"), ("CI", "true"), ("RUNNER_OS", "Linux"), ("RUNNER_ARCH", arch())];
        command.envs(words).env("GITHUB_SERVER_URL", "https://github.example.org");
        let event = [("GITHUB_EVENT_NAME", job.event), ("GITHUB_ACTOR", "ann"), ("GITHUB_REF", "refs/heads/main")];
        command.envs(event).env("GITHUB_SHA", COMMIT);
        for (name, value) in &self.env {
            command.env(name, scope.fill(value)?);
        }
        let done = command.output().context("run bash")?;
        Ok(Done {
            is_success: done.status.success(),
            outputs: outputs(&std::fs::read_to_string(&output)?)?,
            printed: String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned(),
            summary: std::fs::read_to_string(&summary)?,
        })
    }
}

/// What a step gives: `name=value`, a line each. Values of more lines are written otherwise, which nothing here does.
fn outputs(text: &str) -> Result<BTreeMap<String, String>> {
    let one = |line: &str| {
        let (name, value) = line.split_once('=').with_context(|| format!("`{line}` is no output"))?;
        ensure!(!name.contains("<<"), "`{line}` begins a value of more lines");
        Ok((name.to_owned(), value.to_owned()))
    };
    text.lines().map(one).collect()
}

/// What `actions/cache/restore` does.
pub(super) fn restore(kept: &Path, path: &Path) -> Result<Done> {
    if !kept.exists() {
        return Ok(Done::default());
    }
    std::fs::create_dir_all(path.parent().context("a file is in a directory")?)?;
    std::fs::copy(kept, path)?;
    Ok(Done { outputs: BTreeMap::from([("cache-hit".to_owned(), "true".to_owned())]), ..Done::default() })
}

/// What `actions/cache/save` does.
pub(super) fn keep(kept: &Path, path: &Path) -> Result<Done> {
    if kept.exists() {
        bail!("{} is kept already, and GitHub keeps nothing twice", kept.display());
    }
    std::fs::copy(path, kept).with_context(|| format!("keep {}", path.display()))?;
    Ok(Done::default())
}

/// Every file below a directory, relative to it and sorted.
pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| format!("read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { found.push(path.strip_prefix(dir)?.to_owned()) }
        }
    }
    found.sort();
    Ok(found)
}
