//! The index: one document of it for each thing that can be found, and beside it what distributions are chosen and sorted by.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::Timestamp;
use tantivy::query::{BooleanQuery, ConstScoreQuery, Occur, Query, QueryParser, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::snippet::SnippetGenerator;
use tantivy::{IndexReader, Searcher, TantivyDocument, TantivyError, Term, doc};

use crate::answer::{Answer, Hit};
use crate::choice::{Choice, Sort};
use crate::entry::{Entry, Fixed};
use crate::excerpt;
use crate::facets::{Facets, Sieve};
use crate::matches::{self, Match, Matches};
use crate::near;
use crate::query::{Ask, In};
use crate::standing::Standings;
use crate::things::{self, Thing};

/// What the writer may use, while an index is made.
const WRITER_BYTES: usize = 15_000_000;
const EXCERPT_CHARS: usize = 200;

/// An index that cannot be made or read, which is a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the search index failed")]
pub struct SearchError(#[from] TantivyError);

/// Everything that can be found. Clones share it.
#[derive(Clone)]
pub struct Index {
    reader: IndexReader,
    inner: tantivy::Index,
    fields: Fields,
    fixed: Arc<[Fixed]>,
}

/// What is left of what is found: by a choice, as verdicts stand, at a time.
#[derive(Clone, Copy, Debug)]
pub struct Narrow<'a> {
    /// What is chosen.
    pub choice: &'a Choice,
    /// What stands of the distributions, in the order of the entries.
    pub standings: &'a Standings,
    /// The time now, for how old verdicts are.
    pub now: Timestamp,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The answer, as the registry's API has it.
    pub answer: Answer,
    /// What there would be by other choices; nothing for users and tags, which no choice is about.
    pub facets: Facets,
    /// The places of the hits' distributions among the entries.
    pub dists: Vec<usize>,
}

/// Distributions that were not searched for by words.
#[derive(Clone, Debug)]
pub struct Listed {
    /// How many there are in all.
    pub count: usize,
    /// Those of the part that was asked for, by their places among the entries.
    pub dists: Vec<usize>,
    /// What there would be by other choices.
    pub facets: Facets,
}

#[derive(Clone, Copy)]
struct Fields {
    kind: Field,
    name: Field,
    summary: Field,
    tags: Field,
    user: Field,
    text: Field,
    hit: Field,
    dist: Field,
}

impl Fields {
    fn of(schema: &mut tantivy::schema::SchemaBuilder) -> Self {
        let text = |tokenizer: &str| {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions);
            TextOptions::default().set_indexing_options(indexing).set_stored()
        };
        Self {
            kind: schema.add_text_field("kind", STRING),
            name: schema.add_text_field("name", text("default")),
            summary: schema.add_text_field("abstract", text("en_stem")),
            tags: schema.add_text_field("tags", text("default")),
            user: schema.add_text_field("user", text("default")),
            text: schema.add_text_field("text", text("en_stem")),
            hit: schema.add_text_field("hit", STORED),
            dist: schema.add_u64_field(matches::DIST, FAST),
        }
    }

    fn document(&self, thing: &Thing<'_>, dist: Option<usize>) -> TantivyDocument {
        let hit = serde_json::to_string(&thing.hit).unwrap_or_default();
        let mut document = doc!(
            self.kind => thing.kind.as_str(), self.name => thing.name, self.summary => thing.summary,
            self.tags => thing.tags.as_str(), self.user => thing.user.as_str(), self.text => thing.text, self.hit => hit,
        );
        if let Some(dist) = dist {
            document.add_u64(self.dist, dist as u64);
        }
        document
    }
}

impl Index {
    /// Makes an index of all entries.
    pub fn build(entries: &[Entry]) -> Result<Self, SearchError> {
        let mut schema = Schema::builder();
        let fields = Fields::of(&mut schema);
        let index = tantivy::Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?;
        let of_dists =
            entries.iter().enumerate().flat_map(|(at, entry)| things::of_dist(entry).map(move |it| (it, Some(at))));
        let others = things::users(entries).chain(things::tags(entries)).map(|thing| (thing, None));
        for (thing, dist) in of_dists.chain(others) {
            writer.add_document(fields.document(&thing, dist))?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        let fixed = entries.iter().map(Fixed::from).collect();
        Ok(Self { reader: index.reader()?, inner: index, fields, fixed })
    }

    /// Answers a question. What cannot be understood of it is left out.
    pub fn search(&self, within: In, ask: &Ask, narrow: Narrow<'_>) -> Result<Found, SearchError> {
        let words = self.words(ask);
        let kind = Term::from_field_text(self.fields.kind, within.as_str());
        let kind: Box<dyn Query> = Box::new(TermQuery::new(kind, IndexRecordOption::Basic));
        let kind: Box<dyn Query> = Box::new(ConstScoreQuery::new(kind, 0.0));
        let query = BooleanQuery::new(vec![(Occur::Must, kind), (Occur::Must, words.box_clone())]);
        let searcher = self.reader.searcher();
        let mut found = searcher.search(&query, &Matches)?;
        let dists: Vec<usize> = found.iter().filter_map(|one| one.dist).collect();
        let sieve = self.sieve(narrow);
        found.retain(|one| one.dist.is_none_or(|dist| sieve.keeps(dist)));
        found.sort_by(|left, right| self.order(narrow, left, right));
        let count = found.len();
        let part: Vec<Match> = found.into_iter().skip(ask.offset).take(ask.limit).collect();
        let hits = self.hits(&searcher, &*words, within, &part)?;
        let answer = Answer { query: ask.query.clone(), offset: ask.offset, limit: ask.limit, count, hits };
        let facets = if matches!(within, In::Users | In::Tags) { Facets::default() } else { sieve.facets(&dists) };
        Ok(Found { answer, facets, dists: part.iter().filter_map(|one| one.dist).collect() })
    }

    /// Every distribution that has `part` in its name, in whatever case: those that begin with it first where nothing else is asked for.
    pub fn list(&self, part: &str, (offset, limit): (usize, usize), narrow: Narrow<'_>) -> Listed {
        let part = part.to_lowercase();
        let all: Vec<usize> = (0..self.fixed.len()).filter(|at| self.fixed[*at].name.contains(&part)).collect();
        let sieve = self.sieve(narrow);
        let mut kept: Vec<usize> = all.iter().copied().filter(|dist| sieve.keeps(*dist)).collect();
        let is_later = |at: usize| !self.fixed[at].name.starts_with(&part);
        kept.sort_by(|left, right| match narrow.choice.sort {
            None | Some(Sort::Relevance) => {
                is_later(*left).cmp(&is_later(*right)).then_with(|| self.by(narrow, Sort::Name, *left, *right))
            }
            Some(sort) => self.by(narrow, sort, *left, *right),
        });
        let facets = sieve.facets(&all);
        Listed { count: kept.len(), dists: kept.into_iter().skip(offset).take(limit).collect(), facets }
    }

    /// Distributions whose name is spelt almost like a word of a question, by their places among the entries.
    pub fn near(&self, question: &str, most: usize) -> Vec<usize> {
        near::near(question, self.fixed.iter().map(|fixed| fixed.name.as_str()), most)
    }

    /// Distributions that carry a tag, in whatever case, by their places among the entries.
    pub fn tagged(&self, tag: &str) -> Vec<usize> {
        let key = tag.to_lowercase();
        (0..self.fixed.len()).filter(|at| self.fixed[*at].tags.contains(&key)).collect()
    }

    /// Every tag, in lower case, and how many distributions carry it.
    pub fn tags(&self) -> BTreeMap<&str, usize> {
        let mut tags = BTreeMap::new();
        for tag in self.fixed.iter().flat_map(|fixed| &fixed.tags) {
            *tags.entry(tag.as_str()).or_default() += 1;
        }
        tags
    }

    fn words(&self, ask: &Ask) -> Box<dyn Query> {
        let fields = &self.fields;
        let searched = vec![fields.name, fields.summary, fields.tags, fields.user, fields.text];
        let mut parser = QueryParser::for_index(&self.inner, searched);
        parser.set_field_boost(fields.name, 5.0);
        parser.set_field_boost(fields.summary, 2.0);
        parser.set_field_boost(fields.tags, 2.0);
        parser.parse_query_lenient(&ask.words()).0
    }

    fn sieve<'a>(&'a self, narrow: Narrow<'a>) -> Sieve<'a> {
        Sieve { fixed: &self.fixed, standings: narrow.standings, choice: narrow.choice, now: narrow.now }
    }

    /// The order of two matches; the words decide where nothing else does, and then the place in the index.
    fn order(&self, narrow: Narrow<'_>, left: &Match, right: &Match) -> Ordering {
        let chosen = match (narrow.choice.sort, left.dist, right.dist) {
            (None | Some(Sort::Relevance), ..) | (_, None, _) | (_, _, None) => Ordering::Equal,
            (Some(sort), Some(left), Some(right)) => self.by(narrow, sort, left, right),
        };
        chosen.then_with(|| right.score.total_cmp(&left.score)).then_with(|| left.address.cmp(&right.address))
    }

    fn by(&self, narrow: Narrow<'_>, sort: Sort, left: usize, right: usize) -> Ordering {
        let (one, other) = (&self.fixed[left], &self.fixed[right]);
        let recent = || other.date.cmp(&one.date);
        match sort {
            Sort::Relevance => Ordering::Equal,
            Sort::Name => one.name.cmp(&other.name),
            Sort::Recent => recent().then_with(|| one.name.cmp(&other.name)),
            Sort::Health => {
                let (one, other) = (narrow.standings.health(left), narrow.standings.health(right));
                other.percent.cmp(&one.percent).then(one.fails.cmp(&other.fails)).then_with(recent)
            }
        }
    }

    fn hits(
        &self,
        searcher: &Searcher,
        words: &dyn Query,
        within: In,
        part: &[Match],
    ) -> Result<Vec<Hit>, SearchError> {
        let mut snippets = SnippetGenerator::create(searcher, words, self.fields.text)?;
        snippets.set_max_num_chars(EXCERPT_CHARS);
        let mut hits = Vec::with_capacity(part.len());
        for one in part {
            let document: TantivyDocument = searcher.doc(one.address)?;
            let stored = document.get_first(self.fields.hit).and_then(|value| value.as_str()).unwrap_or_default();
            let mut hit: Hit = serde_json::from_str(stored).unwrap_or_default();
            hit.score = format!("{:.3}", one.score);
            if within != In::Tags {
                let snippet = snippets.snippet_from_doc(&document);
                hit.excerpt = Some(excerpt::html(snippet.fragment(), snippet.highlighted()));
            }
            hits.push(hit);
        }
        Ok(hits)
    }
}
