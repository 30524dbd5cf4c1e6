//! A shell in the container of a run that is over: the run's user, its environment, its limits and its server; no network.

use std::io::Cursor;

use bytes::Bytes;
use futures_util::StreamExt;
use protocol::{FileKind, Phase};
use tokio::io::AsyncWriteExt;
use tokio::time::{Duration, timeout};

use crate::error::{Error, Result};
use crate::run::hold::Standing;
use crate::run::phase::make;
use crate::run::{SOURCE_DIR, StoredFile, build, configure, create};
use crate::sandbox::docker::{Chunk, Exec, Terminal};

/// How often it is looked whether a shell has ended that left something behind which holds its output.
const LOOK: Duration = Duration::from_secs(1);

/// Begins in the source, beside which the run's logs lie; they stand in it as well, where nothing of it has their names.
const BEGIN: &str = r#"
cd /sandbox/src 2>/dev/null || cd /sandbox
for log in /sandbox/logs/*.log; do
    [ ! -e "$log" ] || [ -e "${log##*/}" ] || ln -s "$log" "${log##*/}"
done 2>/dev/null
exec /bin/bash --norc "$@"
"#;

/// What an earlier `create` left is in the way of the next.
const DROP: &str = r#"
for name in $(psql -X -A -t -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'pgxn\_create\_%'"); do
    psql -X -q -d postgres -c "DROP DATABASE $name"
done
"#;

/// A shell in the container of a run that is over. It ends with its container, or when this is dropped and the container removed.
pub struct Shell {
    standing: Standing,
    exec: Exec,
    over: bool,
}

impl Standing {
    /// Opens a shell after a phase, with the files of the run beside the source; at a terminal of so many columns and rows, or reading what
    /// it is given where there is none.
    ///
    /// # Panics
    /// Never: a run that goes on has the standing to itself.
    pub async fn shell(self, phase: Phase, files: &[StoredFile], terminal: Option<Terminal>) -> Result<Shell> {
        let sandbox = self.sandbox.as_ref().expect("no run goes on in it");
        let again = self.again_script(phase).unwrap_or_default();
        let archive = pack(&again, files).map_err(Error::file("pack", "the logs of the run"))?;
        sandbox.copy_in(Cursor::new(archive), "/sandbox").await?;
        let begin = ["/bin/sh", "-c", BEGIN, "shell"].map(str::to_owned).to_vec();
        let command = if terminal.is_some() { [begin, vec!["-i".to_owned()]].concat() } else { begin };
        let prompt = format!("PS1={}:\\w\\$ ", self.request.target);
        let exec = sandbox.terminal(command, &[prompt], terminal).await?;
        Ok(Shell { standing: self, exec, over: false })
    }

    /// What a phase ran, as one script; none for a phase in which nothing of the distribution runs.
    fn again_script(&self, phase: Phase) -> Option<String> {
        let make = |rest: &str| make(&self.image, &self.subject, rest);
        match phase {
            Phase::Configure => configure::plan(&self.subject).map(|plan| plan.script.to_owned()),
            Phase::Build => Some(build::commands_by(make, self.site.limits.cpus).0),
            Phase::Install => Some(make("install")),
            Phase::Create => Some(format!("{DROP}{}", create::script(&self.subject))),
            Phase::Installcheck => Some(make("installcheck")),
            _ => None,
        }
    }
}

impl Shell {
    /// What it prints next; none once it has ended.
    pub async fn output(&mut self) -> Option<Bytes> {
        while !self.over {
            match timeout(LOOK, self.exec.output.next()).await {
                Ok(Some(Ok(Chunk::Out(bytes) | Chunk::Err(bytes)))) => return Some(bytes),
                Ok(Some(Err(_)) | None) => self.over = true,
                Err(_) => self.over = self.has_ended().await,
            }
        }
        None
    }

    /// Gives it something to read.
    pub async fn input(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.exec.input.write_all(bytes).await?;
        self.exec.input.flush().await
    }

    /// Says that there is no more to read.
    pub async fn end_input(&mut self) {
        let _ = self.exec.input.shutdown().await;
    }

    /// The terminal has another size now.
    pub async fn resize(&self, terminal: Terminal) {
        if let Some(sandbox) = &self.standing.sandbox {
            sandbox.resize(&self.exec.id, terminal).await;
        }
    }

    /// Removes the container and waits for it.
    pub async fn close(self) {
        self.standing.remove().await;
    }

    async fn has_ended(&self) -> bool {
        match &self.standing.sandbox {
            Some(sandbox) => sandbox.has_ended(&self.exec.id).await,
            None => true,
        }
    }
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell").field("standing", &self.standing).finish_non_exhaustive()
    }
}

/// The script that runs the phase again, and the files of the run.
fn pack(again: &str, files: &[StoredFile]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, mode: u32, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        builder.append_data(&mut header, name, bytes)
    };
    if !again.is_empty() {
        add("again", 0o755, format!("#!/bin/sh\ncd {SOURCE_DIR} || exit\n{again}\n").as_bytes())?;
    }
    for file in files.iter().filter(|file| file.record.kind != FileKind::Packages) {
        add(&format!("logs/{}", file.record.name), 0o644, &file.bytes())?;
    }
    builder.into_inner()
}
