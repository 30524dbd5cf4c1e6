//! Flags by which a person says what the distribution under test needs, and when a test has failed.

use std::str::FromStr;

use clap::Args;
use protocol::{Grade, Name, Override, Overrides};

/// What the distribution needs beyond the plain image.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct NeedArgs {
    /// A Debian package that it needs, such as libgmp-dev; may be given more than once
    #[arg(long, value_name = "PACKAGE")]
    package: Vec<String>,

    /// A setting of the server that it needs, such as `wal_level=logical`; may be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    setting: Vec<(String, String)>,
}

impl NeedArgs {
    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.package.is_empty() && self.setting.is_empty()
    }

    /// The overrides with what is asked for, or why that cannot be.
    pub(crate) fn and(&self, overrides: Overrides, dist: Name) -> Result<Overrides, String> {
        let mut entry = Override::of(dist, "The command line asks for it.");
        entry.packages.clone_from(&self.package);
        for (name, value) in &self.setting {
            if name == "shared_preload_libraries" {
                entry.preload.extend(value.split(',').map(|library| library.trim().to_owned()));
            } else {
                entry.settings.insert(name.clone(), value.clone());
            }
        }
        overrides.and(entry).map_err(|error| error.to_string())
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// The grades that make a test end as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailOn(Vec<Grade>);

impl FailOn {
    /// What counts as failed where nothing is said: whatever is no verdict for the extension.
    pub(crate) const USUAL: &'static str = "FAIL,BLOCKED,ENV,ERROR";

    /// Whether a grade is one of them.
    pub(crate) fn has(&self, grade: Grade) -> bool {
        self.0.contains(&grade)
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(Vec::new()));
        }
        let grades = Grade::ALL.into_iter().filter(|grade| *grade != Grade::Pass);
        let one = |word: &str| {
            let word = word.trim();
            grades.clone().find(|grade| grade.as_str().eq_ignore_ascii_case(word)).ok_or_else(|| {
                let known: Vec<&str> = grades.clone().map(Grade::as_str).collect();
                format!("`{word}` is no grade to fail on; choose from {}, or write `never`", known.join(", "))
            })
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_to_fail_on_are_words_in_any_case_or_never() {
        let usual: FailOn = FailOn::USUAL.parse().unwrap();
        assert!(Grade::ALL.into_iter().all(|grade| usual.has(grade) == grade.blame().is_some()));
        assert_eq!("fail, untested".parse(), Ok(FailOn(vec![Grade::Fail, Grade::Untested])));
        assert!(!"never".parse::<FailOn>().unwrap().has(Grade::Fail));
        assert!("PASS".parse::<FailOn>().unwrap_err().contains("choose from UNTESTED, FAIL, NA"));
        assert!("".parse::<FailOn>().is_err());
    }

    #[test]
    fn what_is_asked_for_becomes_an_override_of_the_distribution() {
        let need = NeedArgs {
            package: vec!["libgmp-dev".into()],
            setting: vec![setting("wal_level=logical").unwrap(), setting("shared_preload_libraries = a, b").unwrap()],
        };
        let dist: Name = "pair".parse().unwrap();
        let overrides = need.and(Overrides::default(), dist.clone()).unwrap();
        let provision = overrides.provision(&dist, &"1.0.0".parse().unwrap(), 17.try_into().unwrap());
        assert_eq!((provision.packages, provision.preload), (vec!["libgmp-dev".into()], vec!["a".into(), "b".into()]));
        assert_eq!(provision.settings["wal_level"], "logical");
        for hostile in ["lib;rm -rf /", "--allow", "../x"] {
            let need = NeedArgs { package: vec![hostile.into()], ..NeedArgs::default() };
            let refused = need.and(Overrides::default(), dist.clone()).unwrap_err();
            assert!(refused.contains("is not the name of a Debian package"), "{refused}");
        }
    }
}
