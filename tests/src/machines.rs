//! Machines with addresses of their own: network namespaces of this test, joined by a bridge of this test. Nothing leads from there to
//! anywhere else. A runner that is started on one reaches the coordinator at the bridge's address, and the engine by its socket, which is a
//! file. The way between them can be cut. Needs root, and iproute2.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::disk::as_root;
use crate::process::Process;

/// How the namespaces of tests are called; the process that made one follows.
const PREFIX: &str = "pgxn-tests-";

/// Addresses are of the networks with these two first bytes, which are set aside for tests of networks (RFC 2544).
const RANGE: &str = "198.18";

/// Where there is nobody.
const NOBODY: &str = "02:00:00:00:00:01";

/// A bridge with a network of its own; everything of it is gone when it is dropped, after what runs in it.
pub struct Network {
    bridge: String,
    range: String,
    machines: AtomicU32,
}

/// A machine in a network; gone when it is dropped.
pub struct Machine {
    namespace: String,
    bridge: String,
    link: String,
    /// Its address.
    pub address: String,
}

impl Network {
    /// Makes one without machines. What a test that was killed has left is cleared away before.
    pub fn make() -> Result<Self> {
        static CLEARED: Once = Once::new();
        static ONE_AT_A_TIME: Mutex<u32> = Mutex::new(0);
        CLEARED.call_once(clear);
        // Two that look for a free range at once would find the same.
        let mut made = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        *made += 1;
        let bridge = format!("pgt{}b{made}", std::process::id());
        let range = free_range()?;
        as_root(&["ip", "link", "add", &bridge, "type", "bridge"])?;
        let network = Self { bridge, range, machines: AtomicU32::new(0) };
        as_root(&["ip", "addr", "add", &format!("{}/24", network.address()), "dev", &network.bridge])?;
        as_root(&["ip", "link", "set", &network.bridge, "up"])?;
        Ok(network)
    }

    /// The address at which machines find this one.
    pub fn address(&self) -> String {
        format!("{}.1", self.range)
    }

    /// The same, as `--listen` takes it.
    pub fn listen(&self) -> String {
        format!("{}:0", self.address())
    }

    /// Adds a machine.
    pub fn machine(&self) -> Result<Machine> {
        let number = self.machines.fetch_add(1, Ordering::SeqCst) + 2;
        let link = format!("{}m{number}", self.bridge);
        let name = format!("{PREFIX}{}", link.trim_start_matches("pgt"));
        as_root(&["ip", "netns", "add", &name])?;
        let address = format!("{}.{number}", self.range);
        let machine = Machine { namespace: name, bridge: self.bridge.clone(), link, address };
        let (near, inside) = (&machine.link, &machine.namespace);
        as_root(&["ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", inside])?;
        as_root(&["ip", "link", "set", near, "master", &self.bridge, "up"])?;
        as_root(&["ip", "-n", inside, "link", "set", "lo", "up"])?;
        as_root(&["ip", "-n", inside, "addr", "add", &format!("{}/24", machine.address), "dev", "eth0"])?;
        as_root(&["ip", "-n", inside, "link", "set", "eth0", "up"])?;
        Ok(machine)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = as_root(&["ip", "link", "delete", &self.bridge]);
    }
}

impl Machine {
    /// Starts the binary on it with arguments and further environment variables; what it prints goes to `output`.
    pub fn start(&self, arguments: &[&str], environment: &[(&str, &str)], output: &Path) -> Result<Process> {
        // `ip netns exec` would also take its /sys, in which control groups are.
        let mut enter = Command::new("nsenter");
        enter.arg(format!("--net=/run/netns/{}", self.namespace)).arg("--");
        Process::start_by(enter, arguments, environment, output)
    }

    /// Pulls the cable: nothing comes or goes any more, and the machine sees it.
    pub fn cut(&self) -> Result<()> {
        as_root(&["ip", "link", "set", &self.link, "down"])
    }

    /// Puts the cable back.
    pub fn mend(&self) -> Result<()> {
        as_root(&["ip", "link", "set", &self.link, "up"])
    }

    /// Loses everything that is said to the machine, without anybody being told; what it says itself arrives.
    pub fn deafen(&self) -> Result<()> {
        self.neighbour(&["replace", &self.address, "lladdr", NOBODY, "nud", "permanent"])
    }

    /// Ends what [`Machine::deafen`] began.
    pub fn hear(&self) -> Result<()> {
        self.neighbour(&["delete", &self.address])
    }

    fn neighbour(&self, what: &[&str]) -> Result<()> {
        as_root(&[&["ip", "neighbour"], what, &["dev", &self.bridge]].concat())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The namespace goes when the last of its processes has, which may be in a moment.
        let _ = as_root(&["ip", "link", "delete", &self.link]);
        let _ = as_root(&["ip", "netns", "delete", &self.namespace]);
    }
}

/// A network of 256 addresses that no device of this machine has.
fn free_range() -> Result<String> {
    let taken = say(&["ip", "-4", "-o", "address", "show"])?;
    let ranges = (0..256).map(|number| format!("{RANGE}.{}", (std::process::id() + number) % 256));
    ranges
        .into_iter()
        .find(|range| !taken.contains(&format!(" {range}.")))
        .with_context(|| format!("every network of {RANGE}.0.0/16 is taken on this machine"))
}

/// Removes what tests have left that were killed, and ends what still runs there.
fn clear() {
    let Ok(names) = say(&["ip", "netns", "list"]) else { return };
    let names = names.lines().filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| is_left(name.strip_prefix(PREFIX))) {
        let inside = say(&["ip", "netns", "pids", name]).unwrap_or_default();
        for process in inside.split_whitespace() {
            let _ = as_root(&["kill", "-KILL", process]);
        }
        let _ = as_root(&["ip", "netns", "delete", name]);
    }
    let Ok(links) = say(&["ip", "-o", "link", "show", "type", "bridge"]) else { return };
    let links = links.lines().filter_map(|line| line.split(": ").nth(1));
    for link in links.filter(|link| is_left(link.strip_prefix("pgt"))) {
        let _ = as_root(&["ip", "link", "delete", link]);
    }
}

/// Whether what is called so is of a process that has ended; one that had this process's number has.
fn is_left(name: Option<&str>) -> bool {
    let process = name.and_then(|name| name.split_once('b')).and_then(|(process, _)| process.parse::<u32>().ok());
    process.is_some_and(|process| process == std::process::id() || !Path::new(&format!("/proc/{process}")).exists())
}

/// What a command prints.
fn say(command: &[&str]) -> Result<String> {
    let said = Command::new(command[0]).args(&command[1..]).output().with_context(|| format!("run {}", command[0]))?;
    ensure!(said.status.success(), "{}: {}", command.join(" "), String::from_utf8_lossy(&said.stderr));
    Ok(String::from_utf8_lossy(&said.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_that_lives_has_made_is_left_alone() {
        // The first process lives as long as the machine does, and none has a number above the kernel's highest.
        for (name, expected) in
            [("1b1m2", false), ("4194305b1m2", true), ("4194305b1", true), ("b1", false), ("", false)]
        {
            assert_eq!(is_left(Some(name)), expected, "{name}");
        }
        assert!(is_left(Some(&format!("{}b1", std::process::id()))), "it was another one with this number");
        assert!(!is_left(None));
    }
}
