//! The engine behind a socket that can be taken away, as when it is restarted.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use runner::engine_host;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// A socket that leads to the engine, for as long as this lives. Connections end with it.
pub struct Socket {
    path: PathBuf,
    _proxy: JoinSet<()>,
}

impl Socket {
    /// Opens it at a path.
    pub fn open(path: &Path) -> Result<Self> {
        let host = engine_host();
        let engine = host.strip_prefix("unix://").context("these tests need an engine at a Unix socket")?.to_owned();
        let listener = UnixListener::bind(path)?;
        let mut proxy = JoinSet::new();
        proxy.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let engine = engine.clone();
                connections.spawn(async move {
                    if let Ok(mut far) = UnixStream::connect(&engine).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Ok(Self { path: path.to_owned(), _proxy: proxy })
    }

    /// What `DOCKER_HOST` has to be.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
