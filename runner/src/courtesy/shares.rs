//! What a runner takes at most of its machine, all its runs together: processors, memory, disk. A share with which nothing can run is refused, with
//! the least that can.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::limits::WantedLimits;
use crate::sandbox::docker::EngineFacts;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// A run has at least so much memory.
pub(crate) const LEAST_MEMORY: u64 = 512 * MIB;
/// An image of PostgreSQL, what is made of it, and some archives.
const LEAST_DISK: u64 = 4 * GIB;

/// How much of something: so much, or so many hundredths of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So many processors, or bytes.
    Of(u64),
    /// So many hundredths of what the machine has.
    Percent(u8),
}

impl Share {
    /// How much of that it is.
    fn of(self, all: u64) -> u64 {
        match self {
            Self::Of(amount) => amount,
            Self::Percent(percent) => u64::try_from(u128::from(all) * u128::from(percent) / 100).unwrap_or(u64::MAX),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    /// `50%`, `4`, or `8G`: M, G and T are MiB, GiB and TiB.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || {
            "write a number, such as 2, a size, such as 8G, or a part of what the machine has, such as 50%".to_owned()
        };
        if let Some(percent) = text.strip_suffix('%') {
            return percent
                .parse()
                .ok()
                .filter(|percent| (1..=100).contains(percent))
                .map(Self::Percent)
                .ok_or("write from 1% to 100%".into());
        }
        let units = [("M", MIB), ("G", GIB), ("T", 1024 * GIB)];
        let (number, unit) =
            units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit))).unwrap_or((text, 1));
        number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).map(Self::Of).ok_or_else(wrong)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Of(amount) => {
                match [(GIB, "G"), (MIB, "M")].iter().find(|(unit, _)| *amount > 0 && amount % unit == 0) {
                    Some((unit, name)) => write!(f, "{}{name}", amount / unit),
                    None => write!(f, "{amount}"),
                }
            }
        }
    }
}

/// What a runner takes at most; all that the machine can give where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Processors.
    pub cores: Option<Share>,
    /// Memory of its containers.
    pub memory: Option<Share>,
    /// What images and caches take on disk.
    pub disk: Option<Share>,
}

impl Shares {
    /// The machine as the runner may take it to be, for `jobs` runs at a time with these limits.
    pub(crate) fn of(&self, machine: &EngineFacts, jobs: u16, wanted: &WantedLimits) -> Result<(u32, Option<u64>)> {
        let jobs = u64::from(jobs.max(1));
        let cores = self.cores.map_or(Ok(u64::from(machine.cpus)), |share| cores(share, machine, (jobs, wanted)))?;
        let memory = self.memory.map(|share| memory(share, machine, (jobs, wanted))).transpose()?;
        Ok((u32::try_from(cores).unwrap_or(u32::MAX), memory))
    }

    /// What images and caches may take, of the disk on which a directory is; none where nothing is said.
    pub fn disk_bytes(&self, dir: &Path) -> Result<Option<u64>> {
        let Some(share) = self.disk else { return Ok(None) };
        let disk = rustix::fs::statvfs(dir).map_err(|error| Error::file("look at the disk of", dir)(error.into()))?;
        let all = disk.f_blocks.saturating_mul(disk.f_frsize);
        let bytes = share.of(all);
        if bytes < LEAST_DISK {
            return refused(format!(
                "--max-disk {share} is {}, and the least is {}: one image with what is made of it. {} is the whole disk",
                Share::Of(bytes / MIB * MIB),
                Share::Of(LEAST_DISK),
                Share::Of(all / GIB * GIB)
            ));
        }
        Ok(Some(bytes))
    }
}

fn cores(share: Share, machine: &EngineFacts, (jobs, wanted): (u64, &WantedLimits)) -> Result<u64> {
    let all = u64::from(machine.cpus);
    if machine.lacks.processors {
        return refused(format!(
            "--max-cores {share} cannot be kept: {} cannot limit the processors of a container",
            machine.name
        ));
    }
    // Half of a single processor is that one.
    let cores = if share == Share::Of(0) { 0 } else { share.of(all).max(1) };
    let each = wanted.cpus.map_or(1, u64::from);
    let least = jobs.saturating_mul(each);
    if cores < least || cores > all {
        let runs = if jobs == 1 { String::new() } else { format!(" for {jobs} runs at a time (--jobs)") };
        return refused(format!(
            "--max-cores {share} is {cores} of {all} processors; write from {least}{runs} to {all}"
        ));
    }
    Ok(cores)
}

fn memory(share: Share, machine: &EngineFacts, (jobs, wanted): (u64, &WantedLimits)) -> Result<u64> {
    let all = machine.memory_bytes;
    let bytes = share.of(all);
    let least = jobs.saturating_mul(wanted.memory_bytes.unwrap_or(LEAST_MEMORY));
    if bytes < least || (all > 0 && bytes > all) {
        let runs = if jobs == 1 { String::new() } else { format!(" for {jobs} runs at a time (--jobs)") };
        return refused(format!(
            "--max-memory {share} is {} of {}; write from {}{runs} to {}",
            Share::Of(bytes / MIB * MIB),
            Share::Of(all / MIB * MIB),
            Share::Of(least),
            Share::Of(all / MIB * MIB)
        ));
    }
    Ok(bytes)
}

fn refused<T>(why: String) -> Result<T> {
    Err(Error::Share { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> EngineFacts {
        EngineFacts { cpus: 8, memory_bytes: 16 * GIB, ..EngineFacts::default() }
    }

    fn share(text: &str) -> Share {
        text.parse().unwrap()
    }

    #[test]
    fn a_share_is_an_amount_or_a_part() {
        assert_eq!((share("50%"), share("2"), share("8G")), (Share::Percent(50), Share::Of(2), Share::Of(8 * GIB)));
        for text in ["50%", "2", "8G", "1536M", "2T"] {
            assert_eq!(share(&share(text).to_string()), share(text), "{text}");
        }
        for text in ["", "%", "0%", "101%", "-1", "8GB", "G", "99999999999999999999", "99999999999999T"] {
            assert!(text.parse::<Share>().unwrap_err().contains("write"), "{text}");
        }
    }

    #[test]
    fn a_share_cuts_what_runs_may_have() {
        let shares = Shares { cores: Some(share("50%")), memory: Some(share("4G")), disk: None };
        assert_eq!(shares.of(&machine(), 2, &WantedLimits::default()).unwrap(), (4, Some(4 * GIB)));
        assert_eq!(Shares::default().of(&machine(), 2, &WantedLimits::default()).unwrap(), (8, None));
        let little = Shares { cores: Some(share("1%")), ..Shares::default() };
        assert_eq!(little.of(&machine(), 1, &WantedLimits::default()).unwrap().0, 1);
    }

    #[test]
    fn a_share_that_cannot_work_is_refused_with_the_least_that_can() {
        let why = |cores: &str, memory: &str, jobs, wanted: &WantedLimits| {
            let shares = Shares { cores: Some(share(cores)), memory: Some(share(memory)), disk: None };
            shares.of(&machine(), jobs, wanted).unwrap_err().to_string()
        };
        let usual = WantedLimits::default();
        assert_eq!(
            why("2", "8G", 3, &usual),
            "--max-cores 2 is 2 of 8 processors; write from 3 for 3 runs at a time (--jobs) to 8"
        );
        assert_eq!(why("9", "8G", 1, &usual), "--max-cores 9 is 9 of 8 processors; write from 1 to 8");
        assert!(why("0", "8G", 1, &usual).contains("write from 1 to 8"));
        let memory = why("4", "3%", 1, &usual);
        assert_eq!(memory, "--max-memory 3% is 491M of 16G; write from 512M to 16G");
        assert!(why("4", "1G", 3, &usual).contains("write from 1536M for 3 runs at a time (--jobs) to 16G"));
        let wanted = WantedLimits { memory_bytes: Some(2 * GIB), cpus: Some(3), ..usual };
        assert!(why("4", "8G", 2, &wanted).contains("write from 6 for 2"), "as --cpus says");
        assert!(why("6", "3G", 2, &wanted).contains("write from 4G for 2"), "as --memory says");
        let unlimited = EngineFacts {
            lacks: crate::sandbox::docker::Lacks { processors: true, ..Default::default() },
            name: "Podman 4".into(),
            ..machine()
        };
        let shares = Shares { cores: Some(share("2")), ..Shares::default() };
        assert!(shares.of(&unlimited, 1, &WantedLimits::default()).unwrap_err().to_string().contains("Podman 4"));
    }

    #[test]
    fn a_disk_budget_into_which_no_image_fits_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let shares = |text: &str| Shares { disk: Some(share(text)), ..Shares::default() };
        let why = shares("300M").disk_bytes(dir.path()).unwrap_err().to_string();
        assert!(why.starts_with("--max-disk 300M is 300M, and the least is 4G"), "{why}");
        assert_eq!(shares("40G").disk_bytes(dir.path()).unwrap(), Some(40 * GIB));
        assert!(shares("100%").disk_bytes(dir.path()).unwrap().unwrap() > LEAST_DISK);
    }
}
