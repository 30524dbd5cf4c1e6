//! Phase build: `make all`, in parallel, and once more one by one where that fails.

use protocol::{Phase, Reason};

use crate::judge::ONE_BY_ONE;
use crate::run::phase::Bench;
use crate::run::{Book, SOURCE_DIR, Step, Subject, collect};
use crate::sandbox::Command;

/// Builds.
pub(crate) async fn run(bench: &mut Bench<'_>, book: &mut Book<'_>) -> Step<()> {
    if let Some((reason, detail)) = unbuildable(&bench.subject) {
        book.begin(Phase::Build).await;
        return Err(book.refuse(reason, detail).await);
    }
    let (script, shown) = commands(bench);
    book.begin(Phase::Build).await;
    let attempt = bench.attempt(Phase::Build, &Command::shell(SOURCE_DIR, &script), book).await?;
    let again = attempt.log.contains_line(ONE_BY_ONE);
    let ended = bench.conclude(attempt, &shown, book).await?;
    if again && ended.exit == Some(0) {
        book.note("Its Makefile does not stand parallel jobs: `make -j` failed, `make` did not.").await;
    }
    Ok(())
}

/// The script that builds, and how a person would type it.
pub(crate) fn commands(bench: &Bench<'_>) -> (String, String) {
    let make = |rest: &str| bench.make(rest);
    commands_by(make, bench.site.limits.cpus)
}

/// The same by a `make` with what every call of it gets.
pub(crate) fn commands_by(make: impl Fn(&str) -> String, cpus: u32) -> (String, String) {
    let serial = make("all");
    match cpus {
        0 | 1 => (serial.clone(), serial),
        cpus => {
            let parallel = make(&format!("-j{cpus} all"));
            // What several compilers at a time had no memory for, one at a time may well have.
            let note = collect::note();
            (format!("{parallel} || {{\n{note}echo '{ONE_BY_ONE}'; {serial}; }}"), parallel)
        }
    }
}

/// Why there is nothing to run `make` on: another tool's files, or none.
pub(crate) fn unbuildable(subject: &Subject) -> Option<(Reason, String)> {
    let makes_one = ["configure", "autogen.sh", "configure.ac", "configure.in"];
    if subject.has_makefile() || makes_one.into_iter().any(|name| subject.has(name)) {
        return None;
    }
    let tools = [("Cargo.toml", "cargo pgrx"), ("CMakeLists.txt", "CMake"), ("meson.build", "Meson")];
    let tool = tools.into_iter().find(|(name, _)| subject.has(name));
    Some(tool.map_or_else(
        || (Reason::NoPipeline, String::new()),
        |(file, tool)| (Reason::PipelineUnsupported, format!("{file} without a Makefile: {tool}")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::subject;

    #[test]
    fn a_distribution_without_a_makefile_is_told_from_one_built_by_another_tool() {
        let reason = |files: &[&str]| unbuildable(&subject(files)).map(|(reason, _)| reason);
        assert_eq!(reason(&["Makefile", "Cargo.toml"]), None);
        assert_eq!(reason(&["configure"]), None);
        assert_eq!(reason(&["Cargo.toml"]), Some(Reason::PipelineUnsupported));
        assert_eq!(reason(&["sql/a.sql"]), Some(Reason::NoPipeline));
    }
}
