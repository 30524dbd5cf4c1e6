//! `pgxn-testers images`: build, list, check and carry.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use protocol::{Clock, PgMajor, Platform, SystemClock, Target};
use runner::images::Condition;
use runner::native_targets;
use runner::sandbox::docker::Engine;

use crate::args::ImagesCommand;
use crate::console::{Colour, Console, out};
use crate::imaging::Imaging;

pub(crate) async fn run(command: ImagesCommand, console: Console) -> Result<ExitCode> {
    let engine = Engine::connect(&runner::engine_host()).await?;
    let imaging = Imaging::new(engine, console);
    match command {
        ImagesCommand::Build { majors, platform, anew } => {
            build(&imaging, (&majors.or_supported(), platform), anew, console).await
        }
        ImagesCommand::List => list(&imaging).await,
        ImagesCommand::Check { majors } => check(&imaging, &majors.or_supported()).await,
        ImagesCommand::Key { majors } => {
            out(&imaging.images().key(&native_targets(&majors.or_supported()), SystemClock.now())?)?;
            Ok(ExitCode::SUCCESS)
        }
        ImagesCommand::Save { file, majors } => save(&imaging, &majors.or_supported(), &file, console).await,
        ImagesCommand::Load { file } => {
            let begun = Instant::now();
            imaging.images().load(&file).await?;
            console.line(&format!("{} is loaded after {:.1} s", file.display(), begun.elapsed().as_secs_f64()));
            list(&imaging).await
        }
    }
}

/// Builds one after the other; one that fails does not keep the others from being built.
async fn build(
    imaging: &Imaging,
    (majors, platform): (&[PgMajor], Platform),
    anew: bool,
    console: Console,
) -> Result<ExitCode> {
    let now = SystemClock.now();
    let mut missing = Vec::new();
    for major in majors {
        let target = Target { major: *major, platform };
        let begun = Instant::now();
        let made = match if anew { imaging.anew(target, now).await } else { Ok(None) } {
            Ok(Some(image)) => Ok(image),
            Ok(None) => imaging.image(target).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(image) => {
                let facts = &image.facts;
                let words =
                    format!("{target}  PostgreSQL {} from {} on {}", facts.postgresql, facts.source, facts.suite);
                console.line(&format!("{words}, ready after {:.1} s", begun.elapsed().as_secs_f64()));
            }
            Err(error) => {
                console.line(&format!(
                    "{} {target}: {:#}",
                    console.paint(Colour::Red, "error:"),
                    anyhow::Error::new(error)
                ));
                missing.push(target.to_string());
            }
        }
    }
    if !missing.is_empty() {
        bail!("no image could be made for {}", missing.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(imaging: &Imaging) -> Result<ExitCode> {
    let now = SystemClock.now();
    out(&format!("{:<11} {:<8} {:<9} {:<10} {:>8} {:>8}  TAG", "TARGET", "SOURCE", "SUITE", "VERSION", "SIZE", "AGE"))?;
    for listed in imaging.images().list().await? {
        let facts = &listed.image.facts;
        let size = format!("{} MB", listed.size_bytes / 1_000_000);
        let age = age(now.since(listed.created).as_secs());
        let stale = if listed.current { "" } else { "  (of another recipe)" };
        let with = if listed.image.packages.is_empty() {
            String::new()
        } else {
            format!("  (with {})", listed.image.packages.join(", "))
        };
        out(&format!(
            "{:<11} {:<8} {:<9} {:<10} {size:>8} {age:>8}  {}{with}{stale}",
            listed.target, facts.source, facts.suite, facts.postgresql, facts.tag
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(imaging: &Imaging, majors: &[PgMajor]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for checked in imaging.images().check(&native_targets(majors), SystemClock.now()).await? {
        let words = match &checked.condition {
            Condition::Current(listed) => format!("current: {}", listed.image.facts.tag),
            Condition::Old(listed, days) => format!("{days} days old: {}", listed.image.facts.tag),
            Condition::Stale(listed) => format!("of another recipe, build it again: {}", listed.image.facts.tag),
            Condition::Missing => "missing: pgxn-testers images build makes it".into(),
        };
        out(&format!("{:<11} {words}", checked.target))?;
        if !matches!(checked.condition, Condition::Current(_)) {
            code = ExitCode::from(1);
        }
    }
    Ok(code)
}

/// Writes those that there are; that there are none is a failure, as nobody would keep nothing.
async fn save(imaging: &Imaging, majors: &[PgMajor], file: &Path, console: Console) -> Result<ExitCode> {
    let begun = Instant::now();
    let saved = imaging.images().save(&native_targets(majors), file).await?;
    if saved.is_empty() {
        bail!("there is no image of these majors to save; `pgxn-testers images build` makes them");
    }
    let megabytes = std::fs::metadata(file)?.len() / 1_000_000;
    for (target, image) in &saved {
        console.line(&format!("{target}  {}", image.facts.tag));
    }
    let seconds = begun.elapsed().as_secs_f64();
    console.line(&format!("{} has {megabytes} MB after {seconds:.1} s", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// A duration in the largest unit that is not zero.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_one_unit() {
        assert_eq!(age(59), "59 s");
        assert_eq!(age(7_200), "2 h");
        assert_eq!(age(172_800), "2 d");
    }
}
