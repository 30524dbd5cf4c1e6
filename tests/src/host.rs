//! The machine on which attacks run, looked at from outside of any container: its processes, and what nobody may change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What a process has used at most so far, and has now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Its largest resident memory, in bytes.
    pub peak_bytes: u64,
    /// Its open files.
    pub files: usize,
    /// Its threads.
    pub threads: u64,
}

/// What a process of the machine uses; none where it has ended.
pub fn usage(pid: u32) -> Option<Usage> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let status = fields(&text);
    let kib: u64 = status.get("VmHWM")?.trim_end_matches(" kB").trim().parse().ok()?;
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some(Usage { peak_bytes: kib * 1024, files, threads: status.get("Threads")?.parse().ok()? })
}

/// The children of a process.
pub fn children(pid: u32) -> usize {
    processes().filter(|process| parent(*process) == Some(pid)).count()
}

fn parent(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let status = fields(&text);
    status.get("PPid")?.parse().ok()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The processes of a container, by the control group that they are in.
pub fn inside(container: &str) -> Vec<u32> {
    let is_in =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|text| text.contains(container));
    processes().filter(is_in).collect()
}

/// How many processes and threads the control group of a process has, and how many it may have, by the kernel's own count; none where the
/// process has ended. What the engine puts into a group is not held up by its limit, so that there may be a few more for a moment.
pub fn tally(pid: u32) -> Option<(usize, usize)> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let of = |start: &str| groups.lines().find_map(|line| line.split_once(start)).map(|(_, path)| path);
    let dir = match of(":pids:") {
        Some(path) => format!("/sys/fs/cgroup/pids{path}"),
        None => format!("/sys/fs/cgroup{}", of("0::")?),
    };
    let read = |name: &str| fs::read_to_string(format!("{dir}/{name}")).ok()?.trim().parse().ok();
    Some((read("pids.current")?, read("pids.max")?))
}

/// The processes whose command has a word in it.
pub fn running(word: &str) -> Vec<u32> {
    let own = std::process::id();
    let has = |pid: &u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        *pid != own && command.windows(word.len()).any(|part| part == word.as_bytes())
    };
    processes().filter(has).collect()
}

/// Those of them that are in no container: other tests of this machine may run the same attacks in theirs.
pub fn escaped(word: &str) -> Vec<u32> {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = namespace("self");
    running(word).into_iter().filter(|pid| namespace(&pid.to_string()) == own).collect()
}

fn fields(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect()
}

/// How a process of a container is kept in, as the machine's own kernel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// User and group, real, effective, saved, and of files.
    pub users: String,
    /// Every set of capabilities.
    pub capabilities: Vec<String>,
    /// Whether it can gain anything by running a file.
    pub no_new_privileges: bool,
    /// Whether its system calls are filtered.
    pub filtered: bool,
    /// The kinds of its namespaces that are the machine's own.
    pub shared_namespaces: Vec<&'static str>,
    /// The names of its network devices.
    pub devices: Vec<String>,
    /// The files and directories of the machine that are mounted in it.
    pub mounted: Vec<String>,
}

/// What the kernel says of a process; none where it has ended.
pub fn confinement(pid: u32) -> Option<Confinement> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let status = fields(&text);
    let capabilities = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    let namespace = |pid: &str, kind: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
    let mut shared_namespaces = Vec::new();
    for kind in ["ipc", "mnt", "net", "pid", "uts"] {
        // One that may not be read is no proof of anything.
        if namespace(&pid.to_string(), kind)? == namespace("self", kind)? {
            shared_namespaces.push(kind);
        }
    }
    Some(Confinement {
        users: format!("{} / {}", status.get("Uid")?, status.get("Gid")?).replace('\t', " "),
        capabilities: capabilities.iter().filter_map(|name| status.get(name)).map(ToString::to_string).collect(),
        no_new_privileges: status.get("NoNewPrivs") == Some(&"1"),
        filtered: status.get("Seccomp") == Some(&"2"),
        shared_namespaces,
        devices: devices(pid)?,
        mounted: mounted(pid)?,
    })
}

fn devices(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/net/dev")).ok()?;
    Some(text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim().to_owned()).collect())
}

/// The targets of mounts that are of a disk.
fn mounted(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/mounts")).ok()?;
    let mounts = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let of_disk = mounts.filter(|words| words.first().is_some_and(|source| source.starts_with('/')));
    let mut targets: Vec<String> = of_disk.filter_map(|words| words.get(1).map(ToString::to_string)).collect();
    targets.sort();
    Some(targets)
}

/// Where on the machine's disk the root of a process's container is written to; none where it has ended.
pub fn layer(pid: u32) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{pid}/mounts")).ok()?;
    let root = text.lines().find(|line| line.split(' ').nth(1) == Some("/"))?;
    root.split([',', ' ']).find_map(|option| option.strip_prefix("upperdir=")).map(PathBuf::from)
}

/// What no run may change on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine(BTreeMap<&'static str, String>);

impl Machine {
    /// As it is now.
    pub fn now() -> Result<Self> {
        let files = [
            "/proc/sys/kernel/core_pattern",
            "/proc/sys/kernel/hostname",
            "/proc/sys/kernel/modprobe",
            "/proc/sys/kernel/randomize_va_space",
            "/proc/sys/vm/overcommit_memory",
            "/proc/modules",
            "/proc/swaps",
            "/etc/passwd",
            "/etc/hosts",
            "/etc/resolv.conf",
            "/sys/kernel/mm/transparent_hugepage/enabled",
        ];
        let mut found = BTreeMap::new();
        for file in files {
            found.insert(file, fs::read_to_string(file).unwrap_or_else(|error| error.kind().to_string()));
        }
        for file in ["/etc/pgxn-attack", "/pgxn-attack", "/sandbox", "/pgxn/bin/pgxn-attack"] {
            found.insert(file, Path::new(file).exists().to_string());
        }
        Ok(Self(found))
    }
}

/// What the files below a directory take of the disk, in bytes.
pub fn disk_usage(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let size = |path: &Path| fs::symlink_metadata(path).map(|facts| (facts.is_dir(), facts.blocks() * 512));
    entries
        .filter_map(|entry| {
            let (is_dir, bytes) = size(&entry.path()).ok()?;
            Some(bytes + if is_dir { disk_usage(&entry.path()) } else { 0 })
        })
        .sum()
}

/// The address of a bridge of an engine on this machine.
pub fn bridge_address() -> Result<String> {
    let said = std::process::Command::new("ip").args(["-4", "-o", "addr", "show"]).output().context("run ip")?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let words = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let is_bridge = |name: &str| ["docker", "br-", "podman", "cni"].iter().any(|start| name.starts_with(start));
    let found = words.filter(|words| words.len() > 3 && is_bridge(words[1])).map(|words| words[3].to_owned()).next();
    let address = found.as_deref().and_then(|range| range.split('/').next()).context("no engine has a bridge here")?;
    Ok(address.to_owned())
}
