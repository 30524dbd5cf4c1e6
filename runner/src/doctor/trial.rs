//! A container of ours that tries to exceed each limit, with limits that are small, so that it does no harm where nothing holds it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::StreamExt;
use protocol::Platform;
use tokio::time::timeout;

use crate::doctor::{Check, Effect};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::sandbox::docker::{Chunk, ContainerSpec, Engine, EngineFacts, ExecSpec, Mount};
use crate::sandbox::{INSTANCE_LABEL, Place};

const MIB: u64 = 1024 * 1024;
/// Of a trial's memory, in MiB; what is tried is three times as much.
const MEMORY: u64 = 96;
/// Of its processes; what is tried is four times as many.
const PROCESSES: u32 = 48;
/// Of its file system in memory, in MiB; what is tried is 64.
const FILES: u64 = 16;
/// All of a trial takes a second.
const LONGEST: Duration = Duration::from_mins(1);
const MAX_OUTPUT: usize = 64 * 1024;

const SCRIPT: &str = include_str!("trial.pl");

/// What a trial printed: a word and a value a line.
pub(super) type Said = BTreeMap<String, String>;

/// A container that does nothing until it is removed.
pub(super) struct Idle<'a> {
    pub(super) place: &'a Place,
    pub(super) image: &'a str,
    pub(super) platform: Platform,
    pub(super) first: &'a [String],
}

impl Idle<'_> {
    /// Starts it and runs commands in it, whose output is given back; it is removed in any case, by the next start of a runner at the latest.
    pub(super) async fn with(&self, commands: Vec<(Vec<String>, bool)>, awaited: &str) -> Result<Vec<String>> {
        let name = format!("pgxn-testers-trial-{:016x}", rand::random::<u64>());
        let engine = &self.place.engine;
        let limits =
            Limits { memory_bytes: MEMORY * MIB, cpus: 1, pids: PROCESSES, run: Duration::ZERO, ..Limits::default() };
        let mounts = [Mount { path: "/tmp".into(), bytes: FILES * MIB }];
        let labels = HashMap::from([(INSTANCE_LABEL.to_owned(), self.place.instance.clone())]);
        let spec = ContainerSpec {
            name: &name,
            image: self.image,
            platform: self.platform,
            labels,
            mounts: &mounts,
            limits: &limits,
            trial: Some(self.first),
        };
        let trying = async {
            engine.start_container(&spec).await?;
            let mut outputs = Vec::new();
            for (command, bare) in commands {
                outputs.push(
                    output(engine, &name, ExecSpec { command, env: &[], with_input: false, bare }, awaited).await?,
                );
            }
            Ok(outputs)
        };
        let ended = timeout(LONGEST, trying).await;
        engine.remove_container(&name).await?;
        ended.unwrap_or_else(|_| Err(Error::Trial { why: format!("it did not end within {} s", LONGEST.as_secs()) }))
    }
}

/// What a command prints, until it ends or has printed what is awaited.
async fn output(engine: &Engine, container: &str, spec: ExecSpec<'_>, awaited: &str) -> Result<String> {
    let mut exec = engine.exec(container, spec).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = exec.output.next().await {
        let (Chunk::Out(piece) | Chunk::Err(piece)) = chunk?;
        bytes.extend_from_slice(&piece[..piece.len().min(MAX_OUTPUT - bytes.len())]);
        if !awaited.is_empty() && String::from_utf8_lossy(&bytes).contains(awaited) {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Tries everything in a container of an image that has Perl.
pub(super) async fn run(place: &Place, image: &str) -> Result<Said> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let first = words(&["/bin/sleep", "120"]);
    let idle = Idle { place, image, platform: Platform::native(), first: &first };
    let (memory, processes) = (MEMORY.to_string(), PROCESSES.to_string());
    let bare = words(&["/bin/grep", "^Seccomp:", "/proc/self/status"]);
    let script = words(&["/usr/bin/perl", "-e", SCRIPT, &memory, &processes]);
    let outputs = idle.with(vec![(bare, true), (script, false)], "").await?;
    let mut said: Said = outputs[1]
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    if !said.contains_key("end") {
        return Err(Error::Trial { why: format!("it ended early, after: {}", crate::judge::shown(&outputs[1], 500)) });
    }
    said.insert("seccomp".into(), outputs[0].trim_start_matches("Seccomp:").trim().to_owned());
    Ok(said)
}

/// What a trial means.
pub(super) fn checks(said: &Said, engine: &EngineFacts, swap_bytes: u64) -> Vec<Check> {
    let mut checks = limits(said, engine);
    checks.extend(confinement(said));
    checks.push(namespace(get(said, "uid_map"), engine));
    if swap_bytes > 0 && !is_limit(get(said, "swap")) {
        let found = format!("the machine has {} MiB of it, and the engine cannot keep runs from it", swap_bytes / MIB);
        let mend = "Add `swapaccount=1` to the kernel's command line, or switch swap off.";
        checks.push(Check::warning("swap", found, mend));
    }
    checks
}

fn get<'a>(said: &'a Said, name: &str) -> &'a str {
    said.get(name).map(String::as_str).unwrap_or_default()
}

/// What is there only so much of.
fn limits(said: &Said, engine: &EngineFacts) -> Vec<Check> {
    let number = |name: &str| get(said, name).parse::<u64>().unwrap_or(u64::MAX);
    let (mend, processes) = (groups(engine), get(said, "processes"));
    let memory = (
        &*format!("a process that wanted {} MiB of {MEMORY} was ended", MEMORY * 3),
        &*format!("a process had {} MiB where {MEMORY} were allowed", MEMORY * 3),
    );
    let forked = (
        &*format!("no more than {processes} processes of {PROCESSES}"),
        &*format!("{processes} processes where {PROCESSES} were allowed"),
    );
    vec![
        judge("memory limit", get(said, "memory") != "unlimited", memory, mend),
        judge("process limit", number("processes") <= u64::from(PROCESSES), forked, mend),
        processors(get(said, "quota"), engine, mend),
        files(number("fills:/tmp"), number("fills:/dev/shm")),
    ]
}

/// What nobody gets out of, nor becomes.
fn confinement(said: &Said) -> Vec<Check> {
    let of = |name: &str| get(said, name);
    let plain = "Take `default-runtime` and further options out of the engine's configuration.";
    let is_nobody = of("no_new_privs") == "1" && of("capabilities").is_empty() && of("user") == "1000";
    let who = format!("user {}, capabilities {}, no_new_privs {}", of("user"), of("capabilities"), of("no_new_privs"));
    let filter = ("the engine's filter of system calls is on", "the engine filters no system calls");
    let further = ("sockets to the hypervisor are refused", "a socket to the hypervisor was given");
    vec![
        network(of("interfaces"), of("connects")),
        judge("seccomp", of("seccomp") == "2", filter, "Start the engine with its default seccomp profile."),
        judge("further filter", of("vsock") == "no", further, "Report this: the kernel does not keep to a filter."),
        judge("privileges", is_nobody, ("user 1000, no capability, none to be had", &who), plain),
        judge("root directory", of("root") == "read-only", ("read-only", "can be written"), plain),
    ]
}

/// Something without which nothing is offered.
fn judge(name: &'static str, holds: bool, (yes, no): (&str, &str), mend: &str) -> Check {
    if holds { Check::ok(name, yes) } else { Check::fails(name, no, Effect::Nothing, mend) }
}

/// What gives an engine control groups.
fn groups(engine: &EngineFacts) -> &'static str {
    match (engine.is_rootless, engine.cgroup_v2) {
        (true, false) => {
            "Use the second version of control groups (systemd.unified_cgroup_hierarchy=1 on the kernel's command line), or an engine that root runs."
        }
        (true, true) => {
            "Give users control groups: `Delegate=cpu cpuset io memory pids` for user@.service, see https://rootlesscontaine.rs/getting-started/common/cgroup2/"
        }
        (false, _) => {
            "Use a kernel with the control groups memory, pids and cpu: no cgroup_disable= on its command line."
        }
    }
}

/// A quota is only ever asked for where a run gets fewer processors than there are.
fn processors(quota: &str, engine: &EngineFacts, mend: &str) -> Check {
    let name = "processor limit";
    if engine.cpus < 2 {
        return Check::ok(name, "not needed: the machine has one");
    }
    // One processor: so many microseconds of 100,000, in either version of control groups.
    if quota.split(' ').next().is_some_and(|microseconds| microseconds.parse::<i64>().is_ok_and(|time| time > 0)) {
        return Check::ok(name, format!("1 of {} processors", engine.cpus));
    }
    Check::fails(name, format!("a run has all {} processors", engine.cpus), Effect::OneAtATime, mend)
}

fn files(tmp: u64, shared: u64) -> Check {
    let name = "file limit";
    // The engine's share for /dev/shm is an eighth of the memory.
    if tmp <= FILES && shared <= MEMORY / 8 {
        return Check::ok(name, format!("file systems in memory were full after {tmp} and {shared} MiB"));
    }
    let found =
        format!("file systems in memory took {tmp} and {shared} MiB, where {FILES} and {} were allowed", MEMORY / 8);
    Check::fails(name, found, Effect::Nothing, "Use another engine: this one leaves sizes of tmpfs out.")
}

fn network(interfaces: &str, connects: &str) -> Check {
    let name = "no network";
    if interfaces == "lo" && connects == "no" {
        return Check::ok(name, "nothing but the loopback inside, and no way out");
    }
    let found = format!("inside are {interfaces}; a way out: {connects}");
    Check::fails(
        name,
        found,
        Effect::Nothing,
        "Use another engine: this one gives a network to containers that want none.",
    )
}

fn namespace(uid_map: &str, engine: &EngineFacts) -> Check {
    let own = !uid_map.starts_with("0 0 4294967295");
    let found = match (own, engine.is_rootless) {
        (true, true) => "users of their own, as the engine is rootless",
        (true, false) => "users of their own",
        (false, _) => "users of containers are the machine's; nobody is root inside",
    };
    Check::ok("user namespaces", found)
}

fn is_limit(text: &str) -> bool {
    // "max", nothing, or the largest number that there is stand for none.
    text.parse::<u64>().is_ok_and(|bytes| bytes < 1 << 60)
}

#[cfg(test)]
mod tests;
