//! The machine: room on its disks, memory, architecture, the kernel's settings.

use std::path::{Path, PathBuf};

use protocol::Platform;

use crate::doctor::{Check, Effect};
use crate::limits::Limits;
use crate::sandbox::docker::EngineFacts;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// Images of all majors take about this much; with less, a runner does what it can.
const IMAGES: (u64, u64) = (2 * GIB, 10 * GIB);
/// Downloads and what is unpacked.
const DATA: (u64, u64) = (GIB / 2, 2 * GIB);
/// With less memory than the first, hardly anything builds; the second is what a run gets by default, and a quarter left alone.
const MEMORY: (u64, u64) = (GIB, 4 * GIB);

/// Room where images lie and in the data directory.
pub(super) fn disks(engine: Option<&EngineFacts>, host: &str, data_dir: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(engine) = engine {
        checks.push(if host.starts_with("tcp:") {
            Check::warning(
                "disk of images",
                "on the engine's machine, which cannot be looked at from here",
                "Look there with `df`.",
            )
        } else {
            disk(
                "disk of images",
                Path::new(&engine.images_dir),
                IMAGES,
                "pgxn-testers images list; docker image prune",
            )
        });
    }
    checks.push(disk("disk of data", data_dir, DATA, "Give another directory by --data-dir, or make room."));
    checks
}

fn disk(name: &'static str, dir: &Path, (least, good): (u64, u64), mend: &str) -> Check {
    match room(dir) {
        None => Check::warning(
            name,
            format!("{} cannot be looked at", dir.display()),
            "Run this as the user that the runner has.",
        ),
        Some((free, at)) => {
            let found = format!("{:.1} GiB are free in {}", gib(free), at.display());
            match free {
                _ if free < least => Check::fails(name, found, Effect::Nothing, mend),
                _ if free < good => Check::warning(name, format!("{found}; {:.1} would be good", gib(good)), mend),
                _ => Check::ok(name, found),
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit behind the point")]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

/// Bytes that are free to this user in a directory, or in the nearest one above it that is there and can be looked at.
fn room(dir: &Path) -> Option<(u64, PathBuf)> {
    let whole = std::path::absolute(dir).ok()?;
    whole.ancestors().find_map(|dir| {
        let stat = rustix::fs::statvfs(dir).ok()?;
        Some((stat.f_bavail.saturating_mul(stat.f_frsize), dir.to_path_buf()))
    })
}

/// Memory, for so many runs at a time.
pub(super) fn memory(engine: &EngineFacts, limits: &Limits, jobs: u16) -> Check {
    let name = "memory";
    let each = limits.memory_bytes / MIB;
    let found = format!("{} MiB, of which a run gets {each} at most; {jobs} at a time", engine.memory_bytes / MIB);
    let mend = "Lend a machine with more memory, or fewer runs at a time (--jobs).";
    match engine.memory_bytes {
        0 => Check::warning(name, "the engine does not say how much there is", "Say --memory."),
        bytes if bytes < MEMORY.0 => Check::fails(name, found, Effect::Nothing, mend),
        bytes if bytes < MEMORY.1 || each < 1024 => Check::warning(name, found, mend),
        _ => Check::ok(name, found),
    }
}

/// Whether the engine's machine is what this program is for.
pub(super) fn architecture(engine: &EngineFacts) -> Check {
    let native = Platform::native();
    let is = match engine.architecture.as_str() {
        "x86_64" | "amd64" => Some(Platform::Amd64),
        "aarch64" | "arm64" => Some(Platform::Arm64),
        _ => None,
    };
    if is == Some(native) {
        return Check::ok("architecture", format!("{native}, natively"));
    }
    let found = format!("the engine's machine is {}, and this program is for {native}", engine.architecture);
    Check::fails(
        "architecture",
        found,
        Effect::Nothing,
        "Use the program that was built for the engine's machine, or another engine.",
    )
}

/// What the kernel is, and is set to.
pub(super) fn kernel(engine: &EngineFacts) -> Check {
    let name = "kernel";
    let found = engine.kernel.clone();
    let setting =
        |path: &str| std::fs::read_to_string(Path::new("/proc/sys").join(path)).ok().map(|text| text.trim().to_owned());
    if setting("vm/overcommit_memory").as_deref() == Some("2") {
        let found = format!(
            "{found}; vm.overcommit_memory is 2, so that what reserves much memory fails, as in no usual machine"
        );
        return Check::warning(name, found, "sudo sysctl vm.overcommit_memory=0");
    }
    if engine.is_rootless && setting("user/max_user_namespaces").as_deref() == Some("0") {
        return Check::fails(
            name,
            format!("{found}; user.max_user_namespaces is 0"),
            Effect::Nothing,
            "sudo sysctl user.max_user_namespaces=15000",
        );
    }
    let mut version = found.trim_start_matches("Linux ").split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    match (version.next(), version.next()) {
        (Some(major), Some(minor)) if (major, minor) < (5, 4) => {
            Check::warning(name, format!("{found}, which nobody has tried this with"), "Use a newer kernel.")
        }
        (Some(major), Some(minor)) if engine.cgroup_v2 && (major, minor) < (5, 19) => {
            Check::ok(name, format!("{found}; reports have no peak of memory, which it does not know"))
        }
        _ => Check::ok(name, found),
    }
}

/// Memory on disk, in bytes.
pub(super) fn swap_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("SwapTotal:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    #[test]
    fn room_is_looked_at_where_a_directory_would_be_made() {
        let dir = tempfile::tempdir().unwrap();
        let (free, at) = room(&dir.path().join("not/yet/there")).unwrap();
        assert!(free > 0);
        assert_eq!(at, dir.path());
        let check = |least, good| disk("d", dir.path(), (least, good), "mend");
        assert_eq!(check(0, 0).outcome, Outcome::Ok);
        assert_eq!(check(0, u64::MAX).outcome, Outcome::Warning);
        assert_eq!(
            (check(u64::MAX, u64::MAX).outcome, check(u64::MAX, u64::MAX).effect),
            (Outcome::Fails, Effect::Nothing)
        );
    }

    #[test]
    fn an_engine_of_another_architecture_offers_nothing() {
        let facts = |architecture: &str| EngineFacts { architecture: architecture.into(), ..EngineFacts::default() };
        let both = ["x86_64", "aarch64"].map(|name| architecture(&facts(name)).effect);
        assert!(both.contains(&Effect::Whole) && both.contains(&Effect::Nothing), "{both:?}");
        assert_eq!(architecture(&facts("riscv64")).effect, Effect::Nothing);
    }

    #[test]
    fn a_machine_without_memory_offers_nothing_and_a_small_one_says_so() {
        let check = |mib: u64| {
            let facts = EngineFacts { memory_bytes: mib * MIB, cpus: 2, ..EngineFacts::default() };
            memory(&facts, &Limits::fitting(&facts, 1), 1).outcome
        };
        assert_eq!([512, 2048, 8192].map(check), [Outcome::Fails, Outcome::Warning, Outcome::Ok]);
    }
}
