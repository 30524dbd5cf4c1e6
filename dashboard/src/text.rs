//! What the pages say, as pure functions: moments, amounts, ranges of majors, and the one sentence on a release.

mod amount;
mod majors;
mod moment;
mod sentence;

pub use amount::{bytes, count, duration};
pub use majors::{Dash, list as majors};
pub use moment::{When, ago};
pub use sentence::{OnMajor, Subject, badge, sentence};
