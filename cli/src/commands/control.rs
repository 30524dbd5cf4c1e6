//! `pgxn-testers runner status`, `pause`, `resume`, `drain`: what a volunteer asks and says beside the runner that works. It goes by files of the
//! runner's data directory, so that it works whether one runs or not.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use protocol::{Clock, SystemClock, Timestamp};
use runner::courtesy::control::{Pause, Wishes};
use runner::sandbox::Instance;
use runner::{DiskUse, RunNow, State, Status};
use serde_json::json;

use crate::args::ControlCommand;
use crate::console::{Console, local, out, plain, size};
use crate::membership::Membership;

/// Between two looks at whether a runner has ended.
const LOOK: Duration = Duration::from_millis(300);

pub(crate) async fn run(command: ControlCommand, console: Console) -> Result<ExitCode> {
    match command {
        ControlCommand::Status { at, json } => status(&at.data_dir, json),
        ControlCommand::Pause { at, time } => pause(&at.data_dir, time, console),
        ControlCommand::Resume(at) => resume(&at.data_dir, console),
        ControlCommand::Drain { at, wait } => drain(&at.data_dir, wait, console).await,
    }
}

fn pause(dir: &Path, time: Option<Duration>, console: Console) -> Result<ExitCode> {
    let now = SystemClock.now();
    let until = time.map(|time| now.plus(time));
    let wishes = Wishes { paused: Some(Pause { since: now, until }), ..Wishes::read(dir).unwrap_or_default() };
    wishes.write(dir)?;
    let end = until.map_or_else(|| "`pgxn-testers runner resume`".to_owned(), local);
    console.line(&if Instance::living(dir)?.is_empty() {
        format!("No runner works in {} now. One that is started takes no work until {end}.", dir.display())
    } else {
        format!("Paused until {end}. What runs goes on to its end.")
    });
    Ok(ExitCode::SUCCESS)
}

fn resume(dir: &Path, console: Console) -> Result<ExitCode> {
    let before = Wishes::read(dir);
    let had_nothing = before.as_ref().is_ok_and(|it| it.pause(SystemClock.now()).is_none() && it.draining.is_empty());
    if before.is_err() || before.is_ok_and(|before| before != Wishes::default()) {
        Wishes::default().write(dir)?;
    }
    let works = !Instance::living(dir)?.is_empty();
    console.line(&match (had_nothing, works) {
        (true, true) => "The runner was not paused.".to_owned(),
        (false, true) => "The runner takes work again.".to_owned(),
        (true, false) => format!("No runner works in {}, and none was paused.", dir.display()),
        (false, false) => format!("No runner works in {} now. One that is started takes work.", dir.display()),
    });
    Ok(ExitCode::SUCCESS)
}

async fn drain(dir: &Path, wait: bool, console: Console) -> Result<ExitCode> {
    let living = Instance::living(dir)?;
    if living.is_empty() {
        console.line(&format!("No runner works in {}.", dir.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let wishes = Wishes { draining: living.clone(), ..Wishes::read(dir).unwrap_or_default() };
    wishes.write(dir)?;
    console.line("The runner takes no more work, and ends once what runs is done.");
    if wait {
        while Instance::living(dir)?.iter().any(|id| living.contains(id)) {
            tokio::time::sleep(LOOK).await;
        }
        console.line("It has ended.");
    }
    Ok(ExitCode::SUCCESS)
}

fn status(dir: &Path, as_json: bool) -> Result<ExitCode> {
    let (living, now) = (Status::of_living(dir)?, SystemClock.now());
    let works = !Instance::living(dir)?.is_empty();
    let wishes = Wishes::read(dir);
    if as_json {
        let wishes = wishes.unwrap_or_default();
        let said = json!({"runners": living, "paused": wishes.pause(now), "draining": wishes.draining});
        out(&serde_json::to_string_pretty(&said)?)?;
    } else if living.is_empty() {
        let begins = if works { "The runner is starting in" } else { "No runner works in" };
        out(&format!("{begins} {}.", dir.display()))?;
        match wishes {
            Ok(wishes) => match wishes.pause(now) {
                Some(Pause { until: Some(until), .. }) => out(&format!("It is paused until {}.", local(until)))?,
                Some(_) => out("It is paused until `pgxn-testers runner resume`.")?,
                None => {}
            },
            Err(error) => out(&error.to_string())?,
        }
    } else {
        let name = Membership::read(dir).ok().flatten().map(|member| member.name.to_string());
        for status in &living {
            out(&shown(status, name.as_deref(), now))?;
        }
    }
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// How a runner is, some lines.
fn shown(status: &Status, name: Option<&str>, now: Timestamp) -> String {
    let mut lines = vec![format!(
        "{:<9}{} {}, pgxn-testers {}, process {}, since {}",
        "runner",
        name.map_or("of", |name| name),
        if name.is_some() { format!("of {}", plain(&status.coordinator)) } else { plain(&status.coordinator) },
        status.version,
        status.pid,
        local(status.started_at)
    )];
    lines.push(format!("{:<9}{}", "state", state(status, now)));
    for run in &status.runs {
        lines.push(format!("{:<9}{}", "tests", running(run, now)));
    }
    let targets: Vec<String> = status.targets.iter().map(ToString::to_string).collect();
    if !targets.is_empty() {
        lines.push(format!("{:<9}{}", "offers", targets.join(", ")));
    }
    if let Some(disk) = &status.disk {
        lines.push(format!("{:<9}{}", "disk", taken(disk)));
    }
    let contact = status.contact_at.map_or_else(|| "none yet".to_owned(), |at| format!("{} ago", span(now.since(at))));
    lines.push(format!("{:<9}{contact}", "contact"));
    lines.push(format!("{:<9}{}", "results", results(status)));
    lines.join("\n")
}

fn state(status: &Status, now: Timestamp) -> String {
    let words = match status.state {
        State::Working => "working",
        State::Waiting => "waiting for work",
        State::Preparing => "preparing: no image is ready to test in",
        State::Paused => "paused",
        State::Draining => "draining",
        State::OutsideHours => "outside its hours",
        State::MachineBusy => "the machine is in use",
        State::Offline => "offline",
        State::Trouble => "in trouble",
    };
    let until = status.until.map(|until| format!(", until {}", local(until))).unwrap_or_default();
    // What was said by the word itself is not said twice.
    let says_more = !matches!(status.state, State::Paused | State::Draining) && !status.why.is_empty();
    let why = if says_more { format!(": {}", plain(&status.why)) } else { String::new() };
    format!("{words} for {}{until}{why}", span(now.since(status.since)))
}

fn running(run: &RunNow, now: Timestamp) -> String {
    let phase = run.phase.map(|phase| format!(", {phase}")).unwrap_or_default();
    format!("{} on {}{phase}, for {}", plain(&run.release), run.target, span(now.since(run.since)))
}

fn taken(disk: &DiskUse) -> String {
    let DiskUse { images_bytes, caches_bytes, budget_bytes, .. } = disk;
    let budget = budget_bytes.map_or_else(|| "no limit".to_owned(), |budget| format!("of {}", size(budget)));
    format!("{} images, {} caches; {budget}", size(*images_bytes), size(*caches_bytes))
}

fn results(status: &Status) -> String {
    let sum: u64 = status.results.values().sum();
    let Some(since) = status.results_since else { return "none yet".into() };
    let grades: Vec<String> = status.results.iter().map(|(grade, count)| format!("{count} {grade}")).collect();
    format!("{sum} since {}: {}", local(since), grades.join(", "))
}

/// A time span for people, in its largest unit.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use protocol::{Grade, Phase, RunId};

    use super::*;

    #[test]
    fn a_runner_is_shown_in_some_lines_without_escapes() {
        let at = Timestamp::from_millis;
        let run = RunNow {
            run_id: RunId::new(at(0)),
            release: "pair\x1b[2J 1.0.0".into(),
            target: "pg17-amd64".parse().unwrap(),
            phase: Some(Phase::Build),
            since: at(60_000),
        };
        let status = Status {
            instance: "a".into(),
            pid: 7,
            version: "0.1.0".into(),
            coordinator: "https://farm.example/".into(),
            state: State::Offline,
            since: at(0),
            until: None,
            why: "it does not answer".into(),
            targets: vec![run.target],
            runs: vec![run],
            disk: Some(DiskUse { images_bytes: 2 << 30, caches_bytes: 3 << 20, budget_bytes: None, at: at(0) }),
            contact_at: Some(at(0)),
            results: BTreeMap::from([(Grade::Pass, 10), (Grade::Fail, 2)]),
            results_since: Some(at(0)),
            started_at: at(0),
            written_at: at(0),
        };
        let text = shown(&status, Some("attic"), at(90_000));
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("runner   attic of https://farm.example/, pgxn-testers 0.1.0, process 7"),
            "{text}"
        );
        assert_eq!(lines[1], "state    offline for 90 s: it does not answer");
        assert_eq!(lines[2], "tests    pair?[2J 1.0.0 on pg17-amd64, build, for 30 s");
        assert_eq!(lines[4], "disk     2.0 GiB images, 3 MiB caches; no limit");
        assert_eq!(lines[5], "contact  90 s ago");
        assert!(lines[6].starts_with("results  12 since 19") && lines[6].contains("10 PASS"), "{text}");
    }
}
