//! Everything that code inside can try at once, from every phase and in every language: one run, a line of its log per attempt.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use protocol::Phase;
use tests::host::{Confinement, Machine};
use tests::listeners::{Listeners, SharedMemory};
use tests::table::{self, Row, row};
use tests::watched::{Ground, Outcome, Running, SECRET};
use tests::{hostile, poll, turn};

use crate::probes::Seen::{Confined, Heard, Kept, Unchanged};

/// How an attempt would show from outside.
#[derive(Clone, Copy)]
enum Seen {
    Heard,
    Unchanged,
    Confined,
    Kept,
}

impl Seen {
    const fn words(self) -> &'static str {
        match self {
            Heard => "listeners of the test on this machine, TCP, UDP and Unix, heard nobody",
            Unchanged => "the machine's settings, files, modules, swap and name are as before",
            Confined => {
                "the kernel shows each process inside without capability, filtered, and in namespaces of its own"
            }
            Kept => "the runner and the run beside it go on, and neither secret nor file is in what the run left",
        }
    }
}

/// Every attempt by its name in the log: what it is, what must happen, how it would show.
const ATTEMPTS: &[(&str, &str, &str, Seen)] = &[
    ("tcp-loopback", "TCP to 127.0.0.1 of the machine", "nobody is there", Heard),
    ("tcp6-loopback", "TCP to ::1 of the machine", "nobody is there", Heard),
    ("tcp-bridge", "TCP to the engine's bridge", "there is no way", Heard),
    ("udp-bridge", "UDP to the engine's bridge", "there is no way", Heard),
    ("tcp-link-local", "TCP to a link-local address", "there is no way", Heard),
    ("tcp6", "TCP over IPv6", "there is no way", Heard),
    ("udp6", "UDP over IPv6", "there is no way", Heard),
    ("dns-message", "a DNS message to a server of one's own", "there is no way", Heard),
    ("dns-name", "a name, by the system's resolver", "nobody answers", Heard),
    ("abstract-socket", "an abstract Unix socket of the machine", "nobody is there", Heard),
    ("virtual-machine-socket", "a socket to the machine's hypervisor (AF_VSOCK)", "refused", Confined),
    ("packet-socket", "a packet socket", "refused", Confined),
    ("raw-socket", "a raw socket", "refused", Confined),
    ("engine-socket", "the container engine's socket", "it is not there", Confined),
    ("other-run", "an abstract socket of a run beside it", "nobody is there", Kept),
    ("other-run-memory", "shared memory (System V) of the machine", "it is not there", Confined),
    ("ptrace-host", "ptrace of the runner", "it is not there", Kept),
    ("host-process", "a signal to the runner", "it is not there", Kept),
    ("host-memory", "reading the runner's memory", "refused", Kept),
    ("setuid", "setuid(0)", "refused", Confined),
    ("setuid-file", "a setuid file of its own making, and the system's", "nothing is gained", Confined),
    ("setuid-program", "su, passwd", "nothing is gained", Confined),
    ("mount", "mounting, and remounting the root writable", "refused", Confined),
    ("mount-new", "mounting by the new calls (fsopen)", "refused", Confined),
    ("umount", "taking the covers off /proc", "refused", Confined),
    ("pivot-root", "pivot_root", "refused", Confined),
    ("chroot", "chroot", "refused", Confined),
    ("unshare", "a user or network namespace of its own", "refused", Confined),
    ("unshare-mounts", "a mount namespace of its own", "refused", Confined),
    ("clone-user", "a child in a user namespace of its own", "refused", Confined),
    ("setns", "entering a namespace", "refused", Confined),
    ("keyctl", "the kernel's keyrings (keyctl)", "refused", Confined),
    ("add-key", "the kernel's keyrings (add_key)", "refused", Confined),
    ("request-key", "the kernel's keyrings (request_key)", "refused", Confined),
    ("keys", "/proc/keys", "it is empty", Confined),
    ("bpf", "bpf", "refused", Confined),
    ("perf", "perf_event_open", "refused", Confined),
    ("io-uring", "io_uring", "refused", Confined),
    ("userfaultfd", "userfaultfd", "refused", Confined),
    ("handles", "open_by_handle_at", "refused", Confined),
    ("kernel-module", "loading a kernel module", "refused", Unchanged),
    ("kexec", "another kernel (kexec)", "refused", Unchanged),
    ("reboot", "a restart of the machine", "refused", Unchanged),
    ("clock", "setting the clock", "refused", Unchanged),
    ("swap", "swapon", "refused", Unchanged),
    ("host-name", "the machine's name", "refused", Unchanged),
    ("real-time", "real-time priority", "refused", Confined),
    ("limits", "more open files, a better priority", "refused", Confined),
    ("device-node", "making a device node", "refused", Confined),
    ("devices", "/dev/mem", "it is not there", Confined),
    ("kernel-log", "/dev/kmsg", "it is not there", Confined),
    ("disk", "the machine's disk", "it is not there", Confined),
    ("kernel-memory", "/proc/kcore", "it is not there, or empty", Confined),
    ("kernel-settings", "/proc/sys: core_pattern, sysrq", "refused", Unchanged),
    ("sysrq", "/proc/sysrq-trigger", "refused", Unchanged),
    ("sys-files", "/sys", "refused", Unchanged),
    ("control-groups", "leaving or widening its control groups", "refused", Confined),
    ("shadow", "/etc/shadow", "refused", Confined),
    ("write-root", "writing to the system's directories and above the tree", "refused", Unchanged),
    ("write-farm", "writing to the farm's own scripts", "refused", Confined),
    ("host-file", "reading a file of the machine", "it is not there", Kept),
    ("host-file-write", "writing a file of the machine", "it is not there", Kept),
    ("host-file-by-root", "the same by /proc/1/root", "it is not there", Kept),
    ("host-environment", "the runner's environment, by any /proc/PID/environ", "it is not there", Kept),
];

/// The phases whose code is the distribution's.
const PHASES: [Phase; 8] = [
    Phase::Configure,
    Phase::Build,
    Phase::Install,
    Phase::Create,
    Phase::Installcheck,
    Phase::Upgrade,
    Phase::Reload,
    Phase::Uninstall,
];
/// Those that a prerequisite has in the phase dependencies.
const EARLY: [Phase; 3] = [Phase::Configure, Phase::Build, Phase::Install];

#[tokio::test]
async fn nothing_inside_reaches_anything_outside_from_any_phase_in_any_language() -> Result<()> {
    let _turn = turn::take().await;
    let ground = Ground::new()?;
    let listeners = Listeners::open()?;
    let memory = SharedMemory::make()?;
    let canary = ground.path("canary");
    std::fs::write(&canary, SECRET.1)?;
    let mut neighbour = ground.start(&hostile::write("neighbour", &ground.path("attacks"))?, &["--silence", "600"])?;
    let beside = settled(&mut neighbour, &ground).await?;

    let dist = hostile::write("probes", &ground.path("attacks"))?;
    let further = [
        ("neighbour", "pgxn-neighbour".to_owned()),
        ("engine", engine()?),
        ("runner", neighbour.id().to_string()),
        ("canary", canary.display().to_string()),
        ("mark", SECRET.0.to_owned()),
        ("key", memory.key.to_string()),
        ("disk", disk()?),
    ];
    let targets: Vec<_> = listeners.targets().into_iter().chain(further).collect();
    hostile::aim(&dist, &targets)?;
    let whole = std::fs::read_to_string(dist.join("attack--1.0.0.sql"))?;
    std::fs::write(dist.join("attack--0.9.0--1.0.0.sql"), format!("DROP FUNCTION attack_answer();\n{whole}"))?;
    let machine = Machine::now()?;
    let outcome = ground.start(&dist, &[])?.watch(&ground).await?;
    ensure!(outcome.verdict() == "installcheck tests-passed", "{}", outcome.said);
    let mut attempts = BTreeMap::new();
    for phase in PHASES {
        read(&outcome, (phase.as_str(), &[phase, Phase::Build]), &mut attempts)?;
    }

    // What needs it has the probes beside it, for those of SQL.
    let honest = hostile::honest(&ground.path("attacks"))?;
    hostile::aim(&honest, &targets)?;
    for name in ["probe.py", "probe.sh"] {
        std::fs::copy(dist.join(name), honest.join(name))?;
    }
    let registry = hostile::registry(&dist, &ground.path("registry"))?;
    let needing = ground.start(&honest, &["--registry", &registry, "--lanes", "none"])?.watch(&ground).await?;
    ensure!(needing.verdict() == "installcheck tests-passed", "{}", needing.said);
    read(&needing, (Phase::Dependencies.as_str(), &EARLY), &mut attempts)?;
    read(&needing, (Phase::Create.as_str(), &[Phase::Create]), &mut attempts)?;

    ensure!(listeners.heard() == 0, "somebody inside reached a listener");
    ensure!(Machine::now()? == machine, "the machine was changed");
    ensure!(neighbour.processes(&ground).await? == beside, "the run beside it was changed");
    ensure!(std::fs::read_to_string(&canary)? == SECRET.1, "a file of the machine was written");
    for outcome in [&outcome, &needing] {
        is_confined(outcome.confinement.as_ref().context("its container was seen")?)?;
    }
    for file in [outcome.files()?, needing.files()?].concat() {
        let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
        ensure!(!text.contains(SECRET.1), "the runner's secret is in {}", file.display());
    }
    drop(neighbour);
    ground.serves_the_next().await?;
    table::compare("From inside, everything at once", &rows(&attempts)?)
}

/// The processes of a run that waits in its build.
async fn settled(run: &mut Running, ground: &Ground) -> Result<Vec<u32>> {
    poll::until(tests::farm::PATIENCE, "the run beside it to wait", async || {
        let processes = run.processes(ground).await?;
        let waits = tests::host::running("pgxn-neighbour").iter().any(|pid| processes.contains(pid));
        // The server's start has to be over, too.
        let again = run.processes(ground).await?;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok((waits && again == run.processes(ground).await?).then_some(again))
    })
    .await
}

fn engine() -> Result<String> {
    let host = runner::engine_host();
    Ok(host.strip_prefix("unix://").context("these tests need an engine at a Unix socket")?.to_owned())
}

/// The device that holds the machine's root.
fn disk() -> Result<String> {
    let mounts = std::fs::read_to_string("/proc/mounts")?;
    let mut disks =
        mounts.lines().filter_map(|line| line.split(' ').next()).filter(|source| source.starts_with("/dev/"));
    Ok(disks.next_back().unwrap_or("/dev/sda").to_owned())
}

fn is_confined(found: &Confinement) -> Result<()> {
    ensure!(found.users == "1000 1000 1000 1000 / 1000 1000 1000 1000", "{found:?}");
    ensure!(found.capabilities.iter().all(|set| set.trim_start_matches('0').is_empty()), "{found:?}");
    ensure!(found.capabilities.len() == 5 && found.no_new_privileges && found.filtered, "{found:?}");
    ensure!(found.shared_namespaces.is_empty(), "{found:?}");
    ensure!(found.devices == ["lo"], "{found:?}");
    let usual = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];
    ensure!(found.mounted.iter().all(|mount| usual.contains(&mount.as_str())), "{found:?}");
    Ok(())
}

/// What the log has of one attempt.
#[derive(Default)]
struct Attempt {
    logs: BTreeSet<String>,
    languages: BTreeSet<String>,
    reached: Vec<String>,
}

/// Adds the attempts of a phase's log, which are made in its name, or in that of another one: `make install` builds first, and what make
/// expands itself, it expands in each phase.
fn read(outcome: &Outcome, (log, said): (&str, &[Phase]), attempts: &mut BTreeMap<String, Attempt>) -> Result<()> {
    let text = outcome.file(&format!("{log}.log"))?;
    for line in String::from_utf8_lossy(&text).lines() {
        let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word != "pgxn-attack").collect();
        let [_, phase, language, name, how, ..] = words[..] else { continue };
        ensure!(said.iter().any(|known| known.as_str() == phase), "{log}: {line}");
        let attempt = attempts.entry(name.to_owned()).or_default();
        attempt.logs.insert(log.to_owned());
        attempt.languages.insert(language.replace("COPY-PROGRAM", "COPY PROGRAM"));
        if how == "reached" {
            attempt.reached.push(format!("{log} in {language}"));
        }
    }
    Ok(())
}

fn rows(attempts: &BTreeMap<String, Attempt>) -> Result<Vec<Row>> {
    let unknown: Vec<_> = attempts.keys().filter(|name| !ATTEMPTS.iter().any(|known| known.0 == *name)).collect();
    ensure!(unknown.is_empty(), "attempts that nobody expects: {unknown:?}");
    let mut through = Vec::new();
    let mut rows = Vec::new();
    for (name, what, must, seen) in ATTEMPTS {
        let attempt = attempts.get(*name).with_context(|| format!("nobody tried {name}"))?;
        ensure!(attempt.logs.len() == PHASES.len() + 1, "{name} was tried in {:?} alone", attempt.logs);
        if !attempt.reached.is_empty() {
            through.push(format!("{name}: {}", attempt.reached.join(", ")));
        }
        let languages = attempt.languages.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        rows.push(row([what, "dependencies to uninstall", &languages, must, "as it must", seen.words()]));
    }
    ensure!(through.is_empty(), "these got through:\n{}", through.join("\n"));
    Ok(rows)
}
