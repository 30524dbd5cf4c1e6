//! What a run tells while it goes on, for whoever looks at it: `POST /api/v1/runs/{run_id}/progress`.
//!
//! Nothing of it is stored and nothing depends on it. A call that fails is not made again, and the report takes the place of it all.

use serde::{Deserialize, Serialize};

use crate::phase::{Outcome, Phase};

/// One call may hold so much of what a run printed.
pub const MAX_PROGRESS_TEXT: usize = 64 * 1024;

/// One call's JSON may have at most so many bytes: a control character takes six.
pub const MAX_PROGRESS_BYTES: usize = 512 * 1024;

/// More than a run has phases, those included that are made again.
const MAX_PHASES: usize = 32;
const MAX_PIECES: usize = 64;

/// What is new of a run since the last call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Progress {
    /// Its phases so far, all of them, in order.
    pub phases: Vec<PhaseProgress>,
    /// What was printed since the last call.
    pub output: Vec<Printed>,
}

/// A phase so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PhaseProgress {
    /// The phase.
    pub phase: Phase,
    /// How it ended; none while it goes on.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Wall time so far in milliseconds.
    pub duration_ms: u64,
}

/// Something that a phase printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Printed {
    /// The phase.
    pub phase: Phase,
    /// What it printed, as it came: colours, control characters and half lines included. Bytes that are no text are replaced.
    pub text: String,
    /// How much it printed before that which was not told, as it was too much or a call failed.
    #[serde(default)]
    pub skipped_bytes: u64,
}

impl Progress {
    /// Whether it keeps within the bounds; else what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let text: usize = self.output.iter().map(|printed| printed.text.len()).sum();
        if text > MAX_PROGRESS_TEXT {
            return Err(format!("it holds {text} bytes of output; a call may hold {MAX_PROGRESS_TEXT}"));
        }
        if self.phases.len() > MAX_PHASES || self.output.len() > MAX_PIECES {
            return Err(format!("it holds more than {MAX_PHASES} phases or {MAX_PIECES} pieces of output"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_one_call_is_said() {
        let printed = |length: usize| Printed { phase: Phase::Build, text: "x".repeat(length), skipped_bytes: 0 };
        let with = |output| Progress { phases: Vec::new(), output };
        with(vec![printed(MAX_PROGRESS_TEXT)]).check().unwrap();
        assert!(with(vec![printed(MAX_PROGRESS_TEXT), printed(1)]).check().unwrap_err().contains("65537 bytes"));
        assert!(with(vec![printed(0); 65]).check().is_err());
        let phase = PhaseProgress { phase: Phase::Build, outcome: None, duration_ms: 1 };
        assert!(Progress { phases: vec![phase; 33], output: Vec::new() }.check().is_err());
    }

    #[test]
    fn the_largest_text_fits_into_the_largest_body() {
        let printed = Printed { phase: Phase::Build, text: "\u{1}".repeat(MAX_PROGRESS_TEXT), skipped_bytes: u64::MAX };
        let json = serde_json::to_vec(&Progress { phases: Vec::new(), output: vec![printed] }).unwrap();
        assert!(json.len() < MAX_PROGRESS_BYTES, "{}", json.len());
    }
}
