//! `/index.json`: which documents a registry has, and where.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::error::{Error, Result};
use crate::json;
use crate::template::{Template, TemplateError};

/// Without these there is nothing to test.
const NEEDED: [&str; 3] = ["dist", "meta", "download"];

/// A registry has fourteen templates; more than this are not read.
const MAX: usize = 200;

/// The address of a registry and its templates.
pub(crate) struct Index {
    base: Url,
    templates: BTreeMap<String, Result<Template, TemplateError>>,
}

impl Index {
    /// Reads the index; a template that only some other document needs may be broken.
    pub(crate) fn read(base: Url, value: &Value) -> Result<Self> {
        let url = address(&base, "/index.json")?;
        let Some(object) = value.as_object() else {
            return Err(Error::Shape { url, why: "the index is not a JSON object".to_owned() });
        };
        let templates: BTreeMap<_, _> = object
            .iter()
            .take(MAX)
            .filter_map(|(name, value)| Some((name.clone(), Template::parse(&json::text(Some(value))?))))
            .collect();
        let index = Self { base, templates };
        for name in NEEDED {
            index.template(name)?;
        }
        Ok(index)
    }

    /// The registry's own address, without a slash at its end unless it is only that.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether the registry has that kind of document.
    pub(crate) fn has(&self, name: &str) -> bool {
        matches!(self.templates.get(name), Some(Ok(_)))
    }

    /// The template of that name.
    pub(crate) fn template(&self, name: &'static str) -> Result<&Template> {
        let failed = |source| {
            let url = address(&self.base, "/index.json").unwrap_or_else(|_| self.base.clone());
            Error::Template { url, name, source: Box::new(source) }
        };
        match self.templates.get(name) {
            Some(Ok(template)) => Ok(template),
            Some(Err(error)) => Err(failed(error.clone())),
            None => Err(failed(TemplateError::Absent)),
        }
    }

    /// The address of one document.
    pub(crate) fn url(&self, name: &'static str, values: &[(&str, &str)]) -> Result<Url> {
        let path = self.template(name)?.expand(values).map_err(|source| Error::Template {
            url: self.base.clone(),
            name,
            source: Box::new(source),
        })?;
        address(&self.base, &path)
    }
}

/// What stands at `path` from a base on, as templates are appended to it, not resolved against it.
pub(crate) fn address(base: &Url, path: &str) -> Result<Url> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|_| Error::Address { address: text, why: "its templates do not give a valid address" })
}

/// The base address of what a person wrote: without query, fragment, slash at the end or `/index.json`. Two that lead to one registry are equal then.
pub fn base(given: &Url) -> Result<Url> {
    let mut base = given.clone();
    base.set_query(None);
    base.set_fragment(None);
    if base.password().is_some() || !base.username().is_empty() {
        // Addresses are logged, stored and shown: a secret does not belong there.
        let _ = base.set_password(None);
        let _ = base.set_username("");
        return Err(Error::Address { address: base.to_string(), why: "it holds a user or password; leave them out" });
    }
    if !matches!(base.scheme(), "http" | "https" | "file") {
        let why = "write one that starts with https:, http: or file:";
        return Err(Error::Address { address: base.to_string(), why });
    }
    let path = base.path().trim_end_matches('/');
    let path = path.strip_suffix("/index.json").unwrap_or(path).trim_end_matches('/').to_owned();
    base.set_path(&path);
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(base_url: &str) -> Index {
        let value = serde_json::json!({
            "dist": "/dist/{dist}.json",
            "meta": "/dist/{dist}/{version}/META.json",
            "download": "/dist/{dist}/{version}/{dist}-{version}.zip",
            "tag": "tag/{tag}",
            "user": 17,
        });
        Index::read(base(&base_url.parse().unwrap()).unwrap(), &value).unwrap()
    }

    #[test]
    fn templates_are_appended_to_the_path_of_the_base() {
        for (base, expected) in [
            ("https://api.pgxn.org/", "https://api.pgxn.org/dist/pgtap.json"),
            ("http://127.0.0.1:8080/registry", "http://127.0.0.1:8080/registry/dist/pgtap.json"),
            ("http://127.0.0.1:8080/registry/index.json?x=1#y", "http://127.0.0.1:8080/registry/dist/pgtap.json"),
            ("file:///srv/pgxn/", "file:///srv/pgxn/dist/pgtap.json"),
        ] {
            assert_eq!(index(base).url("dist", &[("dist", "pgTAP")]).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_broken_template_breaks_only_what_it_is_for() {
        let index = index("https://api.pgxn.org");
        assert!(index.has("dist") && !index.has("tag") && !index.has("userlist"));
        let error = index.url("tag", &[("tag", "a")]).unwrap_err();
        assert!(error.to_string().contains("`tag`"), "{error}");
    }

    #[test]
    fn an_index_without_what_a_tester_needs_is_refused() {
        let base: Url = "https://example.org".parse().unwrap();
        for value in [serde_json::json!({"dist": "/dist/{dist}.json"}), serde_json::json!([]), serde_json::json!("x")] {
            assert!(Index::read(base.clone(), &value).is_err(), "{value}");
        }
    }

    #[test]
    fn an_address_that_no_registry_has_is_refused_without_showing_a_password() {
        for text in ["ftp://example.org", "data:x", "https://ann:secret@example.org"] {
            let error = base(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains("is not the address of a registry") && !error.contains("secret"), "{error}");
        }
    }
}
