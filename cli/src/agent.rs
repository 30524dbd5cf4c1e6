//! What a runner tells about itself, as lines of the terminal.

use std::sync::Arc;

use runner::{AgentEvent, Listener};

use crate::console::{Colour, Console, plain};

/// A listener that prints what a volunteer wants to see: what runs, how it ended, what is wrong.
pub(crate) fn listener(console: Console) -> Listener {
    Arc::new(move |event| console.line(&line(&event, console)))
}

/// A listener for the runner inside `up`, where the coordinator's own events already tell of runs.
pub(crate) fn quiet_listener(console: Console) -> Listener {
    Arc::new(move |event| {
        if matches!(event, AgentEvent::Trouble(_) | AgentEvent::Dropped(..)) {
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
        AgentEvent::Trouble(sentence) => format!("{} {}", console.paint(Colour::Yellow, "runner  "), plain(sentence)),
    }
}
