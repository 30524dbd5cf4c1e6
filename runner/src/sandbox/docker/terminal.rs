//! A command that a person speaks with, at a terminal or through a pipe.

use bollard::exec::{ResizeExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use futures_util::StreamExt;

use crate::error::{Error, Result};
use crate::sandbox::docker::Engine;
use crate::sandbox::docker::confine::confined;
use crate::sandbox::docker::container::USER;
use crate::sandbox::docker::exec::{Exec, chunk};

/// The terminal of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

impl Engine {
    /// Starts a command that is given what somebody says; at a terminal of its own, where there is one outside.
    pub(crate) async fn converse(
        &self,
        container: &str,
        (command, env): (Vec<String>, Vec<String>),
        terminal: Option<Terminal>,
    ) -> Result<Exec> {
        let what = || Error::engine(format!("open a shell in the container {container}"));
        let config = ExecConfig {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(terminal.is_some()),
            env: Some(env),
            cmd: Some(confined(command)),
            user: Some(USER.into()),
            ..ExecConfig::default()
        };
        let id = self.client().create_exec(container, config).await.map_err(what())?.id;
        let options = StartExecOptions { tty: terminal.is_some(), ..StartExecOptions::default() };
        match self.client().start_exec(&id, Some(options)).await.map_err(what())? {
            StartExecResults::Attached { output, input } => {
                let output = output.map(|item| item.map(chunk).map_err(Error::engine("read what a shell prints")));
                if let Some(terminal) = terminal {
                    self.resize(&id, terminal).await;
                }
                Ok(Exec { id, output: Box::pin(output), input })
            }
            StartExecResults::Detached => unreachable!("the shell was started attached"),
        }
    }

    /// Gives a command's terminal another size; one that has ended needs none.
    pub(crate) async fn resize(&self, exec: &str, terminal: Terminal) {
        let options = ResizeExecOptions { height: terminal.rows, width: terminal.columns };
        if let Err(error) = self.client().resize_exec(exec, options).await {
            tracing::debug!(%error, "did not resize a terminal");
        }
    }
}
