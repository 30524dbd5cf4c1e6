//! The index: one document of it for each thing that can be found.

use std::collections::BTreeMap;

use tantivy::collector::{Count, TopDocs};
use tantivy::query::{BooleanQuery, Occur, Query, QueryParser, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value};
use tantivy::snippet::SnippetGenerator;
use tantivy::{IndexReader, TantivyDocument, TantivyError, Term, doc};

use crate::answer::{Answer, Hit};
use crate::entry::Entry;
use crate::excerpt;
use crate::query::{Ask, In};

/// So much of a README is indexed.
const MAX_README: usize = 256 * 1024;
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
}

/// One thing that can be found.
struct Thing<'a> {
    kind: In,
    name: &'a str,
    summary: &'a str,
    tags: String,
    user: String,
    text: &'a str,
    hit: Hit,
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
        }
    }
}

impl Index {
    /// Makes an index of all entries.
    pub fn build(entries: &[Entry]) -> Result<Self, SearchError> {
        let mut schema = Schema::builder();
        let fields = Fields::of(&mut schema);
        let index = tantivy::Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?;
        for thing in entries.iter().flat_map(things).chain(users(entries)).chain(tags(entries)) {
            let hit = serde_json::to_string(&thing.hit).unwrap_or_default();
            writer.add_document(doc!(
                fields.kind => thing.kind.as_str(), fields.name => thing.name, fields.summary => thing.summary,
                fields.tags => thing.tags, fields.user => thing.user, fields.text => thing.text, fields.hit => hit,
            ))?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        Ok(Self { reader: index.reader()?, inner: index, fields })
    }

    /// Answers a question. What cannot be understood of it is left out.
    pub fn search(&self, within: In, ask: &Ask) -> Result<Answer, SearchError> {
        let fields = &self.fields;
        let mut parser = QueryParser::for_index(
            &self.inner,
            vec![fields.name, fields.summary, fields.tags, fields.user, fields.text],
        );
        parser.set_field_boost(fields.name, 5.0);
        parser.set_field_boost(fields.summary, 2.0);
        parser.set_field_boost(fields.tags, 2.0);
        let (words, _) = parser.parse_query_lenient(&ask.words());
        let kind = Term::from_field_text(fields.kind, within.as_str());
        let kind: Box<dyn Query> = Box::new(TermQuery::new(kind, IndexRecordOption::Basic));
        let kind: Box<dyn Query> = Box::new(tantivy::query::ConstScoreQuery::new(kind, 0.0));
        let query = BooleanQuery::new(vec![(Occur::Must, kind), (Occur::Must, words.box_clone())]);
        let searcher = self.reader.searcher();
        let top = TopDocs::with_limit(ask.limit).and_offset(ask.offset).order_by_score();
        let (count, found) = searcher.search(&query, &(Count, top))?;
        let mut snippets = SnippetGenerator::create(&searcher, &*words, fields.text)?;
        snippets.set_max_num_chars(EXCERPT_CHARS);
        let mut hits = Vec::with_capacity(found.len());
        for (score, address) in found {
            let document: TantivyDocument = searcher.doc(address)?;
            let stored = document.get_first(fields.hit).and_then(|value| value.as_str()).unwrap_or_default();
            let mut hit: Hit = serde_json::from_str(stored).unwrap_or_default();
            hit.score = format!("{score:.3}");
            if within != In::Tags {
                let snippet = snippets.snippet_from_doc(&document);
                hit.excerpt = Some(excerpt::html(snippet.fragment(), snippet.highlighted()));
            }
            hits.push(hit);
        }
        Ok(Answer { query: ask.query.clone(), offset: ask.offset, limit: ask.limit, count, hits })
    }
}

/// What one distribution brings.
fn things(entry: &Entry) -> impl Iterator<Item = Thing<'_>> {
    let common = Hit {
        summary: Some(entry.summary.clone()),
        dist: Some(entry.dist.clone()),
        version: Some(entry.version.clone()),
        date: Some(entry.date.to_string()),
        user: Some(entry.user.clone()),
        user_name: Some(entry.user_name.clone()),
        ..Hit::default()
    };
    let readme = entry.readme.char_indices().nth(MAX_README).map_or(&*entry.readme, |(end, _)| &entry.readme[..end]);
    let user = format!("{} {}", entry.user, entry.user_name);
    let thing = move |kind, name, summary, text, hit| Thing {
        kind,
        name,
        summary,
        tags: entry.tags.join("\n"),
        user: user.clone(),
        text,
        hit,
    };
    let about = if entry.description.is_empty() { readme } else { &entry.description };
    let dist = thing(In::Dists, &entry.dist, &entry.summary, about, common.clone());
    let title = Some(entry.dist.clone());
    let docpath = Some("README".to_owned());
    let doc = (!readme.is_empty()).then(|| {
        let hit = Hit { title, docpath, ..common.clone() };
        thing(In::Docs, &entry.dist, &entry.summary, readme, hit)
    });
    let extensions: Vec<_> = entry
        .extensions
        .iter()
        .map(|extension| {
            let (name, summary) = (Some(extension.name.clone()), Some(extension.summary.clone()));
            let hit = Hit { extension: name, summary, ..common.clone() };
            thing(In::Extensions, &extension.name, &extension.summary, about, hit)
        })
        .collect();
    std::iter::once(dist).chain(doc).chain(extensions)
}

/// Everybody who uploaded one of them, once.
fn users(entries: &[Entry]) -> impl Iterator<Item = Thing<'_>> {
    let users: BTreeMap<String, &Entry> = entries.iter().map(|entry| (entry.user.to_lowercase(), entry)).collect();
    users.into_values().map(|entry| Thing {
        kind: In::Users,
        name: &entry.user,
        summary: "",
        tags: String::new(),
        user: entry.user_name.clone(),
        text: &entry.user_name,
        hit: Hit { user: Some(entry.user.clone()), name: Some(entry.user_name.clone()), ..Hit::default() },
    })
}

/// Every tag, once.
fn tags(entries: &[Entry]) -> impl Iterator<Item = Thing<'_>> {
    let tags: BTreeMap<String, &str> =
        entries.iter().flat_map(|entry| &entry.tags).map(|tag| (tag.to_lowercase(), tag.as_str())).collect();
    tags.into_values().map(|tag| Thing {
        kind: In::Tags,
        name: tag,
        summary: "",
        tags: String::new(),
        user: String::new(),
        text: "",
        hit: Hit { tag: Some(tag.to_owned()), ..Hit::default() },
    })
}
