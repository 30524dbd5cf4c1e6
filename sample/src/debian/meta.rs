//! Finds or makes the META.json of a distribution, so that PGXN would take it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::corpus::Entry;
use super::sources::Source;
use super::{made, mend, version};
use crate::{Error, Tree};

static VERSION_MARK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"@\w*VERSION\w*@").expect("it is a regex"));
static MISSING_COMMA: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"([}\]"\d])(\s*\n\s*")"#).expect("it is a regex"));
static TRAILING_COMMA: LazyLock<Regex> = LazyLock::new(|| Regex::new(r",(\s*[}\]])").expect("it is a regex"));

/// Puts a META.json into the tree where there is none or where PGXN would refuse the one there is; says what was done.
pub(super) fn ensure(tree: &mut Tree, entry: &Entry, source: &Source) -> Result<Vec<String>, Error> {
    let upstream = version::semantic(version::upstream(&source.version));
    let (mut meta, mut done) = find(tree, entry, source, &upstream)?;
    done.extend(mend::mend(&mut meta, &upstream));
    if !done.is_empty() {
        let text = serde_json::to_string_pretty(&Value::Object(meta)).expect("JSON can be written");
        tree.put_text("META.json", &format!("{text}\n"))?;
    }
    Ok(done)
}

fn find(
    tree: &Tree,
    entry: &Entry,
    source: &Source,
    upstream: &str,
) -> Result<(Map<String, Value>, Vec<String>), Error> {
    let own = || if tree.file("META.json").is_some() { Some("own") } else { None };
    let template = || if tree.file("META.json.in").is_some() { "template" } else { "made" };
    let origin = entry.meta.as_deref().or_else(own).unwrap_or_else(template);
    let need = |name: &str| tree.text(name).ok_or_else(|| Error::archive(entry.key(), format!("it has no {name}")));
    let mut done = Vec::new();
    let meta = match origin {
        "made" => {
            done.push("META.json made from control files".to_owned());
            made::meta(tree, entry, source, upstream)
        }
        "own" => read(&need("META.json")?, entry, &mut done)?,
        "template" => {
            done.push("META.json made from META.json.in".to_owned());
            read(&VERSION_MARK.replace_all(&need("META.json.in")?, upstream), entry, &mut done)?
        }
        path => {
            done.push(format!("META.json copied from {path}"));
            let mut meta = read(&need(path)?, entry, &mut done)?;
            meta.insert("version".to_owned(), Value::from(upstream));
            meta
        }
    };
    Ok((meta, done))
}

/// Reads JSON; commas that are missing or too many are mended, as only the sample registry may.
fn read(text: &str, entry: &Entry, done: &mut Vec<String>) -> Result<Map<String, Value>, Error> {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text);
    object(text).or_else(|first| {
        done.push(format!("META.json was not JSON ({first}), commas mended"));
        let text = MISSING_COMMA.replace_all(text, "$1,$2");
        let text = TRAILING_COMMA.replace_all(&text, "$1");
        object(&text).map_err(|error| Error::archive(entry.key(), format!("META.json: {error}")))
    })
}
