//! One round of a resolution: for everything that is asked for now, the best release that fits.

use std::collections::BTreeMap;

use protocol::{Name, Range, Version};

use super::{Asked, Choices, Key, MAX_TRIED, Resolution, Round};
use crate::judge::is_language;
use crate::prerequisites::Refusal;
use crate::prerequisites::catalogue::{Known, Offer, Question};

/// The names that one distribution has, with the offers that fit.
type Parts<'k, 'a> = Vec<(&'k Key, Vec<&'a Offer>)>;

impl<'a> Resolution<'a> {
    /// For each name the distribution, and for each distribution the release; as before where that cannot be said now.
    pub(super) fn choose(&self, asked: &Asked<'_>, before: &Choices<'a>) -> Round<'a> {
        let mut round = Round::default();
        let mut by_dist: BTreeMap<Name, Parts<'_, 'a>> = BTreeMap::new();
        for (key, asks) in asked {
            let offers = match self.catalogue.offers(&key.0, key.1) {
                Ok(offers) => fitting(key, asks, offers).map_err(|refusal| round.refuse(refusal)).unwrap_or_default(),
                Err(question) => {
                    round.questions.push(question);
                    Vec::new()
                }
            };
            if let Some(dist) = offers.first().map(|offer| &offer.dist).or_else(|| before.dists.get(key)) {
                round.next.dists.insert(key.clone(), dist.clone());
                by_dist.entry(dist.clone()).or_default().push((key, offers));
            }
        }
        for (dist, parts) in by_dist.into_iter().filter(|(dist, _)| *dist != self.root.dist) {
            let is_known = parts.iter().all(|(_, offers)| !offers.is_empty());
            let picked = match common(&dist, &parts)[..] {
                [] if is_known => Ok(Err(no_common(&dist, &parts, asked))),
                // Why, is said already.
                [] => Ok(Ok(None)),
                ref candidates => self.pick(&dist, candidates).map(|picked| picked.map(Some)),
            };
            let known = match picked {
                Ok(Ok(known)) => known,
                Ok(Err(refusal)) => {
                    round.refuse(refusal);
                    None
                }
                Err(question) => {
                    round.questions.push(question);
                    None
                }
            };
            let known = known.or_else(|| before.chosen.get(&dist).copied());
            round.next.chosen.extend(known.map(|known| (dist, known)));
        }
        round
    }

    /// The first of the candidates that supports the major.
    fn pick(&self, dist: &Name, candidates: &[&Version]) -> Result<Result<&'a Known, Refusal>, Question> {
        let mut first = None;
        for version in candidates.iter().copied().take(MAX_TRIED) {
            let refusal = match self.catalogue.release(dist, version)? {
                Ok(known) if known.postgres.allows_postgres(self.server.major) => return Ok(Ok(known)),
                Ok(known) => Refusal::Excluded {
                    dist: dist.clone(),
                    version: version.clone(),
                    major: self.server.major,
                    range: known.postgres.clone(),
                },
                Err(why) => Refusal::Unusable { dist: dist.clone(), version: version.clone(), why: why.clone() },
            };
            first.get_or_insert(refusal);
        }
        Ok(Err(first.expect("there is a candidate")))
    }
}

/// The offers in all ranges, the best first; never none.
fn fitting<'a>(key: &Key, asks: &[(&Name, &Range)], offers: &'a [Offer]) -> Result<Vec<&'a Offer>, Refusal> {
    let fits = |offer: &&Offer| asks.iter().all(|(_, range)| range.contains(&offer.compared));
    let fitting: Vec<&Offer> = offers.iter().filter(fits).collect();
    if !fitting.is_empty() {
        return Ok(fitting);
    }
    let (name, by) = (key.0.clone(), asks[0].0.clone());
    Err(match offers.iter().map(|offer| &offer.compared).max() {
        Some(newest) => Refusal::NoRelease { name, asked: spoken(asks), newest: newest.clone() },
        None if is_language(&name.key()) => Refusal::Language { name, by },
        None => Refusal::Unknown { name, by },
    })
}

/// The releases of a distribution that every name's offers have, the best first.
fn common<'a>(dist: &Name, parts: &[(&Key, Vec<&'a Offer>)]) -> Vec<&'a Version> {
    let versions = |offers: &[&'a Offer]| -> Vec<&'a Version> {
        offers.iter().filter(|offer| offer.dist == *dist).map(|offer| &offer.version).collect()
    };
    let mut found = parts.iter().map(|(_, offers)| versions(offers));
    let mut first = found.next().unwrap_or_default();
    let others: Vec<_> = found.collect();
    first.retain(|version| others.iter().all(|other| other.contains(version)));
    first
}

fn no_common(dist: &Name, parts: &[(&Key, Vec<&Offer>)], asked: &Asked<'_>) -> Refusal {
    let asked = parts.iter().map(|(key, _)| format!("{} {}", key.0, spoken(&asked[*key])));
    Refusal::NoCommonRelease { dist: dist.clone(), asked: asked.collect::<Vec<_>>().join("; ") }
}

/// Ranges with who asks for them.
fn spoken(asks: &[(&Name, &Range)]) -> String {
    asks.iter().map(|(by, range)| format!("{range} by {by}")).collect::<Vec<_>>().join(", ")
}
