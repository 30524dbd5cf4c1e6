//! The spans of time that charts can show: in the address, and in words.

use protocol::Timestamp;
use serde::Serialize;
use store::trends::Span;

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Range {
    /// Thirty days.
    Month,
    /// Thirteen weeks.
    Quarter,
    /// Fifty-two weeks.
    Year,
}

impl Range {
    /// Every span.
    pub(crate) const ALL: [Self; 3] = [Self::Month, Self::Quarter, Self::Year];

    /// The span that an address asks for; a month where it asks for none that there is.
    pub(crate) fn of(asked: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|range| asked == Some(range.as_str())).unwrap_or(Self::Month)
    }

    /// The word in an address.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// How long it is, in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Month => "30 days",
            Self::Quarter => "13 weeks",
            Self::Year => "52 weeks",
        }
    }

    /// What a step of it is.
    pub(crate) const fn step(self) -> &'static str {
        match self {
            Self::Month => "day",
            Self::Quarter | Self::Year => "week",
        }
    }

    /// The days of it, of which the last one is today.
    pub(crate) fn span(self, now: Timestamp) -> Span {
        match self {
            Self::Month => Span::until(now, 30, 1),
            Self::Quarter => Span::until(now, 13, 7),
            Self::Year => Span::until(now, 52, 7),
        }
    }
}
