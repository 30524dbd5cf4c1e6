//! The scripts of the lanes, put together from files that are shell and SQL.

use std::time::Duration;

use protocol::Phase;

use crate::config::Lanes;
use crate::run::Subject;
use crate::run::lanes::{ALL, SHARED};
use crate::run::pgtap::quoted;
use crate::run::phase::Bench;

/// Passes on what a script has found, and forgets it.
pub(super) const TELL: &str = "head -c 400000 /tmp/pgxn-lanes/found >&2 2>/dev/null; rm -f /tmp/pgxn-lanes/found";

/// Extensions beyond these are left out.
const MAX_EXTENSIONS: usize = 20;

/// The program of a lane, with the extensions as its arguments.
pub(super) fn arguments(phase: Phase, bench: &Bench<'_>, time: Duration) -> Vec<String> {
    let script = script(phase, &bench.make("uninstall"), time);
    let words = ["sh".to_owned(), "-c".into(), script, phase.to_string()];
    words.into_iter().chain(extensions(&bench.subject)).collect()
}

/// All lanes, as commands of a shell; none where the runner leaves them out.
pub(crate) fn by_hand(bench: &Bench<'_>) -> Vec<String> {
    let phases = if bench.site.lanes == Lanes::None { &[][..] } else { &ALL[..] };
    let line =
        |phase: &Phase| arguments(*phase, bench, SHARED).iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    phases.iter().map(line).collect()
}

fn script(phase: Phase, make_uninstall: &str, time: Duration) -> String {
    let steps = include_str!("steps.sh").replace("@SECONDS@", &time.as_secs().to_string());
    let prepare = include_str!("prepare.sh").replace("@CATALOG@", include_str!("catalog.sql"));
    match phase {
        Phase::Upgrade => steps + &prepare + &include_str!("upgrade.sh").replace("@PATHS@", include_str!("paths.sql")),
        Phase::Reload => steps + &include_str!("reload.sh").replace("@UNMARKED@", include_str!("unmarked.sql")),
        _ => steps + &include_str!("uninstall.sh").replace("@UNINSTALL@", make_uninstall),
    }
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
        for phase in ALL {
            let script = script(phase, "make uninstall", Duration::from_secs(9));
            let gaps = ["@SECONDS@", "@CATALOG@", "@PATHS@", "@UNMARKED@", "@UNINSTALL@"];
            assert!(!gaps.iter().any(|gap| script.contains(gap)), "{phase}");
            // One argument of a program may have 128 KiB.
            assert!(script.len() < 100_000, "{phase}: {}", script.len());
        }
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
