//! Charts: numbers over time as data, from which an SVG, its legend and the table behind it are made.
//!
//! The SVG stands in the page, so that its words can be selected and its colours are those of the page in either theme: `pen.rs` writes
//! classes where other drawings have colours, as the pages forbid styles in attributes.

use protocol::Timestamp;
use serde::{Serialize, Serializer};
use store::trends::Span;

use crate::text::duration;

mod draw;
mod pen;

pub(crate) use draw::{Drawn, draw};

/// Numbers over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Chart {
    /// What it shows.
    pub title: String,
    /// What it says, in a sentence or two.
    pub sentence: String,
    /// What its numbers are.
    pub unit: Unit,
    /// How they are drawn.
    #[serde(skip)]
    pub shape: Shape,
    /// Its steps, the oldest first.
    pub steps: Vec<Step>,
    /// Its series, each with a number per step; the first is drawn at the bottom.
    pub series: Vec<Series>,
}

/// What numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// How many.
    Count,
    /// Milliseconds.
    Milliseconds,
}

/// How numbers are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A bar per step, in which the series stand on each other.
    Bars,
    /// A line per series.
    Lines,
}

/// One step of time. Its JSON is the first day of it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The first day of it: `2026-11-20`.
    pub from: String,
    /// The same where there is little room: `20 Nov`.
    pub short: String,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.from)
    }
}

/// One kind of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Series {
    /// What it counts.
    pub name: String,
    /// The class that colours it.
    #[serde(skip)]
    pub ink: &'static str,
    /// A number per step.
    pub values: Vec<u64>,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Where steps begin so many days apart, the day of the month says nothing.
const LONG_AGO: u32 = 400;

/// The steps of a span, named by their first days.
pub(crate) fn steps(span: Span) -> Vec<Step> {
    let years = span.days().saturating_mul(span.steps()) > LONG_AGO;
    (0..span.steps()).map(|step| named(span.begins(step), years)).collect()
}

fn named(at: Timestamp, years: bool) -> Step {
    let date = at.date();
    let month = MONTHS[usize::from(date.month().unsigned_abs() - 1)];
    let short = if years { format!("{month} {}", date.year()) } else { format!("{} {month}", date.day()) };
    Step { from: date.to_string(), short }
}

impl Series {
    /// A series of zeros.
    pub(crate) fn empty(name: impl Into<String>, ink: &'static str, steps: usize) -> Self {
        Self { name: name.into(), ink, values: vec![0; steps] }
    }

    /// Adds to a step; one beyond the end is left out.
    pub(crate) fn add(&mut self, step: u32, number: u64) {
        if let Some(value) = usize::try_from(step).ok().and_then(|step| self.values.get_mut(step)) {
            *value = value.saturating_add(number);
        }
    }

    /// Everything in it.
    pub(crate) fn total(&self) -> u64 {
        self.values.iter().fold(0, |sum, value| sum.saturating_add(*value))
    }
}

impl Chart {
    /// Whether there is nothing to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.values.iter().all(|value| *value == 0))
    }

    /// The rows of the table behind it, the latest first; steps without anything are left out.
    pub(crate) fn rows(&self) -> Vec<(&str, Vec<String>)> {
        let values = |index: usize| self.series.iter().filter_map(move |it| it.values.get(index).copied());
        let steps = self.steps.iter().enumerate().rev().filter(|(index, _)| values(*index).any(|value| value > 0));
        steps
            .map(|(index, step)| (step.from.as_str(), values(index).map(|value| self.words(value)).collect()))
            .collect()
    }

    /// A number in the chart's unit.
    fn words(&self, value: u64) -> String {
        match self.unit {
            Unit::Count => value.to_string(),
            Unit::Milliseconds => duration(value),
        }
    }
}

#[cfg(test)]
mod tests;
