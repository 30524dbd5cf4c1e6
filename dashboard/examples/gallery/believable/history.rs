//! What the farm did in the four weeks before, so that charts have something to show: an old release, tested again and again.

use protocol::{Phase, Priority, Reason};

use super::fate::{Fate, missing_header, passes, tests_fail};
use super::{Builder, DAY, before};

/// So many days ago, on so many majors.
const DAYS: [(u64, u16); 10] = [(28, 3), (26, 1), (25, 2), (21, 3), (19, 2), (14, 3), (12, 1), (8, 3), (5, 2), (3, 1)];
/// Ids from here on, so that those of everything else stay as they are.
const FROM: u64 = 500;
/// So many runs end in every way; those after them pass, so that nothing of it turns.
const UNEVEN: usize = 14;

impl Builder {
    pub(super) async fn history(&mut self) {
        let (ids, clock) = (std::mem::replace(&mut self.ids, FROM), self.clock);
        let release = self.release("semver", "0.39.0", "A semantic version data type", 300 * DAY).await;
        let (mut planned, mut runs) = (0, 0);
        for (days, majors) in DAYS {
            self.clock = before(days * DAY);
            for major in 0..majors {
                let target = format!("pg{}-amd64", 18 - major);
                if major < planned {
                    self.again(&release, &target).await;
                } else {
                    self.plan(&release, &target, Priority::NewRelease, self.clock).await;
                    planned += 1;
                }
                let run = self.id().parse().unwrap();
                self.end(run, &release, &target, fate(runs)).await;
                runs += 1;
            }
        }
        (self.ids, self.clock) = (ids, clock);
    }
}

/// What the run of a number ends with.
fn fate(run: usize) -> Fate {
    match run {
        UNEVEN.. => passes(7),
        _ if run % 4 == 1 => missing_header(),
        _ if run % 5 == 3 => tests_fail(),
        _ if run % 7 == 6 => Fate::new(Phase::Installcheck, Reason::NoTests),
        _ => passes(7),
    }
}
