//! Charts out of what the store counted by day, as pure functions.

use protocol::{Grade, PgMajor, Phase};
use store::trends::{Flow, Found, Size, Span, Spent};

use super::range::Range;
use crate::chart::{Chart, Series, Shape, Unit, steps};
use crate::mark::Mark;
use crate::text::{count, duration};

/// The phases of a run as the chart of times groups them: what it is called, its ink, and the phases.
const STAGES: [(&str, &str, &[Phase]); 6] = [
    ("fetch and unpack", "f6", &[Phase::Fetch, Phase::Verify, Phase::Unpack, Phase::Metadata]),
    ("prerequisites", "f3", &[Phase::Dependencies]),
    ("build", "f5", &[Phase::Configure, Phase::Build]),
    ("install and load", "f7", &[Phase::Install, Phase::Create]),
    ("tests", "f4", &[Phase::Installcheck]),
    ("beyond the tests", "f0", &[Phase::Upgrade, Phase::Reload, Phase::Uninstall]),
];

/// What was found on each major that has results, in the order of `majors`; those that are not among them come last.
pub(super) fn verdicts(range: Range, span: Span, found: &[Found], majors: &[PgMajor]) -> Vec<Chart> {
    let mut known: Vec<PgMajor> = found.iter().map(|one| one.major).collect();
    known.sort_unstable_by_key(|major| {
        (majors.iter().position(|it| it == major).unwrap_or(majors.len()), std::cmp::Reverse(*major))
    });
    known.dedup();
    known.into_iter().map(|major| of_major(range, span, found, major)).collect()
}

fn of_major(range: Range, span: Span, found: &[Found], major: PgMajor) -> Chart {
    let mut series = Vec::new();
    for grade in Grade::ALL {
        let mark = Mark::from(grade);
        let mut one = Series::empty(mark.word(), mark.class(), span.steps() as usize);
        for it in found.iter().filter(|it| it.major == major && it.grade == grade) {
            one.add(it.step, it.results);
        }
        series.push(one);
    }
    series.retain(|one| one.total() > 0);
    let total: u64 = series.iter().map(Series::total).sum();
    let parts: Vec<String> = series.iter().map(|one| format!("{} {}", one.total(), one.name)).collect();
    Chart {
        title: format!("PostgreSQL {major}"),
        sentence: format!("{} in {}: {}.", count(total, "result", "results"), range.words(), parts.join(", ")),
        unit: Unit::Count,
        shape: Shape::Bars,
        steps: steps(span),
        series,
    }
}

/// How much the farm found in each step, on whatever major, and how much of it was its own failure.
pub(super) fn throughput(range: Range, span: Span, found: &[Found]) -> Chart {
    let empty = |name: &str, ink| Series::empty(name, ink, span.steps() as usize);
    let mut series = [empty("verdicts", "f4"), empty("needs setup", "env"), empty("farm error", "error")];
    for it in found {
        let of = match it.grade {
            Grade::Env => 1,
            Grade::Error => 2,
            Grade::Pass | Grade::Untested | Grade::Fail | Grade::Na | Grade::Blocked => 0,
        };
        series[of].add(it.step, it.results);
    }
    let total: u64 = series.iter().map(Series::total).sum();
    let sentence = match (total, series[2].total()) {
        (0, _) => format!("No results in {}.", range.words()),
        (some, 0) => format!("{} in {}.", count(some, "result", "results"), range.words()),
        (some, failed) => format!(
            "{} in {}, {} of the farm itself.",
            count(some, "result", "results"),
            range.words(),
            count(failed, "failure", "failures")
        ),
    };
    Chart {
        title: format!("Results a {}", range.step()),
        sentence,
        unit: Unit::Count,
        shape: Shape::Bars,
        steps: steps(span),
        series: series.into(),
    }
}

/// How much waited at the end of each step: what waits now, less what came since, and more what went.
pub(super) fn waiting(range: Range, span: Span, flow: &[Flow], now: u64) -> Chart {
    let mut series = Series::empty("waiting", "f4", span.steps() as usize);
    let mut left = now;
    for (value, step) in series.values.iter_mut().rev().zip((0..span.steps()).rev()) {
        *value = left;
        for it in flow.iter().filter(|it| it.step == step) {
            left = left.saturating_add(it.went).saturating_sub(it.came);
        }
    }
    let most = series.values.iter().copied().max().unwrap_or(0);
    let waits = match now {
        0 => "Nothing waits now".to_owned(),
        some => format!("{} now", count(some, "job waits", "jobs wait")),
    };
    Chart {
        title: format!("Waiting at the end of a {}", range.step()),
        sentence: format!("{waits}; {most} at most in {}.", range.words()),
        unit: Unit::Count,
        shape: Shape::Lines,
        steps: steps(span),
        series: vec![series],
    }
}

/// How long a run took in each step, and what in it.
pub(super) fn durations(range: Range, span: Span, spent: &[Spent]) -> Chart {
    let length = span.steps() as usize;
    // Every run begins with its first phase, and ends somewhere: whatever ran most often in a step ran in every run.
    let mut runs = vec![0; length];
    for it in spent {
        if let Some(most) = runs.get_mut(it.step as usize) {
            *most = it.runs.max(*most);
        }
    }
    let mut series: Vec<Series> = STAGES
        .iter()
        .map(|(name, ink, phases)| {
            let mut one = Series::empty(*name, ink, length);
            for it in spent.iter().filter(|it| phases.contains(&it.phase)) {
                one.add(it.step, it.duration_ms);
            }
            one
        })
        .collect();
    let sentence = times(range, &series, runs.iter().sum());
    for one in &mut series {
        for (value, runs) in one.values.iter_mut().zip(&runs) {
            *value = value.checked_div(*runs).unwrap_or(0);
        }
    }
    series.retain(|one| one.total() > 0);
    let title = "Time of a run".to_owned();
    Chart { title, sentence, unit: Unit::Milliseconds, shape: Shape::Bars, steps: steps(span), series }
}

fn times(range: Range, series: &[Series], runs: u64) -> String {
    let total: u64 = series.iter().map(Series::total).sum();
    let Some(mean) = total.checked_div(runs) else { return format!("Nothing ran in {}.", range.words()) };
    let longest = series.iter().max_by_key(|one| one.total()).map(|one| one.name.as_str()).unwrap_or_default();
    format!("A run took {} on average in {}; most of it: {longest}.", duration(mean), range.words())
}

/// How the registry grew.
pub(super) fn growth(span: Span, sizes: &[Size]) -> Chart {
    let of = |name: &str, ink, value: fn(&Size) -> u64| Series {
        name: name.to_owned(),
        ink,
        values: sizes.iter().map(value).collect(),
    };
    let last = sizes.last().copied().unwrap_or(Size { step: 0, releases: 0, dists: 0 });
    Chart {
        title: "The registry".to_owned(),
        sentence: format!(
            "{} with {}.",
            count(last.dists, "distribution", "distributions"),
            count(last.releases, "release", "releases")
        ),
        unit: Unit::Count,
        shape: Shape::Lines,
        steps: steps(span),
        series: vec![of("releases", "f4", |size| size.releases), of("distributions", "f5", |size| size.dists)],
    }
}

#[cfg(test)]
mod tests;
