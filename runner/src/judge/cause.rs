//! Why a phase failed, with the line that shows it.

use protocol::{Decisive, Phase, Reason, Verdict};

use crate::judge::lines::{Line, shown};

/// A detail has at most this many characters.
const MAX_DETAIL_CHARS: usize = 300;

/// Why a phase failed, with the line that shows it.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) decisive: Option<Decisive>,
}

impl Cause {
    /// A cause that this line shows.
    pub(crate) fn at(line: &Line<'_>, reason: Reason, detail: impl AsRef<str>) -> Self {
        Self { decisive: line.decisive(), ..Self::unshown(reason, detail) }
    }

    /// A cause that no line shows.
    pub(crate) fn unshown(reason: Reason, detail: impl AsRef<str>) -> Self {
        Self { reason, detail: shown(detail.as_ref(), MAX_DETAIL_CHARS), decisive: None }
    }

    /// The verdict on a phase that ended so.
    pub(crate) fn verdict(self, phase: Phase) -> Verdict {
        Verdict { phase, reason: self.reason, flags: Vec::new(), detail: self.detail, decisive: self.decisive }
    }
}
