//! How far somebody has read in what a run printed.

use std::fmt;
use std::str::FromStr;

use protocol::Timestamp;

/// A place in what a run printed. It counts from when the run was heard first, so that a place of before a restart is not taken for one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the run was heard first.
    pub since: Timestamp,
    /// Bytes from there on.
    pub at: u64,
}

impl Place {
    /// The same, so many bytes before it.
    #[must_use]
    pub fn before(self, bytes: usize) -> Self {
        Self { at: self.at.saturating_sub(bytes as u64), ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.since.as_millis(), self.at)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (since, at) = text.split_once('-').ok_or(())?;
        let since = Timestamp::from_millis(since.parse().map_err(drop)?);
        Ok(Self { since, at: at.parse().map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written_and_nothing_else_is_one() {
        let place = Place { since: Timestamp::from_millis(1_795_212_000_000), at: 4_096 };
        assert_eq!(place.to_string().parse(), Ok(place));
        assert_eq!(place.before(5_000).at, 0);
        for text in ["", "-", "1", "1-", "x-1", "1--1", "1-1-1", "99999999999999999999-1"] {
            assert_eq!(text.parse::<Place>(), Err(()), "{text}");
        }
    }
}
