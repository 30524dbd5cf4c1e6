//! Containers: create, start, look at, remove. What a container may do is decided here and nowhere else.

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error as DockerError;
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, ResourcesUlimits,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use protocol::Platform;

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::sandbox::docker::Manners;
use crate::sandbox::docker::confine::confined;
use crate::sandbox::docker::{Engine, EngineFacts};

/// The user that everything runs as: `postgres` in every image.
pub(crate) const USER: &str = "1000:1000";

/// No core file, and nothing for the machine's own crash handler either: where `core_pattern` names a program, the kernel calls it whatever
/// the limit, but for a limit of exactly one byte.
const NO_CORE: i64 = 1;

/// What every image begins with, and what that begins: the filter has to be there before both.
const FIRST: [&str; 2] = ["/usr/bin/tini", "--"];
const INIT: &str = "/pgxn/bin/init";

/// A container ends by itself so long after its run has to: by then, what the runner does beside the run's own commands is over, too, such
/// as downloads and an image of further packages. Nothing then stays for ever of a runner that is killed and never started again.
const MARGIN: Duration = Duration::from_hours(4);

/// A file system in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// A container to make.
#[derive(Clone, Debug)]
pub(crate) struct ContainerSpec<'a> {
    pub(crate) name: &'a str,
    /// The image by its digest, so that nothing can slip in between.
    pub(crate) image: &'a str,
    pub(crate) platform: Platform,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) mounts: &'a [Mount],
    pub(crate) limits: &'a Limits,
    /// What it runs instead of the image's first program, and without the further filter: only what `crate::doctor` tries.
    pub(crate) trial: Option<&'a [String]>,
}

/// How a container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContainerState {
    pub(crate) running: bool,
    pub(crate) out_of_memory: bool,
}

impl Engine {
    /// Makes a container and starts it.
    pub(crate) async fn start_container(&self, spec: &ContainerSpec<'_>) -> Result<()> {
        let options = CreateContainerOptionsBuilder::default().name(spec.name);
        let options = if spec.platform == Platform::native() {
            options
        } else {
            options.platform(&format!("linux/{}", spec.platform))
        };
        let created =
            self.client().create_container(Some(options.build()), body(spec, self.facts(), self.manners())).await;
        created.map_err(Error::engine(format!("create the container {}", spec.name)))?;
        let started = self.client().start_container(spec.name, None::<StartContainerOptions>).await;
        started.map_err(Error::engine(format!("start the container {}", spec.name)))
    }

    /// Kills and removes a container. One that is not there, or is being removed, is what was wanted.
    pub(crate) async fn remove_container(&self, name: &str) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.client().remove_container(name, Some(options)).await {
            Ok(()) | Err(DockerError::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            Err(source) => Err(Error::engine(format!("remove the container {name}"))(source)),
        }
    }

    /// How a container is; none where there is none of that name.
    pub(crate) async fn container_state(&self, name: &str) -> Result<Option<ContainerState>> {
        match self.client().inspect_container(name, None::<InspectContainerOptions>).await {
            Ok(found) => {
                let state = found.state.unwrap_or_default();
                Ok(Some(ContainerState {
                    running: state.running.unwrap_or(false),
                    out_of_memory: state.oom_killed.unwrap_or(false),
                }))
            }
            Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(source) => Err(Error::engine(format!("look at the container {name}"))(source)),
        }
    }

    /// The names of all containers, running or not, that carry a label with a value.
    pub async fn labelled_containers(&self, label: &str, value: &str) -> Result<Vec<String>> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{label}={value}")])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.client().list_containers(Some(options)).await;
        let found = found.map_err(Error::engine("list the containers of an earlier runner"))?;
        Ok(found.into_iter().filter_map(|container| container.id).collect())
    }
}

fn body(spec: &ContainerSpec<'_>, machine: &EngineFacts, manners: Manners) -> ContainerCreateBody {
    let lifetime = spec.limits.run.saturating_add(MARGIN);
    ContainerCreateBody {
        image: Some(spec.image.to_owned()),
        hostname: Some("pgxn".into()),
        user: Some(USER.into()),
        env: Some(vec!["LANG=C.UTF-8".into()]),
        entrypoint: Some(spec.trial.map_or_else(|| confined(FIRST.map(str::to_owned).to_vec()), <[String]>::to_vec)),
        cmd: Some(spec.trial.map_or_else(|| vec![INIT.into(), lifetime.as_secs().to_string()], |_| Vec::new())),
        labels: Some(spec.labels.clone()),
        // Podman takes the word for a command, and wants systemd to call it. Our images have none to switch off.
        healthcheck: (!machine.is_podman)
            .then(|| HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }),
        stop_timeout: Some(0),
        host_config: Some(HostConfig {
            cpu_shares: manners.cpu_shares,
            blkio_weight: manners.blkio_weight,
            ..host_config(spec, machine)
        }),
        ..ContainerCreateBody::default()
    }
}

/// Everything that keeps a distribution's code inside.
fn host_config(spec: &ContainerSpec<'_>, machine: &EngineFacts) -> HostConfig {
    let limits = spec.limits;
    let memory = as_i64(limits.memory_bytes);
    HostConfig {
        network_mode: Some("none".into()),
        // What a run cost, and what it was killed for, is read in the container. The engine's own default may be the machine's namespace.
        cgroupns_mode: machine.cgroup_v2.then_some(HostConfigCgroupnsModeEnum::PRIVATE),
        // Without it, the machine's own resolver stands in the container. Podman writes none, and takes no such option without a network.
        dns: (!machine.is_podman).then(|| vec!["127.0.0.1".into()]),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".into()]),
        security_opt: Some(vec!["no-new-privileges:true".into()]),
        privileged: Some(false),
        tmpfs: Some(spec.mounts.iter().map(|mount| (mount.path.clone(), mount_options(mount, machine))).collect()),
        memory: Some(memory),
        memory_swap: Some(memory),
        // A quota costs something even where it takes nothing away.
        nano_cpus: (limits.cpus < machine.cpus).then(|| i64::from(limits.cpus) * 1_000_000_000),
        pids_limit: Some(i64::from(limits.pids)),
        ulimits: Some(ulimits(limits, machine)),
        shm_size: Some(as_i64(limits.shared_memory_bytes())),
        // When the machine itself runs out of memory, a run is what goes first.
        oom_score_adj: Some(500),
        log_config: Some(HostConfigLogConfig { typ: Some("none".into()), config: None }),
        ..HostConfig::default()
    }
}

/// Podman's own root asks for a million processes of its user where nobody says otherwise, which a root without that privilege may not give.
/// What a run may have is `pids_limit`: other containers, and perhaps the machine itself, have processes of the same user.
fn ulimits(limits: &Limits, machine: &EngineFacts) -> Vec<ResourcesUlimits> {
    let ulimit =
        |name: &str, value: i64| ResourcesUlimits { name: Some(name.into()), soft: Some(value), hard: Some(value) };
    let mut ulimits = vec![ulimit("nofile", i64::from(limits.open_files)), ulimit("core", NO_CORE)];
    if machine.is_podman && !machine.is_rootless {
        ulimits.push(ulimit("nproc", i64::from(limits.pids.max(16_384))));
    }
    ulimits
}

/// Podman knows no owner of a file system in memory but the container's user, and would fill it with what the image has there, which is what
/// the container's first process does.
fn mount_options(mount: &Mount, machine: &EngineFacts) -> String {
    let mode = if mount.path == "/tmp" { "1777" } else { "0755" };
    let owner = if machine.is_podman { "U,notmpcopyup" } else { "uid=1000,gid=1000" };
    format!("rw,exec,nosuid,nodev,size={},{owner},mode={mode}", mount.bytes)
}

fn as_i64(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec<'a>(limits: &'a Limits, mounts: &'a [Mount]) -> ContainerSpec<'a> {
        let (image, platform) = ("sha256:0", Platform::native());
        ContainerSpec { name: "n", image, platform, labels: HashMap::new(), mounts, limits, trial: None }
    }

    #[test]
    fn a_container_outlives_the_longest_run_and_ends_all_the_same() {
        let limits = Limits { run: Duration::from_hours(48), ..Limits::default() };
        let cmd = body(&spec(&limits, &[]), &EngineFacts::default(), Manners::default()).cmd.unwrap();
        let [init, seconds] = &cmd[..] else { panic!("{cmd:?}") };
        assert_eq!(init, INIT);
        assert!((172_801..200_000).contains(&seconds.parse::<u32>().unwrap()), "{seconds}");
    }

    #[test]
    fn a_container_gets_no_network_no_capability_no_swap_and_no_writable_root() {
        let limits = Limits { cpus: 1, ..Limits::default() };
        let mounts = [Mount { path: "/tmp".into(), bytes: 7 }];
        let spec = spec(&limits, &mounts);
        let config = host_config(&spec, &EngineFacts { cpus: 2, ..EngineFacts::default() });
        assert_eq!(config.network_mode.as_deref(), Some("none"));
        assert_eq!(config.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(config.readonly_rootfs, Some(true));
        assert_eq!(config.security_opt, Some(vec!["no-new-privileges:true".to_owned()]));
        assert_eq!((config.memory, config.memory_swap), (Some(3_221_225_472), Some(3_221_225_472)));
        assert_eq!((config.nano_cpus, config.pids_limit), (Some(1_000_000_000), Some(512)));
        assert_eq!((config.binds, config.mounts, config.cap_add, config.devices), (None, None, None, None));
        assert!(config.tmpfs.unwrap()["/tmp"].contains("size=7,uid=1000,gid=1000,mode=1777"));
    }
}
