//! A registry of any size, made up: names, users, tags, documents. For measuring how a farm does that has seen many years; nothing in it can be built.

use protocol::Timestamp;
use serde_json::json;

use crate::{Error, Tree, Upload, User};

/// How large a registry is to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// How many distributions.
    pub dists: usize,
    /// How many releases they have together.
    pub releases: usize,
}

const FIRST: [&str; 20] = [
    "pg", "json", "time", "geo", "text", "vector", "audit", "queue", "graph", "hash", "crypt", "range", "stat", "cron",
    "tree", "money", "unit", "mail", "bit", "log",
];
const SECOND: [&str; 20] = [
    "tap", "store", "index", "tools", "agg", "sync", "guard", "view", "lite", "flow", "partman", "search", "types",
    "trace", "cache", "match", "fdw", "watch", "merge", "pack",
];
const TAGS: [&str; 24] = [
    "testing",
    "json",
    "index",
    "data types",
    "aggregate",
    "security",
    "foreign data wrapper",
    "monitoring",
    "full text search",
    "geo",
    "time",
    "partitioning",
    "replication",
    "queue",
    "audit",
    "statistics",
    "maintenance",
    "functions",
    "operators",
    "cron",
    "graph",
    "hash",
    "vector",
    "unit testing",
];
const LICENSES: [&str; 4] = ["postgresql", "mit", "bsd", "apache_2_0"];
const USERS: usize = 120;

const DAY_MS: i64 = 86_400_000;
/// The registry began so long ago.
const DAYS: i64 = 8 * 365;

/// Its releases, those of a distribution one after the other; the last of all was uploaded the day before `now`.
pub fn uploads(size: Size, now: Timestamp) -> impl Iterator<Item = Result<Upload, Error>> {
    let numbers = (0..size.dists).flat_map(move |dist| (0..releases_of(size, dist)).map(move |number| (dist, number)));
    numbers.map(move |(dist, number)| upload(size, (dist, number), now))
}

/// How many releases a distribution has: a few have many, and most have some. Together they have as many as there are to be.
fn releases_of(size: Size, dist: usize) -> usize {
    let weight = |dist: usize| match dist % 20 {
        0 => 40,
        1..=4 => 12,
        5..=12 => 5,
        _ => 2,
    };
    let all: usize = (0..size.dists).map(weight).sum();
    let upto = |end: usize| (0..end).map(weight).sum::<usize>() * size.releases / all.max(1);
    upto(dist + 1) - upto(dist)
}

/// The name of a distribution.
fn name(dist: usize) -> String {
    let (first, second) = (FIRST[dist % FIRST.len()], SECOND[dist / FIRST.len() % SECOND.len()]);
    match dist / (FIRST.len() * SECOND.len()) {
        0 => format!("{first}_{second}"),
        round => format!("{first}_{second}{}", round + 1),
    }
}

fn upload(size: Size, (dist, number): (usize, usize), now: Timestamp) -> Result<Upload, Error> {
    let (name, count) = (name(dist), releases_of(size, dist));
    let version = format!("{}.{}.{}", number / 10, number % 10, dist % 3);
    let user = format!("{}-{}", FIRST[dist % USERS % FIRST.len()], dist * 7 % USERS);
    let summary = format!("{} for PostgreSQL, with {}", SECOND[dist % SECOND.len()], TAGS[dist % TAGS.len()]);
    let meta = json!({
        "name": name, "version": version, "abstract": summary, "license": LICENSES[dist % LICENSES.len()],
        "maintainer": [format!("{user} <{user}@example.org>")], "release_status": "stable",
        "description": format!("{name} brings {} to the database, without anything else to install.", TAGS[dist * 5 % TAGS.len()]),
        "provides": {&name: {"file": format!("sql/{name}.sql"), "version": version, "abstract": summary}},
        "tags": [TAGS[dist % TAGS.len()], TAGS[(dist * 5 + 1) % TAGS.len()]],
        "resources": {"repository": {"url": format!("https://git.example.org/{user}/{name}.git"), "type": "git"}},
        "meta-spec": {"version": "1.0.0"},
    });
    let mut tree = Tree::default();
    tree.put_text("META.json", &meta.to_string())?;
    tree.put_text("README.md", &readme(&name, &summary, 2 + dist % 12))?;
    tree.put_text("doc/guide.md", &readme(&name, "The guide", 4 + dist % 20))?;
    tree.put_text("Makefile", &format!("EXTENSION = {name}\n"))?;
    tree.put_text(
        &format!("sql/{name}.sql"),
        &format!("CREATE FUNCTION {name}() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"),
    )?;
    // Releases of a distribution lie as far apart as they fill its time; younger ones began later.
    let (begun, place) = (DAYS - DAYS * as_days(dist) / (as_days(size.dists) * 2), as_days(number + 1));
    let ago = begun - begun * place / as_days(count.max(1)) + as_days(dist % 28) + 1;
    Upload::of_tree(&tree, User::named(&user), Timestamp::from_millis(now.as_millis() - ago * DAY_MS))
}

fn as_days(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A document with what documents have: headings, code, a table, and so many sections.
fn readme(name: &str, summary: &str, sections: usize) -> String {
    let section = |number: usize| {
        let tag = TAGS[number % TAGS.len()];
        format!(
            "## {tag}\n\nWhat `{name}` does for {tag}: it is *asked* by a function, and says what it found. See [the guide](doc/guide.md).\n\n\
             ```sql\nSELECT {name}('{tag}', {number}) FROM generate_series(1, 10) AS n WHERE n > {number};\n```\n\n\
             | option | meaning |\n|---|---|\n| `{tag}` | how much of it |\n| `limit` | no more than that |\n\n"
        )
    };
    let sections: String = (0..sections).map(section).collect();
    format!("# {name}\n\n{summary}.\n\n    CREATE EXTENSION {name};\n\n{sections}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_212_000_000);

    #[test]
    fn a_registry_has_as_many_releases_as_it_is_to_have_each_with_a_name_of_its_own() {
        let size = Size { dists: 400, releases: 3_000 };
        assert_eq!((0..400).map(|dist| releases_of(size, dist)).sum::<usize>(), 3_000);
        assert!((0..400).all(|dist| (1..60).contains(&releases_of(size, dist))));
        assert_eq!((0..900).map(name).collect::<BTreeSet<_>>().len(), 900);
        let some: Vec<_> = uploads(Size { dists: 30, releases: 200 }, NOW).map(|upload| upload.unwrap()).collect();
        let known: BTreeSet<_> = some.iter().map(|one| format!("{} {}", one.dist(), one.version())).collect();
        assert_eq!((some.len(), known.len()), (200, 200));
        assert!(some.iter().all(|one| one.date < NOW));
    }

    #[test]
    fn the_same_registry_is_made_each_time() {
        let size = Size { dists: 3, releases: 9 };
        let archives = || uploads(size, NOW).map(|upload| upload.unwrap().archive).collect::<Vec<_>>();
        assert!(archives() == archives());
    }
}
