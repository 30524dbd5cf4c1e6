//! The program under test as a real process: started, watched, interrupted, killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::poll;

/// The `pgxn-testers` binary that was built beside this test.
///
/// # Panics
/// When it was not built: `cargo build -p cli` builds it, `make test` does so before the tests.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let directory = test.ancestors().nth(2).expect("tests run from target/<profile>/deps");
    let binary = directory.join("pgxn-testers");
    assert!(binary.exists(), "{} is missing: build it with `cargo build -p cli`", binary.display());
    binary
}

/// A running `pgxn-testers`; killed when it is dropped.
pub struct Process {
    child: Child,
    output: PathBuf,
    /// Where its own output begins in a file that earlier processes have written to.
    from: usize,
}

impl Process {
    /// Starts the binary with arguments; what it prints goes to `output`.
    pub fn start(arguments: &[&str], output: &Path) -> Result<Self> {
        Self::start_with(arguments, &[], output)
    }

    /// Starts the binary with arguments and further environment variables.
    pub fn start_with(arguments: &[&str], environment: &[(&str, &str)], output: &Path) -> Result<Self> {
        Self::spawn(Command::new(binary()).args(arguments), environment, output)
    }

    /// The same by a command that becomes what it is given, such as `nsenter`.
    pub fn start_by(
        mut becomes: Command,
        arguments: &[&str],
        environment: &[(&str, &str)],
        output: &Path,
    ) -> Result<Self> {
        Self::spawn(becomes.arg(binary()).args(arguments), environment, output)
    }

    fn spawn(command: &mut Command, environment: &[(&str, &str)], output: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(output).context("open the output file")?;
        let from = usize::try_from(file.metadata()?.len())?;
        let child = command
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("start pgxn-testers")?;
        Ok(Self { child, output: output.to_owned(), from })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(self.from..).unwrap_or_default()).into_owned()
    }

    /// Kills it with SIGKILL, as a power cut would, and waits until it is gone.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) -> Result<()> {
        let status = Command::new("kill").args(["-INT", &self.id().to_string()]).status()?;
        ensure!(status.success(), "kill -INT {} failed", self.id());
        Ok(())
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self, within: Duration) -> Result<ExitStatus> {
        let ended = poll::until(within, "the process to end", async || Ok(self.child.try_wait()?)).await;
        ended.with_context(|| format!("it printed:\n{}", self.output()))
    }

    /// Waits until it has printed `text`; one that ends without having done so is not waited for.
    pub async fn prints(&mut self, text: &str, within: Duration) -> Result<()> {
        let what = format!("`{text}` to be printed");
        let printed = poll::until(within, &what, async || {
            let ended = self.child.try_wait()?;
            let printed = self.output().contains(text);
            match ended {
                Some(status) if !printed => bail!("it ended with {status} and has not printed `{text}`"),
                _ => Ok(printed.then_some(())),
            }
        });
        printed.await.with_context(|| format!("it printed:\n{}", self.output()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs the binary to its end and gives back exit code, standard output and standard error.
pub fn run(arguments: &[&str]) -> Result<(i32, String, String)> {
    run_with(arguments, &[])
}

/// The same with further environment variables.
pub fn run_with(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(i32, String, String)> {
    let output = Command::new(binary())
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .context("run pgxn-testers")?;
    let code = output.status.code().context("pgxn-testers was ended by a signal")?;
    Ok((code, String::from_utf8_lossy(&output.stdout).into(), String::from_utf8_lossy(&output.stderr).into()))
}
