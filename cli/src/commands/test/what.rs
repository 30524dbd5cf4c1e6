//! What is to be tested, on what, and with what: the command line and META.json together.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use pgxn::{ClientOptions, Meta};
use protocol::{Name, Overrides, PgMajor, Version};
use runner::{Source, local};

use super::{MAJORS, around, refuse, report};
use crate::args::TestArgs;
use crate::console::Console;

/// What is to be tested; else the exit code, once it is said why there is nothing.
pub(super) async fn find(
    what: &str,
    args: &TestArgs,
    client: ClientOptions,
    console: Console,
) -> Result<Result<Source, ExitCode>> {
    let missing = match local::find(what, &args.registry, client).await {
        Ok(Source::Directory(dir)) => match around::find(&dir) {
            Some(dir) => return Ok(Ok(Source::Directory(dir))),
            None => around::missing(&dir),
        },
        Ok(source) => return Ok(Ok(source)),
        Err(local::NotFound::Registry(error @ pgxn::Error::Offline { .. })) => {
            let why =
                format!("{error}, and offline nothing is fetched; the same test without --offline brings it here");
            refuse(console, &why);
            return Ok(Err(ExitCode::from(4)));
        }
        Err(
            error @ (local::NotFound::Path { .. } | local::NotFound::Name { .. } | local::NotFound::Release { .. }),
        ) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    Ok(Err(refuse(console, &missing)))
}

/// What the distribution says of itself, where that can be read before its run, which tells what is wrong with it.
pub(super) async fn meta(source: &Source) -> Option<Meta> {
    match source {
        Source::Directory(dir) => Meta::parse(&std::fs::read(dir.join(around::META)).ok()?).ok(),
        Source::Release(registry, release) => registry.meta(&release.dist, &release.version).await.ok()?,
        Source::Zip(_) | Source::Nowhere(_) => None,
    }
}

/// Those that are named, or the newest that the distribution says it works with.
pub(super) fn majors(args: &TestArgs, meta: Option<&Meta>, console: Console) -> Vec<PgMajor> {
    let count = match (args.modes.bisect_pg, args.modes.shell) {
        (Some(_), _) => usize::MAX,
        (None, Some(_)) => 1,
        (None, None) => MAJORS,
    };
    let Some(range) = meta.map(Meta::postgres_range).filter(|range| args.majors.pg.is_empty() && !range.is_any())
    else {
        return args.majors.or_newest(count);
    };
    let all = args.majors.or_supported();
    let fit: Vec<PgMajor> = all.iter().copied().filter(|major| range.allows_postgres(*major)).take(count).collect();
    if fit.is_empty() {
        console.line(&format!(
            "Its META asks for PostgreSQL {range}, which no supported PostgreSQL is; `--pg` names others."
        ));
        return args.majors.or_newest(1);
    }
    fit
}

/// What releases need beyond the plain image, with what the command line says of this one; or why that cannot be.
pub(super) fn overrides(args: &TestArgs, source: &Source, meta: Option<&Meta>) -> Result<Overrides, String> {
    let all = Arc::unwrap_or_clone(args.overrides.or_embedded());
    if args.need.is_empty() {
        return Ok(all);
    }
    let (dist, _) = identity(source, meta).ok_or(
        "--package and --setting need a META.json that can be read, as they are for the distribution that it names",
    )?;
    args.need.and(all, dist)
}

/// Name and version, where the source says them.
pub(super) fn identity(source: &Source, meta: Option<&Meta>) -> Option<(Name, Version)> {
    match (meta, source) {
        (Some(meta), _) => Some((meta.name.clone(), meta.version.clone())),
        (None, Source::Zip(path)) => {
            let found = pgxn::acceptance::archive(path, &pgxn::archive::Limits::default()).ok()?.identity?;
            Some((found.name.parse().ok()?, found.version.parse().ok()?))
        }
        (None, _) => None,
    }
}

pub(super) fn subject(what: &str, source: &Source, meta: Option<&Meta>) -> report::Subject {
    let name = meta.map_or_else(|| what.to_owned(), |meta| format!("{} {}", meta.name, meta.version));
    let dir = match source {
        Source::Directory(dir) => Some(dir.clone()),
        _ => None,
    };
    report::Subject { name, dir }
}
