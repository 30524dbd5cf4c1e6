//! Real distributions: the dozen of the sample registry, made from Debian's archive, on two majors.

use anyhow::{Context, Result, ensure};
use protocol::{Grade, Target};
use sample::debian::{Expected, Selection, corpus};
use tests::farm::{Farm, LONG_PATIENCE, PATIENCE, Verdict};
use tests::process::Process;
use tests::turn;

#[tokio::test]
async fn a_dozen_real_distributions_get_the_verdicts_that_a_careful_person_reached() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let data = farm.data_dir();
    let arguments =
        ["up", "--data-dir", &data, "--registry", "sample", "--listen", "127.0.0.1:0", "--pg", "17,18", "--jobs", "2"];
    let mut up = Process::start(&[&arguments[..], &["--until-idle"]].concat(), &farm.path("up.log"))?;
    let status = up.ended(LONG_PATIENCE).await?;
    ensure!(status.success(), "it ended with {status}");

    // Once more, as it stays up now: nothing is made or run again.
    let mut again = Process::start(&arguments, &farm.path("again.log"))?;
    again.prints("Open http", PATIENCE).await?;
    let mut wrong = Vec::new();
    let (mut cells, mut failures) = (0, 0);
    for entry in corpus(Selection::Small)? {
        let verdicts = farm.verdicts(entry.dist.as_str()).await.with_context(|| entry.dist.to_string())?;
        for (target, verdict) in verdicts {
            cells += 1;
            failures += u64::from(verdict.grade == Grade::Fail);
            let expected = expected(&entry, target).with_context(|| format!("{} on {target}", entry.dist))?;
            if !expected.iter().chain(&entry.before).any(|expected| is(&verdict, *expected)) {
                wrong.push(format!("{} on {target}: found {verdict:?}, expected {expected:?}", entry.dist));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(cells == 24, "{cells} cells");
    let status = farm.get("api/v1/status").await?;
    // Each failure was found twice before it counted.
    ensure!(status["queued"] == 0 && status["running"] == 0 && status["results"] == 24 + failures, "{status}");
    again.interrupt()?;
    ensure!(again.ended(PATIENCE).await?.success());
    Ok(())
}

/// What is right on a major; what is right on 17 where nothing else is said.
fn expected(entry: &sample::debian::Entry, target: Target) -> Option<&Vec<Expected>> {
    entry.right.get(&target.major.to_string()).or_else(|| entry.right.get("17"))
}

fn is(verdict: &Verdict, expected: Expected) -> bool {
    verdict.grade == expected.grade && expected.phase.is_none_or(|phase| phase == verdict.phase)
}
