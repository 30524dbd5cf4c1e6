//! Verdicts beside each other.

use protocol::Decisive;

use super::*;

impl Claimed {
    /// A build that fails with that line.
    fn failed(&self, log: &str) -> Report {
        let mut report = self.with_log(log.as_bytes());
        report.verdict = Verdict::new(Phase::Build, Reason::CompileError);
        report.verdict.decisive = Some(Decisive { file: "build.log".into(), line: 1, text: log.into() });
        report
    }
}

async fn ends(farm: &Farm, runner: &str, on: &str, log: Option<&str>) {
    let claimed = claim_of(farm, runner, &[on]).await.unwrap();
    let report = match log {
        Some(log) => {
            assert!(claimed.upload(farm, "build.log", log.as_bytes()).await.status.is_success());
            claimed.failed(log)
        }
        None => claimed.passed(),
    };
    assert!(claimed.report(farm, &report).await.status.is_success());
}

const LOG: &str = "a.c:1:2: error: too few arguments to function 'index_open'";

#[tokio::test]
async fn a_release_is_compared_with_the_one_before_it_and_its_majors_with_each_other() {
    on_both(async |farm| {
        let runner = farm.runner("box").await;
        for version in ["1.0.0", "1.1.0"] {
            farm.registry.publish("pair", version);
            farm.clock.advance(MINUTE);
            farm.watch().await;
            ends(&farm, &runner, "pg18-amd64", None).await;
            ends(&farm, &runner, "pg17-amd64", None).await;
        }
        let compared = farm.call(Call::get("/api/v1/dists/PAIR/1.1.0/compare")).await.json();
        assert_eq!((&compared["dist"], &compared["with"]), (&json!("pair"), &json!("1.0.0")));
        let words = |list: &str| -> Vec<String> {
            let pairs = compared[list].as_array().unwrap();
            let word = |pair: &Value| {
                format!("{} {} {}", pair["target"], pair["with_target"], pair["comparison"]).replace('"', "")
            };
            pairs.iter().map(word).collect()
        };
        assert_eq!(
            words("releases"),
            [
                "pg15-amd64 pg15-amd64 NOT-COMPARABLE",
                "pg16-amd64 pg16-amd64 NOT-COMPARABLE",
                "pg17-amd64 pg17-amd64 STILL-PASSING",
                "pg18-amd64 pg18-amd64 STILL-PASSING",
            ]
        );
        assert_eq!(
            words("majors"),
            [
                "pg16-amd64 pg15-amd64 NOT-COMPARABLE",
                "pg17-amd64 pg16-amd64 NOT-COMPARABLE",
                "pg18-amd64 pg17-amd64 STILL-PASSING",
            ]
        );
        let first = farm.call(Call::get("/api/v1/dists/pair/1.0.0/compare")).await.json();
        assert_eq!((&first["with"], first["releases"].as_array().unwrap().len()), (&Value::Null, 0));
        let back = farm.call(Call::get("/api/v1/dists/pair/1.0.0/compare?with=1.1.0")).await.json();
        assert_eq!(
            (&back["with"], &back["releases"][3]["sentence"]),
            (&json!("1.1.0"), &json!("It did not fail before, and still does not."))
        );
        for (path, status) in [
            ("pair/2.0.0/compare", 404),
            ("pair/1.0.0/compare?with=2.0.0", 404),
            ("pair/1.0.0/compare?with=a%20b", 400),
        ] {
            assert_eq!(farm.call(Call::get(&format!("/api/v1/dists/{path}"))).await.status, status, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_symptom_is_found_by_what_it_shares_and_a_runner_cannot_name_it() {
    on_both(async |farm| {
        let runner = farm.runner("box").await;
        for dist in ["pair", "ip4r"] {
            farm.registry.publish(dist, "1.0.0");
        }
        farm.watch().await;
        ends(&farm, &runner, "pg18-amd64", Some(LOG)).await;
        ends(&farm, &runner, "pg18-amd64", Some(&LOG.replace("a.c:1:2", "src/b.c:33:4"))).await;
        let list = farm.call(Call::get("/api/v1/symptoms")).await.json();
        let shared = &list["symptoms"][0];
        assert_eq!((&shared["dists"], &shared["cells"], &shared["majors"]), (&json!(2), &json!(2), &json!([18])));
        assert_eq!(shared["text"], "error: too few arguments to function 'index_open'");
        assert_eq!(list["next"], Value::Null);
        let signature = shared["signature"].as_str().unwrap();
        let detail = farm.call(Call::get(&format!("/api/v1/symptoms/{signature}"))).await.json();
        let run = detail["results"][0]["run_id"].as_str().unwrap();
        assert_eq!(detail["results"].as_array().unwrap().len(), 2);
        let run = farm.call(Call::get(&format!("/api/v1/runs/{run}"))).await.json();
        assert_eq!(run["result"]["signature"], signature);
        assert!(
            farm.call(Call::get("/api/v1/symptoms?major=17")).await.json()["symptoms"].as_array().unwrap().is_empty()
        );
        assert_eq!(farm.call(Call::get("/api/v1/symptoms?limit=1")).await.json()["next"], "1");
        for (path, status) in [("0000000000000000", 404), ("x", 400), ("?limit=0", 400), ("?major=9", 400)] {
            let path = path.strip_prefix('?').map_or(format!("/{path}"), |query| format!("?{query}"));
            assert_eq!(farm.call(Call::get(&format!("/api/v1/symptoms{path}"))).await.status, status, "{path}");
        }
    })
    .await;
}
