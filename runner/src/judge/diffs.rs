//! `regression.diffs`: what each failing test printed that it should not have printed.

use std::sync::LazyLock;

use regex::Regex;

use crate::judge::LogFile;
use crate::judge::lines::{Line, lines};
use crate::judge::messages::{Message, Within, first_error};

/// Where the diff of a test begins: `diff -U3 /…/expected/name_1.out /…/results/name.out`.
static BEGINS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^diff .*/results/(?P<name>\S+)\.out$").expect("the tests compile every pattern"));

/// A message that is no error and names a process: no expected output can foresee it, as the number is another one in every run.
static OF_A_PROCESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\+(?:psql:\S+ )?(?:DEBUG\d?|LOG|INFO|NOTICE|WARNING|DETAIL): .*\b(?i:pid|process):? \d+\b")
        .expect("the tests compile every pattern")
});

/// The diff of one test: where its lines are.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    file: LogFile<'a>,
    first: u64,
    last: u64,
}

/// The first error that a test printed beyond what was expected.
pub(crate) fn first_added_error<'a>(diffs: &[LogFile<'a>], test: &str) -> Option<Message<'a>> {
    first_error(of_test(diffs, test)?, Within::Diff)
}

/// The first line of a test's diff that differs.
pub(crate) fn first_difference<'a>(diffs: &[LogFile<'a>], test: &str) -> Option<Line<'a>> {
    differences(of_test(diffs, test)?).next()
}

/// The first error of a test whose lines in the log show a diff, that it adds; where they show another file, that is in there.
pub(crate) fn first_error_shown<'a, I: Iterator<Item = Line<'a>>>(section: impl Fn() -> I) -> Option<Message<'a>> {
    let within = if is_diff(section()) { Within::Diff } else { Within::Output };
    first_error(section(), within)
}

/// The first line that differs of a test whose lines in the log show a diff.
pub(crate) fn first_difference_shown<'a, I: Iterator<Item = Line<'a>>>(section: impl Fn() -> I) -> Option<Line<'a>> {
    is_diff(section()).then(|| differences(section().skip_while(|line| !line.text.starts_with("@@ "))).next())?
}

fn is_diff<'a>(mut lines: impl Iterator<Item = Line<'a>>) -> bool {
    lines.any(|line| line.text.starts_with("@@ "))
}

/// Whether a test printed all that it should, and only messages about some process beside it, which depend on the moment.
pub(crate) fn only_tells_of_processes(diffs: &[LogFile<'_>], test: &str) -> bool {
    let Some(lines) = of_test(diffs, test) else { return false };
    let mut differences = differences(lines).peekable();
    differences.peek().is_some() && differences.all(|line| OF_A_PROCESS.is_match(&line.text))
}

fn differences<'a>(lines: impl Iterator<Item = Line<'a>>) -> impl Iterator<Item = Line<'a>> {
    let is_head = |text: &str| text.starts_with("+++ ") || text.starts_with("--- ");
    lines.filter(move |line| line.text.starts_with(['+', '-']) && !is_head(&line.text))
}

fn of_test<'a>(diffs: &[LogFile<'a>], test: &str) -> Option<impl Iterator<Item = Line<'a>> + use<'a>> {
    let block = diffs.iter().find_map(|file| block(*file, test))?;
    Some(lines(block.file).filter(move |line| (block.first..=block.last).contains(&line.number)))
}

fn block<'a>(file: LogFile<'a>, test: &str) -> Option<Block<'a>> {
    let name = |line: &Line<'_>| BEGINS.captures(&line.text).map(|captures| captures["name"].to_owned());
    let mut beginnings = lines(file).filter_map(|line| Some((line.number, name(&line)?)));
    let (first, _) = beginnings.find(|(_, name)| name == test)?;
    let last = beginnings.next().map_or(u64::MAX, |(next, _)| next - 1);
    Some(Block { file, first, last })
}
