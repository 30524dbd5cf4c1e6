//! The end of what one run printed, with its phases.

use std::collections::VecDeque;

use protocol::{Phase, PhaseProgress, Printed, Progress, Timestamp};

use crate::{MAX_RUN_BYTES, Place};

/// What is dropped at once, so that it is not moved for every line.
const SLACK: usize = 8 * 1024;
/// More stretches than these are not told apart: whoever changes the phase with every letter does not fill the memory either.
const MAX_PARTS: usize = 512;

/// A stretch of what a run printed, all of it in one phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The phase.
    pub phase: Phase,
    /// How much before it is left out.
    pub skipped_bytes: u64,
    /// The text as it came.
    pub text: String,
}

/// Where a stretch begins; it ends where the next one begins.
#[derive(Clone, Copy, Debug)]
struct Part {
    phase: Phase,
    skipped_bytes: u64,
    begins: u64,
}

/// The end of what one run printed.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) phases: Vec<PhaseProgress>,
    /// How often the phases have changed.
    pub(crate) changes: u64,
    pub(crate) heard_at: Timestamp,
    since: Timestamp,
    text: String,
    /// How much was dropped before the text.
    dropped: u64,
    parts: VecDeque<Part>,
}

impl Tail {
    pub(crate) fn new(now: Timestamp) -> Self {
        let (phases, text, parts) = (Vec::new(), String::new(), VecDeque::new());
        Self { phases, changes: 0, heard_at: now, since: now, text, dropped: 0, parts }
    }

    /// How much it keeps.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Where it ends.
    pub(crate) fn end(&self) -> Place {
        Place { since: self.since, at: self.dropped + self.text.len() as u64 }
    }

    /// Adds what the run tells.
    pub(crate) fn push(&mut self, progress: &Progress, now: Timestamp) {
        self.heard_at = now;
        let same = |(a, b): (&PhaseProgress, &PhaseProgress)| a.phase == b.phase && a.outcome == b.outcome;
        if self.phases.len() != progress.phases.len() || !self.phases.iter().zip(&progress.phases).all(same) {
            self.changes += 1;
        }
        self.phases.clone_from(&progress.phases);
        for printed in &progress.output {
            self.add(printed);
        }
        self.fit();
    }

    fn add(&mut self, Printed { phase, text, skipped_bytes }: &Printed) {
        let end = self.end().at;
        match self.parts.back_mut() {
            Some(last) if last.phase == *phase && (*skipped_bytes == 0 || last.begins == end) => {
                last.skipped_bytes = last.skipped_bytes.saturating_add(*skipped_bytes);
            }
            last => {
                let part = Part { phase: *phase, skipped_bytes: *skipped_bytes, begins: end };
                match last.filter(|last| last.begins == end) {
                    // Nothing was printed in it.
                    Some(empty) => *empty = part,
                    None => self.parts.push_back(part),
                }
            }
        }
        self.text.push_str(text);
    }

    /// Drops its beginning where it is too long, up to the end of a line if there is one.
    fn fit(&mut self) {
        let cut = match (self.text.len() > MAX_RUN_BYTES, self.parts.len().checked_sub(MAX_PARTS)) {
            (true, _) => {
                let least = self.text.ceil_char_boundary(self.text.len() - MAX_RUN_BYTES + SLACK);
                let line = self.text[least..].find('\n').map(|at| least + at + 1);
                line.filter(|at| *at < self.text.len()).unwrap_or(least)
            }
            (false, Some(over @ 1..)) => {
                usize::try_from(self.parts[over].begins - self.dropped).unwrap_or(self.text.len())
            }
            (false, _) => return,
        };
        self.text.drain(..cut);
        self.dropped += cut as u64;
        while self.parts.get(1).is_some_and(|second| second.begins <= self.dropped) {
            self.parts.pop_front();
        }
        if let Some(first) = self.parts.front_mut() {
            // What its reader has not read of what was dropped is counted when it reads.
            *first = Part { skipped_bytes: 0, begins: self.dropped, ..*first };
        }
    }

    /// What was printed after the first `at` bytes.
    pub(crate) fn since(&self, at: u64) -> Vec<Section> {
        let ends = self.parts.iter().skip(1).map(|part| part.begins).chain([self.end().at]);
        let unread = self.parts.iter().zip(ends).filter(|(_, end)| *end > at);
        let section = |(part, end): (&Part, u64)| {
            let from = part.begins.max(at);
            let is_whole = at <= part.begins;
            let missed = if part.begins == self.dropped { self.dropped.saturating_sub(at) } else { 0 };
            Section {
                phase: part.phase,
                skipped_bytes: missed.saturating_add(if is_whole { part.skipped_bytes } else { 0 }),
                text: self.slice(from, end).to_owned(),
            }
        };
        unread.map(section).collect()
    }

    /// The text between two places; a reader may give one that is in the middle of a character.
    fn slice(&self, from: u64, to: u64) -> &str {
        let index = |place: u64| usize::try_from(place.saturating_sub(self.dropped)).unwrap_or(usize::MAX);
        let (from, to) = (self.text.ceil_char_boundary(index(from)), self.text.floor_char_boundary(index(to)));
        self.text.get(from..to).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(7);

    fn printed(phase: Phase, text: &str, skipped_bytes: u64) -> Progress {
        Progress { phases: Vec::new(), output: vec![Printed { phase, text: text.to_owned(), skipped_bytes }] }
    }

    fn shown(tail: &Tail, at: u64) -> String {
        let one = |section: Section| format!("{}+{} {:?}", section.phase, section.skipped_bytes, section.text);
        tail.since(at).into_iter().map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_comes_in_pieces_reads_as_it_was_printed() {
        let mut tail = Tail::new(NOW);
        tail.push(&printed(Phase::Configure, "checking\n", 0), NOW);
        tail.push(&printed(Phase::Build, "gcc ", 0), NOW);
        tail.push(&printed(Phase::Build, "-c\n", 0), NOW);
        assert_eq!(shown(&tail, 0), r#"configure+0 "checking\n"; build+0 "gcc -c\n""#);
        assert_eq!(shown(&tail, 13), r#"build+0 "-c\n""#);
        assert_eq!((shown(&tail, 16), shown(&tail, 99)), (String::new(), String::new()));
    }

    #[test]
    fn a_gap_is_told_once_and_with_what_comes_after_it() {
        let mut tail = Tail::new(NOW);
        tail.push(&printed(Phase::Build, "a\n", 0), NOW);
        tail.push(&printed(Phase::Build, "", 500), NOW);
        assert_eq!(shown(&tail, 2), "", "there is nothing to read yet");
        tail.push(&printed(Phase::Build, "z\n", 40), NOW);
        assert_eq!(shown(&tail, 0), r#"build+0 "a\n"; build+540 "z\n""#);
        assert_eq!(shown(&tail, 3), r#"build+0 "\n""#);
    }

    #[test]
    fn the_end_of_a_long_log_is_kept_from_the_beginning_of_a_line_and_the_rest_is_counted() {
        let mut tail = Tail::new(NOW);
        for number in 0..20_000 {
            tail.push(&printed(Phase::Build, &format!("line {number}\n"), 0), NOW);
        }
        assert!(tail.bytes() <= MAX_RUN_BYTES && tail.bytes() > MAX_RUN_BYTES - 2 * SLACK, "{}", tail.bytes());
        let sections = tail.since(0);
        let [section] = sections.as_slice() else { panic!("{sections:?}") };
        assert!(section.text.starts_with("line ") && section.text.ends_with("line 19999\n"));
        assert_eq!(section.skipped_bytes + section.text.len() as u64, tail.end().at);
        assert_eq!(tail.since(tail.end().at - 11)[0].skipped_bytes, 0);
    }

    #[test]
    fn phases_count_as_changed_only_where_they_are_others() {
        let mut tail = Tail::new(NOW);
        let phases = |duration_ms| vec![PhaseProgress { phase: Phase::Build, outcome: None, duration_ms }];
        for duration_ms in [1, 1_000, 2_000] {
            tail.push(&Progress { phases: phases(duration_ms), output: Vec::new() }, NOW);
        }
        assert_eq!((tail.changes, tail.phases[0].duration_ms), (1, 2_000));
    }

    #[test]
    fn whoever_changes_the_phase_with_every_letter_does_not_fill_the_memory() {
        let mut tail = Tail::new(NOW);
        for number in 0..5_000 {
            let phase = if number % 2 == 0 { Phase::Build } else { Phase::Install };
            tail.push(&printed(phase, if number % 3 == 0 { "" } else { "x" }, 1), NOW);
        }
        assert!(tail.parts.len() <= MAX_PARTS && tail.bytes() <= MAX_PARTS * 2, "{}", tail.parts.len());
    }

    proptest! {
        #[test]
        fn a_reader_that_keeps_up_reads_everything_and_one_from_anywhere_breaks_nothing(
            pieces in prop::collection::vec(("[a-z\u{e9}\n]{0,12}", any::<bool>()), 0..40),
            anywhere in 0_u64..400,
        ) {
            let (mut tail, mut read, mut at) = (Tail::new(NOW), String::new(), 0);
            for (text, builds) in &pieces {
                tail.push(&printed(if *builds { Phase::Build } else { Phase::Install }, text, 0), NOW);
                read.extend(tail.since(at).into_iter().map(|section| section.text));
                at = tail.end().at;
            }
            prop_assert_eq!(read, pieces.iter().map(|(text, _)| text.as_str()).collect::<String>());
            tail.since(anywhere);
        }
    }
}
