//! What came of a test, for others than a person at a terminal: JSON, `JUnit`, Markdown, and what GitHub's workflows read.

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result};
use protocol::{Grade, Report};

use super::{Cell, github, junit, markdown};
use crate::{config, workflow};

/// A form of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Junit,
    Markdown,
    Github,
}

impl Format {
    const ALL: [(&str, Self); 4] =
        [("json", Self::Json), ("junit", Self::Junit), ("markdown", Self::Markdown), ("github", Self::Github)];
}

/// A report that is asked for, and where it goes: to a file, or to standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    format: Format,
    file: Option<PathBuf>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, file) = match text.split_once('=') {
            Some((_, "")) => return Err("there is no file after the `=`".into()),
            Some((word, file)) => (word, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let known = Format::ALL.into_iter().find(|(name, _)| *name == word);
        let (_, format) = known.ok_or_else(|| {
            let names = Format::ALL.map(|(name, _)| name).join(", ");
            format!("there is no report `{word}`; choose from {names}, each with =FILE where it is not to be printed")
        })?;
        Ok(Self { format, file })
    }
}

/// Whether more than one would be printed to the same place.
pub(super) fn clash(wanted: &[Wanted]) -> bool {
    wanted.iter().filter(|one| one.file.is_none()).count() > 1
}

/// Whether it goes to standard output.
pub(super) fn is_printed(wanted: &Wanted) -> bool {
    wanted.file.is_none()
}

/// Whether a workflow of GitHub reads it as it is printed.
pub(super) fn is_for_github(wanted: &Wanted) -> bool {
    wanted.format == Format::Github && is_printed(wanted)
}

/// What was tested, as reports call it.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The distribution with its version, or the path.
    pub(super) name: String,
    /// The directory that its source is in, where that is known.
    pub(super) dir: Option<PathBuf>,
}

/// Writes all that are wanted.
pub(super) fn write(wanted: &[Wanted], subject: &Subject, cells: &[Cell]) -> Result<()> {
    for Wanted { format, file } in wanted {
        let text = match format {
            Format::Json => json(cells)?,
            Format::Junit => junit::write(subject, cells)?,
            Format::Markdown => markdown::write(subject, cells),
            Format::Github => {
                tell_github(subject, cells)?;
                github::annotations(&prefix(subject), cells)
            }
        };
        match file {
            Some(file) => std::fs::write(file, text).with_context(|| format!("write {}", file.display()))?,
            None => std::io::stdout().lock().write_all(text.as_bytes()).context("print the report")?,
        }
    }
    Ok(())
}

fn json(cells: &[Cell]) -> Result<String> {
    let reports: Vec<&Report> = cells.iter().map(|cell| &cell.completed.report).collect();
    Ok(serde_json::to_string_pretty(&reports)? + "\n")
}

/// The files by which a step of a workflow speaks to those after it, where GitHub names them.
fn tell_github(subject: &Subject, cells: &[Cell]) -> Result<()> {
    let files = config::github();
    if let Some(path) = &files.summary {
        workflow::append(path, &markdown::write(subject, cells))?;
    }
    if let Some(path) = &files.output {
        workflow::append(path, &github::outputs(cells)?)?;
    }
    Ok(())
}

/// Where the source lies below the workspace of a workflow.
fn prefix(subject: &Subject) -> String {
    subject.dir.as_ref().map(|dir| workflow::prefix(config::github().workspace.as_deref(), dir)).unwrap_or_default()
}

/// The grade that weighs most: a FAIL more than what the farm lacks, and that more than what is well.
pub(super) fn worst(cells: &[Cell]) -> Grade {
    const BY_WEIGHT: [Grade; 7] =
        [Grade::Fail, Grade::Error, Grade::Env, Grade::Blocked, Grade::Untested, Grade::Pass, Grade::Na];
    let is_there = |grade: &Grade| cells.iter().any(|cell| cell.grade() == *grade);
    BY_WEIGHT.into_iter().find(is_there).unwrap_or(Grade::Na)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_named_with_or_without_a_file() {
        let junit = Wanted { format: Format::Junit, file: Some("out/x.xml".into()) };
        assert_eq!("junit=out/x.xml".parse(), Ok(junit.clone()));
        assert_eq!("json".parse(), Ok(Wanted { format: Format::Json, file: None }));
        assert!("xml".parse::<Wanted>().unwrap_err().contains("choose from json, junit, markdown, github"));
        assert!("json=".parse::<Wanted>().is_err());
        let json: Wanted = "json".parse().unwrap();
        assert!(!clash(&[junit, json.clone()]) && clash(&[json.clone(), json]));
    }
}
