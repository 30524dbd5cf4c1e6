//! A farm that faults are done to: releases come in waves, something happens in the middle of their runs, and afterwards everything has to
//! be as if nothing had happened, but for time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use runner::engine_host;

use crate::chance::Chance;
use crate::farm::{Farm, PATIENCE};
use crate::fixtures::{Fixture, PUBLISHED_AT};
use crate::poll;
use crate::process::Process;
use crate::settled::{Published, Toll, all_tested, settled};

/// A lease after which the job of a dead runner is soon free again, and which a machine that stalls for ten seconds does not lose.
pub const HASTE: &str = "15";

/// A lease that outlives what a fault takes.
pub const LEISURE: &str = "60";

/// A wave brings one release that is soon done, and one whose failure needs a second run.
const FATES: [&str; 2] = ["passes-pure-sql", "fails-to-build"];

/// About as long as a run takes.
const RUN: Duration = Duration::from_secs(3);

/// A farm, what was published in it, and what it has lost so far.
pub struct Ground {
    /// The farm.
    pub farm: Farm,
    /// When and to whom something happens.
    pub chance: Chance,
    /// The address of its runners' engine.
    pub engine: String,
    lease: &'static str,
    published: Vec<Published>,
    waves: u32,
    toll: Toll,
}

impl Ground {
    /// A farm in which nothing is published yet; its leases last so many seconds.
    pub fn of(farm: Farm, lease: &'static str) -> Result<Self> {
        std::fs::create_dir(farm.path("tmp"))?;
        let (published, toll) = (Vec::new(), Toll::default());
        Ok(Self { farm, chance: Chance::new(), engine: engine_host(), lease, published, waves: 0, toll })
    }

    /// Starts the coordinator: where it was, if there was one.
    pub async fn coordinator(&self) -> Result<Process> {
        let listen = self.farm.listen().unwrap_or_else(|_| "127.0.0.1:0".to_owned());
        self.farm.coordinator("17", &["--lease", self.lease, "--retry-pause", "1", "--listen", &listen]).await
    }

    /// Starts a runner, which finds the coordinator at its address.
    pub fn runner(&self, name: &str) -> Result<Process> {
        self.runner_at(&self.farm.address()?, name)
    }

    /// Starts a runner, which finds the coordinator there.
    pub fn runner_at(&self, address: &str, name: &str) -> Result<Process> {
        let scratch = self.farm.path("tmp").display().to_string();
        let environment = [("TMPDIR", scratch.as_str()), ("DOCKER_HOST", &self.engine)];
        self.farm.runner_at(address, name, &["--pg", "17"], &environment)
    }

    /// Publishes a wave of releases, and returns at a moment by chance of the time in which they are tested.
    pub async fn wave(&mut self) -> Result<()> {
        self.publish()?;
        poll::until(PATIENCE, "a run", async || {
            let Ok(status) = self.farm.get("api/v1/status").await else { return Ok(None) };
            Ok((status["running"] != 0 || self.is_done(&status)).then_some(()))
        })
        .await
        .with_context(|| self.farm.logs())?;
        self.chance.pass(RUN).await;
        Ok(())
    }

    /// Publishes a wave of releases.
    pub fn publish(&mut self) -> Result<()> {
        self.waves += 1;
        let mut mirror = self.farm.mirror()?;
        for fate in FATES {
            let fixture = Fixture::named(fate)?;
            let at = PUBLISHED_AT.plus(Duration::from_mins(self.waves.into()));
            let release = mirror.publish(fixture.upload_as(&format!("1.0.{}", self.waves), at)?)?;
            let verdict = fixture.verdict(17, protocol::SourceKind::Debian);
            self.published.push(Published { dist: release.dist, version: release.version, verdict });
        }
        Ok(())
    }

    /// Whether the farm, by its own account, has tested everything that was published.
    pub fn is_done(&self, status: &serde_json::Value) -> bool {
        all_tested(status, self.published.len())
    }

    /// Waits until all is done and looks at everything; fails where more runs than so many were made in vain since the last look.
    pub async fn settled(&mut self, at_most: usize) -> Result<()> {
        let toll = settled(&self.farm, &self.published, &self.engine).await.with_context(|| self.farm.logs())?;
        let runs = toll.runs() - self.toll.runs();
        ensure!(runs <= at_most, "{runs} runs were made in vain: {:?}, then {toll:?}\n{}", self.toll, self.farm.logs());
        self.toll = toll;
        Ok(())
    }
}
