//! Whether anybody else uses the machine: by its processors, its battery, and its terminals.
//!
//! The runner's own work must not make it think that somebody else is busy. The load average has that in it for minutes after, and what containers
//! of ours use is known to the engine alone, which forgets it with them. So the processors are looked at only while nothing of ours runs: over
//! [`STRETCH`], between two runs or while there is no work. A machine that was found idle counts as that for [`TRUSTED`]; then the runner lets what
//! it does end, and looks again. Work of others that is nice counts as none, as it gives way to ours.
//!
//! One busy stretch is enough to stop; to go on, all have to be quiet for [`CALM`], so that a machine in use is not tried every few seconds. Battery
//! and terminals are not touched by runs, and looked at always.

use std::path::PathBuf;
use std::time::Duration;

use protocol::Timestamp;

use cpu::Cpu;

mod cpu;
mod power;
mod terminals;

/// The processors are measured over so long.
const STRETCH: Duration = Duration::from_secs(5);
/// A busy machine has to be quiet for so long.
const CALM: Duration = Duration::from_mins(1);
/// A machine that was found idle is looked at again after so long.
const TRUSTED: Duration = Duration::from_mins(10);

/// What counts as idle.
#[derive(Clone, Debug, PartialEq)]
pub struct IdleRules {
    /// The most that others may use of all processors, from 0 to 1.
    pub load: f64,
    /// For so long nothing was typed on a terminal; zero does not look at them.
    pub input: Duration,
    /// On battery, the least charge in percent with which work goes on; none where it never does.
    pub battery: Option<u8>,
    /// Where `/proc`, `/sys` and `/dev` are; `/` but for tests.
    pub root: PathBuf,
}

impl Default for IdleRules {
    fn default() -> Self {
        Self { load: 0.25, input: Duration::from_mins(10), battery: None, root: "/".into() }
    }
}

/// What is known of the processors.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// Nobody has looked for a whole stretch yet.
    Nothing,
    /// They were idle, when last looked at then.
    Idle(Timestamp),
    /// Others used so much of them; they are quiet since then, if they are.
    Busy(f64, Option<Timestamp>),
}

/// Looks again and again.
#[derive(Debug)]
pub(crate) struct Idleness {
    rules: IdleRules,
    /// Since when nothing of ours runs, and what the processors had done by then.
    stretch: Option<(Timestamp, Cpu)>,
    found: Found,
}

impl Idleness {
    pub(crate) fn new(rules: IdleRules) -> Self {
        Self { rules, stretch: None, found: Found::Nothing }
    }

    /// Why no work is to be taken now, in words; `ours` says whether anything of ours runs. What cannot be read is not there.
    pub(crate) fn look(&mut self, ours: bool, now: Timestamp) -> Option<String> {
        self.measure(ours, now);
        power::draining(&self.rules.root, self.rules.battery)
            .or_else(|| terminals::in_use(&self.rules.root, self.rules.input, now))
            .or_else(|| self.busy(ours, now))
    }

    fn measure(&mut self, ours: bool, now: Timestamp) {
        let cpu = if ours { None } else { Cpu::read(&self.rules.root) };
        let Some(cpu) = cpu else {
            self.stretch = None;
            return;
        };
        let (since, before) = *self.stretch.get_or_insert((now, cpu));
        if now.since(since) >= STRETCH {
            self.found = self.learn(cpu.used_since(before), since, now);
            self.stretch = Some((now, cpu));
        }
    }

    fn learn(&self, used: f64, since: Timestamp, now: Timestamp) -> Found {
        match self.found {
            _ if used > self.rules.load => Found::Busy(used, None),
            Found::Busy(before, quiet) => {
                let quiet = quiet.unwrap_or(since);
                if now.since(quiet) >= CALM { Found::Idle(now) } else { Found::Busy(before, Some(quiet)) }
            }
            Found::Nothing | Found::Idle(_) => Found::Idle(now),
        }
    }

    fn busy(&self, ours: bool, now: Timestamp) -> Option<String> {
        match self.found {
            Found::Idle(seen) if now.since(seen) < TRUSTED => None,
            Found::Idle(_) | Found::Nothing if ours => {
                Some("whether it is still idle can be seen once what runs has ended".into())
            }
            Found::Idle(_) | Found::Nothing => Some("its processors are being looked at".into()),
            Found::Busy(used, None) => Some(format!("others use {:.0} % of its processors", used * 100.0)),
            Found::Busy(..) => Some("others have just used its processors".into()),
        }
    }
}

#[cfg(test)]
mod tests;
