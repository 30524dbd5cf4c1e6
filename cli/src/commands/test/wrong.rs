//! What cannot be asked for together, beyond what the command line itself refuses.

use protocol::PgMajor;

use super::report::{Subject, clash, is_printed};
use crate::args::TestArgs;

/// Why these flags make no sense together; none where they do.
pub(super) fn combined(args: &TestArgs) -> Option<String> {
    if clash(&args.report) {
        return Some(
            "only one report can be printed; give the others a file, such as `--report junit=tests.xml`".to_owned(),
        );
    }
    let printed = args.report.iter().any(is_printed);
    if args.modes.watch && printed {
        return Some(
            "--watch tests more than once, and a report is printed once; give it a file, such as `--report \
             json=report.json`, which is written anew each time"
                .to_owned(),
        );
    }
    if args.modes.shell.is_some() && printed {
        return Some(
            "--shell needs standard output for the shell; give the report a file, such as `--report json=report.json`"
                .to_owned(),
        );
    }
    None
}

/// Why these flags make no sense for what they are about.
pub(super) fn about(args: &TestArgs, subject: &Subject, majors: &[PgMajor]) -> Option<String> {
    if args.update_expected && subject.dir.is_none() {
        return Some("only a directory has expected files to update".to_owned());
    }
    if args.modes.watch && subject.dir.is_none() {
        return Some("only a directory can be watched".to_owned());
    }
    if args.modes.shell.is_some() && majors.len() > 1 {
        return Some("--shell is for one PostgreSQL; name one, such as `--pg 17`".to_owned());
    }
    if args.modes.bisect_pg.is_some() && majors.len() < 2 {
        return Some("--bisect-pg takes two majors at least; name more, such as `--pg 15,16,17`".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn args(words: &str) -> TestArgs {
        let cli = Cli::try_parse_from(["pgxn-testers", "test"].into_iter().chain(words.split_whitespace()));
        match cli.map(|cli| cli.command) {
            Ok(Command::Test(args)) => args,
            other => panic!("{words}: {other:?}"),
        }
    }

    #[test]
    fn what_would_be_printed_more_than_once_or_into_a_shell_needs_a_file() {
        for words in ["--watch --report json", "--shell --report junit", "--report json --report junit"] {
            assert!(combined(&args(words)).is_some_and(|why| why.contains("file, such as `--report")), "{words}");
        }
        for words in ["--watch --report json=a", "--shell --report json=a", "--report json --report junit=a"] {
            assert_eq!(combined(&args(words)), None, "{words}");
        }
    }

    #[test]
    fn flags_that_exclude_each_other_are_refused_by_the_command_line() {
        for words in [
            "--watch --shell",
            "--watch --bisect-pg",
            "--shell --bisect-pg",
            "--watch --update-expected",
            "--bisect-pg --update-expected",
            "--watch --propose-meta",
            "--watch --upload https://farm.example/",
            "--offline --upload https://farm.example/",
        ] {
            let given = ["pgxn-testers", "test"].into_iter().chain(words.split_whitespace());
            let error = Cli::try_parse_from(given).unwrap_err().to_string();
            assert!(error.contains("cannot be used with"), "{words}: {error}");
        }
    }

    #[test]
    fn a_zip_cannot_be_watched_and_a_shell_is_on_one_major() {
        let zip = Subject { name: "a.zip".into(), dir: None };
        let majors: Vec<PgMajor> = ["17", "18"].map(|text| text.parse().unwrap()).to_vec();
        let why = |words: &str, majors: &[PgMajor]| about(&args(words), &zip, majors).unwrap_or_default();
        assert_eq!(why("--watch", &majors), "only a directory can be watched");
        assert!(why("--shell --pg 17,18", &majors).contains("name one"));
        assert!(why("--bisect-pg --pg 17", &majors[..1]).contains("name more"));
        assert_eq!(why("--bisect-pg", &majors), "");
    }
}
