//! The engine behind a socket that can be taken away, as when it is restarted.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use runner::engine_host;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// What is wrong with an engine.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Requests for paths that contain this.
    pub path: &'static str,
    /// The HTTP answer that they get; none for one that never comes.
    pub answer: Option<&'static str>,
}

impl Fault {
    /// Passes everything on until a request is at fault.
    async fn between(self, near: UnixStream, far: UnixStream) -> std::io::Result<()> {
        let ((mut asks, mut hears), (mut answers, mut takes)) = (near.into_split(), far.into_split());
        let mut answering = JoinSet::new();
        answering.spawn(async move {
            let _ = tokio::io::copy(&mut answers, &mut hears).await;
            hears
        });
        let mut asked = vec![0; 65_536];
        let answer = loop {
            let length = tokio::select! {
                length = asks.read(&mut asked) => length?,
                // The engine hangs up where an answer ends with the connection.
                _ = answering.join_next() => return Ok(()),
            };
            if length == 0 {
                break "";
            }
            let line = asked[..length].split(|byte| *byte == b'\r').next().unwrap_or_default();
            if String::from_utf8_lossy(line).replace("%2F", "/").contains(self.path) {
                match self.answer {
                    Some(answer) => break answer,
                    None => std::future::pending().await,
                }
            }
            takes.write_all(&asked[..length]).await?;
        };
        // What the engine still has to say to what came before goes first.
        takes.shutdown().await?;
        if let Some(Ok(mut hears)) = answering.join_next().await {
            hears.write_all(answer.as_bytes()).await?;
        }
        Ok(())
    }
}

/// A socket that leads to the engine, for as long as this lives. Connections end with it.
pub struct Socket {
    path: PathBuf,
    _proxy: JoinSet<()>,
}

impl Socket {
    /// Opens it at a path.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_but(path, None)
    }

    /// Opens it at a path; a request that the fault is about never reaches the engine.
    pub fn open_but(path: &Path, fault: Option<Fault>) -> Result<Self> {
        let host = engine_host();
        let engine = host.strip_prefix("unix://").context("these tests need an engine at a Unix socket")?.to_owned();
        let listener = UnixListener::bind(path)?;
        let mut proxy = JoinSet::new();
        proxy.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let engine = engine.clone();
                connections.spawn(async move {
                    let Ok(mut far) = UnixStream::connect(&engine).await else { return };
                    let _ = match fault {
                        None => copy_bidirectional(&mut near, &mut far).await.map(drop),
                        Some(fault) => fault.between(near, far).await,
                    };
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

/// What the engine answers to a GET of one of its paths, with the head of the answer.
pub async fn get(path: &str) -> Result<String> {
    let host = engine_host();
    let socket = host.strip_prefix("unix://").context("these tests need an engine at a Unix socket")?.to_owned();
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8(answer)?;
    anyhow::ensure!(answer.contains(" 200 OK"), "{path}: {}", answer.lines().next().unwrap_or_default());
    Ok(answer)
}
