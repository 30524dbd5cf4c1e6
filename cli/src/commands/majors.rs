//! `pgxn-testers majors`: the PostgreSQL majors of today, for whoever makes a matrix of them.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use pgxn::Meta;
use pgxn::archive::{Contents, Limits};
use protocol::{Clock, Matrix, PgMajor, SystemClock};

use crate::args::MajorsArgs;
use crate::commands::test::around;
use crate::console::{Colour, Console, out};

/// No META.json is longer.
const MAX_META_BYTES: u64 = 1024 * 1024;

pub(crate) fn run(args: &MajorsArgs, console: Console) -> Result<ExitCode> {
    let mut majors = of_matrix(&Matrix::embedded(), args.all);
    if let Some(path) = &args.path {
        let Some((name, text)) = meta(path)? else {
            console.line(&format!("{} {}", console.paint(Colour::Red, "error:"), around::missing(path)));
            return Ok(ExitCode::from(2));
        };
        let range = Meta::parse(&text).with_context(|| format!("read {name}"))?.postgres_range();
        majors.retain(|major| range.allows_postgres(*major));
        if majors.is_empty() {
            console.line(&format!("Its META asks for PostgreSQL {range}, which none of these is."));
        }
    }
    let words: Vec<String> = majors.iter().map(PgMajor::to_string).collect();
    if args.json {
        out(&serde_json::to_string(&words)?)?;
    } else {
        words.iter().try_for_each(|word| out(word))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The META.json of a directory or an archive, with what to call it; none where there is none.
fn meta(path: &Path) -> Result<Option<(String, Vec<u8>)>> {
    if path.is_file() {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let mut contents = Contents::open(file, &Limits::default())?;
        let text = contents.read(around::META, MAX_META_BYTES)?;
        return Ok(text.map(|text| (format!("{} of {}", around::META, path.display()), text)));
    }
    let Some(file) = around::find(path).map(|dir| dir.join(around::META)) else { return Ok(None) };
    let name = file.display().to_string();
    let text = std::fs::read(&file).with_context(|| format!("read {name}"))?;
    Ok(Some((name, text)))
}

/// The majors of a matrix, oldest first: all, or those that are maintained today.
fn of_matrix(matrix: &Matrix, all: bool) -> Vec<PgMajor> {
    let mut majors = if all {
        matrix.postgresql.iter().map(|entry| entry.major).collect()
    } else {
        matrix.supported(SystemClock.now())
    };
    majors.sort_unstable();
    majors
}
