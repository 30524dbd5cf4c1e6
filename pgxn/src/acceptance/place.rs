//! In which line of a META.json a key stands.

use super::Finding;
use super::first::At;

/// The file.
pub(super) const META: &str = "META.json";

/// Findings with their lines.
pub(super) fn placed(text: &[u8], findings: Vec<At>) -> Vec<Finding> {
    let text = String::from_utf8_lossy(text);
    let place = |(at, finding): At| Finding { line: Some(line(&text, &at)), ..finding.in_file(META) };
    findings.into_iter().map(place).collect()
}

/// The line of the last key of a way that there is, each looked for behind the one before: right but where the same word is a key further up in
/// something between, which costs nobody more than a look.
fn line(text: &str, at: &[String]) -> u64 {
    let mut from = 0;
    for key in at {
        let Ok(quoted) = serde_json::to_string(key) else { break };
        let Some(found) = key_behind(text, from, &quoted) else { break };
        from = found;
    }
    let before = text[..from].matches('\n').count();
    u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1)
}

/// Where a key begins that is followed by its colon.
fn key_behind(text: &str, from: usize, quoted: &str) -> Option<usize> {
    let mut start = from;
    loop {
        let found = start + text.get(start..)?.find(quoted)?;
        let after = found + quoted.len();
        if text[after..].trim_start().starts_with(':') {
            return Some(found);
        }
        start = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_below_the_one_before_it_and_a_value_is_no_key() {
        let text =
            "{\n \"version\": \"1\",\n \"x\": \"provides\",\n \"provides\": {\n  \"a\": {\n   \"version\": \"2\" } } }";
        let at = |keys: &[&str]| line(text, &keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
        assert_eq!(at(&["version"]), 2);
        assert_eq!(at(&["provides", "a", "version"]), 6);
        assert_eq!(at(&["provides", "a", "file"]), 5, "what is missing is shown where it should be");
        assert_eq!(at(&["license"]), 1);
    }
}
