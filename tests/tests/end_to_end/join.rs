//! How a machine becomes a runner of a farm by one command, gets another token, and leaves.

use anyhow::{Context, Result, ensure};
use protocol::Grade;
use tests::farm::{Farm, PATIENCE};
use tests::process::{Process, run, run_with};
use tests::{fixtures, turn};

/// The address behind `--join` in what `invite` prints.
pub(crate) fn invite(farm: &Farm, extra: &[&str]) -> Result<String> {
    let (code, command, said) = farm.admin(&[&["runners", "invite"], extra].concat())?;
    ensure!(code == 0 && said.contains("Good for one runner until"), "{said}");
    let quoted = command.trim().strip_prefix("pgxn-testers runner --join '").and_then(|rest| rest.strip_suffix('\''));
    let link = quoted.with_context(|| format!("not one command: {command}"))?;
    ensure!(link.contains('#') && !said.contains(secret(link)), "the secret is in the command alone");
    Ok(link.to_owned())
}

/// The id that a runner which asks to join shows for its operator.
async fn asked(runner: &mut Process) -> Result<String> {
    runner.prints("admin runners approve ", PATIENCE).await?;
    let said = runner.output();
    let id = said.split("approve ").nth(1).and_then(|rest| rest.split_whitespace().next());
    Ok(id.context("an id")?.to_owned())
}

/// Approves a runner that asks to join.
pub(crate) async fn approve(farm: &Farm, runner: &mut Process) -> Result<()> {
    let (code, _, said) = farm.admin(&["runners", "approve", &asked(runner).await?])?;
    ensure!(code == 0 && said.contains("is a runner now"), "{said}");
    Ok(())
}

fn secret(link: &str) -> &str {
    link.split_once('#').map_or("", |(_, secret)| secret)
}

fn data_of(farm: &Farm, who: &str) -> String {
    farm.path(&format!("{who}-data")).display().to_string()
}

/// A runner in a directory of its own.
fn runner(farm: &Farm, who: &str, extra: &[&str]) -> Result<Process> {
    let data = data_of(farm, who);
    let arguments = ["runner", "--data-dir", &data, "--pg", "17", "--registry", farm.registry()];
    Process::start(&[&arguments, extra].concat(), &farm.path(&format!("{who}.log")))
}

/// A runner that ends by itself because something is wrong; what it says.
fn fails(farm: &Farm, who: &str, extra: &[&str], environment: &[(&str, &str)]) -> Result<String> {
    let data = data_of(farm, who);
    let (code, _, said) = run_with(&[&["runner", "--data-dir", &data], extra].concat(), environment)?;
    ensure!(code == 3 && said.starts_with("error: ") && said.lines().count() == 1, "one line, and 3: {code} {said}");
    Ok(said)
}

fn token_of(farm: &Farm, who: &str) -> Result<String> {
    let membership: serde_json::Value =
        serde_json::from_slice(&std::fs::read(farm.path(&format!("{who}-data/membership.json")))?)?;
    Ok(membership["token"].as_str().context("a token")?.to_owned())
}

/// What the farm answers to a token.
async fn answers(farm: &Farm, token: &str) -> Result<u16> {
    let url = format!("{}api/v1/runners/self", farm.address()?);
    let response = reqwest::Client::builder().build()?.get(url).bearer_auth(token).send().await?;
    Ok(response.status().as_u16())
}

#[tokio::test]
async fn a_machine_joins_by_one_command_works_rotates_its_token_and_leaves() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &["passes"])?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let link = invite(&farm, &["attic"])?;
    let mut process = runner(&farm, "ada", &["--join", &link])?;
    process.prints("as attic", PATIENCE).await?;
    farm.idle(1, PATIENCE).await?;
    let verdict = farm.verdicts("passes").await?.into_values().next().context("a verdict")?;
    ensure!(verdict.grade == Grade::Pass, "{verdict:?}");
    ensure!(!farm.logs().contains(secret(&link)), "the secret is in a log: {}", farm.logs());

    let said = fails(&farm, "eve", &[], &[("PGXN_TESTERS_INVITATION", &link)])?;
    ensure!(said.contains("was used at") && said.contains("ask an operator for another"), "{said}");
    ensure!(!said.contains(secret(&link)) && !farm.path("eve-data/membership.json").exists(), "{said}");

    // Beside the runner that works, which goes on with the new token.
    let (old, data) = (token_of(&farm, "ada")?, data_of(&farm, "ada"));
    let (code, _, said) = run(&["runner", "rotate", "--data-dir", &data])?;
    ensure!(code == 0 && said.contains("the old one is refused"), "{said}");
    let new = token_of(&farm, "ada")?;
    ensure!(answers(&farm, &old).await? == 401 && answers(&farm, &new).await? == 200);
    fixtures::publish(&mut farm.mirror()?, &["has-no-tests"])?;
    farm.idle(2, PATIENCE).await?;
    process.interrupt()?;
    ensure!(process.ended(PATIENCE).await?.code() == Some(0), "{}", process.output());
    ensure!(!process.output().contains("refuses"), "{}", process.output());

    let mut process = runner(&farm, "ada", &[])?;
    process.prints("Working for", PATIENCE).await?;
    process.interrupt()?;
    ensure!(process.ended(PATIENCE).await?.code() == Some(0), "{}", process.output());
    let (code, _, said) = run(&["runner", "leave", "--data-dir", &data])?;
    ensure!(code == 0 && said.contains("attic has left"), "{said}");
    ensure!(answers(&farm, &new).await? == 401 && !farm.path("ada-data/membership.json").exists());
    let said = fails(&farm, "ada", &[], &[])?;
    ensure!(said.contains("belongs to no farm: join one with --join URL"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_machine_without_an_invitation_waits_for_an_operator() -> Result<()> {
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let address = farm.address()?;
    let join = ["--join", &address, "--name", "attic", "--note", "a box under the roof"];
    let mut process = runner(&farm, "ada", &join)?;
    let id = asked(&mut process).await?;
    let (_, listed, _) = farm.admin(&["runners", "requests"])?;
    ensure!(listed.contains(&id) && listed.contains("a box under the roof"), "{listed}");
    process.interrupt()?;
    ensure!(process.ended(PATIENCE).await?.code() == Some(0), "{}", process.output());
    ensure!(answers(&farm, &token_of(&farm, "ada")?).await? == 401, "nobody has approved it");

    let mut process = runner(&farm, "ada", &[])?;
    ensure!(asked(&mut process).await? == id, "it goes on waiting");
    approve(&farm, &mut process).await?;
    process.prints("Working for", PATIENCE).await?;
    ensure!(answers(&farm, &token_of(&farm, "ada")?).await? == 200);

    let mut refused = runner(&farm, "eve", &["--join", &address, "--name", "cellar"])?;
    farm.admin(&["runners", "refuse", &asked(&mut refused).await?])?;
    ensure!(refused.ended(PATIENCE).await?.code() == Some(3));
    ensure!(refused.output().contains("refused cellar"), "{}", refused.output());
    Ok(())
}

#[tokio::test]
async fn an_invitation_that_cannot_be_used_says_why_and_what_to_do() -> Result<()> {
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let taken = invite(&farm, &["--expires", "30m"])?;
    farm.admit("attic")?;
    let file = farm.path("invitation");
    std::fs::write(&file, format!("{taken}\n"))?;
    let said = fails(&farm, "ada", &["--join-file", &file.display().to_string(), "--name", "attic"], &[])?;
    ensure!(said.contains("there is a runner `attic` already") && said.contains("--name"), "{said}");

    let (_, listed, _) = farm.admin(&["runners", "invitations"])?;
    let id = listed.lines().nth(1).and_then(|line| line.split_whitespace().next()).context("an invitation")?;
    farm.admin(&["runners", "uninvite", id])?;
    let said = fails(&farm, "ada", &["--join", &taken], &[])?;
    ensure!(said.contains("mistyped, withdrawn, or is of another farm") && !said.contains(secret(&taken)), "{said}");

    let said = fails(&farm, "ada", &["--join", "http://127.0.0.1:1/#secret"], &[])?;
    ensure!(said.contains("127.0.0.1:1") && said.contains("does not answer") && !said.contains("secret"), "{said}");
    let said = fails(&farm, "ada", &["--join", "ftp://127.0.0.1/#secret"], &[])?;
    ensure!(said.contains("starts with https: or http:") && !said.contains("secret"), "{said}");
    Ok(())
}
