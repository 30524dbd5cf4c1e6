//! The latest of what a run did and printed, kept until the coordinator is told.
//!
//! The run only ever adds to it, which takes no time that counts. Where more comes than one call may hold, the beginning makes room, and is
//! counted. What is told here is for people who watch; the log that the report names has everything.

use std::collections::VecDeque;
use std::mem;

use protocol::{MAX_PROGRESS_TEXT, Outcome, Phase, PhaseProgress, PhaseRecord, Printed, Progress};
use tokio::time::Instant;

use crate::run::millis;

/// More pieces than these are not told apart.
const MAX_PIECES: usize = 32;

/// What is new, and the phases so far.
#[derive(Debug, Default)]
pub(super) struct Tail {
    stages: Vec<Stage>,
    pieces: VecDeque<Piece>,
    bytes: usize,
    is_new: bool,
}

#[derive(Debug)]
struct Stage {
    phase: Phase,
    began: Instant,
    ended: Option<(Outcome, u64)>,
}

/// Something printed in one phase.
#[derive(Debug)]
struct Piece {
    phase: Phase,
    bytes: VecDeque<u8>,
    skipped: u64,
}

impl Tail {
    /// A phase begins. Where it was there before, the run has begun anew with it.
    pub(super) fn begin(&mut self, phase: Phase) {
        if let Some(before) = self.stages.iter().position(|stage| stage.phase == phase) {
            self.stages.truncate(before);
        }
        self.stages.push(Stage { phase, began: Instant::now(), ended: None });
        self.is_new = true;
    }

    /// A phase is over.
    pub(super) fn end(&mut self, record: &PhaseRecord) {
        if let Some(stage) = self.stages.iter_mut().find(|stage| stage.phase == record.phase) {
            stage.ended = Some((record.outcome, record.duration_ms));
            self.is_new = true;
        }
    }

    /// A phase prints something.
    pub(super) fn print(&mut self, phase: Phase, bytes: &[u8]) {
        self.is_new = true;
        if self.pieces.back().is_none_or(|last| last.phase != phase) {
            self.pieces.push_back(Piece { phase, bytes: VecDeque::new(), skipped: 0 });
        }
        if let Some(last) = self.pieces.back_mut() {
            let too_much = bytes.len().saturating_sub(MAX_PROGRESS_TEXT);
            last.skipped += too_much as u64;
            last.bytes.extend(&bytes[too_much..]);
            self.bytes += bytes.len() - too_much;
        }
        self.fit();
    }

    /// Drops from the beginning what is too much.
    fn fit(&mut self) {
        while self.bytes > MAX_PROGRESS_TEXT || self.pieces.len() > MAX_PIECES {
            let (pieces, excess) = (self.pieces.len(), self.bytes.saturating_sub(MAX_PROGRESS_TEXT));
            let Some(first) = self.pieces.front_mut() else { return };
            if pieces == 1 || excess < first.bytes.len() && pieces <= MAX_PIECES {
                first.bytes.drain(..excess);
                first.skipped += excess as u64;
                self.bytes -= excess;
            } else {
                self.bytes -= first.bytes.len();
                self.pieces.pop_front();
            }
        }
    }

    /// Takes what is new; none where nothing is. The beginning of a character waits for its end.
    pub(super) fn take(&mut self) -> Option<Progress> {
        if !mem::take(&mut self.is_new) {
            return None;
        }
        let mut pieces = mem::take(&mut self.pieces);
        self.bytes = 0;
        if let Some(last) = pieces.back_mut() {
            let unfinished = unfinished(last.bytes.make_contiguous());
            let rest = last.bytes.split_off(last.bytes.len() - unfinished);
            if !rest.is_empty() {
                self.bytes = rest.len();
                self.pieces.push_back(Piece { phase: last.phase, bytes: rest, skipped: 0 });
            }
        }
        let mut output: Vec<Printed> = pieces.into_iter().map(printed).collect();
        fit_text(&mut output);
        Some(Progress { phases: self.stages.iter().map(Stage::so_far).collect(), output })
    }

    /// What was taken did not arrive: it is counted where it would have stood.
    pub(super) fn lost(&mut self, progress: &Progress) {
        let bytes: u64 = progress.output.iter().map(|printed| printed.skipped_bytes + printed.text.len() as u64).sum();
        if let Some(phase) = progress.output.last().map(|printed| printed.phase).filter(|_| bytes > 0) {
            match self.pieces.front_mut() {
                Some(first) if first.phase == phase => first.skipped += bytes,
                _ => self.pieces.push_front(Piece { phase, bytes: VecDeque::new(), skipped: bytes }),
            }
        }
        self.is_new = true;
    }
}

impl Stage {
    fn so_far(&self) -> PhaseProgress {
        let (outcome, duration_ms) = match self.ended {
            Some((outcome, duration_ms)) => (Some(outcome), duration_ms),
            None => (None, millis(self.began.elapsed())),
        };
        PhaseProgress { phase: self.phase, outcome, duration_ms }
    }
}

fn printed(mut piece: Piece) -> Printed {
    let text = String::from_utf8_lossy(piece.bytes.make_contiguous()).into_owned();
    Printed { phase: piece.phase, text, skipped_bytes: piece.skipped }
}

/// Cuts from the beginning what is too long for a call: a byte that is no text is replaced by three.
fn fit_text(output: &mut [Printed]) {
    let mut room = MAX_PROGRESS_TEXT;
    for Printed { text, skipped_bytes, .. } in output.iter_mut().rev() {
        let cut = text.ceil_char_boundary(text.len().saturating_sub(room));
        text.drain(..cut);
        *skipped_bytes += cut as u64;
        room -= text.len();
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3).position(|byte| byte & 0xC0 != 0x80);
    let Some(before) = last else { return 0 };
    let length = match bytes[bytes.len() - before - 1] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    if length > before + 1 { before + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(tail: &mut Tail) -> String {
        let one = |printed: Printed| format!("{}+{} {:?}", printed.phase, printed.skipped_bytes, printed.text);
        tail.take().unwrap_or_default().output.into_iter().map(one).collect::<Vec<_>>().join("; ")
    }

    fn ended(phase: Phase, outcome: Outcome) -> PhaseRecord {
        PhaseRecord {
            phase,
            outcome,
            reason: None,
            exit: None,
            signal: None,
            duration_ms: 12,
            cpu_ms: None,
            peak_memory_bytes: None,
            command: String::new(),
            log: None,
        }
    }

    #[tokio::test]
    async fn what_is_new_is_told_once() {
        let mut tail = Tail::default();
        assert!(tail.take().is_none());
        tail.begin(Phase::Configure);
        tail.print(Phase::Configure, b"checking\n");
        tail.end(&ended(Phase::Configure, Outcome::Passed));
        tail.begin(Phase::Build);
        tail.print(Phase::Build, b"gcc ");
        tail.print(Phase::Build, b"-c\n");
        let progress = tail.take().unwrap();
        progress.check().unwrap();
        let phases: Vec<_> = progress.phases.iter().map(|it| (it.phase, it.outcome)).collect();
        assert_eq!(phases, [(Phase::Configure, Some(Outcome::Passed)), (Phase::Build, None)]);
        assert_eq!(progress.output.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["checking\n", "gcc -c\n"]);
        assert!(tail.take().is_none());
        tail.begin(Phase::Configure);
        assert_eq!(tail.take().unwrap().phases.len(), 1, "a run that begins anew has no later phases yet");
    }

    #[tokio::test]
    async fn a_flood_keeps_its_end_and_counts_the_rest() {
        let mut tail = Tail::default();
        for _ in 0..10_000 {
            tail.print(Phase::Build, b"0123456789");
        }
        tail.print(Phase::Install, b"the end");
        let progress = tail.take().unwrap();
        progress.check().unwrap();
        let lengths: Vec<u64> = progress.output.iter().map(|it| it.text.len() as u64 + it.skipped_bytes).collect();
        assert_eq!(lengths, [100_000, 7]);
        tail.print(Phase::Build, &vec![0xFF; 1_000_000]);
        let progress = tail.take().unwrap();
        progress.check().unwrap();
        assert_eq!(progress.output[0].text.len(), MAX_PROGRESS_TEXT / 3 * 3, "each of them takes three bytes");
    }

    #[tokio::test]
    async fn a_character_that_comes_in_two_pieces_stays_one() {
        let mut tail = Tail::default();
        tail.print(Phase::Build, b"caf\xC3");
        assert_eq!(told(&mut tail), r#"build+0 "caf""#);
        tail.print(Phase::Build, b"\xA9 \xE2\x82");
        assert_eq!(told(&mut tail), r#"build+0 "é ""#);
        tail.print(Phase::Install, b"ok");
        assert_eq!(told(&mut tail), "build+0 \"\u{fffd}\"; install+0 \"ok\"");
    }

    #[tokio::test]
    async fn what_did_not_arrive_is_counted_and_not_told_again() {
        let mut tail = Tail::default();
        tail.print(Phase::Build, b"one\n");
        let progress = tail.take().unwrap();
        tail.lost(&progress);
        assert_eq!(told(&mut tail), r#"build+4 """#);
        tail.lost(&progress);
        tail.print(Phase::Build, b"two\n");
        assert_eq!(told(&mut tail), r#"build+4 "two\n""#);
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_told_within_the_bounds_of_a_call(
            pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..64), 1..3_000_usize, 0..3_usize), 0..12),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _entered = runtime.enter();
            let mut tail = Tail::default();
            for (bytes, times, phase) in &pieces {
                tail.print(Phase::ALL[*phase], &bytes.repeat(*times));
            }
            if let Some(progress) = tail.take() {
                prop_assert_eq!(progress.check(), Ok(()));
            }
        }
    }
}
