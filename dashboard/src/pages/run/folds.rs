//! The ends of the phases' logs, folded: the whole of each is a link away.

use protocol::{FileRecord, Phase, PhaseRecord, RunId};
use serde::Serialize;
use store::runs::FullResult;

use crate::address;
use crate::log::{Line, ending};
use crate::text::{bytes, count};

/// So many lines of each log are on the page.
const LINES: u64 = 20;
/// A log that is larger is only linked, as are those after which all together are; but for the one that decided.
const LARGEST: (u64, u64) = (512 * 1024, 1024 * 1024);

/// A phase's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fold {
    pub phase: Phase,
    pub file: String,
    pub href: String,
    /// How long it is, in words.
    pub size: String,
    /// Its last lines; none where it is too large to be opened for this.
    pub lines: Vec<Line>,
    /// Whether the page has all of it.
    pub is_whole: bool,
    /// Whether it is open, as nothing above says what decided.
    #[serde(skip)]
    pub is_open: bool,
}

/// The logs to read, in the order of their phases, and whether each is to be opened.
pub(super) fn wanted(result: &FullResult) -> Vec<(&PhaseRecord, &FileRecord, bool)> {
    let mut left = LARGEST.1;
    let mut one = |record| {
        let file = named(result, record)?;
        let decided = record.phase == result.verdict.phase;
        let opened = decided || file.bytes <= LARGEST.0.min(left);
        if opened {
            left = left.saturating_sub(file.bytes);
        }
        Some((record, file, opened))
    };
    result.phases.iter().filter_map(&mut one).collect()
}

fn named<'a>(result: &'a FullResult, record: &PhaseRecord) -> Option<&'a FileRecord> {
    let name = record.log.as_ref()?;
    result.files.iter().find(|file| file.name == *name)
}

impl Fold {
    /// A phase's log; without its text where that is not to be opened or is gone.
    pub(super) fn new(id: RunId, record: &PhaseRecord, file: &FileRecord, text: Option<&[u8]>) -> Self {
        let (total, lines) = text.map(|text| ending(text, LINES)).unwrap_or_default();
        let size = bytes(file.bytes);
        Self {
            phase: record.phase,
            file: file.name.clone(),
            href: address::file(id, &file.name),
            size: if lines.is_empty() { size } else { format!("{}, {size}", count(total, "line", "lines")) },
            is_whole: total <= LINES && !lines.is_empty(),
            lines,
            is_open: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{FileKind, Outcome};

    use super::*;

    fn fold(text: Option<&str>) -> Fold {
        let record = PhaseRecord {
            phase: Phase::Build,
            outcome: Outcome::Passed,
            reason: None,
            exit: None,
            signal: None,
            duration_ms: 1,
            cpu_ms: None,
            peak_memory_bytes: None,
            command: String::new(),
            log: Some("build.log".into()),
        };
        let (kind, sha256) = (FileKind::Log, String::new());
        let file = FileRecord { name: "build.log".into(), kind, sha256, bytes: 2_000_000, omitted_bytes: 0 };
        let id = RunId::new(protocol::Timestamp::from_millis(0));
        Fold::new(id, &record, &file, text.map(str::as_bytes))
    }

    #[test]
    fn the_end_of_a_log_is_shown_and_it_is_said_how_long_it_is() {
        let long = fold(Some(&"line\n".repeat(400)));
        assert_eq!((long.lines.len(), long.lines[19].number, long.is_whole), (20, 400, false));
        assert_eq!(long.size, "400 lines, 2 MB");
        assert!(fold(Some("one\n")).is_whole);
        let closed = fold(None);
        assert_eq!((closed.size.as_str(), closed.is_whole, closed.lines.len()), ("2 MB", false, 0));
    }
}
