//! Proposes overrides from what runs were found to miss, as text to paste into `images/overrides.toml`.
//!
//! What a run missed is a text from a log, and hence hostile: a proposal is printed only if it reads back as overrides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use protocol::{Name, Override, Overrides, Reason, Target, Version};
use serde::Serialize;

use crate::images::{Candidate, alternatives};
use crate::judge::shown;

/// Further candidates that a proposal names.
const MAX_OTHERS: usize = 5;

/// Something that a release was found to need and the image did not have.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The distribution.
    pub dist: Name,
    /// The version.
    pub version: Version,
    /// On what.
    pub target: Target,
    /// Whether it is a header, a library or a program.
    pub reason: Reason,
    /// What exactly.
    pub detail: String,
    /// The suite of the image.
    pub suite: String,
}

/// The proposals, and a comment for everything that nothing was found for; what an override provides already is left out. `candidates`
/// looks a thing up in the suite that missed it.
pub fn suggest(missing: &[Missing], known: &Overrides, candidates: impl Fn(&Missing) -> Vec<Candidate>) -> String {
    let mut groups: BTreeMap<(&Name, &str, Reason), Vec<&Missing>> = BTreeMap::new();
    for one in missing {
        groups.entry((&one.dist, &one.detail, one.reason)).or_default().push(one);
    }
    let mut text = String::new();
    for ((dist, detail, reason), found) in groups {
        let first = found[0];
        let candidates = candidates(first);
        let seen = seen(&found);
        let what = one_line(detail);
        let Some(best) = candidates.first() else {
            let _ = write!(text, "# {dist} ({seen}): {reason} {what}: no package of {} has it\n\n", first.suite);
            continue;
        };
        let is_known = found.iter().all(|one| {
            known
                .provision(&one.dist, &one.version, one.target.major)
                .packages
                .iter()
                .any(|have| alternatives(have).any(|name| name == best.package))
        });
        if is_known {
            continue;
        }
        let _ = writeln!(text, "# {dist} ({seen}): {reason} {what}");
        let others: Vec<&str> =
            candidates.iter().skip(1).take(MAX_OTHERS).map(|other| other.package.as_str()).collect();
        if !others.is_empty() {
            let _ = writeln!(text, "# It is in {} too.", others.join(", "));
        }
        let _ = writeln!(text, "{}", entry(dist, &what, best).unwrap_or_else(|why| format!("# no proposal: {why}\n")));
    }
    text
}

/// An entry as it stands in the file.
fn entry(dist: &Name, what: &str, best: &Candidate) -> Result<String, String> {
    #[derive(Serialize)]
    struct File<'a> {
        r#override: [&'a Override; 1],
    }
    let entry = Override {
        packages: vec![best.package.clone()],
        ..Override::of(dist.clone(), &format!("It needs {what}, which {} has.", best.package))
    };
    let text = toml::to_string(&File { r#override: [&entry] }).map_err(|error| error.to_string())?;
    let read = Overrides::parse(&text).map_err(|error| error.to_string())?;
    if read.entries() == [entry] { Ok(text) } else { Err("it does not read back".into()) }
}

/// The versions and targets on which it was missed.
fn seen(found: &[&Missing]) -> String {
    let versions: BTreeSet<&Version> = found.iter().map(|one| &one.version).collect();
    let versions: Vec<&str> = versions.into_iter().map(Version::as_str).collect();
    let mut targets: Vec<String> = found.iter().map(|one| one.target.to_string()).collect();
    targets.sort();
    targets.dedup();
    format!("{} on {}", versions.join(", "), targets.join(", "))
}

fn one_line(text: &str) -> String {
    shown(&text.replace(['\n', '\r'], " "), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(detail: &str) -> Missing {
        Missing {
            dist: "pg_rrule".parse().unwrap(),
            version: "0.1.0".parse().unwrap(),
            target: "pg17-amd64".parse().unwrap(),
            reason: Reason::MissingHeader,
            detail: detail.to_owned(),
            suite: "trixie".to_owned(),
        }
    }

    fn candidate(package: &str) -> Candidate {
        Candidate { rank: 0, package: package.to_owned(), path: "usr/include/libical/ical.h".to_owned() }
    }

    #[test]
    fn a_proposal_reads_back_as_overrides_and_says_why() {
        let found =
            [missing("libical/ical.h"), Missing { target: "pg18-amd64".parse().unwrap(), ..missing("libical/ical.h") }];
        let text =
            suggest(&found, &Overrides::default(), |_| vec![candidate("libical-dev"), candidate("libical4-dev")]);
        assert!(
            text.contains("# pg_rrule (0.1.0 on pg17-amd64, pg18-amd64): missing-header libical/ical.h\n"),
            "{text}"
        );
        assert!(text.contains("# It is in libical4-dev too.\n"), "{text}");
        let overrides = Overrides::parse(&text).unwrap();
        assert_eq!(overrides.entries()[0].why, "It needs libical/ical.h, which libical-dev has.");
        assert_eq!(overrides.entries()[0].packages, ["libical-dev"]);
        assert_eq!(
            suggest(&found, &overrides, |_| vec![candidate("libical-dev")]),
            "",
            "what is provided is not proposed"
        );
    }

    #[test]
    fn a_package_whose_name_is_part_of_another_one_s_is_proposed() {
        let known =
            "[[override]]\ndist = \"pg_rrule\"\nwhy = \"Lua.\"\npackages = [\"liblua5.3-dev | liblua5.4-dev\"]\n";
        let known = Overrides::parse(known).unwrap();
        let propose = |package: &str| suggest(&[missing("lua")], &known, |_| vec![candidate(package)]);
        assert!(propose("lua5.3").contains("packages = [\"lua5.3\"]"), "{}", propose("lua5.3"));
        assert_eq!(propose("liblua5.3-dev"), "");
        assert_eq!(propose("liblua5.4-dev"), "");
    }

    #[test]
    fn versions_are_told_once_each_and_in_order() {
        let of = |version: &str| Missing { version: version.parse().unwrap(), ..missing("libical/ical.h") };
        let text = suggest(&[of("0.10.0"), of("0.2.0"), of("0.10.0")], &Overrides::default(), |_| Vec::new());
        assert!(text.starts_with("# pg_rrule (0.2.0, 0.10.0 on pg17-amd64): "), "{text}");
    }

    #[test]
    fn what_no_package_has_is_said_in_a_comment() {
        let text = suggest(&[missing("moon\u{202e}.h\nevil = 1")], &Overrides::default(), |_| Vec::new());
        assert_eq!(
            text,
            "# pg_rrule (0.1.0 on pg17-amd64): missing-header moon.h evil = 1: no package of trixie has it\n\n"
        );
        assert!(Overrides::parse(&text).unwrap().entries().is_empty());
    }

    #[test]
    fn a_hostile_text_cannot_become_another_entry() {
        let hostile = missing("x\"\n[[override]]\ndist = \"widget\"\nprepare = [\"evil\"]");
        let text = suggest(&[hostile], &Overrides::default(), |_| vec![candidate("libical-dev")]);
        let overrides = Overrides::parse(&text).unwrap();
        assert_eq!(overrides.entries().len(), 1, "{text}");
        assert!(overrides.entries()[0].prepare.is_empty());
    }
}
