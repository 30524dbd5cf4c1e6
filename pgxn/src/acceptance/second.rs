//! META 2, checked by the schemas of its authors' own crate; the registry takes none yet.

use pgxn_meta::valid::Validator;
use serde_json::Value;

use super::Finding;
use super::first::At;

/// Longer complaints of the schemas are cut: they repeat themselves for each alternative.
const MOST_LINES: usize = 12;

/// What is wrong with a document.
pub(super) fn check(value: &Value) -> Vec<At> {
    let what = "it is META 2 (RFC 3), which the registry takes no uploads of yet";
    let mend = "upload META 1 until it does; what follows is what the schemas of META 2 say";
    let mut found = vec![(vec!["meta-spec".to_owned()], Finding::rejected("meta-2", what, mend))];
    if let Err(error) = Validator::new().validate(value) {
        let words: Vec<String> = error.to_string().lines().map(|line| line.trim().replace(char::is_control, "?")).collect();
        let what = words.iter().take(MOST_LINES).filter(|line| !line.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        let mend = "see the specification, https://github.com/pgxn/rfcs/pull/3";
        found.push((Vec::new(), Finding::rejected("meta-2-schema", what, mend)));
    }
    found
}
