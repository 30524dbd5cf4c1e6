//! META 2, checked by the schemas of its authors' own crate; the registry takes none yet.

use pgxn_meta::valid::Validator;
use serde_json::Value;

use super::Finding;
use super::first::At;
use super::word::shown;

/// More complaints than this are not told.
const MOST: usize = 50;

/// What is wrong with a document.
pub(super) fn check(value: &Value) -> Vec<At> {
    let what = "it is META 2 (RFC 3), which the registry takes no uploads of yet";
    let mend = "upload META 1 until it does; what else is told is what the schemas of META 2 say";
    let mut found = vec![(vec!["meta-spec".to_owned()], Finding::rejected("meta-2", what, mend))];
    if let Err(error) = Validator::new().validate(value) {
        let said = error.to_string();
        let before = found.len();
        found.extend(said.lines().filter_map(complaint).take(MOST));
        if found.len() == before {
            let what = said.lines().next().unwrap_or_default().replace(char::is_control, "?");
            found.push((Vec::new(), Finding::rejected("meta-2-schema", what, MEND)));
        }
    }
    found
}

const MEND: &str = "see the specification, https://github.com/pgxn/rfcs/pull/3";

/// A line such as `- at '/license': 'mine' is not valid license`, with the keys that lead there. Once one key is wrong the schemas call all others
/// of its object false, which says nothing, and above each complaint stands one that says no more than that there is one.
fn complaint(line: &str) -> Option<At> {
    let (at, said) = line.trim().strip_prefix("- at '")?.split_once("': ")?;
    if matches!(said, "false schema" | "validation failed") {
        return None;
    }
    let keys: Vec<String> = at.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let place = if keys.is_empty() { "the document".to_owned() } else { format!("`{}`", shown(&keys.join("."))) };
    let what = format!("{place}: {}", said.replace(char::is_control, "?"));
    Some((keys, Finding::rejected("meta-2-schema", what, MEND)))
}
