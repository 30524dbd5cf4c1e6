//! pgTAP tests: SQL scripts in `t/`, `test/` or `tests/` that print TAP, run by `pg_prove` where `make installcheck` runs nothing.
//!
//! Of a directory's tests those nearest to its top are run, as by `pg_prove DIRECTORY`: deeper ones may want something special, or each to be
//! run by hand (`pg_partman`'s).
//!
//! The PGXN specification's rule tells them from `pg_regress` scripts: those have a directory `expected/` beside them. A further look into
//! each file keeps plain scripts out, which would fail for not being tests at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::run::quote::{identifier, quoted};

/// Tests beyond these are not run.
const MAX_TESTS: usize = 500;
/// What is looked at of a script.
const MAX_BYTES: u64 = 512 * 1024;

/// A pgTAP test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestFile {
    /// Its path below the top directory.
    pub(crate) path: String,
    /// The extensions that it creates by itself, in lower case.
    pub(crate) creates: BTreeSet<String>,
}

/// Finds them among the files of a tree.
pub(crate) fn find(root: &Path, files: &[String]) -> Vec<TestFile> {
    let with_expected: BTreeSet<&str> = files.iter().filter_map(|file| parent_of_expected(file)).collect();
    let scripts = files.iter().filter(|file| is_script(file) && !has_expected(file, &with_expected));
    let mut tests: Vec<TestFile> = scripts.filter_map(|path| read(root, path)).take(MAX_TESTS).collect();
    let depth = |path: &str| path.matches('/').count();
    let mut shallowest: BTreeMap<String, usize> = BTreeMap::new();
    for test in &tests {
        let least = shallowest.entry(top(&test.path).to_owned()).or_insert(usize::MAX);
        *least = depth(&test.path).min(*least);
    }
    tests.retain(|test| shallowest.get(top(&test.path)) == Some(&depth(&test.path)));
    tests
}

fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// The directory in which an `expected/` lies that holds this file.
fn parent_of_expected(file: &str) -> Option<&str> {
    let (dir, _) = file.rsplit_once('/')?;
    match dir.rsplit_once('/') {
        Some((parent, "expected")) => Some(parent),
        None if dir == "expected" => Some(""),
        _ => None,
    }
}

fn is_script(file: &str) -> bool {
    let end = file.rsplit_once('.').map_or("", |(_, end)| end);
    ["t", "test", "tests"].contains(&top(file)) && file.contains('/') && ["sql", "pg"].contains(&end)
}

/// Whether `expected/` lies in a script's directory, or beside the directory, as with `test/sql` and `test/expected`.
fn has_expected(file: &str, with_expected: &BTreeSet<&str>) -> bool {
    let (dir, _) = file.rsplit_once('/').unwrap_or(("", file));
    let parent = dir.rsplit_once('/').map(|(parent, _)| parent);
    with_expected.contains(dir) || parent.is_some_and(|parent| with_expected.contains(parent))
}

fn read(root: &Path, path: &str) -> Option<TestFile> {
    let mut bytes = Vec::new();
    File::open(root.join(path)).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let is_test = (text.contains("plan(") || text.contains("no_plan")) && text.contains("finish(");
    is_test.then(|| TestFile { path: path.to_owned(), creates: creates(&text) })
}

/// The names that follow `create extension`.
fn creates(text: &str) -> BTreeSet<String> {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || "_-\"".contains(c))).filter(|word| !word.is_empty());
    let mut found = BTreeSet::new();
    while let Some(word) = words.next() {
        if word == "create" && words.next() == Some("extension") {
            let name = words.find(|word| !["if", "not", "exists"].contains(word));
            found.extend(name.map(|name| name.trim_matches('"').to_owned()));
        }
    }
    found
}

/// The command that runs them: the database first, with what the tests expect to be there already.
pub(crate) fn script(tests: &[TestFile], first: &[String], provides: &[String]) -> String {
    let by_themselves: BTreeSet<&str> = tests.iter().flat_map(|test| &test.creates).map(String::as_str).collect();
    let wanted = std::iter::once("pgtap").chain(first.iter().chain(provides).map(String::as_str));
    let mut seen = BTreeSet::new();
    let missing = wanted.filter(|name| !by_themselves.contains(name.to_lowercase().as_str()) && seen.insert(*name));
    let create = |name| format!("CREATE EXTENSION IF NOT EXISTS {} CASCADE", identifier(name));
    let psql = |sql: String| format!("psql -X -q -v ON_ERROR_STOP=1 -d pgxn_pgtap -c {}\n", quoted(&sql));
    let creating: String = missing.map(create).map(psql).collect();
    // pg_prove knows no `--`; that no path starts with a hyphen is seen to here.
    let paths: Vec<String> = tests.iter().map(|test| quoted(&format!("./{}", test.path))).collect();
    let begin = "set -e\npsql -X -q -d postgres -c 'CREATE DATABASE pgxn_pgtap'\n";
    format!("{begin}{creating}exec pg_prove -d pgxn_pgtap --verbose {}\n", paths.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Vec<TestFile> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        find(dir.path(), &files.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>())
    }

    const TAP: &str = "BEGIN;\nSELECT plan(1);\nSELECT pass();\nSELECT * FROM finish();\nROLLBACK;\n";

    #[test]
    fn tap_scripts_are_found_where_no_expected_output_lies_beside_them() {
        let found =
            tree(&[("t/a.sql", TAP), ("test/b.sql", TAP), ("test/expected/b.out", ""), ("tests/sub/c.pg", TAP)]);
        let paths: Vec<_> = found.iter().map(|test| test.path.as_str()).collect();
        assert_eq!(paths, ["t/a.sql", "tests/sub/c.pg"]);
    }

    #[test]
    fn tests_below_others_are_left_to_people() {
        let found =
            tree(&[("test/a.sql", TAP), ("test/by_hand/b.sql", TAP), ("t/deep/c.sql", TAP), ("t/deep/d/e.sql", TAP)]);
        let paths: Vec<_> = found.iter().map(|test| test.path.as_str()).collect();
        assert_eq!(paths, ["test/a.sql", "t/deep/c.sql"]);
    }

    #[test]
    fn scripts_of_pg_regress_are_left_to_it() {
        assert_eq!(tree(&[("test/sql/b.sql", TAP), ("test/expected/b.out", "")]), []);
    }

    #[test]
    fn a_script_that_is_no_test_is_not_run() {
        assert_eq!(tree(&[("test/setup.sql", "CREATE TABLE x ();"), ("sql/a.sql", TAP)]), []);
    }

    #[test]
    fn what_a_test_creates_by_itself_is_not_created_before() {
        let tests =
            [TestFile { path: "t/it's.sql".into(), creates: creates("create extension if not exists \"pgtap\";") }];
        let script = script(&tests, &["unit".to_owned()], &["widget".to_owned()]);
        assert!(!script.contains("\"pgtap\"") && script.contains("\"widget\""), "{script}");
        assert!(script.find("\"unit\"") < script.find("\"widget\""), "{script}");
        assert!(script.ends_with("--verbose './t/it'\\''s.sql'\n"), "{script}");
    }
}
