use protocol::Release;

use super::*;
use crate::testing::{insert, name, on_both, release, version};

#[tokio::test]
async fn the_latest_release_of_a_distribution_is_its_highest_stable_version() {
    on_both(async |store| {
        for text in ["1.10.0", "1.9.0"] {
            insert(&store, &release("Pair", text)).await;
        }
        insert(&store, &Release { status: Status::Testing, ..release("pair", "2.0.0") }).await;
        let mut conn = store.read().await.unwrap();
        let dist = get(&mut conn, &name("PAIR")).await.unwrap().unwrap();
        assert_eq!((dist.name.as_str(), dist.releases), ("Pair", 3));
        assert_eq!(dist.latest.release.version, version("1.10.0"));
        assert_eq!(get(&mut conn, &name("pear")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_distribution_without_a_stable_release_shows_its_highest_version() {
    on_both(async |store| {
        insert(&store, &Release { status: Status::Testing, ..release("pair", "0.1.0") }).await;
        insert(&store, &Release { status: Status::Unstable, ..release("pair", "0.2.0") }).await;
        let dist = get(&mut store.read().await.unwrap(), &name("pair")).await.unwrap().unwrap();
        assert_eq!(dist.latest.release.version, version("0.2.0"));
    })
    .await;
}

#[tokio::test]
async fn distributions_are_listed_by_prefix_in_pages() {
    on_both(async |store| {
        for dist in ["pgTAP", "pg_partman", "pg%", "semver", "pgmq"] {
            insert(&store, &release(dist, "1.0.0")).await;
        }
        let mut conn = store.read().await.unwrap();
        let names = |dists: Vec<Dist>| dists.into_iter().map(|dist| dist.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(list(&mut conn, "PGt", None, 10).await.unwrap()), ["pgTAP"]);
        assert_eq!(names(list(&mut conn, "pg%", None, 10).await.unwrap()), ["pg%"]);
        assert_eq!(count(&mut conn).await.unwrap(), 5);

        let mut seen: Vec<Dist> = Vec::new();
        loop {
            let last = seen.last().map(|dist| dist.name.clone());
            let page = list(&mut conn, "pg", last.as_ref(), 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        let mut all = names(seen);
        all.sort();
        assert_eq!(all, ["pg%", "pgTAP", "pg_partman", "pgmq"]);
    })
    .await;
}

#[tokio::test]
async fn any_number_of_distributions_is_read_by_their_keys() {
    on_both(async |store| {
        let names: Vec<_> = (0..70).map(|number| name(&format!("Dist{number}"))).collect();
        for dist in names.iter().skip(1) {
            insert(&store, &release(dist.as_str(), "1.0.0")).await;
        }
        let mut conn = store.read().await.unwrap();
        let found = of_names(&mut conn, &names.iter().collect::<Vec<_>>()).await.unwrap();
        assert_eq!((found.len(), of_names(&mut conn, &[]).await.unwrap().len()), (69, 0));
        let sql = (1..=50).rev().fold(OF_NAMES.to_owned(), |sql, n| sql.replace(&format!("${n}"), "'x'"));
        let plan = crate::testing::explain(&mut conn, &sql).await;
        assert_eq!(crate::testing::full_scans(&plan), [""; 0], "{plan}");
    })
    .await;
}

#[tokio::test]
async fn a_distribution_is_found_by_any_part_of_its_name() {
    on_both(async |store| {
        for dist in ["pg_partman", "Partition", "semver", "a%b"] {
            insert(&store, &release(dist, "1.0.0")).await;
        }
        let mut conn = store.read().await.unwrap();
        let mut names = async |part: &str| -> Vec<String> {
            holding(&mut conn, part, 10).await.unwrap().iter().map(|dist| dist.name.to_string()).collect()
        };
        assert_eq!(names("PART").await, ["Partition", "pg_partman"]);
        assert_eq!(names("%").await, ["a%b"]);
        assert_eq!(names("").await, Vec::<String>::new());
        assert_eq!(names("nothing").await, Vec::<String>::new());
    })
    .await;
}
