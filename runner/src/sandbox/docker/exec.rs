//! Commands inside a running container, as streams: who watches them decides when they have lasted long enough.

use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWrite;

use crate::error::{Error, Result};
use crate::sandbox::docker::Engine;
use crate::sandbox::docker::confine::confined;
use crate::sandbox::docker::container::USER;

/// Directories that no run can write to; those of the server's programs, which stand first in an image's own path, can be.
pub(crate) const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A command to run.
#[derive(Clone, Debug)]
pub(crate) struct ExecSpec<'a> {
    pub(crate) command: Vec<String>,
    /// The environment of a distribution's command. A command of the farm's own has none: it finds its programs where nobody can put others.
    pub(crate) env: &'a [String],
    /// Whether something will be written to its standard input.
    pub(crate) with_input: bool,
    /// Whether it is run without the further filter of system calls, which needs Perl: only what `crate::doctor` tries.
    pub(crate) bare: bool,
}

/// A piece of what a command prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// Of its standard output.
    Out(Bytes),
    /// Of its standard error.
    Err(Bytes),
}

/// A command that runs.
pub(crate) struct Exec {
    pub(crate) id: String,
    pub(crate) output: Pin<Box<dyn Stream<Item = Result<Chunk>> + Send>>,
    pub(crate) input: Pin<Box<dyn AsyncWrite + Send>>,
}

impl Engine {
    /// Starts a command in a running container.
    pub(crate) async fn exec(&self, container: &str, spec: ExecSpec<'_>) -> Result<Exec> {
        let what = || Error::engine(format!("run a command in the container {container}"));
        let config = ExecConfig {
            attach_stdin: Some(spec.with_input),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            env: Some(if spec.env.is_empty() { vec![format!("PATH={SYSTEM_PATH}")] } else { spec.env.to_vec() }),
            cmd: Some(if spec.bare { spec.command } else { confined(spec.command) }),
            user: Some(USER.into()),
            ..ExecConfig::default()
        };
        let id = self.client().create_exec(container, config).await.map_err(what())?.id;
        match self.client().start_exec(&id, None).await.map_err(what())? {
            StartExecResults::Attached { output, input } => {
                let output = output.map(|item| item.map(chunk).map_err(Error::engine("read what a command prints")));
                Ok(Exec { id, output: Box::pin(output), input })
            }
            StartExecResults::Detached => unreachable!("the exec was started attached"),
        }
    }

    /// The exit code of a command; none while it runs, or where its container is gone.
    pub(crate) async fn exec_exit(&self, id: &str) -> Option<i32> {
        let found = self.client().inspect_exec(id).await.ok()?;
        if found.running == Some(true) { None } else { found.exit_code.and_then(|code| i32::try_from(code).ok()) }
    }
}

pub(super) fn chunk(output: LogOutput) -> Chunk {
    match output {
        LogOutput::StdErr { message } => Chunk::Err(message),
        LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
            Chunk::Out(message)
        }
    }
}
