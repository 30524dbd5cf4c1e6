//! `pgxn-testers runner doctor`: what this machine's engine enforces, and what is said where there is none.

use anyhow::{Result, ensure};
use serde_json::Value;
use tests::farm::Farm;
use tests::process::{run, run_with};
use tests::turn;

#[tokio::test]
async fn the_doctor_finds_a_runner_s_machine_fit_and_says_what_it_tried() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    let address = std::fs::read_to_string(farm.path("data/address"))?;
    let (dir, mirror) =
        (farm.path("doctor").display().to_string(), format!("file://{}/", farm.path("mirror").display()));
    let arguments = ["runner", "doctor", "--data-dir", &dir, "--coordinator", address.trim(), "--registry", &mirror];
    let (code, out, said) = run(&[&arguments[..], &["--json"]].concat())?;
    ensure!(code == 0, "{code} {out}\n{said}");
    let found: Value = serde_json::from_str(&out)?;
    let empty = Vec::new();
    let checks = found["checks"].as_array().unwrap_or(&empty);
    let outcome = |name: &str| checks.iter().find(|check| check["name"] == name).map(|check| check["outcome"].clone());
    for name in [
        "engine",
        "architecture",
        "memory limit",
        "process limit",
        "processor limit",
        "file limit",
        "no network",
        "seccomp",
        "further filter",
        "privileges",
        "root directory",
        "emulation",
        "coordinator",
        "registry",
        "clock",
    ] {
        ensure!(outcome(name) == Some("ok".into()), "{name}: {out}");
    }
    ensure!(!farm.path("doctor").exists(), "it leaves nothing behind");

    let (code, out, _) = run_with(&arguments, &[("DOCKER_HOST", "unix:///nowhere/docker.sock")])?;
    ensure!(code == 1 && out.contains("/nowhere/docker.sock") && out.contains("Nothing is offered."), "{code} {out}");
    ensure!(out.contains("ok       coordinator"), "the rest is looked at all the same: {out}");
    Ok(())
}

#[test]
fn what_is_not_another_platform_is_not_emulated() -> Result<()> {
    for (platform, why) in [("riscv64", "riscv64"), (protocol::Platform::native().as_str(), "without this flag")] {
        let (code, _, said) = run(&["runner", "--emulate", platform])?;
        ensure!(code == 2 && said.contains(why), "{code} {said}");
    }
    Ok(())
}
