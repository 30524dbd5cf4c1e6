//! Phase metadata: what META.json says, and whether it excludes the target, before a build is spent on it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use pgxn::Meta;
use pgxn::archive::{EntryKind, Tree};
use protocol::{Phase, Provision, Reason};

use crate::error::Result;
use crate::run::stop::{in_phase, in_words};
use crate::run::{Book, Request, Step, Subject, pgtap, preload, provide};
use crate::sandbox::pack;
use crate::site::Site;

/// Problems of META.json beyond these are not worth a note each.
const MAX_PROBLEMS: usize = 5;

/// Reads META.json and packs the tree for the container.
pub(crate) async fn run(site: &Site, request: &Request, tree: Tree, book: &mut Book<'_>) -> Step<Subject> {
    book.begin(Phase::Metadata).await;
    let meta = match tree.meta() {
        Ok(meta) => meta,
        Err(error) => return Err(book.refuse(Reason::MetadataInvalid, in_words(&error)).await),
    };
    for problem in meta.problems.iter().take(MAX_PROBLEMS) {
        book.note(format!("META.json: {problem}.")).await;
    }
    let range = meta.postgres_range();
    if !range.allows_postgres(request.target.major) {
        return Err(book.refuse(Reason::PostgresUnsupported, format!("it asks for PostgreSQL {range}")).await);
    }
    let provision = provide::known(site, request);
    let provision = provision.unwrap_or_else(|| provide::of(site, &meta.name, &meta.version, request.target.major));
    if let Some(why) = &provision.skip {
        return Err(book.refuse(Reason::Skipped, why).await);
    }
    let work_dir = site.work_dir.clone();
    let reading = tokio::task::spawn_blocking(move || subject((meta, provision), &tree, "src", &work_dir));
    let subject = reading.await.expect("packing does not panic").map_err(in_phase(Phase::Metadata))?;
    book.pass().await;
    Ok(subject)
}

/// A distribution whose tree is packed for the container, below a directory named `top`, into a file of the work directory.
pub(crate) fn subject(
    (meta, provision): (Meta, Provision),
    tree: &Tree,
    top: &str,
    work_dir: &Path,
) -> Result<Subject> {
    let packed: File = pack(tree, top, work_dir)?;
    let is_file = |kind: &EntryKind| !matches!(kind, EntryKind::Directory);
    let files = tree.entries.iter().filter(|entry| is_file(&entry.kind));
    let files: Vec<String> = files.map(|entry| entry.path.to_string_lossy().into_owned()).collect();
    Ok(Subject {
        provides: meta.provides.iter().map(|provided| provided.name.as_str().to_owned()).collect(),
        pgtap: pgtap::find(&tree.root, &files),
        preload: preload::is_needed(&tree.root, &files),
        provision,
        create_first: Vec::new(),
        meta,
        files,
        packed: Some(packed),
        shipped: BTreeSet::new(),
        installed: BTreeSet::new(),
        scripts: BTreeSet::new(),
    })
}
