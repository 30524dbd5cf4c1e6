//! What of the script's output belongs to which lane.

use protocol::Phase;

use crate::run::lanes::ALL;
use crate::run::lanes::fact::{self, Fact};
use crate::sandbox::LogText;

/// A lane that was begun.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) phase: Phase,
    pub(super) facts: Vec<Fact>,
    /// How long it took; none where it did not come to its end.
    pub(super) duration_ms: Option<u64>,
}

/// Reads what came back. A lane begins with the fact `lane`, which has its name and the time by a clock that only goes on.
pub(super) fn read(text: &str) -> Vec<Lane> {
    let (mut lanes, mut begun) = (Vec::<Lane>::new(), None);
    for fact in fact::read(text) {
        if fact.word != "lane" {
            if let Some(lane) = lanes.last_mut() {
                lane.facts.push(fact);
            }
            continue;
        }
        let at: Option<f64> = fact.detail(0).parse().ok();
        if let (Some(lane), Some(from), Some(to)) = (lanes.last_mut(), begun, at) {
            lane.duration_ms = Some(millis(from, to));
        }
        begun = at;
        if let Some(phase) = ALL.get(lanes.len()).filter(|phase| phase.as_str() == fact.why()) {
            lanes.push(Lane { phase: *phase, facts: Vec::new(), duration_ms: None });
        }
    }
    lanes
}

fn millis(from: f64, to: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(to - from).map_or(0, crate::run::book::millis)
}

/// The log of each lane: it begins below a line that names it. What was left out of the whole is counted in the first.
pub(super) fn split(log: LogText, lanes: &[Lane]) -> Vec<LogText> {
    let LogText { mut bytes, omitted_bytes } = log;
    let mut logs = Vec::new();
    for lane in lanes.iter().rev() {
        let line = format!("pgxn-testers: the lane {}\n", lane.phase);
        let at = bytes.windows(line.len()).position(|window| window == line.as_bytes());
        let own = at.map(|at| bytes.split_off(at).split_off(line.len())).unwrap_or_default();
        logs.push(LogText { bytes: own, omitted_bytes: 0 });
    }
    logs.reverse();
    if let Some(first) = logs.first_mut() {
        first.omitted_bytes = omitted_bytes;
    }
    logs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_times_go_to_the_lane_in_which_they_were_told() {
        let lanes =
            read("stray\nlane\t\tupgrade\t10.50\ntried\tw\nlane\t\treload\t11.25\nlane\t\tuninstall\tnonsense\nmake\n");
        let seen: Vec<_> = lanes.iter().map(|lane| (lane.phase, lane.facts.len(), lane.duration_ms)).collect();
        assert_eq!(seen, [(Phase::Upgrade, 1, Some(750)), (Phase::Reload, 0, None), (Phase::Uninstall, 1, None)]);
        assert_eq!(read("lane\t\treload\t1\n"), []);
    }

    #[test]
    fn a_log_is_cut_where_a_lane_begins() {
        let lanes = read("lane\t\tupgrade\t1\nlane\t\treload\t2\n");
        let text = b"before\npgxn-testers: the lane upgrade\na\npgxn-testers: the lane reload\nb\n";
        let logs = split(LogText { bytes: text.to_vec(), omitted_bytes: 3 }, &lanes);
        assert_eq!(logs.iter().map(|log| log.bytes.as_slice()).collect::<Vec<_>>(), [b"a\n", b"b\n"]);
        let none = split(LogText { bytes: b"nothing".to_vec(), omitted_bytes: 0 }, &lanes);
        assert!(none.iter().all(|log| log.bytes.is_empty()));
    }
}
