//! `docs/attacks.md`: what every attack came to, a table for each test, compared with what the test saw, or written anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

/// One row: the attack, the phases, the language, what must happen, what happened, and how that was seen from outside.
pub type Row = [String; 6];

const HEAD: &str =
    "| attack | phase | language | must happen | happened | seen from outside |\n|---|---|---|---|---|---|\n";

/// Tests of one binary may write at the same time.
static WRITING: Mutex<()> = Mutex::new(());

/// A row of anything that is a text.
pub fn row(cells: [&str; 6]) -> Row {
    cells.map(|cell| cell.replace('|', "\\|"))
}

/// Compares the table below that heading with these rows. Where `PGXN_RECORD_ATTACKS` is set, it is written anew instead.
pub fn compare(heading: &str, rows: &[Row]) -> Result<()> {
    let _guard = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = fs::read_to_string(path()).context("read docs/attacks.md")?;
    let lines: Vec<String> = rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    let seen = format!("{HEAD}{}", lines.concat());
    let start = text.find(&format!("## {heading}\n")).with_context(|| format!("docs/attacks.md has no `{heading}`"))?;
    let end = text[start + 3..].find("\n## ").map_or(text.len(), |at| start + 3 + at);
    let section = &text[start..end];
    let (before, written) = section.find(HEAD).map_or((section, ""), |at| section.split_at(at));
    let (written, after) = written.find("\n\n").map_or((written, ""), |at| written.split_at(at + 1));
    if is_recording() {
        let gap = if before.ends_with("\n\n") { "" } else { "\n" };
        let whole = format!("{}{before}{gap}{seen}{after}{}", &text[..start], &text[end..]);
        return Ok(fs::write(path(), whole)?);
    }
    let differing: Vec<_> = seen.lines().filter(|line| !written.lines().any(|known| known == *line)).collect();
    let count = written.lines().count();
    ensure!(
        differing.is_empty() && count == seen.lines().count(),
        "docs/attacks.md does not say what was seen; `PGXN_RECORD_ATTACKS=1` writes it anew:\n{}",
        differing.join("\n")
    );
    Ok(())
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/attacks.md")
}

#[expect(clippy::disallowed_methods, reason = "the tests' own configuration, read at this one place")]
fn is_recording() -> bool {
    std::env::var_os("PGXN_RECORD_ATTACKS").is_some()
}
