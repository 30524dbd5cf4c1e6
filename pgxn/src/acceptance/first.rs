//! META 1, checked as the registry checks it. Where the registry's validator lets something pass by accident, such as an object in place of a
//! text, that is a trap and no rejection.

use serde_json::{Map, Value};

use super::Finding;
use super::dictionary::{Key, Keys, Kind, META, Others};
use super::word::{self, Wrong, shown};
use crate::json;

/// More than this are not told: whoever has mended so many looks again.
const MOST: usize = 200;

/// A finding with the keys that lead to where it is.
pub(super) type At = (Vec<String>, Finding);

/// What is wrong with a document.
pub(super) fn check(value: &Value) -> Vec<At> {
    let Value::Object(object) = value else {
        let finding = Finding::rejected("json", "META.json is not a JSON object", "write { … }");
        return vec![(Vec::new(), finding)];
    };
    let stated = object.get("meta-spec").and_then(|spec| json::text(spec.get("version")));
    if let Some(version) = stated.filter(|version| version != "1.0.0") {
        let what = format!("`meta-spec` says version {}, and the registry knows only 1.0.0", shown(&version));
        let finding = Finding::rejected("meta-spec", what, "write \"1.0.0\"");
        return vec![(vec!["meta-spec".to_owned(), "version".to_owned()], finding)];
    }
    let mut walk = Walk { at: Vec::new(), found: Vec::new() };
    walk.object(&META, object);
    walk.found
}

/// The way through a document.
struct Walk {
    at: Vec<String>,
    found: Vec<At>,
}

impl Walk {
    fn found(&mut self, finding: Finding) {
        if self.found.len() < MOST {
            self.found.push((self.at.clone(), finding));
        }
    }

    /// The key that this is at, in words.
    fn here(&self) -> String {
        format!("`{}`", self.at.iter().map(|key| shown(key)).collect::<Vec<_>>().join("."))
    }

    fn reject(&mut self, rule: &'static str, what: &str, mend: impl Into<String>) {
        let finding = Finding::rejected(rule, format!("{}: {what}", self.here()), mend);
        self.found(finding);
    }

    fn object(&mut self, keys: &Keys, object: &Map<String, Value>) {
        for Key { name, .. } in keys.known.iter().filter(|key| key.required) {
            if object.get(*name).is_none_or(Value::is_null) {
                self.at.push((*name).to_owned());
                let what = format!("{} is missing", self.here());
                let finding = Finding::rejected("missing", what, mend_missing(name));
                self.at.pop();
                self.found(finding);
            }
        }
        for (name, value) in object {
            self.at.push(name.clone());
            match keys.known.iter().find(|key| key.name == name) {
                // What is required and null was told of as missing.
                Some(key) if !(key.required && value.is_null()) => self.value(&key.kind, value),
                Some(_) => {}
                None => self.other(&keys.others, name, value),
            }
            self.at.pop();
        }
    }

    fn other(&mut self, others: &Others, name: &str, value: &Value) {
        let lower = name.to_lowercase();
        match others {
            Others::Any(kind) => self.value(kind, value),
            Others::Custom(kind) => {
                if !lower.starts_with("x_") {
                    let what = "the specification has no such key";
                    self.reject("unknown-key", what, "remove it, or let its name begin with x_");
                }
                self.value(kind, value);
            }
            Others::Terms(kind) => {
                self.word("name", word::term(name));
                self.value(kind, value);
            }
            Others::Words(words, kind) => {
                if !words.contains(&name) && !lower.contains("x_") {
                    self.reject(
                        "unknown-key",
                        "the specification has no such key",
                        format!("use one of {}", words.join(", ")),
                    );
                }
                self.value(kind, value);
            }
        }
    }

    fn value(&mut self, kind: &Kind, value: &Value) {
        match (kind, value) {
            (Kind::Anything, _) => {}
            (Kind::Object(keys) | Kind::ListOr(_, keys), Value::Object(object)) => self.object(keys, object),
            (Kind::Object(_), _) => self.reject("type", "this is not an object", "write { … }"),
            (Kind::List(item) | Kind::ListOr(item, _), Value::Array(items)) => {
                for item_value in items {
                    self.value(item, item_value);
                }
            }
            (Kind::List(_), Value::Object(_)) | (Kind::List(_) | Kind::ListOr(..), Value::Null) => {
                self.reject("type", "this is no list", "write [ … ], or a single value");
            }
            (Kind::List(item) | Kind::ListOr(item, _), single) => self.value(item, single),
            (kind, Value::Array(_) | Value::Object(_)) => self.composite(kind),
            (kind, value) => self.scalar(kind, json::scalar(value).as_deref()),
        }
    }

    /// A list or an object where there should be a text: the validator sees that there is something.
    fn composite(&mut self, kind: &Kind) {
        if matches!(kind, Kind::Text | Kind::File | Kind::Lower) {
            let what = format!("{}: this is no text, and only by accident taken as one", self.here());
            self.found(Finding::trap("type", what, "write \"…\""));
        } else {
            self.reject("type", "this is not a single value", "write \"…\"");
        }
    }

    fn scalar(&mut self, kind: &Kind, value: Option<&str>) {
        let Some(value) = value else { return self.reject("value", "there is nothing there", "write \"…\"") };
        match kind {
            Kind::Text => self.word("value", word::text(value)),
            Kind::Lower => {
                self.word("value", word::text(value));
                if value.chars().any(char::is_uppercase) {
                    self.reject(
                        "value",
                        "there are capital letters in it",
                        format!("write \"{}\"", shown(&value.to_lowercase())),
                    );
                }
            }
            Kind::Term => self.word("name", word::term(value)),
            Kind::Tag => self.word("tag", word::tag(value)),
            Kind::Version => self.word("version", word::version(value)),
            Kind::Range => self.word("range", word::range(value)),
            Kind::Url => self.word("url", word::url(value)),
            Kind::Email => self.word("email", word::email(value)),
            Kind::License => self.word("license", word::license(value)),
            Kind::Status if !matches!(value, "stable" | "testing" | "unstable") => {
                let what = format!("`{}` is no release status", shown(value));
                self.reject("release-status", &what, "write \"stable\", \"testing\" or \"unstable\"");
            }
            Kind::Status | Kind::File | Kind::Anything | Kind::List(_) | Kind::ListOr(..) | Kind::Object(_) => {}
        }
    }

    fn word(&mut self, rule: &'static str, outcome: Result<(), Wrong>) {
        if let Err((what, mend)) = outcome {
            self.reject(rule, &what, mend);
        }
    }
}

fn mend_missing(name: &str) -> String {
    match name {
        "meta-spec" => {
            "add \"meta-spec\": {\"version\": \"1.0.0\", \"url\": \"https://pgxn.org/meta/spec.txt\"}".to_owned()
        }
        "license" => "add \"license\": \"postgresql\", or another that it has".to_owned(),
        "provides" => "add \"provides\": {\"NAME\": {\"file\": \"sql/NAME.sql\", \"version\": \"1.0.0\"}}".to_owned(),
        "file" => "name the file that makes the extension".to_owned(),
        _ => "add it; `pgxn-testers test --propose-meta` prints a META.json to begin with".to_owned(),
    }
}
