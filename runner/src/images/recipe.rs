//! What an image is made from, and the digest of it: two images of one recipe are the same but for the day on which they were made.

use protocol::{Source, Target};
use sha2::{Digest, Sha256};

/// The files of `images/` that go into a build, by their path there.
pub(super) const FILES: &[(&str, &str)] = &[
    ("Dockerfile", include_str!("../../../images/Dockerfile")),
    ("postgresql.conf", include_str!("../../../images/postgresql.conf")),
    ("packages/rich", include_str!("../../../images/packages/rich")),
    ("bin/init", include_str!("../../../images/bin/init")),
    ("bin/phase", include_str!("../../../images/bin/phase")),
    ("bin/server", include_str!("../../../images/bin/server")),
    ("files/backtrace.c", include_str!("../../../images/files/backtrace.c")),
    ("steps/apt", include_str!("../../../images/steps/apt")),
    ("steps/backtrace", include_str!("../../../images/steps/backtrace")),
    ("steps/cluster", include_str!("../../../images/steps/cluster")),
    ("steps/facts", include_str!("../../../images/steps/facts")),
    ("steps/install", include_str!("../../../images/steps/install")),
    ("steps/origin", include_str!("../../../images/steps/origin")),
    ("steps/packages", include_str!("../../../images/steps/packages")),
    ("steps/refuse", include_str!("../../../images/steps/refuse")),
    ("steps/seed", include_str!("../../../images/steps/seed")),
    ("steps/server-debian", include_str!("../../../images/steps/server-debian")),
    ("steps/server-packages", include_str!("../../../images/steps/server-packages")),
    ("steps/server-pgdg", include_str!("../../../images/steps/server-pgdg")),
    ("steps/server-portable", include_str!("../../../images/steps/server-portable")),
    ("steps/tidy", include_str!("../../../images/steps/tidy")),
];

/// How the image of a target is made from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) target: Target,
    pub(super) source: Source,
}

impl Recipe {
    /// SHA-256 in hexadecimal, over every file and every choice, each with its length so that none runs into the next.
    pub(super) fn digest(&self) -> String {
        digest(FILES, self)
    }

    /// The tag of the image: what a person needs to know of it, and the first twelve digits of the digest.
    pub(super) fn tag(&self) -> String {
        let Target { major, platform } = self.target;
        let Source { kind, suite, .. } = &self.source;
        format!("pgxn-testers/pg{major}:{suite}-{kind}-{platform}-{}", &self.digest()[..12])
    }
}

fn digest(files: &[(&str, &str)], recipe: &Recipe) -> String {
    let Source { kind, suite, overlay } = &recipe.source;
    let choices = [
        ("target", recipe.target.to_string()),
        ("kind", kind.to_string()),
        ("suite", suite.clone()),
        ("overlay", overlay.clone().unwrap_or_default()),
    ];
    let mut sha = Sha256::new();
    let mut take = |text: &str| {
        sha.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        sha.update(text);
    };
    for (name, text) in files.iter().copied().chain(choices.iter().map(|(name, value)| (*name, value.as_str()))) {
        take(name);
        take(text);
    }
    hex::encode(sha.finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use protocol::SourceKind;

    use super::*;

    fn recipe() -> Recipe {
        let source = Source { kind: SourceKind::Debian, suite: "trixie".into(), overlay: None };
        Recipe { target: "pg17-amd64".parse().unwrap(), source }
    }

    #[test]
    fn any_change_of_a_file_or_a_choice_changes_the_digest() {
        let base = recipe();
        let mut seen = BTreeSet::from([digest(FILES, &base)]);
        for index in 0..FILES.len() {
            let mut files = FILES.to_vec();
            files[index].1 = "changed";
            assert!(seen.insert(digest(&files, &base)), "{}", files[index].0);
        }
        let mut others = [base.clone(), base.clone(), base.clone(), base.clone(), base];
        others[0].target.major = 18.try_into().unwrap();
        others[1].target.platform = protocol::Platform::Arm64;
        others[2].source.kind = SourceKind::Pgdg;
        others[3].source.suite = "sid".into();
        others[4].source.overlay = Some("experimental".into());
        for other in others {
            assert!(seen.insert(other.digest()), "{other:?}");
        }
    }

    #[test]
    fn text_does_not_flow_from_one_file_into_the_next() {
        assert_ne!(digest(&[("a", "b"), ("c", "d")], &recipe()), digest(&[("a", "bc"), ("", "d")], &recipe()));
    }

    #[test]
    fn a_tag_says_what_it_is() {
        let recipe = recipe();
        assert_eq!(
            recipe.tag(),
            format!("pgxn-testers/pg17:trixie-debian-amd64-{}", recipe.digest().get(..12).unwrap())
        );
    }

    #[test]
    fn every_file_that_a_build_needs_is_part_of_the_recipe() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../images"));
        let mut there = BTreeSet::from(["Dockerfile".to_owned(), "postgresql.conf".to_owned()]);
        for folder in ["bin", "files", "packages", "steps"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                there.insert(format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()));
            }
        }
        assert_eq!(FILES.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), there);
    }
}
