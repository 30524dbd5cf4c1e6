//! The container engine: Docker, rootless Docker, or Podman through its Docker-compatible socket.
//!
//! This file and those below it are the only ones that know bollard.

use bollard::Docker;
use bollard::errors::Error as DockerError;

use crate::error::{Error, Result, innermost};

mod confine;
mod container;
mod exec;
mod facts;
mod images;
mod load;
mod terminal;

pub(crate) use container::{ContainerSpec, ContainerState, Mount};
pub(crate) use exec::{Chunk, Exec, ExecSpec, SYSTEM_PATH};
pub use facts::{EngineFacts, Lacks};
pub(crate) use images::{BuildEvent, BuildSpec, FoundImage};
pub use terminal::Terminal;

/// How much containers and builds give way to everything else on the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manners {
    /// What a container weighs where processors are wanted by more than there are: 1024 is as much as anything else.
    pub(crate) cpu_shares: Option<i64>,
    /// The same for disks, from 10 to 1000, where the engine can.
    pub(crate) blkio_weight: Option<u16>,
    /// The processors that the making of an image may use, in the engine's microseconds per tenth of a second.
    pub(crate) build_quota: Option<i32>,
}

/// The period of [`Manners::build_quota`], in microseconds.
pub(crate) const QUOTA_PERIOD: i32 = 100_000;

/// A connection to a container engine; clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    host: String,
    facts: EngineFacts,
    manners: Manners,
}

impl Engine {
    /// Connects to the engine at `host` (`unix:///path`, `tcp://address`, or a bare path) and asks what it is.
    ///
    /// The error names the address and says what to do, as this is the first thing that goes wrong on a new machine. One that would leave out
    /// limits with no more than a warning is refused: nothing would stop a bomb but the end of the machine.
    pub async fn connect(host: &str) -> Result<Self> {
        let engine = Self::reach(host).await?;
        match engine.facts.lacks.words()[..] {
            [] => Ok(engine),
            ref missing => Err(Error::EngineWithoutLimits { host: host.to_owned(), missing: missing.join(" and ") }),
        }
    }

    /// The same for who only looks: whatever it limits.
    pub(crate) async fn reach(host: &str) -> Result<Self> {
        let unreachable = |source: DockerError| unreachable(host, &source);
        let address = if host.starts_with('/') { format!("unix://{host}") } else { host.to_owned() };
        let docker = Docker::connect_with_host(&address).map_err(unreachable)?;
        let docker = docker.negotiate_version().await.map_err(unreachable)?;
        let info = docker.info().await.map_err(unreachable)?;
        let api = docker.client_version().to_string();
        let facts = facts::gather(&docker, info, (&address, api)).await;
        Ok(Self { docker, host: host.to_owned(), facts, manners: Manners::default() })
    }

    /// Asks whether it still answers.
    pub async fn check(&self) -> Result<()> {
        self.docker.ping().await.map(drop).map_err(|source| unreachable(&self.host, &source))
    }

    /// Its address.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// What the engine says of itself.
    pub fn facts(&self) -> &EngineFacts {
        &self.facts
    }

    /// The same engine, whose containers weigh so little beside others, and which makes images with so many processors. An engine that cannot limit
    /// processors has no weights for them either, and of those for disks only Docker says that it leaves them out where the kernel has none.
    #[must_use]
    pub(crate) fn giving_way(self, weight: Option<u16>, cores: u32) -> Self {
        let can = !self.facts.lacks.processors;
        let quota = i32::try_from(cores).unwrap_or(i32::MAX).saturating_mul(QUOTA_PERIOD);
        let manners = Manners {
            cpu_shares: weight.filter(|_| can).map(|weight| i64::from(weight.max(2))),
            blkio_weight: weight.filter(|_| !self.facts.is_podman).map(|weight| (weight / 2).clamp(10, 1_000)),
            build_quota: (can && cores < self.facts.cpus).then_some(quota),
        };
        Self { manners, ..self }
    }

    /// How much it gives way.
    pub(crate) fn manners(&self) -> Manners {
        self.manners
    }

    /// The client, for the modules beside this one.
    pub(crate) fn client(&self) -> &Docker {
        &self.docker
    }
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
    fn an_engine_that_would_leave_out_a_limit_says_which() {
        let lacks = |memory, processes| Lacks { memory, processes, processors: true }.words();
        assert_eq!(lacks(false, false), Vec::<&str>::new());
        assert_eq!(lacks(true, true), ["memory", "the number of processes"]);
        assert_eq!(lacks(false, true), ["the number of processes"]);
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_named_with_its_socket_and_a_remedy() {
        let error = Engine::connect("/nowhere/docker.sock").await.unwrap_err().to_string();
        assert!(error.contains("/nowhere/docker.sock") && error.contains("DOCKER_HOST"), "{error}");
    }
}
