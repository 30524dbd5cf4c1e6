//! What the fuzzer calls, and the tests with what it found: a report is whatever a runner sends.

use crate::{Name, PreRelease, Report, Version};

/// A report: what passes its check has bounds, reads back as it was, and has a symptom that is shown.
pub fn report(bytes: &[u8]) {
    pre_release(bytes);
    let Ok(report) = serde_json::from_slice::<Report>(bytes) else { return };
    if report.check().is_err() {
        return;
    }
    let json = serde_json::to_vec(&report).expect("its keys are texts");
    assert_eq!(serde_json::from_slice::<Report>(&json).expect("it was written here"), report);
    assert!(!report.verdict.reason.sentence_with(&report.verdict.detail).is_empty());
}

/// The same of what a maintainer's CI sends.
fn pre_release(bytes: &[u8]) {
    let Ok(sent) = serde_json::from_slice::<PreRelease>(bytes) else { return };
    if sent.check().is_ok() {
        let json = serde_json::to_vec(&sent).expect("its keys are texts");
        assert_eq!(serde_json::from_slice::<PreRelease>(&json).expect("it was written here"), sent);
    }
}

/// Words that come from outside: what is accepted is written as it was read.
pub fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.as_str(), text);
        assert!(!text.contains('/') && !text.starts_with('.'));
    }
    if let Ok(version) = text.parse::<Version>() {
        assert_eq!(version.as_str(), text);
        assert_eq!(version.cmp(&version), std::cmp::Ordering::Equal);
    }
    if let Ok(range) = text.parse::<crate::Range>() {
        assert!(range.to_string().parse::<crate::Range>().is_ok(), "`{range}` does not read back");
    }
}

#[cfg(test)]
#[path = "../../fuzz/found.rs"]
mod found;

#[cfg(test)]
mod tests {
    use super::found::on_all;

    #[test]
    fn everything_that_the_fuzzer_found_is_read_or_refused() {
        on_all("report", super::report);
        on_all("words", super::words);
    }
}
