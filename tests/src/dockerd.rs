//! A container engine of a test's own, on a disk of its own, to be killed, restarted, and filled. Needs root, and `dockerd`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use runner::engine_host;
use runner::sandbox::docker::Engine;
use serde_json::Value;
use tempfile::TempDir;

use crate::containers;
use crate::disk::LoopDisk;
use crate::farm::PATIENCE;
use crate::poll;

/// Room for one image, twice while it is taken in.
const DISK_BYTES: u64 = 3 << 30;

/// An engine; nothing of it is left when it is dropped.
pub struct Dockerd {
    daemon: Option<Child>,
    /// The disk of its images and containers.
    pub disk: LoopDisk,
    dir: TempDir,
}

/// What an engine holds, beside running containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Containers, running or not.
    pub containers: usize,
    /// Volumes.
    pub volumes: usize,
    /// Images, with those that have no name.
    pub images: usize,
    /// Layers on its disk: those of images, and those that containers write to.
    pub layers: usize,
}

impl Dockerd {
    /// Starts one that holds the image of PostgreSQL 17.
    pub async fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let disk = LoopDisk::mount(&dir.path().join("disk"), DISK_BYTES)?;
        let mut dockerd = Self { daemon: None, disk, dir };
        dockerd.start_again().await?;
        let tag = containers::image_of_17().await?;
        let image = client(&engine_host())?.get(format!("http://engine/images/{tag}/get")).send().await?;
        let body = reqwest::Body::wrap_stream(image.error_for_status()?.bytes_stream());
        let loaded = client(&dockerd.host())?.post("http://engine/images/load").body(body).send().await?;
        let said = loaded.error_for_status()?.text().await?;
        ensure!(said.contains(&tag), "the image was not taken in: {said}");
        Ok(dockerd)
    }

    /// What `DOCKER_HOST` has to be.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path("engine.sock").display())
    }

    /// Kills it with SIGKILL. The containers go on without it.
    pub fn kill(&mut self) -> Result<()> {
        let mut daemon = self.daemon.take().context("it runs")?;
        daemon.kill()?;
        daemon.wait()?;
        // Its containerd ends with it; where nobody takes note of that, the next one takes it for alive.
        let file = self.path("exec/containerd/containerd.pid");
        let id: u32 = std::fs::read_to_string(&file)?.trim().parse()?;
        let begun = Instant::now();
        while is_alive(id) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(std::fs::remove_file(file)?)
    }

    /// Ends it as its service does when it is restarted, which kills the containers.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut daemon) = self.daemon.take() else { return Ok(()) };
        Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status()?;
        let begun = Instant::now();
        while daemon.try_wait()?.is_none() {
            if begun.elapsed() > PATIENCE {
                daemon.kill()?;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Starts it after it has ended, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        self.spawn()?;
        poll::until(PATIENCE, "the engine to answer", async || {
            let ended = self.daemon.as_mut().map(Child::try_wait).transpose()?.flatten();
            ensure!(ended.is_none(), "dockerd ended: {}", std::fs::read_to_string(self.path("log"))?);
            Ok(Engine::connect(&self.host()).await.ok())
        })
        .await?;
        Ok(())
    }

    /// What it holds now.
    pub async fn holdings(&self) -> Result<Holdings> {
        let count = async |path: &str, list: Option<&str>| {
            let answer = client(&self.host())?.get(format!("http://engine/{path}")).send().await?;
            let document: Value = answer.error_for_status()?.json().await?;
            let entries = list.map_or(&document, |list| &document[list]).as_array().map_or(0, Vec::len);
            anyhow::Ok(entries)
        };
        Ok(Holdings {
            containers: count("containers/json?all=1", None).await?,
            volumes: count("volumes", Some("Volumes")).await?,
            images: count("images/json?all=1", None).await?,
            layers: std::fs::read_dir(self.path("disk/data/overlay2"))?.count(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn spawn(&mut self) -> Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log"))?;
        let flag = |name: &str, path: &str| format!("--{name}={}", self.path(path).display());
        // In a network of its own: an engine without a bridge removes the one of the machine's engine.
        let daemon = Command::new("unshare")
            .args(["--net", "--", "dockerd"])
            .args([flag("data-root", "disk/data"), flag("exec-root", "exec"), flag("pidfile", "pid")])
            .arg(format!("--host={}", self.host()))
            .args(["--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start dockerd")?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// What still runs of it, which is the keepers of containers where it could not be started again.
    fn processes(&self) -> Result<Vec<String>> {
        let dir = self.dir.path().display().to_string();
        let mut ours = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            let id = entry?.file_name().to_string_lossy().into_owned();
            let is_ours = std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains(&dir));
            if is_ours && id.bytes().all(|byte| byte.is_ascii_digit()) {
                ours.push(id);
            }
        }
        Ok(ours)
    }

    /// Ends it with all its containers, and takes away what it has mounted.
    fn clear(&mut self) -> Result<()> {
        // What it left running when it was killed, it ends itself when it starts.
        if self.daemon.is_none() {
            self.spawn()?;
            let (begun, socket) = (Instant::now(), self.path("engine.sock"));
            while begun.elapsed() < PATIENCE && std::os::unix::net::UnixStream::connect(&socket).is_err() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        self.stop()?;
        for shim in self.processes()? {
            kill(&std::fs::read_to_string(format!("/proc/{shim}/task/{shim}/children")).unwrap_or_default())?;
            kill(&shim)?;
        }
        let mounts = std::fs::read_to_string("/proc/self/mounts")?;
        let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
        let disk = self.path("disk");
        let within: Vec<_> = points.filter(|path| path.starts_with(self.dir.path()) && **path != disk).collect();
        for path in within.iter().rev() {
            Command::new("umount").arg("--lazy").arg(path).status()?;
        }
        Ok(())
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            println!("the engine was not cleared away: {error:#}");
        }
    }
}

/// Whether a process runs; one that nobody has taken note of the end of does not.
fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

fn kill(ids: &str) -> Result<()> {
    for id in ids.split_whitespace() {
        Command::new("kill").args(["-KILL", id]).status()?;
    }
    Ok(())
}

/// A client of an engine's API, for what runners have no use for.
fn client(host: &str) -> Result<reqwest::Client> {
    let socket = host.strip_prefix("unix://").context("these tests need an engine at a Unix socket")?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().unix_socket(Path::new(socket).to_owned()).build()?)
}
