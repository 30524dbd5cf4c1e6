//! Made-up data of every kind that components show.

use protocol::{Comparison, Phase, Reason, RunId, Status, Support, Target, Timestamp};
use store::trends::Span;

use crate::badge::Badge;
use crate::chart::{Chart, Series, Shape, Unit, steps};
use crate::grid::{Cell, Change, Column, Row, Spot};
use crate::mark::Mark;
use crate::text::When;

/// A log with colours and a control character.
pub(super) const LOG: &[u8] = b"$ make installcheck\nok 1         - aretap                214 ms\n\x1b[31mnot ok 2     - coltap                131 ms\x1b[0m\n\
    \x1b[01m\x1b[Ksrc/pgtap.c:214:18:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kimplicit declaration of function heap_open\nbell \x07\n";

/// A release whose cells are of every kind: one verdict, two, one that turned, none.
pub(super) fn row(now: Timestamp) -> Row {
    let spots = [
        vec![spot(now, "pg18-amd64", Mark::Pass, Reason::TestsPassed)],
        vec![
            spot(now, "pg17-amd64", Mark::Pass, Reason::TestsPassed),
            Spot {
                phase: Some(Phase::Installcheck),
                detail: "coltap".into(),
                decisive: Some("not ok 2     - coltap".into()),
                ..spot(now, "pg17-arm64", Mark::Fail, Reason::TestsFailed)
            },
        ],
        vec![spot(now, "pg16-amd64", Mark::Untested, Reason::NoTests)],
        vec![],
    ];
    let changes = [Some(Comparison::Fixed), Some(Comparison::NewFail), None, None];
    let majors = [18_u16, 17, 16, 15].into_iter().filter_map(|number| number.try_into().ok());
    let cells = majors.zip(spots).zip(changes).map(|((major, spots), change)| Cell {
        column: Column { major, support: if spots.is_empty() { Support::Eol } else { Support::Supported } },
        spots,
        change: change.map(|comparison| Change { comparison, with: "1.3.3".into() }),
    });
    Row {
        version: "1.3.4".parse().expect("a version"),
        status: Status::Stable,
        released_at: When::new(now, now),
        href: "#matrix".into(),
        cells: cells.collect(),
    }
}

fn spot(now: Timestamp, target: &str, mark: Mark, reason: Reason) -> Spot {
    let target: Target = target.parse().expect("a target");
    Spot {
        target,
        mark,
        phase: None,
        reason: Some(reason),
        flags: Vec::new(),
        detail: String::new(),
        decisive: None,
        postgresql: Some(format!("{}.1", target.major)),
        run: None::<RunId>,
        runner: None,
        at: When::new(now, now),
        change: None,
        across: None,
        since: None,
        now: None,
        soon: None,
    }
}

/// A badge of each colour.
pub(super) fn badges() -> [Badge; 4] {
    let badge = |label: &str, message: &str, mark| Badge { label: label.into(), message: message.into(), mark };
    [
        badge("PostgreSQL", "14–18 passing", Mark::Pass),
        badge("PostgreSQL", "failing on 18", Mark::Fail),
        badge("PostgreSQL 17, arm64", "failing (installcheck)", Mark::Fail),
        badge("PostgreSQL", "untested", Mark::Na),
    ]
}

/// Bars of every grade.
pub(super) fn bars(now: Timestamp) -> Chart {
    let series = |mark: Mark, times: u64| Series {
        name: mark.word().into(),
        ink: mark.class(),
        values: (0..14).map(|step| (step * 7 % 5 + 1) * times).collect(),
    };
    Chart {
        title: "PostgreSQL 18".into(),
        sentence: "Bars that stand on each other.".into(),
        unit: Unit::Count,
        shape: Shape::Bars,
        steps: steps(Span::until(now, 14, 1)),
        series: vec![
            series(Mark::Pass, 6),
            series(Mark::Fail, 2),
            series(Mark::Blocked, 1),
            series(Mark::Env, 1),
            series(Mark::Error, 1),
        ],
    }
}

/// Two lines.
pub(super) fn curves(now: Timestamp) -> Chart {
    let series = |name: &str, ink, from: u64| Series {
        name: name.into(),
        ink,
        values: (0..14).map(|step| from + step * step * 3).collect(),
    };
    Chart {
        title: "The registry".into(),
        sentence: "Lines beside each other.".into(),
        unit: Unit::Count,
        shape: Shape::Lines,
        steps: steps(Span::until(now, 14, 7)),
        series: vec![series("releases", "f4", 300), series("distributions", "f5", 40)],
    }
}
