use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::images::recipe::Recipe;

const DAY: Duration = Duration::from_hours(24);

fn recipe() -> Recipe {
    let target: Target = "pg17-amd64".parse().unwrap();
    let source = Matrix::embedded().get(target.major).unwrap().sources[1].clone();
    Recipe { target, source }
}

fn found(recipe_digest: &str, tag: &str, created: Timestamp) -> FoundImage {
    let labels = [
        ("recipe", recipe_digest),
        ("pg", "17"),
        ("pg-version", "17.11"),
        ("pg-full", "PostgreSQL 17.11"),
        ("source", "debian"),
        ("suite", "trixie"),
        ("platform", "amd64"),
        ("pg-config", "/usr/lib/postgresql/17/bin/pg_config"),
        ("writable", "[\"/usr/lib/postgresql/17/lib\"]"),
    ];
    let labels: HashMap<_, _> =
        labels.iter().map(|(name, value)| (format!("org.pgxn.testers.{name}"), (*value).to_owned())).collect();
    FoundImage { id: "sha256:1".into(), tags: vec![tag.into()], labels, size_bytes: 5, layers: Vec::new(), created }
}

fn check(found: &[FoundImage], now: Timestamp) -> Condition {
    let listed: Vec<Listed> = found.iter().flat_map(|found| of(found, &Matrix::embedded())).collect();
    condition(recipe().target, &listed, now)
}

#[test]
fn an_image_of_the_recipe_is_current_until_its_packages_are_old() {
    let made = Timestamp::from_millis(0);
    let image = found(&recipe().digest(), &recipe().tag(), made);
    assert!(matches!(check(std::slice::from_ref(&image), made.plus(29 * DAY)), Condition::Current(_)));
    assert!(matches!(check(&[image], made.plus(31 * DAY)), Condition::Old(_, 31)));
}

#[test]
fn an_image_of_another_recipe_is_stale_and_no_image_is_missing() {
    let now = Timestamp::from_millis(0);
    let other = found("0123", "pgxn-testers/pg17:trixie-debian-amd64-0123", now);
    let condition = check(&[other], now);
    assert!(matches!(condition, Condition::Stale(_)) && !condition.usable());
    assert_eq!(check(&[], now), Condition::Missing);
}

#[test]
fn a_current_image_counts_though_a_newer_one_is_stale() {
    let now = Timestamp::from_millis(0);
    let images = [found("0123", "x/y:z", now.plus(DAY)), found(&recipe().digest(), &recipe().tag(), now)];
    assert!(matches!(check(&images, now.plus(DAY)), Condition::Current(_)));
}

#[test]
fn what_has_broken_labels_or_no_tag_is_not_listed() {
    let untagged = found(&recipe().digest(), "<none>:<none>", Timestamp::from_millis(0));
    assert!(of(&untagged, &Matrix::embedded()).is_empty());
    let mut image = found("0123", "x/y:z", Timestamp::from_millis(0));
    image.labels.remove("org.pgxn.testers.writable");
    assert!(of(&image, &Matrix::embedded()).is_empty());
}
