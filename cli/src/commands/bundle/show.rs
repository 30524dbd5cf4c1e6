//! What is said of an archive: to people, to programs, and to a step of a GitHub workflow.

use std::fmt::Write;

use anyhow::Result;
use pgxn::acceptance::{Finding, Severity};
use serde_json::json;

use super::{Bundle, painted};
use crate::config;
use crate::console::{Console, out, plain};
use crate::workflow::{Annotation, append, prefix};

/// Findings to standard error; to standard output nothing but where the archive is.
pub(super) fn text(bundle: &Bundle, console: Console) -> Result<()> {
    let checked = &bundle.checked;
    for finding in &checked.findings {
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{}:{line}: ", plain(file)),
            (Some(file), None) => format!("{}: ", plain(file)),
            _ => String::new(),
        };
        console.line(&format!(
            "{} {place}{} ({})",
            painted(console, finding.severity),
            plain(&finding.what),
            finding.rule
        ));
        console.line(&format!("         {}.", sentence(&plain(&finding.mend))));
    }
    let Some(archive) = &bundle.archive else {
        console.line("There is no archive, as META.json does not say what to call it.");
        return Ok(());
    };
    let (files, bytes, sha1) = (checked.files, checked.bytes, &checked.sha1);
    let verdict = match checked.findings.first().map(|finding| finding.severity) {
        Some(Severity::Rejected) => "The registry would refuse it",
        Some(Severity::Trap) => "The registry would take it as it is",
        None => "Nothing is wrong with it, as far as can be told without asking the registry",
    };
    console.line(&format!("{verdict}: {files} files, {bytes} bytes, SHA-1 {sha1}"));
    out(&archive.display().to_string())?;
    Ok(())
}

/// Words as the beginning of a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub(super) fn json(bundle: &Bundle) -> Result<()> {
    let checked = &bundle.checked;
    let finding = |one: &Finding| {
        json!({
            "severity": one.severity.as_str(), "rule": one.rule, "what": one.what, "mend": one.mend, "file": one.file,
            "line": one.line,
        })
    };
    let whole = json!({
        "archive": bundle.archive,
        "name": checked.identity.as_ref().map(|identity| &identity.name),
        "version": checked.identity.as_ref().map(|identity| &identity.version),
        "files": checked.files, "bytes": checked.bytes, "sha1": checked.sha1, "rejected": checked.is_rejected(),
        "findings": checked.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    out(&serde_json::to_string_pretty(&whole)?)?;
    Ok(())
}

/// Annotations to standard output, and outputs and a summary to the files that GitHub names.
pub(super) fn github(bundle: &Bundle) -> Result<()> {
    let files = config::github();
    let checked = &bundle.checked;
    let below = bundle.source.as_deref().map(|dir| prefix(files.workspace.as_deref(), dir));
    let mut summary = format!("## The registry and {}\n\n", called(bundle));
    for finding in &checked.findings {
        let word = if finding.severity == Severity::Rejected { "error" } else { "warning" };
        let title = format!("{}: {}", finding.severity.as_str(), finding.rule);
        let message = format!("{}. {}.", sentence(&finding.what), sentence(&finding.mend));
        // An archive's files are nowhere in the workspace.
        let file = below.as_ref().and_then(|below| Some(format!("{below}{}", finding.file.as_ref()?)));
        let (file, line) = (file.as_deref(), finding.line);
        out(&Annotation { word, title: &title, file, line, column: None, message: &message }.to_string())?;
        let quoted = plain(&message).replace('`', "'");
        let _ = writeln!(summary, "- **{}**\n\n      {quoted}\n", finding.severity.as_str());
    }
    if checked.findings.is_empty() {
        summary.push_str("Nothing is wrong with it, as far as can be told without asking the registry.\n");
    }
    if let Some(path) = &files.summary {
        append(path, &summary)?;
    }
    let Some(path) = &files.output else { return Ok(()) };
    let (name, version) = checked.identity.as_ref().map_or(("", ""), |one| (one.name.as_str(), one.version.as_str()));
    let archive = bundle.archive.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let pairs = [("bundle", archive.as_str()), ("name", name), ("version", version), ("sha1", &checked.sha1)];
    append(path, &pairs.map(|(key, value)| format!("{key}={}\n", plain(value))).concat())
}

/// The release in words, as Markdown that does nothing.
fn called(bundle: &Bundle) -> String {
    let identity = bundle.checked.identity.as_ref();
    identity.map_or_else(|| "this release".to_owned(), |one| format!("`{}`", one.directory().replace('`', "'")))
}
