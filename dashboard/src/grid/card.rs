//! What the card of a cell tells: once for all platforms where there is nothing to tell apart.

use super::{Cell, Spot};

/// What platforms have in common.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// One of them.
    pub spot: &'a Spot,
    /// The platforms, in words.
    pub platforms: String,
    /// With what, by whom and when it was found, once where that is the same.
    pub found: Vec<String>,
    /// Whether an entry before it has told why already.
    pub told: bool,
}

impl<'a> Entry<'a> {
    /// The entry of a group, which has at least one, beside the first spot of the cell.
    fn new(group: &[&'a Spot], first: &Spot) -> Self {
        let spot = group[0];
        Self {
            spot,
            platforms: group.iter().map(|spot| spot.target.platform.as_str()).collect::<Vec<_>>().join(", "),
            found: found(group),
            told: spot.target != first.target && spot.tells_the_same_as(first),
        }
    }
}

impl Cell {
    /// The entries of the cell's card.
    pub(crate) fn entries(&self) -> Vec<Entry<'_>> {
        let mut groups: Vec<Vec<&Spot>> = Vec::new();
        for spot in &self.spots {
            match groups.iter_mut().find(|group| group[0].is_told_with(spot)) {
                Some(group) => group.push(spot),
                None => groups.push(vec![spot]),
            }
        }
        groups.into_iter().map(|group| Entry::new(&group, &self.spots[0])).collect()
    }
}

fn found(group: &[&Spot]) -> Vec<String> {
    let each: Vec<String> = group.iter().map(|spot| spot.found()).collect();
    if each.windows(2).all(|pair| pair[0] == pair[1]) {
        return each.into_iter().take(1).collect();
    }
    group.iter().zip(each).map(|(spot, found)| format!("{}: {found}", spot.target.platform)).collect()
}

impl Spot {
    /// With what, by whom and when it was found: `PostgreSQL 18.4, on attic, 2 weeks ago`.
    fn found(&self) -> String {
        let server = self.postgresql.as_ref().map(|version| format!("PostgreSQL {version}"));
        let runner = self.runner.as_ref().map(|runner| format!("on {runner}"));
        let parts = server.into_iter().chain(runner).chain([self.at.relative.clone()]);
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Whether one entry of a card can speak for both.
    fn is_told_with(&self, other: &Self) -> bool {
        let head = |spot: &Self| (spot.mark, spot.phase, spot.now.clone());
        head(self) == head(other) && self.flags == other.flags && self.tells_the_same_as(other)
    }

    /// Whether there is nothing to add to what another platform's entry tells of why.
    fn tells_the_same_as(&self, other: &Self) -> bool {
        let why = |spot: &Self| (spot.reason, spot.phase);
        why(self) == why(other) && self.detail == other.detail && self.decisive == other.decisive
    }
}
