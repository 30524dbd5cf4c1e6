//! What a runner tells about itself, as lines of the terminal.

use std::sync::Arc;

use protocol::{Absence, Away};
use runner::{AgentEvent, Listener};

use crate::console::{Colour, Console, local, plain};
use crate::fault;

/// A listener that prints what a volunteer wants to see: what runs, how it ended, what is wrong.
pub(crate) fn listener(console: Console) -> Listener {
    Arc::new(move |event| console.line(&line(&event, console)))
}

/// A listener for the runner inside `up`, where the coordinator's own events already tell of runs.
pub(crate) fn quiet_listener(console: Console) -> Listener {
    Arc::new(move |event| {
        if !matches!(event, AgentEvent::Claimed(_) | AgentEvent::Reported(..)) {
            console.line(&line(&event, console));
        }
    })
}

fn line(event: &AgentEvent, console: Console) -> String {
    let cell = |assignment: &protocol::Assignment| {
        let what = assignment.release.to_string();
        format!("{what:<32} {:<12}", assignment.target.to_string())
    };
    match event {
        AgentEvent::Ready(_, facts) => {
            let words = format!("PostgreSQL {} from {} on {}", facts.postgresql, facts.source, facts.suite);
            console.paint(Colour::Dim, &format!("image    {} is ready", plain(&words)))
        }
        AgentEvent::Unready(_, error) => {
            let sentence = fault::sentence(&anyhow::Error::new(error.clone()));
            let lines: Vec<String> = sentence.lines().map(plain).collect();
            let word = console.paint(Colour::Yellow, "image   ");
            format!("{word} {}\n         Nothing is tested on it until there is one.", lines.join("\n         "))
        }
        AgentEvent::Claimed(assignment) => console.paint(Colour::Dim, &format!("running  {}", cell(assignment))),
        AgentEvent::Reported(assignment, verdict) => {
            let words = format!("{} {}", verdict.phase, plain(&verdict.reason.sentence_with(&verdict.detail)));
            format!(
                "{} {} {}",
                console.grade(verdict.grade()),
                cell(assignment),
                console.paint(Colour::Dim, words.trim())
            )
        }
        AgentEvent::Dropped(assignment, why) => {
            format!("{} {} {}", console.paint(Colour::Yellow, "dropped "), cell(assignment), plain(why))
        }
        AgentEvent::Presence(absence) => console.paint(Colour::Yellow, "runner   ") + &presence(absence.as_ref()),
        AgentEvent::Removed(what) => console.paint(Colour::Dim, &format!("disk     removed {}", plain(what))),
        AgentEvent::Trouble(sentence) => format!("{} {}", console.paint(Colour::Yellow, "runner  "), plain(sentence)),
    }
}

/// Why no work is taken, or that it is again.
fn presence(absence: Option<&(Absence, String)>) -> String {
    let Some((Absence { why, until }, words)) = absence else { return "takes work again".into() };
    let until = until.map(|until| format!(" until {}", local(until))).unwrap_or_default();
    match why {
        Away::Paused => format!("takes no work{until}: {}; `pgxn-testers runner resume` goes on", plain(words)),
        Away::Draining => "takes no more work, and ends once what runs is done".into(),
        Away::Hours => format!("takes no work{until}: {}", plain(words)),
        Away::Busy => format!("takes no work while its machine is in use: {}", plain(words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_could_not_be_made_is_told_of_with_all_its_reasons() {
        let target = "pg18-amd64".parse().unwrap();
        let why = "no source gave one\ndebian on forky: \x1b[2Jgone\nTry again.".to_owned();
        let error = runner::Error::Image { target, why };
        let told = line(&AgentEvent::Unready(target, Arc::new(error)), Console::stderr(true));
        let expected = "image    there is no image for pg18-amd64: no source gave one\n\
                        \x20        debian on forky: ?[2Jgone\n\
                        \x20        Try again.\n\
                        \x20        Nothing is tested on it until there is one.";
        assert_eq!(told, expected);
    }
}
