//! Puts together what a distribution needs: for each name the newest release that fits everything that is asked for, and the order to
//! install them in.
//!
//! The rule is what a person would do who installs by hand: of the releases that fit all ranges and the server's major, the most mature
//! and newest. Older ones are not tried because the newest needs something that cannot be had, so that an answer can be told in one
//! sentence. Choosing one may add ranges for another, so that it is repeated until nothing changes. What the server ships is taken whatever
//! its version: contrib counts its versions in its own way, and authors ask by that of PostgreSQL.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pgxn::Named;
use protocol::{Name, PgMajor, Range, Version};

use crate::judge::is_language;
use crate::prerequisites::catalogue::{Catalogue, Known, Question, Root, Shipped};
use crate::prerequisites::{Need, Refusal};

mod choose;
mod order;

/// So many distributions are installed for one.
pub(crate) const MAX_ITEMS: usize = 32;
/// So many names are asked for, as one distribution may provide several.
const MAX_NAMES: usize = 64;
/// So deep may needs go: what needs what needs what …
pub(crate) const MAX_DEPTH: usize = 8;
/// So many releases of one distribution are looked at for one that supports the major.
const MAX_TRIED: usize = 12;
/// So often choices are made anew.
const MAX_ROUNDS: usize = 100;

/// A distribution to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The release, and what is known of it.
    pub(crate) known: Known,
    /// The name by which it is asked for.
    pub(crate) wanted: Name,
    /// The versions that are asked for.
    pub(crate) range: Range,
}

/// Something that the server ships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    /// The name by which it is asked for.
    pub(crate) wanted: Name,
    /// The versions that are asked for.
    pub(crate) range: Range,
    /// What there is.
    pub(crate) version: Version,
}

/// How a distribution gets what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What the server ships already.
    pub(crate) served: Vec<Served>,
    /// What has to be installed, each after what it needs itself.
    pub(crate) items: Vec<Planned>,
    /// The extensions to be created before the distribution's own, in order.
    pub(crate) create: Vec<String>,
}

/// What a resolution comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This is to be done.
    Plan(Plan),
    /// It cannot be done.
    Refused(Refusal),
    /// The registry has to be asked first.
    Ask(Vec<Question>),
}

/// What resolutions for one image have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server<'a> {
    pub(crate) major: PgMajor,
    pub(crate) shipped: &'a Shipped,
}

/// Puts together what `root` needs, as far as the catalogue goes.
pub(crate) fn resolve(root: &Root, server: Server<'_>, catalogue: &Catalogue) -> Outcome {
    let resolution = Resolution { root, server, catalogue };
    match resolution.settle().and_then(|settled| resolution.plan(&settled)) {
        Ok(plan) => Outcome::Plan(plan),
        Err(Halt::Refused(refusal)) => Outcome::Refused(refusal),
        Err(Halt::Ask(questions)) => Outcome::Ask(questions),
    }
}

/// Why there is no plan yet.
enum Halt {
    Refused(Refusal),
    Ask(Vec<Question>),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A name as it is asked for.
type Key = (Name, Named);
/// Everything that is asked for, with who asks for which versions.
type Asked<'a> = BTreeMap<Key, Vec<(&'a Name, &'a Range)>>;

struct Resolution<'a> {
    root: &'a Root,
    server: Server<'a>,
    catalogue: &'a Catalogue,
}

/// Which distribution each name stands for, and which release of each is taken.
#[derive(Clone, Debug, Default, PartialEq)]
struct Choices<'a> {
    dists: BTreeMap<Key, Name>,
    chosen: BTreeMap<Name, &'a Known>,
}

/// What one round of choosing came to.
#[derive(Default)]
struct Round<'a> {
    next: Choices<'a>,
    /// The first thing in the way.
    refusal: Option<Refusal>,
    questions: Vec<Question>,
}

impl Round<'_> {
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }
}

/// Somebody with needs: the distribution under test, or a chosen release.
#[derive(Clone, Copy)]
struct Party<'a> {
    dist: &'a Name,
    needs: &'a [Need],
    provides: &'a [Name],
}

/// What a need leads to.
enum Target<'a> {
    /// Nothing to do: the party's own, or a program of PostgreSQL's.
    Nothing,
    /// The server ships it.
    Served(&'a Name, &'a Version),
    /// The distribution under test.
    Root,
    /// To be had from the registry.
    Registry,
}

impl<'a> Resolution<'a> {
    /// Chooses until nothing changes any more. What is in the way counts only then, as a choice that changes may take it along.
    fn settle(&self) -> Result<Choices<'a>, Halt> {
        let mut choices = Choices::default();
        for _ in 0..MAX_ROUNDS {
            let asked = self.asked(&choices)?;
            if asked.len() > MAX_NAMES {
                return Err(Refusal::TooMuch { limit: MAX_NAMES, what: "other extensions" }.into());
            }
            let Round { next, refusal, questions } = self.choose(&asked, &choices);
            if next.chosen.len() > MAX_ITEMS {
                return Err(Refusal::TooMuch { limit: MAX_ITEMS, what: "other distributions" }.into());
            }
            let next = one_by_one(&choices, next);
            if next != choices {
                choices = next;
            } else if let Some(refusal) = refusal {
                return Err(refusal.into());
            } else if questions.is_empty() {
                return Ok(choices);
            } else {
                return Err(Halt::Ask(questions));
            }
        }
        Err(Refusal::Unsettled(choices.chosen.into_keys().collect()).into())
    }

    fn root(&self) -> Party<'a> {
        Party { dist: &self.root.dist, needs: &self.root.needs, provides: &self.root.provides }
    }

    /// Where a need leads, before the registry is asked.
    fn target(&self, party: Party<'_>, need: &Need) -> Result<Target<'a>, Refusal> {
        let is_of = |party: Party<'_>| *party.dist == need.name || party.provides.contains(&need.name);
        if is_of(party) {
            return Ok(Target::Nothing);
        }
        if let Some((name, version)) = self.server.shipped.get_key_value(&need.name) {
            return Ok(Target::Served(name, version));
        }
        if is_of(self.root()) {
            return Ok(Target::Root);
        }
        match need.named {
            // Whatever else is PostgreSQL's is a program or a header, which the image has.
            Named::Server if is_language(&need.name.key()) => {
                Err(Refusal::Language { name: need.name.clone(), by: party.dist.clone() })
            }
            Named::Server => Ok(Target::Nothing),
            Named::Extension | Named::Distribution => Ok(Target::Registry),
        }
    }

    /// What is asked of the registry by the distribution under test and everything that is chosen for it.
    fn asked(&self, choices: &Choices<'a>) -> Result<Asked<'a>, Refusal> {
        let mut asked = Asked::new();
        let mut seen = BTreeSet::from([&self.root.dist]);
        let mut parties = VecDeque::from([self.root()]);
        while let Some(party) = parties.pop_front() {
            for need in party.needs {
                if !matches!(self.target(party, need)?, Target::Registry) {
                    continue;
                }
                let key = (need.name.clone(), need.named);
                if let Some((_, known)) = choices.dists.get(&key).and_then(|dist| choices.chosen.get_key_value(dist))
                    && seen.insert(&known.release.dist)
                {
                    parties.push_back(known.party());
                }
                asked.entry(key).or_default().push((party.dist, &need.range));
            }
        }
        Ok(asked)
    }
}

impl Known {
    fn party(&self) -> Party<'_> {
        Party { dist: &self.release.dist, needs: &self.needs, provides: &self.provides }
    }
}

/// The next choices; but where releases change that were chosen before, only the first of these, so that two which exclude each other's
/// neighbours do not change for ever at the same time.
fn one_by_one<'a>(before: &Choices<'a>, mut next: Choices<'a>) -> Choices<'a> {
    let mut changed = false;
    for (dist, known) in &mut next.chosen {
        if let Some(old) = before.chosen.get(dist).filter(|old| *old != known)
            && std::mem::replace(&mut changed, true)
        {
            *known = old;
        }
    }
    next
}

#[cfg(test)]
mod tests;
