//! What runners do.

use super::*;

#[tokio::test]
async fn a_claim_gives_everything_that_a_run_needs() {
    on_both(async |mut farm| {
        let runner = with_release(&farm).await;
        farm.happened();
        let claimed = claim_of(&farm, &runner, &["pg17-amd64"]).await.unwrap();
        let json = &claimed.json;
        assert_eq!(json["release"]["dist"], "pair");
        assert_eq!(json["release"]["sha1"], "a".repeat(40));
        assert_eq!(json["target"], "pg17-amd64");
        assert_eq!(json["registry"], farm.registry.url);
        assert_eq!((&json["lease"]["attempt"], &json["lease"]["expires_in_ms"]), (&json!(1), &json!(300_000)));
        assert!(claim_of(&farm, &runner, &["pg17-amd64"]).await.is_none(), "there is one job for 17");
        let happened = farm.happened();
        assert!(matches!(happened.as_slice(), [Event::JobClaimed { attempt: 1, .. }]), "{happened:?}");
    })
    .await;
}

#[tokio::test]
async fn runners_may_be_given_another_address_of_the_registry() {
    let assigned = "http://registry.example/pgxn";
    let farm = Farm::with(|config| config.assigned_registry = Some(assigned.parse().unwrap())).await;
    let runner = with_release(&farm).await;
    assert_eq!(claim(&farm, &runner).await.unwrap().json["registry"], assigned);
}

#[tokio::test]
async fn a_report_ends_a_run_and_its_verdict_is_told() {
    on_both(async |mut farm| {
        let runner = with_release(&farm).await;
        let claimed = claim(&farm, &runner).await.unwrap();
        assert_eq!(claimed.renew(&farm).await.json(), json!({"expires_in_ms": 300_000}));
        let log = b"gcc -c pair.c\n";
        assert_eq!(claimed.upload(&farm, "build.log", log).await.status, 204);
        farm.happened();
        let report = claimed.with_log(log);
        assert_eq!(claimed.report(&farm, &report).await.status, 200);
        let happened = farm.happened();
        let [Event::Verdict(verdict)] = happened.as_slice() else { panic!("{happened:?}") };
        assert_eq!(verdict.sentence, "All tests passed.");

        assert_eq!(claimed.report(&farm, &report).await.status, 200, "the same again is taken again");
        assert_eq!(farm.happened(), [], "and is told once");
        let other = Report { notes: vec!["something else".into()], ..report };
        let detail = claimed.report(&farm, &other).await.problem(409);
        assert!(detail.contains("already reported"), "{detail}");
        let detail = claimed.renew(&farm).await.problem(409);
        assert!(detail.contains(&claimed.run_id), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn an_expired_lease_returns_the_job_and_fences_the_late_runner() {
    on_both(async |mut farm| {
        let runner = with_release(&farm).await;
        let late = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
        farm.clock.advance(MINUTE * 4);
        assert_eq!(late.renew(&farm).await.status, 200);
        farm.clock.advance(MINUTE * 4);
        assert_eq!(expire(&farm).await, Tick::Idle, "it was renewed");
        farm.clock.advance(MINUTE);
        farm.happened();
        assert_eq!(expire(&farm).await, Tick::Worked);
        assert!(matches!(farm.happened().as_slice(), [Event::LeaseExpired { .. }]));

        let next = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
        assert_eq!(next.json["lease"]["attempt"], 2);
        assert_ne!((&next.run_id, &next.lease), (&late.run_id, &late.lease));
        for answer in [
            late.renew(&farm).await,
            late.report(&farm, &late.passed()).await,
            late.upload(&farm, "build.log", b"late").await,
            late.post(&farm, "release", &json!({})).await,
        ] {
            let detail = answer.problem(409);
            assert!(detail.contains("expired"), "{detail}");
        }
        let stolen = Claimed { lease: late.lease.clone(), ..claim_like(&next) };
        let detail = stolen.report(&farm, &next.passed()).await.problem(409);
        assert!(detail.contains("not yours"), "{detail}");
        assert_eq!(next.report(&farm, &next.passed()).await.status, 200);
    })
    .await;
}

fn claim_like(claimed: &Claimed) -> Claimed {
    Claimed {
        runner: claimed.runner.clone(),
        run_id: claimed.run_id.clone(),
        lease: claimed.lease.clone(),
        json: claimed.json.clone(),
    }
}

#[tokio::test]
async fn another_runner_cannot_speak_for_a_run_even_with_its_token() {
    let farm = Farm::start().await;
    let runner = with_release(&farm).await;
    let claimed = claim(&farm, &runner).await.unwrap();
    let thief = Claimed { runner: farm.runner("thief").await, ..claim_like(&claimed) };
    thief.renew(&farm).await.problem(409);
    thief.report(&farm, &claimed.passed()).await.problem(409);
    thief.upload(&farm, "build.log", b"x").await.problem(409);
    assert_eq!(claimed.renew(&farm).await.status, 200);
}

#[tokio::test]
async fn a_job_that_kills_its_runners_ends_as_the_farms_error() {
    on_both(async |mut farm| {
        let runner = with_release(&farm).await;
        for attempt in 1..=3 {
            let claimed = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
            assert_eq!(claimed.json["lease"]["attempt"], attempt);
            farm.clock.advance(MINUTE * 6);
            farm.happened();
            assert_eq!(expire(&farm).await, Tick::Worked);
        }
        let other = farm.runner("other").await;
        assert!(claim_of(&farm, &other, &["pg18-amd64"]).await.is_none());
        let happened = farm.happened();
        let [Event::LeaseExpired { .. }, Event::Verdict(verdict)] = happened.as_slice() else { panic!("{happened:?}") };
        assert_eq!((verdict.grade.as_str(), verdict.reason), ("ERROR", Reason::RunnerLost));
        let results = farm.call(Call::get("/api/v1/results")).await.json();
        assert_eq!(results["results"][0]["reason"], "runner-lost");
    })
    .await;
}

#[tokio::test]
async fn a_verdict_that_cannot_be_told_hides_no_other_and_holds_up_no_job() {
    let mut farm = Farm::with(|config| config.max_attempts = 1).await;
    let runner = with_release(&farm).await;
    let mut lost = Vec::new();
    for target in ["pg17-amd64", "pg18-amd64"] {
        lost.push(claim_of(&farm, &runner, &[target]).await.unwrap());
        assert_eq!(lost.last().unwrap().upload(&farm, "build.log", b"half of it").await.status, 204);
        farm.clock.advance(MINUTE);
    }
    // So that what would be told of it cannot be read.
    farm.sql(
        "CREATE TRIGGER spoil AFTER UPDATE OF state ON jobs WHEN NEW.state = 'finished' AND NEW.target = 'pg17-amd64'
         BEGIN UPDATE results SET flags = 'ODD' WHERE id = NEW.result_id; END",
    )
    .await;
    farm.clock.advance(MINUTE * 6);
    farm.happened();
    assert_eq!(expire(&farm).await, Tick::Worked);
    let happened = farm.happened();
    let verdicts = happened.iter().filter(|event| matches!(event, Event::Verdict(_))).count();
    let expired = happened.iter().filter(|event| matches!(event, Event::LeaseExpired { .. })).count();
    assert_eq!((expired, verdicts), (2, 1), "{happened:?}");
    for run in lost {
        assert!(!run.has_file(&farm, "build.log").await);
    }
}

#[tokio::test]
async fn a_lease_that_is_given_back_costs_no_attempt() {
    let farm = Farm::start().await;
    let runner = with_release(&farm).await;
    for _ in 0..4 {
        let claimed = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
        assert_eq!(claimed.json["lease"]["attempt"], 1);
        assert_eq!(claimed.upload(&farm, "build.log", b"half of it").await.status, 204);
        assert_eq!(claimed.post(&farm, "release", &json!({})).await.status, 204);
        assert!(!claimed.has_file(&farm, "build.log").await, "a job that is claimed again and again fills no disk");
        claimed.renew(&farm).await.problem(409);
    }
}

#[tokio::test]
async fn one_owner_cannot_starve_another() {
    on_both(async |farm| {
        for index in 0..5 {
            farm.registry.publish_by("hog", (&format!("hog-{index}"), "1.0.0"), "stable", None);
        }
        farm.registry.publish_by("shy", ("shy", "1.0.0"), "stable", None);
        farm.watch().await;
        let runner = farm.runner("box").await;
        let mut owners = Vec::new();
        while let Some(claimed) = claim_of(&farm, &runner, &["pg18-amd64"]).await {
            owners.push(claimed.json["release"]["user"].as_str().unwrap().to_owned());
        }
        assert_eq!(owners.len(), 6);
        assert!(owners[..2].contains(&"shy".to_owned()), "{owners:?}");
    })
    .await;
}

#[tokio::test]
async fn a_report_has_to_be_about_what_was_claimed_and_name_what_was_uploaded() {
    let farm = Farm::start().await;
    let runner = with_release(&farm).await;
    let claimed = claim_of(&farm, &runner, &["pg18-amd64"]).await.unwrap();
    let refused = async |report: Report| claimed.report(&farm, &report).await.problem(422);

    let detail = refused(claimed.with_log(b"log")).await;
    assert!(detail.contains("`build.log` was not uploaded"), "{detail}");
    assert_eq!(claimed.upload(&farm, "build.log", b"other").await.status, 204);
    let detail = refused(claimed.with_log(b"log")).await;
    assert!(detail.contains("SHA-256 of its file `build.log`"), "{detail}");
    assert_eq!(claimed.upload(&farm, "build.log", b"log").await.status, 204);
    let mut longer = claimed.with_log(b"log");
    longer.files[0].bytes = 4;
    let detail = refused(longer).await;
    assert!(detail.contains("`build.log` has 3 bytes as it was uploaded, not 4"), "{detail}");
    let detail = refused(Report { run_id: RunId::new(farm.now()), ..claimed.passed() }).await;
    assert!(detail.contains("it is about run"), "{detail}");
    let detail = refused(Report { notes: vec![String::new(); 1_000], ..claimed.passed() }).await;
    assert!(detail.contains("1000 notes"), "{detail}");
    let archive = ArchiveFacts { sha1: "b".repeat(40), ..claimed.archive() };
    let detail = refused(Report { archive: Some(archive), ..claimed.passed() }).await;
    assert!(detail.contains("not that of pair 1.0.0"), "{detail}");
    let image = ImageFacts { postgresql: "17.4".into(), ..claimed.image() };
    let detail = refused(Report { image: Some(image), ..claimed.passed() }).await;
    assert!(detail.contains("not pg18-amd64"), "{detail}");
    let detail = refused(Report { image: None, ..claimed.passed() }).await;
    assert!(detail.contains("says nothing of the image"), "{detail}");
    let detail = refused(Report { verdict: Verdict::new(Phase::Fetch, Reason::TestsPassed), ..claimed.passed() }).await;
    assert!(detail.contains("`tests-passed`"), "{detail}");
    assert_eq!(claimed.report(&farm, &claimed.passed()).await.status, 200, "none of it ended the run");
}

#[tokio::test]
async fn bodies_are_bounded() {
    let farm = Farm::start().await;
    let runner = with_release(&farm).await;
    let claimed = claim(&farm, &runner).await.unwrap();
    let put = |body: Vec<u8>| claimed.call(Method::PUT, "files/build.log").body(body);
    let huge = vec![0_u8; protocol::MAX_FILE_BYTES + 1];
    let bomb = zstd::encode_all(huge.as_slice(), 3).unwrap();
    assert!(bomb.len() < 100_000);
    farm.call(put(huge.clone())).await.problem(413);
    let detail = farm.call(put(bomb)).await.problem(413);
    assert!(detail.contains("`build.log` has more than 8388608 bytes"), "{detail}");
    let detail = farm.call(put(b"plain text".to_vec())).await.problem(422);
    assert!(detail.contains("not zstd"), "{detail}");
    claimed.upload(&farm, "..", b"x").await.problem(422);
    claimed.upload(&farm, "a%2Fb", b"x").await.problem(422);

    let call = claimed.call(Method::POST, "report").header("content-type", "application/json");
    farm.call(call.body(Bytes::from(huge))).await.problem(413);
    let call = claimed.call(Method::POST, "renew").header("content-type", "application/json");
    farm.call(call.body(vec![b' '; 70_000])).await.problem(413);
    let many = json!({"targets": vec!["pg17-amd64"; 201], "version": "1"});
    farm.call(Call::post("/api/v1/claim", &many).bearer(&runner)).await.problem(422);
    assert_eq!(claimed.renew(&farm).await.status, 200, "none of it ended the run");
}

#[tokio::test]
async fn claims_at_the_same_time_never_share_a_job() {
    on_both(async |farm| {
        for index in 0..10 {
            farm.registry.publish(&format!("dist-{index}"), "1.0.0");
        }
        farm.watch().await;
        let mut runners = tokio::task::JoinSet::new();
        for index in 0..8 {
            let token = farm.runner(&format!("box-{index}")).await;
            let coordinator = farm.coordinator.clone();
            runners.spawn(async move {
                let body = json!({"targets": ["pg17-amd64", "pg18-amd64"], "version": "1"});
                let mut claimed = Vec::new();
                loop {
                    let call = Call::post("/api/v1/claim", &body).bearer(&token);
                    let answer = call.answered_by(&coordinator).await;
                    if answer.status == 204 {
                        return claimed;
                    }
                    claimed.push(answer.json()["job_id"].to_string());
                }
            });
        }
        let mut jobs = runners.join_all().await.concat();
        assert_eq!(jobs.len(), 20);
        jobs.sort();
        jobs.dedup();
        assert_eq!(jobs.len(), 20);
    })
    .await;
}
