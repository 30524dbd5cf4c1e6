//! The run in figures.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::{Grade, Phase};

use crate::gather::Record;
use crate::sessions::Session;
use crate::table::Table;

/// When, with what, how long.
pub(super) fn facts(record: &Record, sessions: &[Session], note: Option<&str>) -> String {
    let mut table = Table::new(&["", ""]);
    let mut fact = |name: &str, value: String| table.row(&[name.to_owned(), value]);
    let began = record.results().map(|(_, result)| result.started_at).min();
    let ended = record.results().map(|(_, result)| result.finished_at).max();
    if let Some((began, ended)) = began.zip(ended) {
        fact("first run began", began.to_string());
        fact("last run ended", ended.to_string());
    }
    let commits: BTreeSet<&str> = sessions.iter().map(|session| session.commit.as_str()).collect();
    let versions: BTreeSet<&str> =
        record.results().filter_map(|(_, result)| Some(result.runner.as_ref()?.version.as_str())).collect();
    fact("program", format!("version {}, built for debugging from {}", join(&versions), join(&commits)));
    let jobs: BTreeSet<String> = sessions.iter().map(|session| session.jobs.to_string()).collect();
    fact("runs at the same time", jobs.into_iter().collect::<Vec<_>>().join(", then "));
    let runners = record.results().filter_map(|(_, result)| result.runner.as_ref());
    let limits: BTreeSet<String> =
        runners.map(|it| format!("CPUs: {}, memory: {} GiB, {}", it.cpus, it.memory_bytes >> 30, it.engine)).collect();
    fact("a run may use", limits.into_iter().collect::<Vec<_>>().join("; "));
    fact("releases", format!("{} of {}", record.rows.len(), record.rows.len() + record.absent.len()));
    let cells = record.rows.iter().map(|row| row.cells.len()).sum::<usize>();
    fact("cells", format!("{cells}, of which {} without a verdict", record.open()));
    fact("cells that were run again", format!("{}; the latest verdict counts", record.repeated()));
    times(record, sessions, &mut fact);
    let note = note.map_or_else(String::new, |note| format!("{}\n\n", note.trim()));
    format!("## The run\n\n{}{note}{}", table.end(), absent(record))
}

fn times(record: &Record, sessions: &[Session], fact: &mut impl FnMut(&str, String)) {
    let wall: Duration = sessions.iter().map(|session| session.wall).sum();
    let own: Duration = sessions.iter().map(|session| session.cpu).sum();
    let mut runs: Vec<(Duration, String)> = Vec::new();
    for row in &record.rows {
        for (major, result) in row.results().filter(|(_, result)| result.runner.is_some()) {
            runs.push((result.finished_at.since(result.started_at), format!("{} on {major}", row.name())));
        }
    }
    runs.sort();
    let sum: Duration = runs.iter().map(|(took, _)| *took).sum();
    let phases = record.results().flat_map(|(_, result)| &result.phases);
    let cpu = Duration::from_millis(phases.filter_map(|phase| phase.cpu_ms).sum());
    let sessions_words = match sessions.len() {
        1 => "in one go".to_owned(),
        several => format!("in {several} sessions"),
    };
    fact(
        "wall time",
        format!("{} {sessions_words}, with what was missing of sample registry and images", spoken(wall)),
    );
    fact("the runs' own time, one after the other", spoken(sum));
    fact("CPU time of the distributions' own commands", spoken(cpu));
    fact("CPU time of the program itself (coordinator, dashboard, runner)", spoken(own));
    if let (Some(median), Some((longest, whose))) = (runs.get(runs.len() / 2), runs.last()) {
        fact("median run", spoken(median.0));
        fact("longest run", format!("{}: {whose}", spoken(*longest)));
    }
}

fn absent(record: &Record) -> String {
    let lines = record.absent.iter().map(|entry| {
        format!("- {} {}: the archive holds it no more ({})\n", entry.dist, entry.version.as_str(), entry.key())
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("{lines}\n") }
}

/// What the majors were.
pub(super) fn images(record: &Record) -> String {
    let mut table = Table::new(&["major", "source", "suite", "version"]);
    for major in record.majors() {
        match record.image(major) {
            Some(image) => table.row(&[
                major.to_string(),
                image.source.to_string(),
                image.suite.clone(),
                image.postgresql_full.clone(),
            ]),
            None => table.row(&[major.to_string(), "no run needed an image".to_owned()]),
        }
    }
    format!("## Images\n\n{}", table.end())
}

/// How many verdicts of each grade.
pub(super) fn verdicts(record: &Record) -> String {
    let majors = record.majors();
    let mut headings = vec!["grade".to_owned()];
    headings.extend(majors.iter().map(ToString::to_string));
    headings.push("all".to_owned());
    let mut table = Table::new(&headings);
    for grade in Grade::ALL {
        let count = |of| record.results().filter(|(major, result)| *major == of && result.grade == grade).count();
        let counts: Vec<usize> = majors.iter().map(|major| count(*major)).collect();
        let all: usize = counts.iter().sum();
        let cells = counts.into_iter().chain([all]).map(shown);
        table.row(&std::iter::once(grade.to_string()).chain(cells).collect::<Vec<_>>());
    }
    format!("## Verdicts\n\n{}", table.end())
}

/// In which phase runs that did not succeed were decided.
pub(super) fn phases(record: &Record) -> String {
    let grades = [Grade::Fail, Grade::Blocked, Grade::Env, Grade::Error];
    let headings: Vec<String> = std::iter::once("phase".to_owned()).chain(grades.map(|g| g.to_string())).collect();
    let mut table = Table::new(&headings);
    for phase in Phase::ALL {
        let counts = grades.map(|grade| {
            record.results().filter(|(_, result)| result.grade == grade && result.verdict.phase == phase).count()
        });
        if counts.iter().any(|count| *count > 0) {
            let cells = counts.into_iter().map(shown);
            table.row(&std::iter::once(phase.to_string()).chain(cells).collect::<Vec<_>>());
        }
    }
    format!("The phase that decided, where it was not well:\n\n{}", table.end())
}

fn shown(count: usize) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

fn join(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(", ")
}

fn spoken(duration: Duration) -> String {
    match duration.as_secs() {
        0..100 => format!("{:.1} s", duration.as_secs_f64()),
        seconds @ 100..6000 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well_from_seconds_to_hours() {
        let words = [1_500, 150_000, 9_000_000].map(|millis| spoken(Duration::from_millis(millis)));
        assert_eq!(words, ["1.5 s", "2 min 30 s", "2 h 30 min"]);
    }
}
