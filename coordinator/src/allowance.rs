//! How much a run may upload: a runner that is let in is still not let to fill the disk.

use std::collections::HashMap;
use std::sync::Mutex;

use protocol::RunId;

/// A report names at most 256 files; a runner that got no answer sends again.
const MAX_UPLOADS: u32 = 1_024;
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What each open run has uploaded since this process started.
#[derive(Debug, Default)]
pub(crate) struct Allowance(Mutex<HashMap<RunId, Used>>);

#[derive(Clone, Copy, Debug, Default)]
struct Used {
    uploads: u32,
    bytes: u64,
}

impl Allowance {
    /// Counts an upload; false when the run has had its share.
    pub(crate) fn take(&self, run: RunId, bytes: usize) -> bool {
        let mut runs = self.0.lock().expect("nothing panics while it holds the allowances");
        let used = runs.entry(run).or_default();
        used.uploads = used.uploads.saturating_add(1);
        used.bytes = used.bytes.saturating_add(bytes as u64);
        used.uploads <= MAX_UPLOADS && used.bytes <= MAX_BYTES
    }

    /// Forgets a run that is over.
    pub(crate) fn forget(&self, run: RunId) {
        self.0.lock().expect("nothing panics while it holds the allowances").remove(&run);
    }
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::*;

    #[test]
    fn a_run_cannot_fill_the_disk() {
        let (allowance, run) = (Allowance::default(), RunId::new(Timestamp::from_millis(1)));
        let file = 8 * 1024 * 1024;
        assert_eq!((0..100).filter(|_| allowance.take(run, file)).count(), 64);
        allowance.forget(run);
        assert_eq!((0..2_000).filter(|_| allowance.take(run, 1)).count(), 1_024);
        assert!(allowance.take(RunId::new(Timestamp::from_millis(2)), file));
    }
}
