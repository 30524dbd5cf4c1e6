//! What the tests of several phases need.

use std::collections::BTreeSet;

use pgxn::{Meta, Provided};

use super::Subject;

/// A distribution `widget` with these files.
pub(super) fn subject(files: &[&str]) -> Subject {
    Subject {
        meta: Meta::parse(br#"{"name":"widget","version":"1.0.0","provides":{}}"#).unwrap(),
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        provides: Vec::new(),
        pgtap: Vec::new(),
        preload: false,
        provision: protocol::Provision::default(),
        create_first: Vec::new(),
        packed: None,
        shipped: BTreeSet::new(),
        installed: BTreeSet::new(),
        scripts: BTreeSet::new(),
    }
}

/// An entry of META's `provides`.
pub(super) fn provided(name: &str, file: &str) -> Provided {
    Provided {
        name: name.parse().unwrap(),
        version: None,
        file: Some(file.to_owned()),
        summary: None,
        docfile: None,
        docpath: None,
    }
}

mod lanes;
mod limits;
mod provide;
mod repeat;
mod requires;
mod resume;
mod whole;
