//! What the processors have done, from the first line of `/proc/stat`.

use std::path::Path;

/// Ticks since the machine was started, of all processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cpu {
    /// In programs that are not nice, in the kernel, for devices.
    used: u64,
    all: u64,
}

impl Cpu {
    /// What they have done by now; none where that cannot be read.
    pub(super) fn read(root: &Path) -> Option<Self> {
        Self::of(&std::fs::read_to_string(root.join("proc/stat")).ok()?)
    }

    /// `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; guests are in user and nice already.
    fn of(text: &str) -> Option<Self> {
        let ticks = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map(|ticks| ticks.parse().ok());
        let ticks: Vec<u64> = ticks.take(8).collect::<Option<_>>()?;
        let [user, _nice, system, _idle, _iowait, irq, softirq, _steal] = <[u64; 8]>::try_from(ticks.clone()).ok()?;
        Some(Self { used: user + system + irq + softirq, all: ticks.iter().sum() })
    }

    /// How much of the processors was used since, from 0 to 1.
    pub(super) fn used_since(self, before: Self) -> f64 {
        let ticks = |now: u64, before: u64| f64::from(u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX));
        ticks(self.used, before.used) / ticks(self.all, before.all).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nice_or_waits_is_not_used() {
        let before = Cpu::of("cpu  1000 500 200 8000 100 10 20 5 0 0\ncpu0 500 250 100 4000 50 5 10 2 0 0\n").unwrap();
        let after = Cpu::of("cpu  1030 540 210 8100 110 10 30 5 0 0\n").unwrap();
        assert!((after.used_since(before) - 0.25).abs() < 1e-9, "{}", after.used_since(before));
        assert!(before.used_since(before).abs() < 1e-9);
        for text in ["", "cpu0 1 2 3\n", "cpu  1 2 3\n", "cpu  1 2 3 4 5 6 7 x\n"] {
            assert_eq!(Cpu::of(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_can_be_read() {
        assert!(Cpu::read(Path::new("/")).unwrap().all > 0);
    }
}
