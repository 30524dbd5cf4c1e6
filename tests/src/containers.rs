//! What the engine says of containers.

use std::path::Path;

use anyhow::{Context, Result};
use protocol::{Matrix, Platform, Target};
use runner::engine_host;
use runner::images::{Images, Options};
use runner::sandbox::docker::Engine;

/// The tag of the image of PostgreSQL 17, which `make test` has made before.
pub async fn image_of_17() -> Result<String> {
    let target = Target { major: "17".parse()?, platform: Platform::native() };
    let engine = Engine::connect(&engine_host()).await?;
    let image = Images::new(engine, Matrix::embedded(), Options::default()).find(target).await?;
    Ok(image.context("there is no image of PostgreSQL 17 of this program's recipe")?.facts.tag)
}

/// The containers of a run that are there, running or not.
pub async fn of_run(run_id: &str) -> Result<Vec<String>> {
    of_run_at(&engine_host(), run_id).await
}

/// The same of another engine.
pub async fn of_run_at(engine: &str, run_id: &str) -> Result<Vec<String>> {
    Ok(Engine::connect(engine).await?.labelled_containers("org.pgxn.testers.run", run_id).await?)
}

/// The runners that ever worked in a data directory, and were not seen to be dead.
pub fn instances(data_dir: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(data_dir.join("instances"))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The containers of those runners, as far as they are there.
pub async fn of_runners(instances: &[String]) -> Result<Vec<String>> {
    let engine = Engine::connect(&engine_host()).await?;
    let mut containers = Vec::new();
    for instance in instances {
        containers.extend(engine.labelled_containers("org.pgxn.testers.instance", instance).await?);
    }
    Ok(containers)
}
