//! PostgreSQL majors on the command line: only those that there are images for.

use clap::Args;
use protocol::{Clock, Matrix, PgMajor, SystemClock};

/// The PostgreSQL majors that a command is about; what none means, the command decides and says in its help.
#[derive(Clone, Debug, Args)]
pub(crate) struct MajorArgs {
    /// The PostgreSQL majors, such as 16,17; by default every supported one
    #[arg(long, value_name = "MAJOR", value_delimiter = ',', value_parser = known_major)]
    pub(crate) pg: Vec<PgMajor>,
}

impl MajorArgs {
    /// What clap calls the flag, for a command whose help says something else.
    pub(super) const ID: &str = "pg";
    /// The help where [`MajorArgs::or_newest`] is asked for one.
    pub(super) const NEWEST: &str = "The PostgreSQL majors, such as 16,17; by default the newest supported one";
    /// The help where it is asked for two.
    pub(super) const NEWEST_TWO: &str =
        "The PostgreSQL majors, such as 16,17; by default the two newest supported ones that its META admits";

    /// Those given, or every supported one.
    pub(crate) fn or_supported(&self) -> Vec<PgMajor> {
        self.or_newest(usize::MAX)
    }

    /// Those given, or so many of the newest supported ones.
    pub(crate) fn or_newest(&self, count: usize) -> Vec<PgMajor> {
        if self.pg.is_empty() {
            Matrix::embedded().supported(SystemClock.now()).into_iter().take(count).collect()
        } else {
            self.pg.clone()
        }
    }
}

/// Reads a major of the image matrix.
fn known_major(text: &str) -> Result<PgMajor, String> {
    let major: PgMajor = text.parse().map_err(|error| format!("{error}"))?;
    let matrix = Matrix::embedded();
    if matrix.get(major).is_some() {
        return Ok(major);
    }
    let known: Vec<String> = matrix.postgresql.iter().rev().map(|entry| entry.major.to_string()).collect();
    Err(format!("there is no image for PostgreSQL {major}; choose from {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_without_an_image_is_refused_with_those_that_have_one() {
        assert_eq!(known_major("17").unwrap().number(), 17);
        let refused = known_major("99").unwrap_err();
        assert!(refused.contains("PostgreSQL 99; choose from 13, 14, 15, 16, 17"), "{refused}");
        assert!(known_major("x").is_err());
    }
}
