use std::sync::Arc;

use protocol::Matrix;

use super::*;
use crate::images::Options;
use crate::sandbox::docker::Engine;
use crate::sandbox::tests::{TARGET, engine_and_image};

/// Small, and in no image.
const SMALL: &str = "pv";

async fn images() -> (Arc<Images>, Engine, Image) {
    let (engine, image) = engine_and_image().await;
    (Arc::new(Images::new(engine.clone(), Matrix::embedded(), Options::default())), engine, image)
}

#[test]
fn a_set_of_packages_is_known_by_what_is_in_it() {
    let set = |names: &[&'static str]| set_digest(&names.iter().copied().collect());
    assert_eq!(set(&["a", "b"]), set(&["b", "a", "a"]));
    assert_ne!(set(&["a", "b"]), set(&["ab"]));
    assert_ne!(set(&["a", "b"]), set(&["a | b"]));
}

#[tokio::test]
async fn packages_are_added_once_however_many_want_them_which_needs_an_engine() {
    let (images, engine, base) = images().await;
    let target = TARGET.parse().unwrap();
    let wanted = [format!("pgxn-testers-no-such-package | {SMALL}")];
    let tag = format!("{}{WITH}{}", base.facts.tag, &set_digest(&[wanted[0].as_str()].into())[..12]);
    engine.remove_image(&tag).await.unwrap();
    let both = tokio::join!(
        images.with_packages((target, &base), &wanted, &()),
        images.with_packages((target, &base), &wanted, &())
    );
    let (one, other) = (both.0.unwrap().unwrap(), both.1.unwrap().unwrap());
    assert_eq!(one, other);
    assert_eq!((one.facts.tag.as_str(), one.packages.as_slice()), (tag.as_str(), [SMALL.to_owned()].as_slice()));
    assert!(one.facts.recipe.starts_with(&base.facts.recipe) && one.facts.recipe != base.facts.recipe);
    assert_eq!((&one.pg_config, &one.writable), (&base.pg_config, &base.writable));
    let list = images.place.read_image(&one.facts.digest, &["/pgxn/packages.txt"], 1 << 20).await.unwrap();
    let list = String::from_utf8(list.concat()).unwrap();
    assert!(list.lines().any(|line| line.starts_with(SMALL)), "its list of packages tells of the new one");
    let listed = images.list().await.unwrap();
    assert!(listed.iter().any(|listed| listed.image == one && listed.current));
    assert_eq!(images.find(target).await.unwrap(), Some(base), "the plain image is another one");
    engine.remove_image(&tag).await.unwrap();
}

#[tokio::test]
async fn a_package_that_the_archive_lacks_is_named_which_needs_an_engine() {
    let (images, _, base) = images().await;
    let wanted = ["pgxn-testers-no-such-package".to_owned(), SMALL.to_owned()];
    for _ in 0..2 {
        let lacking = images.with_packages((TARGET.parse().unwrap(), &base), &wanted, &()).await.unwrap();
        assert_eq!(lacking, Err(Lacking::Settled("pgxn-testers-no-such-package".into())));
    }
}
