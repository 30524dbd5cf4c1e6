//! What a run costs over the same commands typed by hand: `pgxn-testers bench overhead`.
//!
//! Both ways take turns, so that a machine that is busy with other things is so for both. By hand means: a container of the same image that
//! is warm, its server running, the source in it; then one shell that configures, builds, installs, creates and tests. Only that is timed.
//! A run is timed whole, from its request until its container is gone.

use std::time::Duration;

use protocol::{Clock, Overhead, Reason, RunId, SystemClock, Target, Verdict};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::event::Events;
use crate::run::{Bench, Book, Request, SOURCE_DIR, Source, Stop, by_hand, obtain, on_bench, provide_for, run};
use crate::sandbox::{Command, Image, Log, Sandbox};
use crate::site::Site;

/// Takes the source of the turn before away.
const RESET: &str = "rm -rf /sandbox/src";

/// One turn each.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// The whole run.
    pub run: Duration,
    /// The commands by hand.
    pub hand: Duration,
    /// What the run says that it cost itself.
    pub overhead: Overhead,
}

/// All turns for one distribution on one image.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the runs found, which is the same each time, or the comparison means nothing.
    pub verdict: Verdict,
    /// In order.
    pub turns: Vec<Turn>,
}

impl Comparison {
    /// The median time of a run.
    pub fn run(&self) -> Duration {
        median(self.turns.iter().map(|turn| turn.run))
    }

    /// The median time by hand.
    pub fn hand(&self) -> Duration {
        median(self.turns.iter().map(|turn| turn.hand))
    }

    /// The median of what a run takes longer than its neighbour by hand.
    pub fn added(&self) -> Duration {
        median(self.turns.iter().map(|turn| turn.run.saturating_sub(turn.hand)))
    }

    /// How many times as long a run takes.
    pub fn ratio(&self) -> f64 {
        self.run().as_secs_f64() / self.hand().as_secs_f64().max(0.001)
    }

    /// Whether the goal is met: at most a second and a tenth over.
    pub fn meets_the_goal(&self) -> bool {
        self.run() <= self.hand().mul_f64(1.1) + Duration::from_secs(1)
    }

    /// The median of each part of the overhead. Parts overlap: they do not add up to what is added.
    pub fn parts(&self) -> Overhead {
        let part = |of: fn(&Overhead) -> u64| {
            let millis = median(self.turns.iter().map(|turn| Duration::from_millis(of(&turn.overhead)))).as_millis();
            u64::try_from(millis).unwrap_or(u64::MAX)
        };
        Overhead {
            start_ms: part(|overhead| overhead.start_ms),
            server_ms: part(|overhead| overhead.server_ms),
            copy_in_ms: part(|overhead| overhead.copy_in_ms),
            exec_ms: part(|overhead| overhead.exec_ms),
            copy_out_ms: part(|overhead| overhead.copy_out_ms),
            cleanup_ms: part(|overhead| overhead.cleanup_ms),
        }
    }
}

fn median(values: impl Iterator<Item = Duration>) -> Duration {
    let mut values: Vec<Duration> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Takes turns, `times` each, after one of each that warms up and is not counted.
pub async fn overhead(site: &Site, source: &Source, target: Target, image: &Image, times: u32) -> Result<Comparison> {
    let request = || Request { run_id: RunId::new(SystemClock.now()), source: source.clone(), target };
    let mut hand = Hand::warm(site, &request(), image).await?;
    let mut verdict = timed(site, &request(), image).await.0;
    let mut turns = Vec::new();
    for number in 0..times {
        // Whoever is first has the colder caches.
        let by_hand_first = number % 2 == 0;
        let before = if by_hand_first { Some(hand.turn(&request()).await?) } else { None };
        let (found, run, overhead) = timed(site, &request(), image).await;
        let hand = match before {
            Some(hand) => hand,
            None => hand.turn(&request()).await?,
        };
        if found.reason != verdict.reason {
            return Err(Error::Bench {
                why: format!("a run found {}, an earlier one {}", found.reason, verdict.reason),
            });
        }
        verdict = found;
        turns.push(Turn { run, hand, overhead });
    }
    hand.bench.sandbox.remove().await;
    Ok(Comparison { verdict, turns })
}

/// A run with its time.
async fn timed(site: &Site, request: &Request, image: &Image) -> (Verdict, Duration, Overhead) {
    let began = Instant::now();
    let completed = run(site, request, async { Ok(image.clone()) }, &Events::unheard()).await;
    (completed.report.verdict, began.elapsed(), completed.report.overhead)
}

/// A warm container.
struct Hand<'a> {
    bench: Bench<'a>,
}

impl<'a> Hand<'a> {
    /// Starts it and does everything once, which also tells what there is to create.
    async fn warm(site: &'a Site, request: &Request, image: &'a Image) -> Result<Self> {
        let events = Events::unheard();
        let mut book = Book::new(&events, SystemClock.now());
        let subject = obtain(site, request, &mut book).await.map_err(unusable)?;
        let sandbox = Sandbox::start(&site.place, image, request.run_id, &site.limits).await?;
        let mut bench = Bench::new(site, image, sandbox, subject, request.target);
        provide_for(&mut bench, (request, false), &mut book).await.map_err(unusable)?;
        let verdict = on_bench(&mut bench, &mut book).await.map_err(unusable)?;
        match verdict.reason {
            Reason::TestsPassed | Reason::NoTests => Ok(Self { bench }),
            reason => Err(Error::Bench { why: format!("it does not pass: {reason}") }),
        }
    }

    /// Puts fresh source in, and times the commands.
    async fn turn(&mut self, request: &Request) -> Result<Duration> {
        let events = Events::unheard();
        let mut book = Book::new(&events, SystemClock.now());
        let site = self.bench.site;
        let subject = obtain(site, request, &mut book).await.map_err(unusable)?;
        let sandbox = &self.bench.sandbox;
        let wall = site.limits.run;
        let reset = Command::shell("/sandbox", RESET);
        sandbox.run(&reset, wall, &mut Log::new(1_000), &mut |_| {}).await?;
        sandbox.copy_in(subject.packed.expect("it is packed once and copied once"), "/sandbox").await?;
        let mut log = Log::new(10_000);
        let command = Command::shell(SOURCE_DIR, &by_hand(&self.bench));
        let ended = sandbox.run(&command, wall, &mut log, &mut |_| {}).await?;
        if ended.exit != Some(0) {
            let said = log.finish().bytes;
            let last = String::from_utf8_lossy(&said).lines().last().unwrap_or_default().to_owned();
            return Err(Error::Bench { why: format!("by hand it fails: {last}") });
        }
        Ok(ended.own_wall.unwrap_or(ended.wall))
    }
}

fn unusable(stop: Stop) -> Error {
    match stop {
        Stop::Failed(_, error) => error,
        Stop::Paused => unreachable!("nothing here pauses"),
        Stop::Decided(verdict) => {
            Error::Bench { why: format!("it does not pass: {} {}", verdict.reason, verdict.detail) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(millis: &[(u64, u64)]) -> Comparison {
        let turn = |(run, hand): &(u64, u64)| Turn {
            run: Duration::from_millis(*run),
            hand: Duration::from_millis(*hand),
            overhead: Overhead { start_ms: *run / 10, ..Overhead::default() },
        };
        let verdict = Verdict::new(protocol::Phase::Installcheck, Reason::TestsPassed);
        Comparison { verdict, turns: millis.iter().map(turn).collect() }
    }

    #[test]
    fn one_slow_turn_does_not_count() {
        let comparison = comparison(&[(1_500, 1_000), (9_000, 1_100), (1_600, 1_050)]);
        assert_eq!((comparison.run().as_millis(), comparison.hand().as_millis()), (1_600, 1_050));
        assert_eq!((comparison.added().as_millis(), comparison.parts().start_ms), (550, 160));
        assert!(comparison.meets_the_goal());
    }

    #[test]
    fn the_goal_is_a_second_and_a_tenth() {
        assert!(comparison(&[(12_000, 10_000)]).meets_the_goal());
        assert!(!comparison(&[(12_001, 10_000)]).meets_the_goal());
    }
}
