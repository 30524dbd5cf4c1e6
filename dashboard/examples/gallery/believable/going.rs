//! What a run that goes on has told so far.

use live::Live;
use protocol::{Outcome, Phase, PhaseProgress, Printed, Progress};

use super::before;

/// The run of hll on 18.
const RUN: &str = "01KAJ000000000000000000131";

/// That run in the middle of its tests.
pub(crate) fn live() -> Live {
    let done = |phase, outcome, duration_ms| PhaseProgress { phase, outcome: Some(outcome), duration_ms };
    let phases = vec![
        done(Phase::Fetch, Outcome::Passed, 84),
        done(Phase::Verify, Outcome::Passed, 3),
        done(Phase::Unpack, Outcome::Passed, 21),
        done(Phase::Metadata, Outcome::Passed, 2),
        done(Phase::Dependencies, Outcome::Skipped, 0),
        done(Phase::Configure, Outcome::Skipped, 0),
        done(Phase::Build, Outcome::Passed, 61_400),
        done(Phase::Install, Outcome::Passed, 380),
        done(Phase::Create, Outcome::Passed, 96),
        PhaseProgress { phase: Phase::Installcheck, outcome: None, duration_ms: 26_500 },
    ];
    let printed = |phase, text: &str, skipped_bytes| Printed { phase, text: text.to_owned(), skipped_bytes };
    let output = vec![
        printed(Phase::Build, "gcc -Wall -O2 -fPIC -c -o src/hll.o src/hll.c\n", 0),
        printed(Phase::Build, "\u{1b}[01;35mwarning: \u{1b}[munused variable <script>alert(9)</script>\n", 48_200),
        printed(Phase::Install, "/usr/bin/install -c -m 755 hll.so '/usr/lib/postgresql/18/lib/hll.so'\n", 0),
        printed(Phase::Create, "CREATE EXTENSION\n", 0),
        printed(
            Phase::Installcheck,
            "# using postmaster on Unix socket, default port\nok 1         - setup                                      31 ms\n\
             ok 2         - add_agg                                  9214 ms\n\u{202e}ok 3 \u{1}      - agg_oob                                  1204 ms\n\
             # still waiting for cast",
            0,
        ),
    ];
    let live = Live::default();
    live.push(RUN.parse().unwrap(), &Progress { phases, output }, before(1));
    live
}
