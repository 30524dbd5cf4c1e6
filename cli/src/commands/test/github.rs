//! What a step of a GitHub workflow tells: annotations as workflow commands
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>) and outputs for the steps after it.

use std::fmt::Write;

use anyhow::Result;
use protocol::Grade;
use serde_json::json;

use super::Cell;
use super::place::{Place, places};
use super::report::worst;
use crate::workflow::Annotation;

/// GitHub shows no more of one kind for a step.
const MOST: usize = 10;

/// One command a line: an error where the extension fails, a warning where the farm lacks something.
pub(super) fn annotations(prefix: &str, cells: &[Cell]) -> String {
    let mut text = String::new();
    let mut errors = 0;
    for cell in cells {
        let verdict = &cell.completed.report.verdict;
        let title = format!("PostgreSQL {}: {}", cell.on(), verdict.grade());
        let sentence = verdict.reason.sentence_with(&verdict.detail);
        match verdict.grade() {
            Grade::Pass | Grade::Untested | Grade::Na => {}
            Grade::Fail => {
                for place in places(cell).into_iter().take(MOST.saturating_sub(errors).max(1)) {
                    errors += 1;
                    let message = if place.text.is_empty() { &sentence } else { &place.text };
                    command(&mut text, "error", (prefix, Some(&place)), (&title, message));
                }
            }
            Grade::Blocked | Grade::Env | Grade::Error => {
                command(&mut text, "warning", (prefix, None), (&title, &sentence));
            }
        }
        for warning in &cell.completed.report.circumstances.warnings {
            let title = format!("PostgreSQL {}: {} warns", cell.on(), warning.phase);
            command(&mut text, "warning", (prefix, None), (&title, &warning.text));
        }
    }
    text
}

fn command(
    text: &mut String,
    word: &'static str,
    (prefix, place): (&str, Option<&Place>),
    (title, message): (&str, &str),
) {
    let file = place.and_then(|place| Some(format!("{prefix}{}", place.file.as_ref()?)));
    let (line, column) = place.map_or((None, None), |place| (place.line, place.column));
    let _ = writeln!(text, "{}", Annotation { word, title, file: file.as_deref(), line, column, message });
}

/// `verdict`, the grade that weighs most, and `matrix`, what `strategy.matrix` can take.
pub(super) fn outputs(cells: &[Cell]) -> Result<String> {
    let matrix: Vec<_> = cells
        .iter()
        .map(|cell| {
            let verdict = &cell.completed.report.verdict;
            json!({
                "pg": cell.target.major, "platform": cell.target.platform, "grade": verdict.grade(),
                "phase": verdict.phase, "reason": verdict.reason,
            })
        })
        .collect();
    let matrix = serde_json::to_string(&json!({ "include": matrix }))?;
    Ok(format!("verdict={}\nmatrix={matrix}\n", worst(cells)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::failing;
    use super::*;

    #[test]
    fn a_failed_test_is_annotated_at_the_expected_line_and_hostile_text_is_no_command() {
        let text = annotations("ext/", &[failing("x\n::set-output name=a::b\n100 %")]);
        let [line] = text.lines().collect::<Vec<_>>()[..] else { panic!("one command: {text}") };
        assert!(
            line.starts_with("::error title=PostgreSQL 17%2C amd64%3A FAIL,file=ext/test/expected/pair.out,line=12::"),
            "{line}"
        );
        assert!(line.contains("%0A-two%0A+three"), "{line}");
    }

    #[test]
    fn outputs_are_a_line_each() {
        let text = outputs(&[failing("x\ny")]).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "verdict=FAIL");
        assert_eq!(
            lines[1],
            r#"matrix={"include":[{"grade":"FAIL","pg":17,"phase":"installcheck","platform":"amd64","reason":"tests-failed"}]}"#
        );
        assert_eq!(lines.len(), 2);
    }
}
