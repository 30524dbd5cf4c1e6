//! From an upstream version of Debian's to the semantic version that PGXN asks for.

use std::sync::LazyLock;

use regex::Regex;

static SUFFIX: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[+~](dfsg|ds|repack|git|svn).*$").expect("it is a regex"));
static PARTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\d+(?:\.\d+)*)[-~._]?([A-Za-z][0-9A-Za-z.]*)?").expect("it is a regex"));

/// Whether PGXN would take it.
pub(super) fn is_semantic(version: &str) -> bool {
    semver_parts(version).is_some()
}

fn semver_parts(version: &str) -> Option<()> {
    let core = version.split('+').next()?;
    let (core, pre) = core.split_once('-').map_or((core, None), |(core, pre)| (core, Some(pre)));
    let number = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
    };
    let numbers: Vec<&str> = core.split('.').collect();
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let legal = numbers.len() == 3 && numbers.into_iter().all(number) && pre.is_none_or(|pre| pre.split('.').all(word));
    legal.then_some(())
}

/// The nearest semantic version: `7.10` is `7.10.0`, `1.2b1` is `1.2.0-b1`.
pub(super) fn semantic(version: &str) -> String {
    let version = version.trim().trim_start_matches('v');
    let version = SUFFIX.replace(version, "");
    if is_semantic(&version) {
        return version.into_owned();
    }
    let Some(parts) = PARTS.captures(&version) else { return "0.0.0".to_owned() };
    let mut numbers: Vec<String> =
        parts[1].split('.').take(3).map(|part| part.parse::<u64>().unwrap_or_default().to_string()).collect();
    numbers.resize(3, "0".to_owned());
    let core = numbers.join(".");
    match parts.get(2) {
        Some(pre) if is_semantic(&format!("{core}-{}", pre.as_str())) => format!("{core}-{}", pre.as_str()),
        _ => core,
    }
}

/// The upstream part of a Debian version: no epoch, no Debian revision.
pub(super) fn upstream(debian: &str) -> &str {
    let version = debian.split_once(':').map_or(debian, |(_, version)| version);
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_versions_become_semantic_ones() {
        for (debian, semantic_version) in [
            ("1.2.10-3", "1.2.10"),
            ("1:2.0.12-5", "2.0.12"),
            ("3.5.2+dfsg-1", "3.5.2"),
            ("0.20190509-8", "0.20190509.0"),
            ("17.11-0+deb13u1", "17.11.0"),
            ("7.10-1", "7.10.0"),
            ("0.2.0+git20211101.d7d10f2-3", "0.2.0"),
            ("1.0~beta2-1", "1.0.0-beta2"),
            ("0.1.4-4-gd63ea3b-8", "0.1.4-4-gd63ea3b"),
        ] {
            assert_eq!(semantic(upstream(debian)), semantic_version, "{debian}");
        }
    }
}
