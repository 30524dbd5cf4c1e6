//! What an engine says of itself and of its machine. What it says it can do is tried by `crate::doctor`; here is only what it says.

use bollard::Docker;
use bollard::models::SystemInfo;
use tokio::net::UnixStream;

/// What the engine says of itself and of its machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineFacts {
    /// Its name and version, such as `Docker 20.10.24`.
    pub name: String,
    /// Whether it is Podman, whose API differs in places from Docker's.
    pub is_podman: bool,
    /// Whether it runs without root.
    pub is_rootless: bool,
    /// The version of its API that is spoken, such as `1.41`.
    pub api: String,
    /// The machine's architecture in its words, such as `x86_64` or `amd64`.
    pub architecture: String,
    /// How it stores images, such as `overlay2`.
    pub storage: String,
    /// The directory of images on its machine.
    pub images_dir: String,
    /// The kernel, such as `Linux 6.12.0`.
    pub kernel: String,
    /// Processors of its machine.
    pub cpus: u32,
    /// Memory of its machine, in bytes.
    pub memory_bytes: u64,
    /// Whether it uses the second version of control groups.
    pub cgroup_v2: bool,
    /// What it cannot limit, as far as it says so.
    pub lacks: Lacks,
}

/// What an engine cannot limit. Podman's rootless engine says of none that it cannot, where it limits nothing: see `crate::doctor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lacks {
    /// Memory.
    pub memory: bool,
    /// The number of processes.
    pub processes: bool,
    /// Processors.
    pub processors: bool,
}

impl Lacks {
    /// What it would leave out with no more than a warning although nothing else would stop a bomb, in words.
    pub(super) fn words(self) -> Vec<&'static str> {
        let limits = [("memory", self.memory), ("the number of processes", self.processes)];
        limits.into_iter().filter_map(|(what, is_lacking)| is_lacking.then_some(what)).collect()
    }
}

/// What an engine at that address says that was asked; `api` is the version that both speak.
pub(super) async fn gather(docker: &Docker, info: SystemInfo, (address, api): (&str, String)) -> EngineFacts {
    let version = info.server_version.clone().unwrap_or_default();
    let is_podman = is_podman(docker).await;
    let name = if is_podman { "Podman" } else { "Docker" };
    let cgroup_v2 = info.cgroup_version.is_some_and(|version| version.to_string() == "2");
    let says_so = info.security_options.unwrap_or_default().iter().any(|option| option.contains("name=rootless"));
    // Podman says so in a place of its own. Whose socket it is, the system knows.
    let is_rootless = says_so || owner(address).await.is_some_and(|user| user != 0);
    // Without the second version of control groups nobody but root can be given one. Podman takes all limits then, and leaves them out.
    let powerless = is_rootless && !cgroup_v2;
    EngineFacts {
        name: format!("{name} {}", version.split(['+', '-']).next().unwrap_or_default()),
        is_podman,
        is_rootless,
        api,
        architecture: info.architecture.unwrap_or_default(),
        storage: info.driver.unwrap_or_default(),
        images_dir: info.docker_root_dir.unwrap_or_default(),
        kernel: format!("Linux {}", info.kernel_version.unwrap_or_default()),
        cpus: info.ncpu.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(1).max(1),
        memory_bytes: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
        cgroup_v2,
        lacks: Lacks {
            memory: info.memory_limit == Some(false) || powerless,
            processes: info.pids_limit == Some(false) || powerless,
            processors: info.cpu_cfs_quota == Some(false) || powerless,
        },
    }
}

async fn is_podman(docker: &Docker) -> bool {
    let components = docker.version().await.ok().and_then(|version| version.components).unwrap_or_default();
    components.iter().any(|part| part.name.contains("Podman"))
}

/// The user that listens at a socket of this machine.
async fn owner(address: &str) -> Option<u32> {
    let socket = UnixStream::connect(address.strip_prefix("unix://")?).await.ok()?;
    socket.peer_cred().ok().map(|them| them.uid())
}
