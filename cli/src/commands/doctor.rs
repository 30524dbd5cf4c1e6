//! `pgxn-testers runner doctor`: what this machine can offer, and what to mend. The same, in short, when a runner starts.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use protocol::{PgMajor, SystemClock, Target};
use runner::doctor::{self, Check, Effect, Examination, Outcome, Subject};
use runner::{Site, SiteConfig};

use crate::args::{DoctorArgs, EmulateArgs, WorkArgs};
use crate::console::{Colour, Console, out, plain};
use crate::imaging::{Imaging, Teller};
use crate::membership::Membership;

pub(crate) async fn run(args: &DoctorArgs, console: Console) -> Result<ExitCode> {
    if args.fix
        && let Err(why) = doctor::fix(&|line| console.line(&format!("fix      {}", plain(line)))).await
    {
        bail!("{why}");
    }
    let site = SiteConfig::new(args.data_dir.clone(), args.jobs);
    let joined = Membership::read(&args.data_dir)?.map(|member| member.coordinator);
    let found = runner::engine_found();
    let subject = Subject {
        site: &site,
        engine: &found,
        coordinator: args.coordinator.as_ref().or(joined.as_ref()),
        registry: &args.registry,
        emulates: args.fix || args.emulate.any(),
        clock: &SystemClock,
        progress: &Teller::new(console),
    };
    let examination = doctor::examine(&subject).await;
    if args.json {
        out(&serde_json::to_string_pretty(&examination)?)?;
    } else {
        for check in &examination.checks {
            out(&line(check, Console::stdout(crate::config::no_color())))?;
        }
        out(summary(&examination))?;
    }
    Ok(if examination.is_fit() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// One thing as a line, and what to do about it as further ones.
fn line(check: &Check, console: Console) -> String {
    let colour = match check.outcome {
        Outcome::Ok => Colour::Green,
        Outcome::Warning => Colour::Yellow,
        Outcome::Fails => Colour::Red,
    };
    let word = console.paint(colour, &format!("{:<8}", check.outcome.as_str()));
    let mut text = format!("{word} {:<17} {}", check.name, plain(&check.found));
    if check.effect != Effect::Whole {
        let _ = write!(text, "\n         {:<17} {}", "", check.effect.sentence());
    }
    if !check.mend.is_empty() {
        let _ = write!(text, "\n         {:<17} mend: {}", "", plain(&check.mend));
    }
    text
}

fn summary(examination: &Examination) -> &'static str {
    match () {
        () if examination.has(Effect::Nothing) => "\nThis machine cannot be a runner as it is.",
        () if examination.is_fit() => "\nThis machine can be a runner.",
        () => "\nThis machine can be a runner, with less than was asked for.",
    }
}

/// What is left of an offer.
pub(crate) struct Offered {
    pub(crate) targets: Vec<Target>,
    pub(crate) jobs: u16,
}

/// Looks at this machine before it offers anything, tells what is not as it should be, and takes from the offer what cannot be kept.
pub(crate) async fn offer(
    (site, data_dir): (&Site, &Path),
    (imaging, work): (&Imaging, &WorkArgs),
    majors: &[PgMajor],
    console: Console,
) -> Result<Offered> {
    let examination = doctor::self_check(site, data_dir, work.emulate.any(), &Teller::new(console)).await;
    for check in examination.remarks() {
        console.line(&line(check, console));
    }
    if examination.has(Effect::Nothing) {
        bail!("this machine cannot be a runner as it is; `pgxn-testers runner doctor` tells more");
    }
    let jobs = if examination.has(Effect::OneAtATime) { 1 } else { work.jobs };
    let emulate = if examination.has(Effect::NotEmulated) { EmulateArgs::default() } else { work.emulate };
    Ok(Offered { targets: imaging.targets(majors, emulate).await?, jobs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_found_what_it_means_and_what_mends_it() {
        let check = Check {
            name: "memory limit",
            outcome: Outcome::Fails,
            found: "a process had all of it".into(),
            effect: Effect::Nothing,
            mend: "Use another engine.".into(),
        };
        let text = line(&check, Console::stderr(true));
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        assert_eq!(
            lines,
            ["fails    memory limit      a process had all of it", "Nothing is offered.", "mend: Use another engine."]
        );
    }
}
