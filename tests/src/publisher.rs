//! A release of the program as the project publishes one, by the project's own scripts, and a server that has its files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::process::binary;
use crate::workflow::{arch, repository};

/// The files of a release, and the key that they are signed by.
pub struct Release {
    dir: tempfile::TempDir,
}

impl Release {
    /// Packs and signs the program under test, by a key that is made for it.
    pub fn publish(version: &str) -> Result<Self> {
        let release = Self { dir: tempfile::tempdir()? };
        let path = |name: &str| release.dir.path().join(name).display().to_string();
        run("openssl", &["genpkey", "-algorithm", "ed25519", "-out", &path("secret.pem")])?;
        run("openssl", &["pkey", "-in", &path("secret.pem"), "-pubout", "-out", &path("public.pem")])?;
        // As it is built for these tests it is mostly what debuggers need.
        run("strip", &["-o", &path("pgxn-testers"), &binary().display().to_string()])?;
        std::fs::create_dir(release.files())?;
        let target = if arch() == "ARM64" { "aarch64-unknown-linux-musl" } else { "x86_64-unknown-linux-musl" };
        let script = repository().join("scripts/release").display().to_string();
        run(&script, &["pack", &path("pgxn-testers"), version, target, &path("files")])?;
        let signed = Command::new(&script)
            .args(["sign", &path("secret.pem"), &path("files")])
            .env("RELEASE_PUBLIC_KEY", path("public.pem"))
            .output()?;
        ensure!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        Ok(release)
    }

    /// The directory with its files.
    pub fn files(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    /// The key that verifies it.
    pub fn public_key(&self) -> PathBuf {
        self.dir.path().join("public.pem")
    }

    /// The archive of the program.
    pub fn archive(&self) -> Result<PathBuf> {
        let entries = std::fs::read_dir(self.files())?.collect::<Result<Vec<_>, _>>()?;
        let archive =
            entries.into_iter().map(|entry| entry.path()).find(|path| path.extension() == Some("gz".as_ref()));
        archive.context("a release has an archive")
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("start {program}"))?;
    ensure!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

type Asked = Arc<Mutex<Vec<String>>>;

/// Serves the files of a directory, and remembers what was asked for.
pub struct Server {
    address: String,
    asked: Asked,
    _task: JoinSet<()>,
}

impl Server {
    /// Begins to serve.
    pub async fn start(dir: &Path) -> Result<Self> {
        let asked = Asked::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(file).with_state((dir.to_owned(), Arc::clone(&asked)));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, asked, _task: task })
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The names of the files that were asked for since this was asked last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn file(State((dir, asked)): State<(PathBuf, Asked)>, uri: Uri) -> Result<Vec<u8>, StatusCode> {
    let name = uri.path().trim_start_matches('/').to_owned();
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
    let is_plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    let read = if is_plain { tokio::fs::read(dir.join(name)).await.ok() } else { None };
    read.ok_or(StatusCode::NOT_FOUND)
}
