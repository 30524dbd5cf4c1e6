//! Whose upload a release is: nicknames are not in META.json, so the likeliest one is taken.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::made::MAINTAINER;
use crate::User;

static FORGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:github|gitlab)\.com[:/]+([^/]+)/").expect("it is a regex"));
static PERSON: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*(.*?)\s*<([^>]+)>").expect("it is a regex"));

/// The user by the forge's account, the maintainer's address or the name.
pub(super) fn of(meta: &Value, homepage: Option<&str>) -> User {
    let maintainer = match &meta["maintainer"] {
        Value::Array(list) => list.first().and_then(Value::as_str),
        one => one.as_str(),
    };
    let maintainer = maintainer.unwrap_or_default();
    let (name, email) = PERSON
        .captures(maintainer)
        .map_or((maintainer.to_owned(), String::new()), |found| (found[1].to_owned(), found[2].to_owned()));
    let repository = &meta["resources"]["repository"];
    let addresses = [&repository["web"], &repository["url"]].into_iter().filter_map(Value::as_str).chain(homepage);
    let accounts = addresses.filter_map(|address| Some(FORGE.captures(address)?[1].to_owned()));
    let made = (maintainer == MAINTAINER).then(|| "debian".to_owned());
    let local = email.split('@').next().unwrap_or_default().to_owned();
    let candidates = made.into_iter().chain(accounts).chain([local, name.clone(), "pgxn".to_owned()]);
    let label =
        candidates.map(|candidate| label(&candidate)).find(|label| label.starts_with(|c: char| c.is_ascii_lowercase()));
    let mut user = User::named(&label.unwrap_or_else(|| "pgxn".to_owned()));
    if !name.is_empty() {
        user.name = name;
    }
    if !email.is_empty() {
        user.email = email;
    }
    user.uri = meta["resources"]["homepage"].as_str().filter(|_| maintainer != MAINTAINER).map(str::to_owned);
    user
}

/// A DNS label: lower-case letters, digits and inner hyphens.
fn label(text: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let label: String = text.chars().take(63).map(legal).collect();
    label.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_at_a_forge_comes_before_the_address() {
        let mut meta = json!({"maintainer": ["Ann Author <ann@example.org>"],
            "resources": {"repository": {"url": "git://github.com/annsoft/thing.git"}}});
        assert_eq!(of(&meta, None).nickname.as_str(), "annsoft");
        meta["resources"] = json!({});
        assert_eq!(of(&meta, None).nickname.as_str(), "ann");
        assert_eq!(of(&meta, None).name, "Ann Author");
        assert_eq!(of(&json!({"maintainer": MAINTAINER}), None).nickname.as_str(), "debian");
        assert_eq!(of(&json!({"maintainer": "42"}), None).nickname.as_str(), "pgxn");
    }
}
