//! A run that goes on: its phases so far, and what it has printed so far. The page shows it as it stands, the script goes on from there.

use live::{Place, Section, Snapshot};
use protocol::{Outcome, Phase, PhaseProgress, Timestamp};
use serde::Serialize;
use store::runs::Run;

use crate::address;
use crate::log::{Growing, Line};
use crate::mark::Mark;
use crate::text::{When, bytes, duration};

/// A run that goes on, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LiveView {
    /// Where its events are.
    pub events: String,
    /// From where on they go on from here; empty where nothing was printed yet.
    pub place: String,
    #[serde(flatten)]
    pub stages: Stages,
    /// When it was heard last.
    pub heard_at: When,
    /// What it has printed last, phase by phase.
    pub logs: Vec<LiveLog>,
}

/// The phases so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stages {
    /// What happens now, in words.
    pub now: String,
    pub phases: Vec<Stage>,
}

/// A phase so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stage {
    pub phase: Phase,
    pub mark: Mark,
    /// How it ended and how long it took, or for how long it has been going on.
    pub words: String,
}

/// What one phase has printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LiveLog {
    pub phase: Phase,
    pub pieces: Vec<Piece>,
}

/// A stretch without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Piece {
    pub phase: Phase,
    /// What is left out before it, in words; empty where nothing is.
    pub gap: String,
    /// Lines that have ended.
    pub lines: Vec<Line>,
    /// The line that has not.
    pub open: Option<Line>,
}

impl LiveView {
    /// The run as it looks at `now`; without a snapshot, as its runner tells no more than that it lives.
    pub(crate) fn new(run: &Run, known: Option<&Snapshot>, now: Timestamp) -> Self {
        let (mut reader, mut logs) = (Reader::default(), Vec::<LiveLog>::new());
        for piece in known.map(|known| reader.read(&known.sections)).unwrap_or_default() {
            match logs.last_mut() {
                Some(last) if last.phase == piece.phase => last.pieces.push(piece),
                _ => logs.push(LiveLog { phase: piece.phase, pieces: vec![piece] }),
            }
        }
        let stages = match known {
            Some(known) => Stages::new(&known.phases),
            None => Stages { now: in_phase(run.phase), phases: Vec::new() },
        };
        Self {
            events: format!("{}/events", address::run(run.id)),
            place: known.map(|known| reader.place(known.place).to_string()).unwrap_or_default(),
            stages,
            heard_at: When::new(known.map_or(run.renewed_at, |known| known.heard_at), now),
            logs,
        }
    }

    /// The run's own page, for those who look again.
    pub(crate) fn page(&self) -> &str {
        self.events.trim_end_matches("/events")
    }
}

/// The phase that goes on, where one does.
pub(super) fn current(phases: &[PhaseProgress]) -> Option<Phase> {
    phases.last().filter(|last| last.outcome.is_none()).map(|last| last.phase)
}

fn in_phase(phase: Option<Phase>) -> String {
    phase.map_or_else(|| "It is starting.".to_owned(), |phase| format!("It is in phase {phase}."))
}

impl Stages {
    /// What is said of phases.
    pub(crate) fn new(phases: &[PhaseProgress]) -> Self {
        let now = match (current(phases), phases.last()) {
            (None, Some(last)) => format!("Phase {} is over.", last.phase),
            (current, _) => in_phase(current),
        };
        Self { now, phases: phases.iter().map(Stage::new).collect() }
    }
}

impl Stage {
    fn new(so_far: &PhaseProgress) -> Self {
        let (mark, took) = match so_far.outcome {
            None => (Mark::Running, duration(so_far.duration_ms / 1000 * 1000)),
            // Whose fault it is, and whether another run agrees, is not known yet.
            Some(Outcome::Failed) => (Mark::Unconfirmed, duration(so_far.duration_ms)),
            Some(outcome) => (outcome.into(), duration(so_far.duration_ms)),
        };
        let words = match so_far.outcome {
            None => format!("running, {took}"),
            Some(Outcome::Skipped) => "skipped".to_owned(),
            Some(outcome) => format!("{outcome}, {took}"),
        };
        Self { phase: so_far.phase, mark, words }
    }
}

/// Reads what comes, and makes lines of it.
#[derive(Debug, Default)]
pub(super) struct Reader {
    phase: Option<Phase>,
    log: Growing,
}

impl Reader {
    /// Begins anew.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The lines of what comes next.
    pub(super) fn read(&mut self, sections: &[Section]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for Section { phase, skipped_bytes, text } in sections {
            if self.phase != Some(*phase) || *skipped_bytes > 0 {
                pieces.extend(self.end());
                (self.phase, self.log) = (Some(*phase), Growing::default());
            }
            let gap = match skipped_bytes {
                0 => String::new(),
                skipped => format!("{} are left out here", bytes(*skipped)),
            };
            let lines = self.log.feed(text);
            pieces.push(Piece { phase: *phase, gap, lines, open: self.log.open() });
        }
        // A line that has not ended stands at the end only.
        let last = pieces.len().saturating_sub(1);
        pieces.iter_mut().take(last).for_each(|piece| piece.open = None);
        pieces
    }

    /// The line that will never end, as something else follows.
    fn end(&mut self) -> Option<Piece> {
        let (phase, lines) = (self.phase?, self.log.finish());
        (!lines.is_empty()).then_some(Piece { phase, gap: String::new(), lines, open: None })
    }

    /// The place up to which lines were made for good, where everything was read up to `end`.
    pub(super) fn place(&self, end: Place) -> Place {
        end.before(self.log.open_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(phase: Phase, skipped_bytes: u64, text: &str) -> Section {
        Section { phase, skipped_bytes, text: text.to_owned() }
    }

    fn shown(pieces: &[Piece]) -> String {
        let one = |piece: &Piece| {
            let lines: Vec<String> = piece.lines.iter().map(Line::text).collect();
            let open = piece.open.as_ref().map(Line::text).unwrap_or_default();
            format!("{}({}){}/{open}", piece.phase, piece.gap, lines.join("|"))
        };
        pieces.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lines_are_made_once_whatever_they_are_cut_into() {
        let mut reader = Reader::default();
        assert_eq!(shown(&reader.read(&[section(Phase::Build, 0, "a\nb")])), "build()a/b");
        assert_eq!(shown(&reader.read(&[section(Phase::Build, 0, "b\nc")])), "build()bb/c");
        let end = Place { since: Timestamp::from_millis(1), at: 100 };
        assert_eq!(reader.place(end).at, 99);
        let next = [section(Phase::Install, 0, "d\n"), section(Phase::Install, 2_000, "e")];
        assert_eq!(shown(&reader.read(&next)), "build()c/ install()d/ install(2 kB are left out here)/e");
        assert_eq!(reader.place(end).at, 99);
    }

    #[test]
    fn a_phase_that_failed_is_not_red_before_there_is_a_verdict() {
        let phase = |phase, outcome| PhaseProgress { phase, outcome, duration_ms: 61_900 };
        let stages = Stages::new(&[
            phase(Phase::Fetch, Some(Outcome::Passed)),
            phase(Phase::Configure, Some(Outcome::Skipped)),
            phase(Phase::Build, Some(Outcome::Failed)),
        ]);
        let words: Vec<_> = stages.phases.iter().map(|it| (it.mark.class(), it.words.as_str())).collect();
        assert_eq!(words, [("pass", "passed, 1 min 1 s"), ("na", "skipped"), ("unconfirmed", "failed, 1 min 1 s")]);
        assert_eq!(stages.now, "Phase build is over.");
        let stages = Stages::new(&[phase(Phase::Build, None)]);
        assert_eq!(
            (stages.now.as_str(), stages.phases[0].words.as_str()),
            ("It is in phase build.", "running, 1 min 1 s")
        );
        assert_eq!(Stages::new(&[]).now, "It is starting.");
    }
}
