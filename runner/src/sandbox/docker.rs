//! The container engine: Docker, rootless Docker, or Podman through its Docker-compatible socket.
//!
//! This file and those below it are the only ones that know bollard.

use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::models::SystemInfo;

use crate::error::{Error, Result, innermost};

mod confine;
mod container;
mod exec;
mod images;
mod terminal;

pub(crate) use container::{ContainerSpec, ContainerState, Mount};
pub(crate) use exec::{Chunk, Exec, ExecSpec, SYSTEM_PATH};
pub(crate) use images::{BuildEvent, BuildSpec, FoundImage};
pub use terminal::Terminal;

/// What the engine says of itself and of its machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineFacts {
    /// Its name and version, such as `Docker 20.10.24`.
    pub name: String,
    /// The kernel, such as `Linux 6.12.0`.
    pub kernel: String,
    /// Processors of its machine.
    pub cpus: u32,
    /// Memory of its machine, in bytes.
    pub memory_bytes: u64,
    /// Whether it uses the second version of control groups.
    pub cgroup_v2: bool,
    /// Whether it cannot limit processors.
    pub no_cpu_quota: bool,
}

/// A connection to a container engine; clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    host: String,
    facts: EngineFacts,
}

impl Engine {
    /// Where an engine listens when nobody says otherwise.
    pub const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

    /// Connects to the engine at `host` (`unix:///path`, `tcp://address`, or a bare path) and asks what it is.
    ///
    /// The error names the address and says what to do, as this is the first thing that goes wrong on a new machine.
    pub async fn connect(host: &str) -> Result<Self> {
        let unreachable = |source: DockerError| unreachable(host, &source);
        let address = if host.starts_with('/') { format!("unix://{host}") } else { host.to_owned() };
        let docker = Docker::connect_with_host(&address).map_err(unreachable)?;
        let docker = docker.negotiate_version().await.map_err(unreachable)?;
        let info = docker.info().await.map_err(unreachable)?;
        refuse_unlimited(host, &info)?;
        let version = info.server_version.unwrap_or_default();
        let facts = EngineFacts {
            name: format!("{} {}", engine_name(&docker).await, version.split(['+', '-']).next().unwrap_or_default()),
            kernel: format!("Linux {}", info.kernel_version.unwrap_or_default()),
            cpus: info.ncpu.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(1).max(1),
            memory_bytes: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
            cgroup_v2: info.cgroup_version.is_some_and(|version| version.to_string() == "2"),
            no_cpu_quota: info.cpu_cfs_quota == Some(false),
        };
        Ok(Self { docker, host: host.to_owned(), facts })
    }

    /// Asks whether it still answers.
    pub async fn check(&self) -> Result<()> {
        self.docker.ping().await.map(drop).map_err(|source| unreachable(&self.host, &source))
    }

    /// What the engine says of itself.
    pub fn facts(&self) -> &EngineFacts {
        &self.facts
    }

    /// The client, for the modules beside this one.
    pub(crate) fn client(&self) -> &Docker {
        &self.docker
    }
}

/// `Podman` where the engine is one, else `Docker`.
async fn engine_name(docker: &Docker) -> &'static str {
    let components = docker.version().await.ok().and_then(|version| version.components).unwrap_or_default();
    if components.iter().any(|part| part.name.contains("Podman")) { "Podman" } else { "Docker" }
}

/// Refuses an engine that would leave out limits with no more than a warning: nothing would stop a bomb but the end of the machine. One that
/// does not say (Podman) is taken at its word when it makes a container.
fn refuse_unlimited(host: &str, info: &SystemInfo) -> Result<()> {
    let missing: Vec<&str> = [("memory", info.memory_limit), ("the number of processes", info.pids_limit)]
        .into_iter()
        .filter_map(|(what, can)| (can == Some(false)).then_some(what))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::EngineWithoutLimits { host: host.to_owned(), missing: missing.join(" and ") })
}

/// Says why an engine does not answer, and what to do about it.
fn unreachable(host: &str, source: &DockerError) -> Error {
    let why = innermost(source);
    let text = format!("{source} {why}");
    let remedy = if text.contains("ermission denied") {
        "Add your user to the group `docker` and log in again, or run this as root."
    } else if matches!(source, DockerError::SocketNotFoundError(_)) || text.contains("No such file") {
        "Install Docker or Podman and start it, or set DOCKER_HOST to the socket of one that runs."
    } else if text.contains("refused") {
        "Start it (`systemctl start docker`), or set DOCKER_HOST to the socket of one that runs."
    } else {
        "Start Docker or Podman, or set DOCKER_HOST to the socket of one that runs."
    };
    Error::EngineUnreachable { host: host.to_owned(), why, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_would_leave_out_a_limit_is_refused_and_one_that_does_not_say_is_not() {
        let info = |memory_limit, pids_limit| SystemInfo { memory_limit, pids_limit, ..SystemInfo::default() };
        for can in [info(None, None), info(Some(true), Some(true))] {
            assert!(refuse_unlimited("unix:///x.sock", &can).is_ok());
        }
        let error = refuse_unlimited("unix:///x.sock", &info(Some(false), Some(false))).unwrap_err().to_string();
        assert!(error.contains("unix:///x.sock cannot limit memory and the number of processes"), "{error}");
        let error = refuse_unlimited("unix:///x.sock", &info(None, Some(false))).unwrap_err().to_string();
        assert!(error.contains("cannot limit the number of processes of a container"), "{error}");
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_named_with_its_socket_and_a_remedy() {
        let error = Engine::connect("/nowhere/docker.sock").await.unwrap_err().to_string();
        assert!(error.contains("/nowhere/docker.sock") && error.contains("DOCKER_HOST"), "{error}");
    }
}
