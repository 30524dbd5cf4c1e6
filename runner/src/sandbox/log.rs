//! What a command prints, bounded: the beginning and the end are kept, the middle is counted.

use std::collections::VecDeque;

/// A growing log that never holds more than its limit.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_limit: usize,
    tail_limit: usize,
    omitted: u64,
}

/// A log that is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogText {
    /// Its bytes; where a middle was left out, a line in its place says so.
    pub bytes: Vec<u8>,
    /// How many bytes were left out of its middle.
    pub omitted_bytes: u64,
}

impl Log {
    /// A log of at most `limit` bytes: half for the beginning, half for the end.
    pub(crate) fn new(limit: usize) -> Self {
        let tail_limit = limit / 2;
        Self { head: Vec::new(), tail: VecDeque::new(), head_limit: limit - tail_limit, tail_limit, omitted: 0 }
    }

    /// Adds what came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.head_limit - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        let skipped = rest.len().saturating_sub(self.tail_limit);
        let rest = &rest[skipped..];
        let excess = (self.tail.len() + rest.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..excess);
        self.tail.extend(rest);
        self.omitted += (skipped + excess) as u64;
    }

    /// Adds a line of the farm's own, on a line of its own.
    pub(crate) fn remark(&mut self, text: &str) {
        let last = self.tail.back().or(self.head.last());
        if last.is_some_and(|byte| *byte != b'\n') {
            self.push(b"\n");
        }
        self.push(format!("pgxn-testers: {text}\n").as_bytes());
    }

    /// Whether a line of the farm's own stands in what is kept.
    pub(crate) fn contains_line(&self, line: &str) -> bool {
        let text = self.so_far();
        text.bytes.split(|byte| *byte == b'\n').any(|found| found == line.as_bytes())
    }

    /// What [`Log::finish`] would give now.
    pub(crate) fn so_far(&self) -> LogText {
        self.clone().finish()
    }

    /// The whole, cut at ends of lines where something was left out.
    pub(crate) fn finish(self) -> LogText {
        let Self { mut head, mut tail, omitted, .. } = self;
        if omitted == 0 {
            head.extend(tail);
            return LogText { bytes: head, omitted_bytes: 0 };
        }
        let tail = tail.make_contiguous();
        let cut = head.iter().rposition(|byte| *byte == b'\n').map_or(head.len(), |at| at + 1);
        let start = tail.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let omitted_bytes = omitted + (head.len() - cut) as u64 + start as u64;
        head.truncate(cut);
        if head.last().is_some_and(|byte| *byte != b'\n') {
            head.push(b'\n');
        }
        head.extend_from_slice(format!("pgxn-testers: {omitted_bytes} bytes are left out here\n").as_bytes());
        head.extend_from_slice(&tail[start..]);
        LogText { bytes: head, omitted_bytes }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end_and_counts_the_rest() {
        let mut log = Log::new(100);
        for number in 0..1_000 {
            log.push(format!("line {number}\n").as_bytes());
        }
        let text = log.finish();
        let shown = String::from_utf8(text.bytes.clone()).unwrap();
        assert!(shown.starts_with("line 0\n") && shown.ends_with("line 999\n"), "{shown}");
        assert!(shown.contains(&format!("pgxn-testers: {} bytes are left out here\n", text.omitted_bytes)), "{shown}");
        assert!(text.bytes.len() < 160, "{}", text.bytes.len());
    }

    #[test]
    fn five_megabytes_are_kept_of_a_longer_log_half_of_them_from_its_end() {
        let limit = crate::limits::Limits::default().log_bytes;
        let mut log = Log::new(limit);
        let line = "x".repeat(99) + "\n";
        for _ in 0..120_000 {
            log.push(line.as_bytes());
        }
        let text = log.finish();
        let mark = format!("pgxn-testers: {} bytes are left out here\n", text.omitted_bytes);
        assert_eq!((limit, text.omitted_bytes), (5_000_000, 7_000_100), "what remains of a line is left out, too");
        assert_eq!(&text.bytes[2_500_000..][..mark.len()], mark.as_bytes());
        assert_eq!(text.bytes.len(), limit - 100 + mark.len());
    }

    #[test]
    fn a_remark_starts_a_line_of_its_own() {
        let mut log = Log::new(1_000);
        log.push(b"no newline");
        log.remark("once more");
        assert_eq!(log.finish().bytes, b"no newline\npgxn-testers: once more\n");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_without_being_counted(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut log = Log::new(64);
            let total: usize = chunks.iter().map(Vec::len).sum();
            for chunk in &chunks { log.push(chunk); }
            let text = log.finish();
            if text.omitted_bytes == 0 {
                prop_assert_eq!(text.bytes, chunks.concat());
            } else {
                prop_assert!(text.bytes.len() < 64 + 80);
                prop_assert!(usize::try_from(text.omitted_bytes).unwrap() <= total);
            }
        }
    }
}
