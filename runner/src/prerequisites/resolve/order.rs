//! The second half of a resolution: in which order the chosen releases are installed and created, or that they need each other.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Name, Range};

use super::{Choices, Halt, MAX_DEPTH, Party, Plan, Planned, Resolution, Served, Target};
use crate::prerequisites::{Need, Refusal};

/// A walk through what needs what.
#[derive(Default)]
struct Walk<'a> {
    /// From the distribution under test to where the walk is.
    path: Vec<&'a Name>,
    done: BTreeSet<&'a Name>,
    order: Vec<&'a Name>,
    served: BTreeMap<&'a Name, Served>,
    asked: BTreeMap<&'a Name, (&'a Name, Range)>,
}

impl<'a> Resolution<'a> {
    /// The plan for choices that have settled.
    pub(super) fn plan<'b>(&'b self, choices: &'b Choices<'a>) -> Result<Plan, Halt> {
        let mut walk = Walk::default();
        self.visit(self.root(), choices, &mut walk)?;
        let mut creation = Creation::default();
        self.create(self.root(), choices, &mut creation)?;
        let planned = |dist: &&Name| {
            let (wanted, range) = walk.asked[*dist].clone();
            Planned { known: choices.chosen[*dist].clone(), wanted: wanted.clone(), range }
        };
        let items = walk.order.iter().map(planned).collect();
        Ok(Plan { served: walk.served.into_values().collect(), items, create: creation.names })
    }

    /// Everything below a party, each after what it needs.
    fn visit<'b>(&'b self, party: Party<'b>, choices: &'b Choices<'a>, walk: &mut Walk<'b>) -> Result<(), Refusal> {
        if walk.path.len() > MAX_DEPTH {
            return Err(Refusal::TooMuch { limit: MAX_DEPTH, what: "distributions below each other" });
        }
        walk.path.push(party.dist);
        for need in party.needs {
            let dist = match self.target(party, need)? {
                Target::Nothing => continue,
                Target::Served(name, version) => {
                    let wanted = || Served { wanted: need.name.clone(), range: Range::any(), version: version.clone() };
                    let served = walk.served.entry(name).or_insert_with(wanted);
                    served.range = served.range.and(&need.range);
                    continue;
                }
                Target::Root => &self.root.dist,
                Target::Registry => &choices.dists[&(need.name.clone(), need.named)],
            };
            if dist == party.dist {
                continue;
            }
            if let Some(at) = walk.path.iter().position(|name| *name == dist) {
                let round = walk.path[at..].iter().copied().chain([dist]);
                return Err(Refusal::Cycle(round.cloned().collect()));
            }
            let asked = walk.asked.entry(dist).or_insert_with(|| (&need.name, Range::any()));
            asked.1 = asked.1.and(&need.range);
            if walk.done.insert(dist) {
                self.visit(choices.chosen[dist].party(), choices, walk)?;
                walk.order.push(dist);
            }
        }
        walk.path.pop();
        Ok(())
    }

    /// The extensions that a party's own need to be created, each after what it needs; there is no cycle any more.
    fn create<'b>(&self, party: Party<'_>, choices: &'b Choices<'a>, to: &mut Creation<'b>) -> Result<(), Refusal> {
        for need in party.needs.iter().filter(|need| need.to_use) {
            match self.target(party, need)? {
                Target::Nothing | Target::Root => {}
                Target::Served(name, _) => to.add(name),
                Target::Registry => {
                    let dist = &choices.dists[&(need.name.clone(), need.named)];
                    let Some(known) = choices.chosen.get(dist).filter(|_| dist != party.dist) else { continue };
                    if to.done.insert(dist) {
                        self.create(known.party(), choices, to)?;
                    }
                    for name in named(need, &known.provides) {
                        to.add(name);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The extensions to be created, so far.
#[derive(Default)]
struct Creation<'a> {
    names: Vec<String>,
    done: BTreeSet<&'a Name>,
}

impl Creation<'_> {
    fn add(&mut self, name: &Name) {
        if !self.names.iter().any(|known| known == name.as_str()) {
            self.names.push(name.as_str().to_owned());
        }
    }
}

/// The extension that a need names, as its author spells it; all of the distribution where it names that.
fn named<'a>(need: &Need, provides: &'a [Name]) -> Vec<&'a Name> {
    let one: Vec<&Name> = provides.iter().filter(|name| **name == need.name).collect();
    if one.is_empty() { provides.iter().collect() } else { one }
}
