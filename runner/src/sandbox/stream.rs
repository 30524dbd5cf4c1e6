//! What comes out of a container as it is, without being looked at: for what another container is given again.

use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use crate::error::Result;
use crate::sandbox::docker::{Chunk, Engine, ExecSpec};

/// It may take this long.
const LONGEST: Duration = Duration::from_mins(2);

/// Takes a piece of what comes out; an error ends it.
pub(crate) type Sink<'a> = &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send);

/// Runs a script and gives what it prints on standard output to `sink`; whether that is all, and the script did well.
pub(crate) async fn stream_out(engine: &Engine, container: &str, script: &str, sink: Sink<'_>) -> Result<bool> {
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let mut exec =
        engine.exec(container, ExecSpec { command: words, env: &[], with_input: false, bare: false }).await?;
    let reading = async {
        while let Some(chunk) = exec.output.next().await {
            if let Chunk::Out(bytes) = chunk?
                && let Err(error) = sink(&bytes)
            {
                tracing::debug!(%error, container, "gave up what came out of a container");
                return Ok(false);
            }
        }
        Ok(true)
    };
    let whole = timeout(LONGEST, reading).await.unwrap_or(Ok(false))?;
    Ok(whole && engine.exec_exit(&exec.id).await == Some(0))
}
