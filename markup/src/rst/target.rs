//! Names that a document gives to addresses, places and texts.

use std::collections::HashMap;

use crate::outline::slug;

/// More names are not remembered.
const MOST: usize = 4000;
/// What is longer is no address, nor a text that stands for a name.
const LONGEST: usize = 400;

/// What names mean.
#[derive(Default)]
pub(super) struct Targets {
    addresses: HashMap<String, String>,
    substitutions: HashMap<String, String>,
    /// Addresses without a name, in their order.
    anonymous: Vec<String>,
}

impl Targets {
    /// Reads every line that may give a name.
    pub(super) fn of(lines: &[&str]) -> Self {
        let mut targets = Self::default();
        for (at, line) in lines.iter().enumerate() {
            let line = line.trim_start();
            let next = || lines.get(at + 1).map(|line| line.trim()).unwrap_or_default().to_owned();
            if is_title(lines, at) && targets.addresses.len() < MOST {
                targets.addresses.entry(normal(line)).or_insert_with(|| format!("#{}", slug(line)));
            }
            if let Some(address) = line.strip_prefix("__ ").or_else(|| line.strip_prefix(".. __: ")) {
                targets.anonymous.push(address.trim().to_owned());
            } else if let Some((name, address)) = line.strip_prefix(".. _").and_then(named) {
                let address = if address.is_empty() && next().contains("://") { next() } else { address };
                if !address.is_empty() && address.len() <= LONGEST && targets.addresses.len() < MOST {
                    targets.addresses.insert(normal(&name), address);
                }
            } else if let Some((name, rest)) = line.strip_prefix(".. |").and_then(|rest| rest.split_once('|'))
                && let Some(text) = rest.trim().strip_prefix("replace::")
                && text.len() <= LONGEST
                && targets.substitutions.len() < MOST
            {
                targets.substitutions.insert(normal(name), text.trim().to_owned());
            }
        }
        targets
    }

    /// Where a name leads.
    pub(super) fn address(&self, name: &str) -> Option<String> {
        let mut name = normal(name);
        // A name may be given to a name, and nobody does so more than a few times.
        for _ in 0..4 {
            let address = self.addresses.get(&name)?;
            match address.strip_suffix('_') {
                Some(other) => name = normal(other.trim_matches('`')),
                None => return Some(address.clone()),
            }
        }
        None
    }

    /// The text that a substitution stands for.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.substitutions.get(&normal(name)).map(String::as_str)
    }

    /// The only address without a name; where there are several, it takes counting to tell which.
    pub(super) fn anonymous(&self) -> Option<&str> {
        if let [only] = self.anonymous.as_slice() { Some(only) } else { None }
    }
}

/// The id of a place that is given a name: `_name:` and nothing more.
pub(super) fn label(rest: &str) -> Option<String> {
    let (name, address) = named(rest.strip_prefix('_')?)?;
    address.is_empty().then(|| slug(&name))
}

/// Whether a line is a title, which is a name for where it stands.
fn is_title(lines: &[&str], at: usize) -> bool {
    let is_text = |line: &str| !line.trim().is_empty() && line.len() <= LONGEST && super::adornment(line).is_none();
    is_text(lines[at]) && lines.get(at + 1).is_some_and(|under| under.len() > 2 && super::adornment(under).is_some())
}

/// `name: address` or `` `name`: address ``.
fn named(rest: &str) -> Option<(String, String)> {
    let (name, address) = match rest.strip_prefix('`') {
        Some(rest) => rest.split_once("`:")?,
        None => match rest.split_once(": ") {
            Some(both) => both,
            None => (rest.strip_suffix(':')?, ""),
        },
    };
    Some((name.to_owned(), address.trim().to_owned()))
}

fn normal(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
