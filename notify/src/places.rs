//! What META.json says of who may speak for a distribution: places where they can put a file, and mail addresses.
//!
//! META.json is hostile. A place is one of a few files at known hosts, or below `/.well-known/` of the home page's host, and is asked for as
//! everything outside is: see [`crate::outbound`].

use serde::Serialize;
use serde_json::Value;
use url::Url;

/// The file's name in a repository.
pub(crate) const FILE: &str = ".pgxn-testers.toml";
/// Where it is at a home page's host.
const WELL_KNOWN: &str = "/.well-known/pgxn-testers.toml";
/// At most this many addresses of META.json are looked at.
const MOST: usize = 12;
const MOST_CHARS: usize = 300;

/// Where a proof may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// What to put it into, for people.
    pub words: String,
    /// Where the farm looks.
    pub address: Url,
}

/// The places that a META.json names, those in a repository first.
pub(crate) fn places(meta: &Value) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    for address in repositories(meta) {
        found.extend(in_repository(&address));
    }
    let home = meta.pointer("/resources/homepage").and_then(Value::as_str).and_then(web);
    if let Some(host) = home.as_ref().and_then(|home| Some((home, home.host_str()?))) {
        found.extend(
            host.0.join(WELL_KNOWN).ok().map(|address| Place { words: format!("{WELL_KNOWN} at {}", host.1), address }),
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|place| seen.insert(place.address.clone()));
    found
}

/// The addresses of repositories that a META.json names.
fn repositories(meta: &Value) -> Vec<Url> {
    ["/resources/repository/url", "/resources/repository/web", "/resources/repository"]
        .into_iter()
        .filter_map(|pointer| meta.pointer(pointer)?.as_str())
        .filter_map(web)
        .collect()
}

/// An address of META.json over https; those of git, ssh and http, as old ones have them, lead to the same repository over https.
fn web(text: &str) -> Option<Url> {
    let text = text.trim();
    if text.len() > MOST_CHARS {
        return None;
    }
    let text = match text.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
        Some((host, path)) => format!("https://{host}/{path}"),
        None => text.strip_prefix("git+").unwrap_or(text).to_owned(),
    };
    let url = Url::parse(&text).ok()?;
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    match url.scheme() {
        "https" => without_user(url),
        "http" if is_here => Some(url),
        "http" | "git" | "ssh" => without_user(Url::parse(&format!("https://{}{}", url.host_str()?, url.path())).ok()?),
        _ => None,
    }
}

fn without_user(mut url: Url) -> Option<Url> {
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url)
}

/// Owner and name of a repository, each of which stands in an address as it is.
fn owner_and_name(url: &Url) -> Option<(String, String)> {
    let mut segments = url.path_segments()?.filter(|segment| !segment.is_empty());
    let (owner, name) = (segments.next()?, segments.next()?);
    let name = name.strip_suffix(".git").unwrap_or(name);
    let is_plain = |text: &str| {
        !text.is_empty()
            && !text.starts_with('.')
            && text.len() <= 100
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    (is_plain(owner) && is_plain(name)).then(|| (owner.to_owned(), name.to_owned()))
}

/// The file in the default branch of a repository, where the host tells it without a login.
fn in_repository(url: &Url) -> Option<Place> {
    let (owner, name) = owner_and_name(url)?;
    let host = url.host_str()?.trim_start_matches("www.");
    let address = match host {
        "github.com" => format!("https://raw.githubusercontent.com/{owner}/{name}/HEAD/{FILE}"),
        "gitlab.com" => format!("https://gitlab.com/{owner}/{name}/-/raw/HEAD/{FILE}"),
        "codeberg.org" => format!("https://codeberg.org/api/v1/repos/{owner}/{name}/raw/{FILE}"),
        _ => return None,
    };
    Some(Place {
        words: format!("{FILE} in the default branch of {host}/{owner}/{name}"),
        address: Url::parse(&address).ok()?,
    })
}

/// The repository at GitHub that a META.json names, as `owner/name`.
pub(crate) fn github(meta: &Value) -> Option<String> {
    repositories(meta).iter().find_map(|url| {
        let is_github = matches!(url.host_str(), Some("github.com" | "www.github.com"));
        owner_and_name(url).filter(|_| is_github).map(|(owner, name)| format!("{owner}/{name}"))
    })
}

/// The mail addresses that a META.json names: of maintainers, and for bugs.
pub(crate) fn mails(meta: &Value) -> Vec<String> {
    let mut texts: Vec<&str> = Vec::new();
    for list in ["maintainer", "maintainers"].into_iter().filter_map(|key| meta.get(key)) {
        match list {
            Value::String(text) => texts.push(text),
            Value::Array(items) => {
                let one = |item| Value::as_str(item).or_else(|| item.get("email").and_then(Value::as_str));
                texts.extend(items.iter().take(MOST).filter_map(one));
            }
            _ => {}
        }
    }
    texts.extend(meta.pointer("/resources/bugtracker/mailto").and_then(Value::as_str));
    texts.into_iter().filter_map(mail).collect()
}

/// A mail address alone, or one in angle brackets after a name.
fn mail(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("mailto:");
    let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(inner, _)| inner);
    let address: lettre::Address = inner.trim().parse().ok()?;
    Some(address.to_string())
}

/// Whether two mail addresses are the same: letters' case counts nowhere that matters.
pub(crate) fn is_same_mail(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Whether a proof file names a subscription's code.
pub(crate) fn proves(file: &[u8], code: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct File {
        subscriptions: Vec<String>,
    }
    let read = std::str::from_utf8(file).ok().and_then(|text| toml::from_str::<File>(text).ok());
    read.is_some_and(|read| read.subscriptions.iter().any(|one| one.trim() == code))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with_repository(url: &str) -> Value {
        json!({ "resources": { "repository": { "url": url } } })
    }

    fn addresses(meta: &Value) -> Vec<String> {
        places(meta).iter().map(|place| place.address.to_string()).collect()
    }

    #[test]
    fn a_repository_leads_to_the_file_in_its_default_branch_however_it_is_written() {
        let raw = "https://raw.githubusercontent.com/theory/pgtap/HEAD/.pgxn-testers.toml";
        for url in [
            "https://github.com/theory/pgtap.git",
            "http://www.github.com/theory/pgtap/",
            "git://github.com/theory/pgtap.git",
            "git+https://github.com/theory/pgtap",
            "ssh://git@github.com/theory/pgtap.git",
            "git@github.com:theory/pgtap.git",
            "https://user:pw@github.com/theory/pgtap",
        ] {
            assert_eq!(addresses(&with_repository(url)), [raw], "{url}");
            assert_eq!(github(&with_repository(url)).as_deref(), Some("theory/pgtap"), "{url}");
        }
        assert_eq!(
            addresses(&with_repository("https://gitlab.com/a/b.git")),
            ["https://gitlab.com/a/b/-/raw/HEAD/.pgxn-testers.toml"]
        );
        assert_eq!(
            addresses(&with_repository("https://codeberg.org/a/b")),
            ["https://codeberg.org/api/v1/repos/a/b/raw/.pgxn-testers.toml"]
        );
    }

    #[test]
    fn a_home_page_leads_to_a_well_known_file_of_its_host() {
        let meta = json!({ "resources": { "homepage": "http://pgtap.org/docs/?x", "repository": { "web": "https://github.com/theory/pgtap" } } });
        assert_eq!(addresses(&meta)[1..], ["https://pgtap.org/.well-known/pgxn-testers.toml"]);
        assert_eq!(places(&meta)[1].words, "/.well-known/pgxn-testers.toml at pgtap.org");
    }

    #[test]
    fn a_repository_that_is_none_leads_nowhere() {
        for url in [
            "",
            "https://github.com/",
            "https://github.com/theory",
            "https://github.com/..%2f/x",
            "https://github.com/a/.git",
            "https://example.org/a/b",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://github.com.evil.org/a/b",
            "https://evil.org/github.com/a",
            "https://github.com/a b/c",
        ] {
            assert_eq!(addresses(&with_repository(url)), [""; 0], "{url}");
            assert_eq!(github(&with_repository(url)), None, "{url}");
        }
        for meta in [json!(null), json!([]), json!({ "resources": 3 }), json!({ "resources": { "homepage": [] } })] {
            assert!(places(&meta).is_empty() && mails(&meta).is_empty());
        }
    }

    #[test]
    fn the_mail_addresses_of_both_kinds_of_meta_are_found() {
        let first = json!({
            "maintainer": ["David E. Wheeler <david@example.com>", "nobody", "x@example.org"],
            "resources": { "bugtracker": { "mailto": "bugs@example.net" } },
        });
        assert_eq!(mails(&first), ["david@example.com", "x@example.org", "bugs@example.net"]);
        assert_eq!(mails(&json!({ "maintainer": "D <d@example.com>" })), ["d@example.com"]);
        assert_eq!(
            mails(&json!({ "maintainers": [{ "name": "D", "email": "d@example.com" }, {}] })),
            ["d@example.com"]
        );
        assert!(mails(&json!({ "maintainer": "a@b.c\r\nBcc: x@y.z" })).is_empty());
        assert!(is_same_mail("David@Example.com", "david@example.COM") && !is_same_mail("a@b.c", "b@b.c"));
    }

    #[test]
    fn a_file_proves_what_it_names_and_nothing_else() {
        let file = b"# for the farm\nsubscriptions = [\"abc\", \" def \"]\n";
        assert!(proves(file, "abc") && proves(file, "def"));
        assert!(!proves(file, "ab") && !proves(file, ""));
        for other in [&b"abc"[..], b"<html>abc</html>", b"subscriptions = \"abc\"", b"\xff", b""] {
            assert!(!proves(other, "abc"));
        }
    }
}
