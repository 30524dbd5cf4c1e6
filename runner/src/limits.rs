//! What a run may use. A distribution that needs more ends with a clear reason; the machine never notices.

use std::time::Duration;

use protocol::{LimitFacts, LimitOverrides, Platform};

use crate::sandbox::docker::EngineFacts;

const MIB: u64 = 1024 * 1024;

/// A coordinator may ask for at most so many times a volunteer's limits of time.
const MOST_TIME: u32 = 2;

/// An emulated run has so many times the time of a native one: what was measured is in `docs/arm64.md`.
const EMULATED_TIME: u32 = 24;

/// The limits of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Memory of everything in the container, its file systems in memory included, in bytes. Swap is not given.
    pub memory_bytes: u64,
    /// Processors.
    pub cpus: u32,
    /// Processes and threads.
    pub pids: u32,
    /// Open files of a process: not more than what any engine may give without asking for a privilege.
    pub open_files: u32,
    /// Wall time of one phase.
    pub phase: Duration,
    /// Wall time of the whole run.
    pub run: Duration,
    /// Time without any output, after which a phase counts as hung.
    pub silence: Duration,
    /// What is kept of a phase's output, in bytes: its beginning and its end.
    pub log_bytes: usize,
    /// What is kept of all files that are copied out of a container, in bytes.
    pub copy_out_bytes: usize,
    /// What the volunteer said, which no override exceeds.
    pub(crate) said: WantedLimits,
    /// How many runs share the machine.
    pub(crate) runs: u32,
    /// The most memory that they may have together, if that was said.
    pub(crate) most_memory: Option<u64>,
}

/// What a volunteer wants other than the defaults. What is said here is also the most that any run gets, whatever an override asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedLimits {
    /// Memory of everything in a container.
    pub memory_bytes: Option<u64>,
    /// Processors.
    pub cpus: Option<u32>,
    /// Processes and threads.
    pub pids: Option<u32>,
    /// Wall time of one phase.
    pub phase: Option<Duration>,
    /// Wall time of the whole run.
    pub run: Option<Duration>,
    /// Time without any output.
    pub silence: Option<Duration>,
    /// What is kept of a phase's output, in bytes.
    pub log_bytes: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 3072 * MIB,
            cpus: 2,
            pids: 512,
            open_files: 4_096,
            phase: Duration::from_mins(15),
            run: Duration::from_mins(45),
            silence: Duration::from_mins(5),
            log_bytes: 5_000_000,
            copy_out_bytes: 24_000_000,
            said: WantedLimits::default(),
            runs: 1,
            most_memory: None,
        }
    }
}

impl Limits {
    /// The defaults, cut to what `runs` runs at a time can have on that machine, a quarter of its memory left alone.
    pub fn fitting(machine: &EngineFacts, runs: u32) -> Self {
        let runs = runs.max(1);
        let defaults = Self::default();
        let memory_bytes = if machine.memory_bytes == 0 { defaults.memory_bytes } else { share(machine, runs) };
        Self {
            memory_bytes: memory_bytes.clamp(512 * MIB, defaults.memory_bytes),
            cpus: (machine.cpus / runs).max(1),
            runs,
            ..defaults
        }
    }

    /// The same, where all runs together get so many processors at most, and so much memory.
    #[must_use]
    pub(crate) fn within(self, cores: u32, most_memory: Option<u64>) -> Self {
        let each = most_memory.map_or(u64::MAX, |most| most / u64::from(self.runs));
        let cpus = self.cpus.min((cores / self.runs).max(1));
        Self { cpus, memory_bytes: self.memory_bytes.min(each), most_memory, ..self }
    }

    /// The same with so many times the time, for a run that confirms one that was too slow; never more than the volunteer said.
    #[must_use]
    pub fn with_time(self, factor: u32) -> Self {
        self.times(factor.clamp(1, MOST_TIME))
    }

    /// The same for a run on that platform: longer where it is emulated, and never longer than the volunteer said.
    #[must_use]
    pub fn on(self, platform: Platform) -> Self {
        if platform == Platform::native() { self } else { self.times(EMULATED_TIME) }
    }

    fn times(self, factor: u32) -> Self {
        let longer = |limit: Duration, said: Option<Duration>| if said.is_some() { limit } else { limit * factor };
        Self {
            phase: longer(self.phase, self.said.phase),
            run: longer(self.run, self.said.run),
            silence: longer(self.silence, self.said.silence),
            ..self
        }
    }

    /// The same, where somebody wants other limits than these.
    #[must_use]
    pub fn with(self, wanted: &WantedLimits) -> Self {
        let phase = wanted.phase.unwrap_or(self.phase);
        let log_bytes = wanted.log_bytes.unwrap_or(self.log_bytes);
        Self {
            memory_bytes: wanted.memory_bytes.unwrap_or(self.memory_bytes),
            cpus: wanted.cpus.unwrap_or(self.cpus),
            pids: wanted.pids.unwrap_or(self.pids),
            phase,
            // A run that may not even last as long as one of its phases would end for a reason that nobody asked for.
            run: wanted.run.unwrap_or_else(|| self.run.max(phase)),
            silence: wanted.silence.unwrap_or(self.silence),
            log_bytes,
            // The server's log and some diffs come out beside the one log that is as long as may be.
            copy_out_bytes: self.copy_out_bytes.max(log_bytes.saturating_mul(4)),
            said: wanted.clone(),
            ..self
        }
    }

    /// The same, where an override asks for more of something: never for more than the volunteer said, and where nothing was said, not for
    /// more memory than the run's share of the machine.
    #[must_use]
    pub(crate) fn lifted(self, wanted: &LimitOverrides, machine: &EngineFacts) -> Self {
        let longer = |limit: Duration, seconds: Option<u64>, said: Option<Duration>| match said {
            Some(_) => limit,
            None => limit.max(Duration::from_secs(seconds.unwrap_or_default())),
        };
        let phase = longer(self.phase, wanted.phase_s, self.said.phase);
        let run = wanted.phase_s.map_or(self.run, |_| phase.saturating_mul(2));
        let memory = wanted.memory_mib.unwrap_or_default().saturating_mul(MIB);
        let memory = memory
            .min(share(machine, self.runs))
            .min(self.most_memory.map_or(u64::MAX, |most| most / u64::from(self.runs)));
        Self {
            memory_bytes: if self.said.memory_bytes.is_some() {
                self.memory_bytes
            } else {
                self.memory_bytes.max(memory)
            },
            phase,
            run: if self.said.run.is_some() { self.run } else { self.run.max(run) },
            silence: longer(self.silence, wanted.silence_s, self.said.silence),
            ..self
        }
    }

    /// What a report says of them.
    pub(crate) fn facts(&self, machine: &EngineFacts) -> LimitFacts {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        LimitFacts {
            memory_bytes: self.memory_bytes,
            cpus: if machine.lacks.processors { machine.cpus } else { self.cpus.min(machine.cpus) },
            processes: self.pids,
            phase_ms: millis(self.phase),
            run_ms: millis(self.run),
            silence_ms: millis(self.silence),
            log_bytes: self.log_bytes as u64,
        }
    }

    /// How large the file system in memory at a mount point may get: less than the container's memory, so that it is full before
    /// the container is out of memory.
    pub(crate) fn file_system_bytes(&self, mount_point: &str) -> u64 {
        match mount_point {
            "/sandbox" => self.memory_bytes / 2,
            "/data" => self.memory_bytes / 3,
            "/tmp" => self.memory_bytes / 4,
            "/run" => 16 * MIB,
            _ => self.memory_bytes / 6,
        }
    }

    /// Shared memory (`/dev/shm`), which parallel queries use.
    pub(crate) fn shared_memory_bytes(&self) -> u64 {
        self.memory_bytes / 8
    }
}

/// What each of so many runs at a time can have of a machine's memory, a quarter of which is left alone.
fn share(machine: &EngineFacts, runs: u32) -> u64 {
    machine.memory_bytes / 4 * 3 / u64::from(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(memory_mib: u64, cpus: u32) -> EngineFacts {
        EngineFacts { cpus, memory_bytes: memory_mib * MIB, ..EngineFacts::default() }
    }

    #[test]
    fn a_small_machine_keeps_a_quarter_of_its_memory_for_itself() {
        let limits = Limits::fitting(&machine(2048, 1), 1);
        assert_eq!((limits.memory_bytes, limits.cpus), (1536 * MIB, 1));
    }

    #[test]
    fn runs_at_a_time_share_a_large_machine() {
        let limits = Limits::fitting(&machine(65_536, 16), 4);
        assert_eq!((limits.memory_bytes, limits.cpus), (3072 * MIB, 4));
    }

    #[test]
    fn what_a_volunteer_wants_goes_before_what_fits() {
        let fitting = Limits::fitting(&machine(8192, 2), 1);
        assert_eq!(fitting.clone().with(&WantedLimits::default()), fitting);
        let (memory, hour) = (1024 * MIB, Duration::from_hours(1));
        let wanted = WantedLimits { memory_bytes: Some(memory), phase: Some(hour), ..WantedLimits::default() };
        let limits = fitting.clone().with(&wanted);
        assert_eq!((limits.memory_bytes, limits.phase, limits.run), (memory, hour, hour));
        assert_eq!(limits.silence, fitting.silence);
    }

    /// Every limit other than the default.
    fn all() -> WantedLimits {
        WantedLimits {
            memory_bytes: Some(600 * MIB),
            cpus: Some(1),
            pids: Some(100),
            phase: Some(Duration::from_secs(10)),
            run: Some(Duration::from_secs(5)),
            silence: Some(Duration::from_secs(3)),
            log_bytes: Some(100_000_000),
        }
    }

    #[test]
    fn every_limit_is_a_setting_and_stands_in_the_report() {
        let machine = machine(8192, 4);
        let limits = Limits::fitting(&machine, 1).with(&all());
        assert!(limits.copy_out_bytes > limits.log_bytes);
        let facts = LimitFacts {
            memory_bytes: 600 * MIB,
            cpus: 1,
            processes: 100,
            phase_ms: 10_000,
            run_ms: 5_000,
            silence_ms: 3_000,
            log_bytes: 100_000_000,
        };
        assert_eq!(limits.facts(&machine), facts);
        let usual = Limits::fitting(&machine, 1).facts(&machine);
        let (memory, processes, log) = (usual.memory_bytes, usual.processes, usual.log_bytes);
        assert_eq!((memory, processes, log), (3072 * MIB, 512, 5_000_000));
        assert_eq!((usual.phase_ms, usual.run_ms, usual.silence_ms), (900_000, 2_700_000, 300_000));
    }

    #[test]
    fn an_override_gives_nothing_beyond_what_a_volunteer_said() {
        let machine = machine(8192, 4);
        let limits = Limits::fitting(&machine, 1).with(&all());
        let much = LimitOverrides { memory_mib: Some(4096), phase_s: Some(3_600), silence_s: Some(3_600) };
        assert_eq!(limits.clone().lifted(&much, &machine), limits);
        let shared = Limits::fitting(&machine, 4);
        assert_eq!(shared.lifted(&much, &machine).memory_bytes, 1536 * MIB, "four runs share the machine");
    }

    #[test]
    fn an_override_gives_more_and_never_less_nor_more_than_the_machine_has() {
        let machine = machine(8192, 2);
        let usual = Limits::fitting(&machine, 1);
        let wanted = LimitOverrides { memory_mib: Some(100_000), phase_s: Some(3_600), silence_s: Some(1) };
        let lifted = usual.clone().lifted(&wanted, &machine);
        assert_eq!((lifted.memory_bytes, lifted.silence), (6144 * MIB, usual.silence));
        assert_eq!((lifted.phase, lifted.run), (Duration::from_hours(1), Duration::from_hours(2)));
        assert_eq!(usual.clone().lifted(&LimitOverrides::default(), &machine).phase, usual.phase);
    }

    #[test]
    fn all_runs_together_stay_within_the_share_of_the_machine() {
        let machine = machine(16_384, 8);
        let limits = Limits::fitting(&machine, 2).within(4, Some(2048 * MIB));
        assert_eq!((limits.memory_bytes, limits.cpus), (1024 * MIB, 2));
        let wanted = LimitOverrides { memory_mib: Some(100_000), phase_s: None, silence_s: None };
        assert_eq!(limits.lifted(&wanted, &machine).memory_bytes, 1024 * MIB, "also what an override asks for");
        let usual = Limits::fitting(&machine, 2);
        assert_eq!(usual.clone().within(8, None), usual);
    }

    #[test]
    fn a_run_that_confirms_a_slow_one_has_twice_the_time_and_no_more_than_that() {
        let limits = Limits::default();
        let twice = limits.clone().with_time(2);
        assert_eq!((twice.phase, twice.run), (limits.phase * 2, limits.run * 2));
        assert_eq!((twice.silence, twice.memory_bytes), (limits.silence * 2, limits.memory_bytes));
        assert_eq!(limits.clone().with_time(u32::MAX), twice);
        assert_eq!(limits.clone().with_time(0), limits);
        let said = limits.with(&all());
        assert_eq!(said.clone().with_time(2), said, "a volunteer said how long");
    }

    #[test]
    fn an_emulated_run_has_more_time_unless_a_volunteer_said_how_long() {
        let limits = Limits::default();
        assert_eq!(limits.clone().on(Platform::native()), limits);
        let other = Platform::ALL.into_iter().find(|platform| *platform != Platform::native()).unwrap();
        let emulated = limits.clone().on(other);
        let times = (emulated.phase, emulated.run, emulated.silence);
        assert_eq!(times, (Duration::from_hours(6), Duration::from_hours(18), Duration::from_hours(2)));
        assert_eq!(emulated.memory_bytes, limits.memory_bytes);
        let said = limits.with(&all());
        assert_eq!(said.clone().on(other), said);
    }

    #[test]
    fn a_full_file_system_is_noticed_before_memory_runs_out() {
        let limits = Limits::default();
        for mount_point in ["/sandbox", "/data", "/tmp", "/run", "/usr/lib/postgresql/17"] {
            assert!(limits.file_system_bytes(mount_point) < limits.memory_bytes, "{mount_point}");
        }
    }
}
