//! What the pages say, as pure functions: moments, amounts, ranges of majors, and the one sentence on a release.

mod amount;
mod majors;
mod moment;
mod prose;
mod sentence;

pub(crate) use amount::{bytes, count, duration};
pub(crate) use majors::{Dash, list as majors};
pub(crate) use moment::{When, ago, elapsed_ms};
pub(crate) use prose::prose;
pub(crate) use sentence::{OnMajor, Subject, badge, badge_of_major, sentence};
