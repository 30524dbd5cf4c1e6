//! Lenient reading of JSON that other people's programs wrote over fifteen years.

use std::fmt;

use protocol::Timestamp;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use url::Url;

use crate::error::Error;

/// Longer texts are cut: no field that we show or compare is longer.
const MAX_TEXT: usize = 64 * 1024;

/// A text, also where a number or a truth value was written; none when empty.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().chars().take(MAX_TEXT).collect(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A single value as the text that it is; none for nothing, lists and objects.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Texts, of a list or of a single value.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items.iter().filter_map(|item| text(Some(item))).collect(),
        other => text(other).into_iter().collect(),
    }
}

/// A count, also where it was written as text.
pub(crate) fn count(value: Option<&Value>) -> Option<u64> {
    text(value)?.parse().ok()
}

/// A moment such as `2025-01-02T03:04:05Z`.
pub(crate) fn moment(value: Option<&Value>) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&text(value)?)
}

/// A short rendering of a value, to show what was wrong.
pub(crate) fn excerpt(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}

/// Parses a document, with or without a byte order mark.
pub(crate) fn parse(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

/// Parses the body of a document of a registry.
pub(crate) fn document(url: &Url, body: &[u8]) -> Result<Value, Error> {
    parse(body).map_err(|source| Error::NotJson { url: url.clone(), found: describe(body, &source), source })
}

/// What a body is that does not parse as JSON, in words.
pub(crate) fn describe(body: &[u8], error: &serde_json::Error) -> &'static str {
    let start = body.trim_ascii_start();
    if start.is_empty() {
        "empty"
    } else if start.starts_with(b"<") {
        "an HTML or XML page"
    } else if error.is_eof() {
        "JSON that breaks off"
    } else {
        "something else"
    }
}

/// The keys of an object in the order in which they were written, which `serde_json::Value` does not keep.
#[derive(Default)]
pub(crate) struct Keys(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            keys.push(key);
        }
        Ok(Keys(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Keys, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Keys::default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Keys, E> {
        Ok(Keys::default())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Keys, E> {
        Ok(Keys::default())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Keys, E> {
        Ok(Keys::default())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Keys, E> {
        Ok(Keys::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Keys, E> {
        Ok(Keys::default())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Keys, E> {
        Ok(Keys::default())
    }
}
