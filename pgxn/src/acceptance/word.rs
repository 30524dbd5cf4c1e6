//! What single values of META 1 may be, as the registry's validator has it: each gives what is wrong, and how to mend it.

use super::dictionary::LICENSES;

/// What is wrong with a value, and what to write instead.
pub(super) type Wrong = (String, String);

fn wrong(what: impl Into<String>, mend: impl Into<String>) -> Result<(), Wrong> {
    Err((what.into(), mend.into()))
}

/// A text that says something.
pub(super) fn text(value: &str) -> Result<(), Wrong> {
    if value.is_empty() {
        wrong("is empty", "say something there, or leave the key out where it may be")
    } else {
        Ok(())
    }
}

/// The name of a distribution or an extension.
pub(super) fn term(value: &str) -> Result<(), Wrong> {
    let bad = value.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\'));
    if bad || value.chars().count() < 2 {
        return wrong(
            format!("`{}` is not a name", shown(value)),
            "write two characters or more, without spaces, slashes and backslashes",
        );
    }
    Ok(())
}

/// A tag.
pub(super) fn tag(value: &str) -> Result<(), Wrong> {
    let bad = value.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'));
    if bad || !(1..=256).contains(&value.chars().count()) {
        let what = format!("`{}` is not a tag", shown(value));
        return wrong(what, "write at most 256 characters, without slashes and backslashes");
    }
    Ok(())
}

/// A version of three numbers.
pub(super) fn version(value: &str) -> Result<(), Wrong> {
    if value.parse::<semver::Version>().is_ok() {
        return Ok(());
    }
    let mend = match three(value) {
        Some(better) => format!("write \"{better}\""),
        None => {
            "write three numbers without leading zeros, as in \"1.0.0\", and a prerelease after a hyphen".to_owned()
        }
    };
    wrong(format!("`{}` is not a semantic version", shown(value)), mend)
}

/// What was meant by a version that is nearly one.
fn three(value: &str) -> Option<String> {
    let plain = value.trim().trim_start_matches(['v', 'V']);
    let end = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
    let (numbers, suffix) = plain.split_at(end);
    let mut numbers = numbers.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    if numbers.len() > 3 {
        return None;
    }
    numbers.resize(3, 0);
    let hyphen = if suffix.is_empty() || suffix.starts_with(['-', '+']) { "" } else { "-" };
    let whole = format!("{}.{}.{}{hyphen}{suffix}", numbers[0], numbers[1], numbers[2]);
    whole.parse::<semver::Version>().is_ok().then_some(whole)
}

/// `>= 1.2.0, < 2.0.0`, or 0 for any.
pub(super) fn range(value: &str) -> Result<(), Wrong> {
    for part in value.split(',') {
        let part = part.trim_start();
        if part == "0" {
            continue;
        }
        let number = part.trim_start_matches(|c: char| !c.is_ascii_digit() && !c.is_whitespace());
        let operator = &part[..part.len() - number.len()];
        if !matches!(operator, "" | "<" | "<=" | ">" | ">=" | "==" | "!=") {
            let what = format!("`{}` does not compare versions", shown(operator));
            return wrong(what, "use <, <=, >, >=, == or !=, or no operator for a minimum");
        }
        version(number.trim_start())?;
    }
    Ok(())
}

/// An address with a scheme and a host.
pub(super) fn url(value: &str) -> Result<(), Wrong> {
    let host = |rest: &str| !rest.starts_with(['/', '?', '#']) && !rest.is_empty();
    let fine = value
        .split_once("://")
        .is_some_and(|(scheme, rest)| !scheme.is_empty() && !scheme.contains(['/', '?', '#', ':']) && host(rest));
    if fine { Ok(()) } else { wrong(format!("`{}` is not a URL", shown(value)), "write it in full, https:// included") }
}

/// An address of mail.
pub(super) fn email(value: &str) -> Result<(), Wrong> {
    if value.contains('@') {
        return Ok(());
    }
    wrong(format!("`{}` is not an address of mail", shown(value)), "write one with an @, or use `web`")
}

/// One of the licences that the specification lists.
pub(super) fn license(value: &str) -> Result<(), Wrong> {
    if LICENSES.contains(&value) {
        return Ok(());
    }
    let mend = match value.to_lowercase().as_str() {
        "gpl" | "gplv3" | "gpl-3.0" => "write \"gpl_3\"".to_owned(),
        "gplv2" | "gpl-2.0" => "write \"gpl_2\"".to_owned(),
        "apache" | "apache-2.0" => "write \"apache_2_0\"".to_owned(),
        "bsd-3-clause" | "bsd-2-clause" => "write \"bsd\"".to_owned(),
        lower if LICENSES.contains(&lower) => format!("write \"{lower}\""),
        _ => format!("write one of {}, or {{\"Its name\": \"https://its.address/\"}}", LICENSES.join(", ")),
    };
    wrong(format!("`{}` is no licence that the registry knows", shown(value)), mend)
}

/// A value as it may be shown in a sentence.
pub(super) fn shown(value: &str) -> String {
    value.escape_debug().take(60).collect()
}
