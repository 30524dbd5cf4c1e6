//! The client that PGXN's users have, `pgxn` of Debian's archive, against the farm: it finds there all that it finds at the registry.

use anyhow::{Context, Result, ensure};
use tests::farm::{Farm, LONG_PATIENCE};
use tests::{containers, fixtures, turn};
use tokio::process::Command;

/// What a person types, each step after a line that names it.
const SESSION: &str = r#"
set -eu
export DEBIAN_FRONTEND=noninteractive PGUSER=postgres PGHOST=/tmp
apt-get update -qq
apt-get install -y -qq --no-install-recommends pgxnclient >/dev/null
# What a run's container gets at its start: the server's own directories.
cp -a /pgxn/seed/. /
su postgres -c '$(pg_config --bindir)/initdb -D /tmp/cluster --auth=trust >/dev/null'
su postgres -c '$(pg_config --bindir)/pg_ctl -D /tmp/cluster -o "-k /tmp -h \"\"" -l /tmp/server.log --wait start >/dev/null'
mkdir /tmp/work && cd /tmp/work
step() { echo "== $1"; command=$2; shift 2; pgxn "$command" --mirror "$MIRROR" "$@" 2>&1; }
step search-docs search passing
step search-dists search --dist passing
step search-extensions search --ext passing
step info info passes
step versions info --versions passes
step download download passes
ls
step install install --yes passes
step check check passes
step load load --yes -d postgres passes
echo "== loaded"
psql -d postgres -AtX -c "SELECT extname FROM pg_extension"
"#;

/// Runs the session in a container of PostgreSQL 17 that shares the network of this machine, where the farm answers.
async fn session(mirror: &str) -> Result<String> {
    let tag = containers::image_of_17().await?;
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--network", "host", "--user", "root", "--entrypoint", "bash"]);
    command.args(["--env", &format!("MIRROR={mirror}"), &tag, "-c", SESSION]).kill_on_drop(true);
    let output = tokio::time::timeout(LONG_PATIENCE, command.output()).await.context("the client takes too long")??;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the client failed: {}\n{said}\n{failed}", output.status);
    Ok(said)
}

#[tokio::test]
async fn the_client_of_pgxn_finds_and_installs_what_the_farm_passes_on() -> Result<()> {
    let _turn = turn::take().await;
    let farm = Farm::new()?;
    fixtures::publish(&mut farm.mirror()?, &["passes", "has-no-tests"])?;
    let _coordinator = farm.coordinator("17", &[]).await?;
    farm.finds("passes").await?;
    let address = std::fs::read_to_string(farm.path("data/address"))?;
    let said = session(address.trim()).await?;
    let steps: Vec<&str> = said.split("== ").collect();
    let step = |name: &str| steps.iter().find(|step| step.starts_with(name)).copied().unwrap_or_default();
    for (name, says) in [
        ("search-docs", "passes"),
        ("search-dists", "passes"),
        ("search-extensions", "passes"),
        ("info", "name: passes"),
        ("versions", "passes 1.0.0"),
        ("download", "passes-1.0.0.zip"),
        ("install", "installing extension"),
        ("check", "# All 2 tests passed."),
        ("load", "CREATE EXTENSION"),
        ("loaded", "passes"),
    ] {
        ensure!(step(name).contains(says), "`{name}` does not say `{says}`:\n{said}");
    }
    Ok(())
}
