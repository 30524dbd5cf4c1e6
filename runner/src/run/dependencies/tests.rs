use std::collections::BTreeMap;

use protocol::{PostgresRange, Range, Release, Status, Timestamp};

use super::*;
use crate::prerequisites::Known;

/// A prerequisite of which only its overrides matter.
fn planned(provision: Provision) -> Planned {
    let release = Release {
        dist: "gadget".parse().unwrap(),
        version: "1.0.0".parse().unwrap(),
        status: Status::Stable,
        user: "ann".parse().unwrap(),
        sha1: "0".repeat(40),
        released_at: Timestamp::from_millis(0),
    };
    let postgres = PostgresRange::default();
    let known = Known { release, needs: Vec::new(), postgres, provides: Vec::new(), provision };
    Planned { known, wanted: "gadget".parse().unwrap(), range: Range::any() }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn packages_that_the_image_has_by_any_of_their_names_are_not_added_again() {
    let items = [texts(&["libical-dev", "a | b"]), texts(&["c | d", "libical-dev"])];
    let items = items.map(|packages| planned(Provision { packages, ..Provision::default() }));
    assert_eq!(image::lacking(&[], &items), ["a | b", "c | d", "libical-dev"]);
    assert_eq!(image::lacking(&texts(&["b", "libical-dev"]), &items), ["c | d"]);
}

#[test]
fn what_a_prerequisite_needs_of_the_server_holds_unless_the_distribution_says_otherwise() {
    let settings = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let mut own = Provision {
        preload: texts(&["widget"]),
        settings: settings(&[("wal_level", "logical")]),
        ..Provision::default()
    };
    let theirs = Provision {
        preload: texts(&["gadget", "widget"]),
        settings: settings(&[("wal_level", "replica"), ("max_wal_senders", "20")]),
        prepare: texts(&["mkdir /tmp/only-for-its-own-tests"]),
        ..Provision::default()
    };
    inherit(&mut own, &[planned(theirs)]);
    assert_eq!(own.preload, ["widget", "gadget"]);
    assert_eq!(own.settings, settings(&[("wal_level", "logical"), ("max_wal_senders", "20")]));
    assert!(own.prepare.is_empty());
}
