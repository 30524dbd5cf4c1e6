//! Everything that a query matches, with its score and the distribution that it belongs to.

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

/// The name of the field that says which distribution a document belongs to.
pub(crate) const DIST: &str = "dist";

/// A document that matches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub(crate) score: Score,
    pub(crate) address: DocAddress,
    /// The place of the distribution among the entries; none for users and tags.
    pub(crate) dist: Option<usize>,
}

/// Collects all matches: there are no more than things in the registry.
pub(crate) struct Matches;

/// The matches of a segment.
pub(crate) struct OfSegment {
    segment: SegmentOrdinal,
    dists: Column<u64>,
    found: Vec<Match>,
}

impl Collector for Matches {
    type Fruit = Vec<Match>;
    type Child = OfSegment;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<OfSegment> {
        Ok(OfSegment { segment, dists: reader.fast_fields().u64(DIST)?, found: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, found: Vec<Vec<Match>>) -> tantivy::Result<Vec<Match>> {
        Ok(found.into_iter().flatten().collect())
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = Vec<Match>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let dist = self.dists.first(doc).and_then(|dist| usize::try_from(dist).ok());
        self.found.push(Match { score, address: DocAddress::new(self.segment, doc), dist });
    }

    fn harvest(self) -> Vec<Match> {
        self.found
    }
}
