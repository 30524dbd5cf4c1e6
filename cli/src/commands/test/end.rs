//! What is done once all is tested: logs and reports are kept, a line for each target is printed, and the exit status says how it ended.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use protocol::Grade;
use runner::Completed;

use super::{Cell, Job, report, update};
use crate::args::FailOn;

/// Keeps, prints and reports what was found; `lacks` is what was not here of what was needed.
pub(super) fn finish(job: &Job<'_>, cells: &[Cell], lacks: Option<&str>) -> Result<ExitCode> {
    let Job { args, subject, console, .. } = *job;
    if let Some(output) = &args.output {
        for cell in cells {
            keep(&output.join(cell.target.to_string()), &cell.completed)?;
        }
        console.line(&format!("Logs and reports are in {}", output.display()));
    }
    console.line("");
    for Cell { target, completed } in cells {
        let verdict = &completed.report.verdict;
        let line = format!("{} {target:<12} {} {}", console.grade(verdict.grade()), verdict.phase, verdict.reason);
        console.line(&line);
    }
    report::write(&args.report, subject, cells)?;
    if let Some(dir) = subject.dir.as_ref().filter(|_| args.update_expected) {
        update::update(dir, cells, console)?;
    }
    Ok(exit_code(cells.iter().map(Cell::grade), &args.fail_on, lacks.is_some()))
}

/// Writes the report and its files into a directory.
fn keep(dir: &PathBuf, completed: &Completed) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let write =
        |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).with_context(|| format!("write {}", path.display()));
    for file in &completed.files {
        write(&dir.join(&file.record.name), &file.bytes())?;
    }
    write(&dir.join("report.json"), &serde_json::to_vec_pretty(&completed.report)?)
}

/// 1 where the extension failed; 3 where only the farm's side did, 4 where that is for want of what was not to be fetched; of the grades that count as
/// failed.
fn exit_code(grades: impl Iterator<Item = Grade>, fail_on: &FailOn, is_lacking: bool) -> ExitCode {
    let failed: Vec<Grade> = grades.filter(|grade| fail_on.has(*grade)).collect();
    if failed.iter().any(|grade| !matches!(grade, Grade::Blocked | Grade::Env | Grade::Error)) {
        ExitCode::from(1)
    } else if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(if is_lacking { 4 } else { 3 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_weighs_more_than_what_the_farm_lacks() {
        let usual: FailOn = FailOn::USUAL.parse().unwrap();
        let code = |grades: &[Grade]| exit_code(grades.iter().copied(), &usual, false);
        assert_eq!(code(&[Grade::Pass, Grade::Env, Grade::Fail]), ExitCode::from(1));
        assert_eq!(code(&[Grade::Pass, Grade::Env]), ExitCode::from(3));
        assert_eq!(exit_code([Grade::Fail, Grade::Error].into_iter(), &usual, true), ExitCode::from(1));
        assert_eq!(exit_code([Grade::Pass, Grade::Error].into_iter(), &usual, true), ExitCode::from(4));
        assert_eq!(code(&[Grade::Pass, Grade::Untested, Grade::Na]), ExitCode::SUCCESS);
        let strict = |grades: &[Grade]| exit_code(grades.iter().copied(), &"UNTESTED".parse().unwrap(), false);
        assert_eq!((strict(&[Grade::Untested]), strict(&[Grade::Env])), (ExitCode::from(1), ExitCode::SUCCESS));
    }
}
