//! `JUnit`'s XML, as CI servers read it: a suite for each PostgreSQL, with its phases and its tests.

use std::time::Duration;

use anyhow::{Context, Result};
use protocol::{Grade, Outcome, TestOutcome};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Cell;
use super::report::Subject;

pub(super) fn write(subject: &Subject, cells: &[Cell]) -> Result<String> {
    let mut report = Report::new(subject.name.as_str());
    for cell in cells {
        report.add_test_suite(suite(subject, cell));
    }
    report.to_string().context("write JUnit's XML")
}

fn suite(subject: &Subject, cell: &Cell) -> TestSuite {
    let mut suite = TestSuite::new(format!("{} on PostgreSQL {}", subject.name, cell.on()));
    let verdict = &cell.completed.report.verdict;
    for record in &cell.completed.report.phases {
        let mut status = match record.outcome {
            Outcome::Passed => TestCaseStatus::success(),
            Outcome::Skipped => TestCaseStatus::skipped(),
            Outcome::Failed => TestCaseStatus::non_success(kind(record.reason.map(protocol::Reason::grade))),
        };
        if record.outcome == Outcome::Failed {
            status.set_type(record.reason.map(|reason| reason.to_string()).unwrap_or_default());
            status.set_message(verdict.reason.sentence_with(&verdict.detail));
            if let Some(decisive) = verdict.decisive.as_ref().filter(|_| record.phase == verdict.phase) {
                status.set_description(format!("{}:{}: {}", decisive.file, decisive.line, decisive.text));
            }
        }
        let class = format!("{}.phases", cell.target);
        suite.add_test_case(case((class, record.phase.to_string()), Some(record.duration_ms), status));
    }
    for test in &cell.completed.report.tests {
        let status = match test.outcome {
            TestOutcome::Passed => TestCaseStatus::success(),
            TestOutcome::Skipped => TestCaseStatus::skipped(),
            TestOutcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        let class = format!("{}.{}", cell.target, test.suite.as_str());
        suite.add_test_case(case((class, test.name.clone()), test.duration_ms, status));
    }
    suite
}

fn case((class, name): (String, String), millis: Option<u64>, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    if let Some(millis) = millis {
        case.set_time(Duration::from_millis(millis));
    }
    case
}

/// What is the extension's is a failure; what is the farm's is an error of the test.
const fn kind(grade: Option<Grade>) -> NonSuccessKind {
    match grade {
        Some(Grade::Fail) => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{failing, subject};
    use super::*;

    #[test]
    fn failures_errors_and_skips_are_told_apart_and_hostile_text_breaks_no_xml() {
        let xml = write(&subject(), &[failing("\u{1b}]]><script> & \u{0}")]).unwrap();
        assert!(xml.contains(r#"name="pair 1.0.0 on PostgreSQL 17, amd64""#), "{xml}");
        assert!(xml.contains(r#"classname="pg17-amd64.regress""#) && xml.contains("<failure"), "{xml}");
        assert!(!xml.contains("<script>") && !xml.contains('\u{0}') && !xml.contains('\u{1b}'), "{xml}");
    }
}
