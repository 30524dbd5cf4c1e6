//! `pgxn-testers bench`: what the farm costs, as ratios against a baseline of the same minute; and made-up farms to measure pages and
//! the queue with.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use pgxn::ClientOptions;
use protocol::{PgMajor, SystemClock};
use runner::bench::{Comparison, overhead};
use runner::{Lanes, Site, SiteConfig, local, native_targets};
use url::Url;

use crate::args::BenchCommand;
use crate::console::{Colour, Console, out};
use crate::imaging::Imaging;

mod fill;
mod queue;

pub(crate) async fn run(command: BenchCommand, console: Console) -> Result<ExitCode> {
    match command {
        BenchCommand::Overhead { what, majors, times, lanes, registry } => {
            Box::pin(compare(&what, &majors.or_newest(1), (times, lanes.into(), &registry), console)).await?;
        }
        BenchCommand::Fill(args) => fill::run(&args, console).await?,
        BenchCommand::Queue(args) => Box::pin(queue::run(&args, console)).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn compare(
    what: &[String],
    majors: &[PgMajor],
    (times, lanes, registry): (u32, Lanes, &Url),
    console: Console,
) -> Result<()> {
    let scratch = tempfile::tempdir().context("make a directory for the runs")?;
    let config = SiteConfig::new(scratch.path().join("runner"), 1).with_lanes(lanes);
    let mut site = Site::open(&config, Arc::new(SystemClock)).await?;
    site.registry = Some(registry.clone());
    let imaging = Imaging::of(&site, console);
    let heads = ["by hand", "run", "added", "ratio", "start", "server", "copy in", "exec", "copy out", "cleanup"];
    let heads = heads.map(|head| format!("{head:>9}")).concat();
    out(&format!("{:<32}{heads}  verdict", "distribution (medians, seconds)"))?;
    for target in native_targets(majors) {
        let image = imaging.image(target).await?;
        for text in what {
            console.line(&console.paint(Colour::Dim, &format!("{text} on {target}, {times} times each way")));
            let source = local::find(text, registry, ClientOptions::default()).await?;
            let comparison = overhead(&site, &source, target, &image, times).await?;
            out(&row(text, &comparison))?;
        }
    }
    site.idle().await;
    Ok(())
}

/// One line of the table, with whether the goal of at most a second and a tenth over is met.
fn row(text: &str, comparison: &Comparison) -> String {
    let parts = comparison.parts();
    let parts = [parts.start_ms, parts.server_ms, parts.copy_in_ms, parts.exec_ms, parts.copy_out_ms, parts.cleanup_ms];
    let parts = parts.map(|millis| seconds(Duration::from_millis(millis))).concat();
    let times = [comparison.hand(), comparison.run(), comparison.added()].map(seconds).concat();
    let goal = if comparison.meets_the_goal() { "meets the goal" } else { "over the goal" };
    let verdict = &comparison.verdict;
    format!("{text:<32}{times}{:>9.2}{parts}  {} ({}), {goal}", comparison.ratio(), verdict.grade(), verdict.reason)
}

fn seconds(duration: Duration) -> String {
    format!("{:>9.2}", duration.as_secs_f64())
}
