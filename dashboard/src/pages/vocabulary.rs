//! Every word of a verdict with its sentence, made of the enums themselves, so that it cannot go stale.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::{Blame, Comparison, Flag, Grade, Phase, Reason};
use serde::Serialize;

use crate::Dashboard;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::mark::Mark;

/// The vocabulary as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// What a run can find.
    pub grades: Vec<GradeWord>,
    /// What a run does, in order.
    pub phases: Vec<PhaseWord>,
    /// Why a run gets its grade.
    pub reasons: Vec<ReasonWord>,
    /// Who can mend it.
    pub blames: Vec<Word>,
    /// Remarks beside a grade.
    pub flags: Vec<Word>,
    /// How two verdicts compare.
    pub comparisons: Vec<Word>,
}

/// A word and what it means.
#[derive(Debug, Serialize)]
pub(crate) struct Word {
    /// The word, as in code, database and API.
    pub word: &'static str,
    /// What it means.
    pub sentence: &'static str,
}

/// A grade.
#[derive(Debug, Serialize)]
pub(crate) struct GradeWord {
    /// Its shape.
    #[serde(skip)]
    pub mark: Mark,
    /// The word, as in code, database and API.
    pub word: &'static str,
    /// The word on pages.
    pub short: &'static str,
    /// What it means.
    pub sentence: &'static str,
    /// Who is to blame.
    pub blame: Option<Blame>,
}

/// A phase.
#[derive(Debug, Serialize)]
pub(crate) struct PhaseWord {
    /// The word, as in code, database and API.
    pub word: &'static str,
    /// What happens in it.
    pub sentence: &'static str,
    /// Whether it can only warn.
    pub only_warns: bool,
}

/// A reason.
#[derive(Debug, Serialize)]
pub(crate) struct ReasonWord {
    /// The shape of its grade.
    #[serde(skip)]
    pub mark: Mark,
    /// The word, as in code, database and API.
    pub word: &'static str,
    /// What it means.
    pub sentence: &'static str,
    /// The grade that it gives.
    pub grade: Grade,
    /// Who is to blame.
    pub blame: Option<Blame>,
}

impl View {
    fn new() -> Self {
        Self {
            grades: Grade::ALL.into_iter().map(grade).collect(),
            phases: Phase::ALL.into_iter().map(phase).collect(),
            reasons: Reason::ALL.iter().copied().map(reason).collect(),
            blames: Blame::ALL.into_iter().map(|it| Word { word: it.as_str(), sentence: it.sentence() }).collect(),
            flags: Flag::ALL.into_iter().map(|it| Word { word: it.as_str(), sentence: it.sentence() }).collect(),
            comparisons: Comparison::ALL
                .into_iter()
                .map(|it| Word { word: it.as_str(), sentence: it.sentence() })
                .collect(),
        }
    }
}

fn grade(grade: Grade) -> GradeWord {
    let mark = Mark::from(grade);
    GradeWord { mark, word: grade.as_str(), short: mark.word(), sentence: mark.meaning(), blame: grade.blame() }
}

const fn phase(phase: Phase) -> PhaseWord {
    PhaseWord { word: phase.as_str(), sentence: phase.sentence(), only_warns: phase.only_warns() }
}

fn reason(reason: Reason) -> ReasonWord {
    let grade = reason.grade();
    ReasonWord { mark: grade.into(), word: reason.as_str(), sentence: reason.sentence(), grade, blame: grade.blame() }
}

#[derive(Template)]
#[template(path = "vocabulary.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/vocabulary/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let view = View::new();
    ask.answer(&view, || {
        let description =
            "Every grade, phase, reason, flag and comparison of the farm's verdicts, with a sentence each.";
        let frame = Frame::new(dashboard.site(), "Vocabulary", description);
        Page { frame: frame.with_json("/vocabulary/?format=json"), view: &view }
    })
}
