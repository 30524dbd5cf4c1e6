//! What a maintainer's own CI tells a farm of a tree that is not released, from the test to the page.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::farm::{Farm, target};
use tests::fixtures::Fixture;
use tests::process::run_with;
use tests::workflow::{COMMIT, Job, Ran, repository};
use tests::{process, turn};

const TOKEN: &str = "PGXN_TESTERS_UPLOAD_TOKEN";

/// An upload token for something; what it is revoked by, and the token.
fn grant(farm: &Farm, scope: &[&str]) -> Result<(String, String)> {
    let (code, token, said) = farm.admin(&[&["uploads", "grant"], scope].concat())?;
    ensure!(code == 0 && token.trim().len() == 64, "{said}");
    let id = said.split("uploads revoke ").nth(1).and_then(|rest| rest.split('`').next()).context("an id")?;
    Ok((id.to_owned(), token.trim().to_owned()))
}

#[tokio::test]
async fn a_test_of_a_tree_is_seen_on_its_page_and_a_farm_that_refuses_it_changes_no_verdict() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let (id, token) = grant(&farm, &["--dist", "fails-to-build"])?;
    let (dir, address) = (Fixture::named("fails-to-build")?.dir.display().to_string(), farm.address()?);
    let test = |token: &str| {
        let json = farm.path("reports.json").display().to_string();
        let json = format!("json={json}");
        let arguments = [
            "test", &dir, "--pg", "17", "--lanes", "none", "--report", &json, "--upload", &address, "--commit", COMMIT,
        ];
        run_with(&arguments, &[(TOKEN, token), ("GITHUB_REF", "refs/heads/main")])
    };
    let (code, _, said) = test("")?;
    ensure!(code == 2 && said.contains(TOKEN) && said.contains("admin uploads grant"), "before the run: {code} {said}");
    let (code, out, said) = test(&token)?;
    ensure!(code == 1 && out.is_empty() && !said.contains(&token), "{code}: {said}");
    let page =
        said.split("shows it as a pre-release: ").nth(1).and_then(|rest| rest.lines().next()).context(said.clone())?;
    let path = page.strip_prefix(&address).and_then(|page| page.split('#').next()).context("a page of the farm")?;
    let (status, html) = farm.page(path).await?;
    ensure!(status == 200 && html.contains("Not tested by the farm."), "{status}: {html}");
    let sent = farm.get("dist/fails-to-build/pre-releases.json").await?;
    let [one] = sent["pre_releases"].as_array().map_or(&[][..], Vec::as_slice) else { anyhow::bail!("{sent}") };
    ensure!(
        one["commit"] == COMMIT && one["ref"] == "refs/heads/main" && page.ends_with(one["id"].as_str().context("id")?)
    );
    let found = &one["results"][0];
    ensure!(found["words"] == "fail (build)" && found["reason"] == "compile-error", "{found}");
    let excerpt = &found["excerpt"];
    ensure!(excerpt["file"] == "build.log" && excerpt.to_string().contains("error"), "{excerpt}");
    let reports: Value = serde_json::from_slice(&std::fs::read(farm.path("reports.json"))?)?;
    ensure!(reports[0]["verdict"]["reason"] == "compile-error", "{reports}");
    let (status, _) = farm.page("dist/fails-to-build/").await?;
    ensure!(status == 404 && farm.results().await?.is_empty(), "it is no release of the farm's");

    let (code, listed, _) = farm.admin(&["uploads", "list"])?;
    ensure!(
        code == 0 && listed.contains(&id) && listed.contains("fails-to-build") && !listed.contains("never"),
        "{listed}"
    );
    let (code, _, said) = farm.admin(&["uploads", "revoke", &id])?;
    ensure!(code == 0 && said.contains("1 results that came by it are removed"), "{said}");
    ensure!(farm.page(path).await?.0 == 404, "what came by it is gone");
    let (code, _, said) = test(&token)?;
    ensure!(
        code == 1 && said.contains("changes no verdict") && said.contains("is not good any more"),
        "{code}: {said}"
    );
    Ok(())
}

/// Runs the action on a fixture that ends before anything is built.
fn act(farm: &str, event: &'static str, more: &[(&str, &str)]) -> Result<Ran> {
    let (cache, binary) = (tempfile::tempdir()?, process::binary().display().to_string());
    let dir = Fixture::named("supports-15-to-17")?.dir;
    let usual =
        [("binary", &*binary), ("path", "."), ("pg", "18"), ("cache", "false"), ("artifact", ""), ("farm", farm)];
    let action = repository().join(".github/actions/test-extension");
    Job::new(&dir, cache.path())?.on(event).run(&action, &[&usual, more].concat())
}

#[tokio::test]
async fn the_action_tells_the_farm_where_it_has_the_secret_and_says_so_where_it_cannot_have_it() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let (_, token) = grant(&farm, &["--dist", "supports-15-to-17"])?;
    let address = farm.address()?;
    let told = [("upload", "true"), ("upload-token", &*token)];
    let ran = act(&address, "push", &told)?;
    ensure!(ran.is_success && ran.outputs["verdict"] == "NA", "{ran:?}");
    ensure!(
        ran.summary.contains("[Pre-release report](") && ran.printed.contains("shows it as a pre-release"),
        "{ran:?}"
    );
    let shown = ran.printed.lines().filter(|line| line.contains(&token)).collect::<Vec<_>>();
    ensure!(shown == [format!("::add-mask::{token}")], "it is hidden, and stands nowhere else: {shown:?}");
    let sent = farm.get("dist/supports-15-to-17/pre-releases.json").await?;
    ensure!(
        sent["pre_releases"][0]["commit"] == COMMIT && sent["pre_releases"][0]["ref"] == "refs/heads/main",
        "{sent}"
    );
    let found = &sent["pre_releases"][0]["results"][0];
    ensure!(
        format!("pg{}-{}", found["major"], found["platform"].as_str().context("a platform")?) == target(18),
        "{sent}"
    );
    let fork = act(&address, "pull_request", &[("upload", "true")])?;
    ensure!(fork.is_success && fork.printed.contains("::notice title=PGXN Testers::the farm is not told"), "{fork:?}");
    ensure!(!fork.printed.contains("pre-release: "), "{fork:?}");
    let wrong = act(&address, "push", &[("upload", "true"), ("upload-token", "wrong")])?;
    ensure!(
        wrong.is_success && wrong.printed.contains("::warning title=PGXN Testers::The farm was not told"),
        "{wrong:?}"
    );
    for (farm, more, said) in [
        ("", &told[..], "`farm` has to be its address"),
        (&address, &told[..1], "which is empty: is there such a secret?"),
        (&address, &[("upload", "yes")], "it is true or false"),
    ] {
        let refused = act(farm, "push", more)?;
        ensure!(!refused.is_success && refused.printed.contains(said), "{said}: {}", refused.printed);
        ensure!(refused.outputs["verdict"].is_empty(), "before anything is tested: {}", refused.printed);
    }
    Ok(())
}
