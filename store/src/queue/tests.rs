use super::*;
use crate::jobs::Plan;
use crate::testing::{at, insert, name, on_both, plan_as, plan_for, release, target};

#[tokio::test]
async fn the_queue_is_counted_by_target_and_priority_and_listed_in_pages() {
    on_both(async |store| {
        let owner = name("Theory");
        let mut expected = Vec::new();
        for (text, on, priority, minute) in [
            ("1.0.0", "pg17-amd64", Priority::Backfill, 0),
            ("1.0.1", "pg17-amd64", Priority::NewRelease, 2),
            ("1.0.2", "pg17-amd64", Priority::NewRelease, 1),
            ("1.0.2", "pg16-amd64", Priority::NewRelease, 1),
            ("1.0.3", "pg17-amd64", Priority::Asked, 3),
        ] {
            let id = insert(&store, &release("pair", text)).await.id();
            let id = plan_as(&store, &Plan { priority, ..plan_for(id, on, &owner) }, at(minute)).await;
            expected.push((priority.rank(), at(minute), id));
        }
        expected.sort();

        let mut conn = store.read().await.unwrap();
        let mut seen: Vec<QueuedJob> = Vec::new();
        loop {
            let found = page(&mut conn, seen.last().map(QueuedJob::cursor), 2).await.unwrap();
            if found.is_empty() {
                break;
            }
            seen.extend(found);
        }
        let order: Vec<_> = seen.iter().map(|job| (job.priority.rank(), job.queued_at, job.id)).collect();
        assert_eq!(order, expected);
        assert_eq!((seen[0].dist.as_str(), seen[0].version.as_str()), ("pair", "1.0.3"));
        assert_eq!((seen[0].owner_key.as_str(), seen[0].attempts), ("theory", 0));

        let count = |on, priority, waiting| QueueCount { target: target(on), priority, waiting };
        let expected = [
            count("pg16-amd64", Priority::NewRelease, 1),
            count("pg17-amd64", Priority::Asked, 1),
            count("pg17-amd64", Priority::NewRelease, 2),
            count("pg17-amd64", Priority::Backfill, 1),
        ];
        assert_eq!(counts(&mut conn).await.unwrap(), expected);
    })
    .await;
}
