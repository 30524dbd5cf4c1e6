//! A PostgreSQL server of a test's own, to be killed.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use sqlx::Connection;
use tempfile::TempDir;

use crate::farm::PATIENCE;
use crate::poll;

/// A server; killed when it is dropped.
pub struct Postgres {
    server: Option<Child>,
    programs: PathBuf,
    port: u16,
    dir: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub async fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut postgres = Self { server: None, programs: programs()?, port, dir };
        if is_root()? {
            chown(postgres.dir.path(), Some(id_of("-u")?), Some(id_of("-g")?))?;
        }
        let made =
            postgres.command("initdb")?.args(["-U", "farm", "-A", "trust", "--no-sync", "-E", "UTF8"]).output()?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// Its address; every farm needs a server of its own.
    pub fn url(&self) -> String {
        format!("postgres://farm@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills the server with SIGKILL: its processes that serve connections end as soon as they see that.
    pub fn kill(&mut self) -> Result<()> {
        let mut server = self.server.take().context("the server runs")?;
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Starts it after it was killed. It refuses to for as long as a process of the one before lives.
    pub async fn start_again(&mut self) -> Result<()> {
        sqlx::any::install_default_drivers();
        poll::until(PATIENCE, "the PostgreSQL server", async || {
            let ended = self.server.as_mut().map(Child::try_wait).transpose()?.flatten().is_some();
            if ended || self.server.is_none() {
                self.server = Some(self.spawn()?);
            }
            Ok(sqlx::AnyConnection::connect(&self.url()).await.ok())
        })
        .await?
        .close()
        .await?;
        Ok(())
    }

    fn spawn(&self) -> Result<Child> {
        let log = std::fs::File::options().create(true).append(true).open(self.dir.path().join("log"))?;
        let settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=50"];
        let mut command = self.command("postgres")?;
        command.args(["-p", &self.port.to_string(), "-k", &self.dir.path().display().to_string()]);
        for setting in settings {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().context("start postgres")
    }

    /// One of its programs on its cluster; PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Result<Command> {
        let path = self.programs.join(program);
        let mut command = if is_root()? {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={}", id_of("-u")?), format!("--regid={}", id_of("-g")?)]);
            command.arg("--clear-groups").arg("--").arg(path);
            command
        } else {
            Command::new(path)
        };
        command.arg("-D").arg(self.dir.path().join("cluster")).current_dir(self.dir.path());
        for name in ["PGDATA", "PGPORT", "PGHOST"] {
            command.env_remove(name);
        }
        Ok(command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.server.is_some() {
            let _ = self.kill();
        }
    }
}

fn is_root() -> Result<bool> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

/// The user or group of whom a server runs that root starts.
fn id_of(which: &str) -> Result<u32> {
    for user in ["postgres", "nobody"] {
        let said = Command::new("id").args([which, user]).output()?;
        if said.status.success() {
            return Ok(String::from_utf8_lossy(&said.stdout).trim().parse()?);
        }
    }
    anyhow::bail!("there is no user that could run PostgreSQL")
}

/// Where the newest server's programs are: Debian does not put them into `PATH`.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir(Path::new("/usr/lib/postgresql")).into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u16>().ok()).max();
    let newest = newest.context("there is no PostgreSQL server here; `scripts/setup test` installs one")?;
    Ok(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
}
