//! Which registry `up` watches: the one asked for, the one that the data directory belongs to, the public one, or the sample.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use pgxn::{ClientOptions, Registry};
use url::Url;

use crate::args::RegistryChoice;
use crate::config::PUBLIC_REGISTRY;
use crate::console::Console;
use crate::farm::DataDir;

/// The file in the data directory that says which registry its results belong to.
const CHOICE_FILE: &str = "registry";

/// How long the public registry may take to answer before the sample is used.
const PATIENCE: Duration = Duration::from_secs(10);

impl fmt::Display for RegistryChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample => f.write_str("sample"),
            Self::At(url) => write!(f, "{url}"),
        }
    }
}

/// Decides, and keeps the decision in the data directory: results of two registries must not mix.
pub(crate) async fn choose(wanted: Option<RegistryChoice>, dir: &DataDir, console: Console) -> Result<RegistryChoice> {
    let file = dir.join(CHOICE_FILE);
    match (wanted, recorded(&file)?) {
        (Some(wanted), Some(recorded)) if wanted != recorded => bail!(
            "{} holds the results of the registry {recorded}; choose another directory with --data-dir to watch {wanted}",
            file.parent().unwrap_or(&file).display()
        ),
        (_, Some(recorded)) => Ok(recorded),
        (wanted, None) => {
            let choice = match wanted {
                Some(wanted) => wanted,
                None => public_or_sample(console).await?,
            };
            std::fs::write(&file, format!("{choice}\n")).with_context(|| format!("write {}", file.display()))?;
            Ok(choice)
        }
    }
}

fn recorded(file: &PathBuf) -> Result<Option<RegistryChoice>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().parse().with_context(|| format!("read the address in {}", file.display()))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

async fn public_or_sample(console: Console) -> Result<RegistryChoice> {
    let url: Url = PUBLIC_REGISTRY.parse().context("read the address of the public registry")?;
    let options = ClientOptions {
        attempts: 1,
        connect_timeout: PATIENCE,
        document_timeout: PATIENCE,
        ..ClientOptions::default()
    };
    match Registry::open(&url, options).await {
        Ok(_) => Ok(RegistryChoice::At(url)),
        Err(error) => {
            tracing::debug!(%error, "the public registry did not answer");
            console.line(&format!(
                "{url} does not answer from here, so this farm makes and watches a sample registry of real extensions from Debian's archive."
            ));
            Ok(RegistryChoice::Sample)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console() -> Console {
        Console::stderr(true)
    }

    #[tokio::test]
    async fn a_data_directory_stays_with_its_registry() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        let chosen = choose(Some(RegistryChoice::Sample), &dir, console()).await.unwrap();
        assert_eq!(chosen, RegistryChoice::Sample);
        assert_eq!(choose(None, &dir, console()).await.unwrap(), RegistryChoice::Sample);
        let other = RegistryChoice::At("http://127.0.0.1:1/".parse().unwrap());
        let refused = choose(Some(other), &dir, console()).await.unwrap_err().to_string();
        assert!(refused.contains("holds the results of the registry sample"), "{refused}");
    }
}
