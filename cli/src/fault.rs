//! What went wrong, as one line for a person: the thing, the causes, each once, and what to do where nothing says it yet.

use std::io::ErrorKind;

/// The sentence of an error.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    match advice(error, &sentence) {
        Some(advice) => format!("{}; {advice}", sentence.trim_end_matches('.')),
        None => sentence,
    }
}

/// What to do about a disk that does not take anything; SQLite has words of its own for it.
fn advice(error: &anyhow::Error, sentence: &str) -> Option<&'static str> {
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    if kind == Some(ErrorKind::StorageFull) || sentence.contains("disk is full") {
        return Some("free some space, or choose another directory with --data-dir");
    }
    let refused = [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied];
    let is_said = sentence.contains("--data-dir");
    (!is_said && kind.is_some_and(|kind| refused.contains(&kind))).then_some("choose a directory that may be written")
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn a_cause_that_its_effect_names_already_is_not_repeated() {
        let error = anyhow!("code 13").context("the query failed: code 13").context("the database cannot be read");
        assert_eq!(sentence(&error), "the database cannot be read: the query failed: code 13");
    }

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let error = Err::<(), _>(full).context("write data/address").unwrap_err();
        assert!(sentence(&error).starts_with("write data/address: "));
        assert!(sentence(&error).ends_with("; free some space, or choose another directory with --data-dir"));
    }
}
