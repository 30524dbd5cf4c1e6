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

pub(crate) use container::{ContainerSpec, ContainerState, Mount};
pub(crate) use exec::{Chunk, Exec, ExecSpec, SYSTEM_PATH};
pub use facts::{EngineFacts, Lacks};
pub(crate) use images::{BuildEvent, BuildSpec, FoundImage};

/// A connection to a container engine; clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    host: String,
    facts: EngineFacts,
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
        Ok(Self { docker, host: host.to_owned(), facts })
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
