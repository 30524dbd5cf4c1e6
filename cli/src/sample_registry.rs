//! The sample registry of `up`: made in the data directory where it is missing, told about in the terminal.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use protocol::Target;
use sample::debian::{self, Archive, Event, Order, Progress, Selection};
use tokio_util::sync::CancellationToken;

use crate::args::SampleSize;
use crate::console::{Colour, Console, plain};
use crate::farm::DataDir;
use crate::imaging::Imaging;

/// The sample registry of a data directory.
pub(crate) struct Sample {
    pub(crate) dir: DataDir,
    pub(crate) size: SampleSize,
    /// What says where Debian's archive is, on a machine that is not Debian: the base image of a target.
    pub(crate) imaging: Imaging,
    pub(crate) target: Target,
}

impl Sample {
    /// Where it lies in a data directory.
    pub(crate) fn home(dir: &DataDir) -> PathBuf {
        dir.join("sample")
    }

    /// Makes it, or what is missing of it; gives up when `shutdown` is cancelled.
    pub(crate) async fn build(self, console: Console, shutdown: &CancellationToken) -> Result<()> {
        let home = Self::home(&self.dir);
        let archive = match tokio::task::spawn_blocking(Archive::of_host).await.context("ask apt for its sources")? {
            Some(archive) => Some(archive),
            None => self.imaging.debian_archive(self.target).await?,
        };
        let selection = match self.size {
            SampleSize::Small => Selection::Small,
            SampleSize::All => Selection::All,
        };
        let teller = Teller { console, shutdown: shutdown.clone(), told: AtomicBool::new(false) };
        let making = tokio::task::spawn_blocking(move || debian::build(&home, &Order { selection, archive }, &teller));
        let summary = making.await.context("make the sample registry")?.context("make the sample registry")?;
        if summary.made > 0 {
            console.line(&format!("The sample registry holds {} releases.", summary.releases));
        }
        Ok(())
    }
}

struct Teller {
    console: Console,
    shutdown: CancellationToken,
    told: AtomicBool,
}

impl Progress for Teller {
    fn say(&self, event: Event<'_>) {
        let dim = |text: String| self.console.line(&self.console.paint(Colour::Dim, &text));
        match event {
            Event::Indexing { suites } => {
                if !self.told.swap(true, Ordering::Relaxed) {
                    dim(format!("sample   asking Debian's archive ({}) where the sources are", suites.join(", ")));
                }
            }
            Event::Made { dist, version, done, total } => dim(format!("sample   {dist} {version} ({done} of {total})")),
            Event::Skipped { entry, why } => {
                self.console.line(&format!(
                    "{} {entry}: {}",
                    self.console.paint(Colour::Yellow, "skipped "),
                    plain(why)
                ));
            }
        }
    }

    fn stopped(&self) -> bool {
        self.shutdown.is_cancelled()
    }
}
