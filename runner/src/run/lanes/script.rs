//! The script of the lanes, put together from files that are shell and SQL.

use std::time::Duration;

use crate::config::Lanes;
use crate::run::Subject;
use crate::run::lanes::SHARED;
use crate::run::phase::Bench;
use crate::run::quote::{identifier, quoted};

/// Passes on what the script has found, and forgets it.
pub(super) const TELL: &str = "[ ! -f /tmp/pgxn-lanes/found ] || timeout 10 head -c 400000 /tmp/pgxn-lanes/found >&2 2>/dev/null; rm -rf /tmp/pgxn-lanes/found";

/// Extensions beyond these are left out.
const MAX_EXTENSIONS: usize = 20;

/// The program of all lanes, with the extensions as its arguments.
pub(super) fn arguments(bench: &Bench<'_>, time: Duration) -> Vec<String> {
    let script = script(&bench.make("uninstall"), time).replace("@NEEDED@", &needed(&bench.subject));
    ["sh".to_owned(), "-c".into(), script, "lanes".into()].into_iter().chain(extensions(&bench.subject)).collect()
}

/// All lanes, as a command of a shell; none where the runner leaves them out.
pub(crate) fn by_hand(bench: &Bench<'_>) -> Option<String> {
    let words = arguments(bench, SHARED);
    (bench.site.lanes == Lanes::All).then(|| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

fn script(make_uninstall: &str, time: Duration) -> String {
    let parts = [
        include_str!("steps.sh").replace("@SECONDS@", &time.as_secs().to_string()),
        include_str!("prepare.sh").replace("@CATALOG@", include_str!("catalog.sql")),
        include_str!("upgrade.sh").replace("@PATHS@", include_str!("paths.sql")),
        include_str!("reload.sh").replace("@UNMARKED@", include_str!("unmarked.sql")),
        include_str!("uninstall.sh").replace("@UNINSTALL@", make_uninstall),
    ];
    parts.concat()
}

/// Statements that create what it needs, a line each.
fn needed(subject: &Subject) -> String {
    let needed = subject.create_first.iter().filter(|name| !name.chars().any(char::is_control));
    needed
        .flat_map(|name| ["CREATE EXTENSION IF NOT EXISTS ", &identifier(name), " CASCADE;\n"].map(str::to_owned))
        .collect()
}

/// What META provides and has a control file; where META provides nothing, what was installed.
fn extensions(subject: &Subject) -> Vec<String> {
    let provided = subject.meta.provides.iter().map(|provided| provided.name.as_str());
    let mut names: Vec<String> = provided.filter(|name| subject.installed.contains(*name)).map(str::to_owned).collect();
    if subject.meta.provides.is_empty() {
        names.extend(subject.installed.iter().cloned());
    }
    names.retain(|name| !name.chars().any(char::is_control));
    names.truncate(MAX_EXTENSIONS);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{provided, subject};

    #[test]
    fn a_script_has_no_gap_left() {
        let script = script("make uninstall", Duration::from_secs(9));
        let gaps = ["@SECONDS@", "@CATALOG@", "@PATHS@", "@UNMARKED@", "@UNINSTALL@"];
        assert!(!gaps.iter().any(|gap| script.contains(gap)));
        // One argument of a program may have 128 KiB.
        assert!(script.len() < 100_000, "{}", script.len());
    }

    #[test]
    fn what_it_needs_is_created_first() {
        let mut subject = subject(&[]);
        subject.create_first.extend(["hstore".to_owned(), "a\"b".to_owned()]);
        let lines =
            "CREATE EXTENSION IF NOT EXISTS \"hstore\" CASCADE;\nCREATE EXTENSION IF NOT EXISTS \"a\"\"b\" CASCADE;\n";
        assert_eq!(needed(&subject), lines);
    }

    #[test]
    fn only_what_has_a_control_file_can_be_updated() {
        let mut subject = subject(&[]);
        subject.meta.provides = vec![provided("tool", "tool.c"), provided("widget", "widget.sql")];
        subject.installed.extend(["widget".to_owned(), "other".to_owned()]);
        assert_eq!(extensions(&subject), ["widget"]);
        subject.meta.provides.clear();
        assert_eq!(extensions(&subject), ["other", "widget"]);
    }
}
