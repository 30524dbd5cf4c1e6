//! What a round of runs comes to, as pure functions; why the rules are these stands in `confirm.rs`.

use protocol::{Flag, Grade, LimitFacts, Phase, Reason, RunId, RunnerId};

/// After so many results that can neither agree nor disagree, the first stays unconfirmed.
const UNDECIDED_AT_MOST: usize = 2;

/// Opinions on releases of the latest so many owners that the runner tested are looked at,
const OPINIONS: usize = 20;
/// so many of them at least have to be against it,
const ODD_AT_LEAST: usize = 3;
/// and more than one in so many.
const ODD_SHARE: usize = 3;

/// One result of a round, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) run_id: RunId,
    /// None for a verdict that needed no run.
    pub(crate) runner_id: Option<RunnerId>,
    pub(crate) phase: Phase,
    pub(crate) reason: Reason,
    /// What it had, where a limit of time ended it and it said so.
    pub(crate) limits: Option<LimitFacts>,
    /// Whether its platform was emulated.
    pub(crate) emulated: bool,
}

/// What pages, badges and statistics read of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) run_id: RunId,
    /// UNCONFIRMED, FLAKY, or none.
    pub(crate) doubt: Option<Flag>,
    /// The run that agreed.
    pub(crate) confirmed_by: Option<RunId>,
}

/// What has to happen after a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: the verdict stands.
    Settle,
    /// A run that agrees or not, by whichever other runner there is.
    Confirm,
    /// A run by one that had no part yet, or none: it tells who of two runners was wrong, or has more time than they gave.
    Elsewhere,
    /// A run whose platform is not emulated, where there is a runner for that; else nothing, for now.
    Natively,
    /// The same again, as the farm failed so many times.
    Retry(u32),
}

/// Why a verdict is what it is, as far as two runs have to agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// It was too slow for the runner.
    Time,
    /// It was too large for the runner.
    Space,
    /// Anything else.
    Own,
}

impl Said {
    const fn grade(&self) -> Grade {
        self.reason.grade()
    }

    /// Whether it says something of the extension.
    const fn is_decided(&self) -> bool {
        matches!(self.grade(), Grade::Pass | Grade::Untested | Grade::Fail | Grade::Na)
    }

    /// Whether a limit of time ended it.
    pub(crate) const fn is_late(&self) -> bool {
        matches!(self.cause(), Cause::Time)
    }

    /// Whether a late result had more of the time that ended it than another one; so too where either does not say what it had.
    const fn had_more_time_than(&self, other: &Self) -> bool {
        match (self.limits, other.limits) {
            (Some(ours), Some(theirs)) if matches!(self.reason, Reason::Silent) => ours.silence_ms > theirs.silence_ms,
            (Some(ours), Some(theirs)) => ours.phase_ms > theirs.phase_ms && ours.run_ms > theirs.run_ms,
            _ => true,
        }
    }

    const fn cause(&self) -> Cause {
        match self.reason {
            Reason::TimedOut | Reason::Silent => Cause::Time,
            Reason::OutOfMemory | Reason::OutOfSpace | Reason::TooManyProcesses => Cause::Space,
            _ => Cause::Own,
        }
    }

    /// The better of two is shown where they disagree: the better grade, or the failure that came later.
    fn rank(&self) -> (u8, std::cmp::Reverse<Phase>) {
        let grade = match self.grade() {
            Grade::Pass => 0,
            Grade::Untested => 1,
            Grade::Na => 2,
            _ => 3,
        };
        (grade, std::cmp::Reverse(self.phase))
    }
}

/// Whether two results say the same of an extension.
///
/// Failures have to be of one phase and of one kind: an error of the build is not a failed test, and what was too slow or too large for
/// one runner is not what is wrong everywhere. Within that the reason may differ: which of two errors of a parallel build decides is chance.
pub(crate) fn agrees(one: &Said, other: &Said) -> bool {
    one.grade() == other.grade()
        && (one.grade() != Grade::Fail || (one.phase == other.phase && one.cause() == other.cause()))
}

/// Whether a result, by its place in its round, was late while all others that came to anything had more time.
///
/// After the first late result of a round every further run has twice the time. That such a run ends says nothing against a runner which
/// had half of it, and the same thing did not end differently: it was not given what it needs.
fn is_outrun(round: &[Said], place: usize) -> bool {
    let in_time = |said: &Said| said.is_decided() && !said.is_late();
    let (before, after) = (&round[..place], round.get(place + 1..).unwrap_or_default());
    round[place].is_late() && !before.iter().any(Said::is_decided) && after.iter().any(in_time)
}

/// Whether a result was late as an earlier one was, and had no more time: a volunteer may not want to give twice of it.
fn is_as_late(round: &[Said], place: usize) -> bool {
    let late = &round[place];
    late.is_late() && round[..place].iter().any(|before| before.is_late() && !late.had_more_time_than(before))
}

/// The results that say something of the extension, and not merely that they had too little time, or that the emulator is no machine.
fn decided(round: &[Said]) -> Vec<&Said> {
    let counts = |(place, said): &(usize, &Said)| {
        said.is_decided() && !is_outrun(round, *place) && !is_as_late(round, *place) && !is_belied(round, *place)
    };
    round.iter().enumerate().filter(counts).map(|(_, said)| said).collect()
}

/// Whether a result, by its place in its round, comes from an emulator, and the first of a machine says otherwise.
///
/// Emulators lack instructions, system calls and time. What ends otherwise on one did not end differently on the same thing.
fn is_belied(round: &[Said], place: usize) -> bool {
    let is_native = |(at, said): &(usize, &Said)| {
        said.is_decided() && !said.emulated && !is_outrun(round, *at) && !is_as_late(round, *at)
    };
    let native = || round.iter().enumerate().find(is_native);
    round[place].emulated && native().is_some_and(|(_, native)| !agrees(native, &round[place]))
}

/// Whether a round failed, and only ever on emulators: that is never the only ground.
pub(crate) fn awaits_a_machine(round: &[Said]) -> bool {
    let decided = decided(round);
    decided.first().is_some_and(|first| first.grade() == Grade::Fail) && decided.iter().all(|said| said.emulated)
}

/// What stands after these results of a round, in the order in which they came.
pub(crate) fn standing(round: &[Said]) -> Option<Standing> {
    let bare = |run_id, doubt| Standing { run_id, doubt, confirmed_by: None };
    let decided = decided(round);
    let Some((first, others)) = decided.split_first() else {
        let known = round.iter().rfind(|said| said.grade() != Grade::Error).or(round.last())?;
        return Some(bare(known.run_id, None));
    };
    if others.iter().any(|other| !agrees(first, other)) {
        let best = decided.iter().min_by_key(|said| said.rank()).unwrap_or(first);
        return Some(bare(best.run_id, Some(Flag::Flaky)));
    }
    let confirming = others.first().filter(|_| !awaits_a_machine(round));
    let confirmed_by = confirming.map(|other| other.run_id);
    let doubt = (first.grade() == Grade::Fail && confirmed_by.is_none()).then_some(Flag::Unconfirmed);
    Some(Standing { run_id: first.run_id, doubt, confirmed_by })
}

/// The flag that a result has by its round: that of the round, or UNCONFIRMED where it merely had too little time.
pub(crate) fn doubt_of(round: &[Said], run: RunId) -> Option<Flag> {
    let place = round.iter().position(|said| said.run_id == run)?;
    if is_outrun(round, place) || (is_belied(round, place) && round[place].grade() == Grade::Fail) {
        return Some(Flag::Unconfirmed);
    }
    doubt(round[place].reason, standing(round)?.doubt)
}

/// The flag that a result of a round has of the others' disagreement: all that disagree are flaky, the better one that is shown as well.
pub(crate) fn doubt(reason: Reason, round: Option<Flag>) -> Option<Flag> {
    match (round?, reason.grade()) {
        (Flag::Flaky, Grade::Pass | Grade::Untested | Grade::Fail | Grade::Na) => Some(Flag::Flaky),
        (Flag::Unconfirmed, Grade::Fail) => Some(Flag::Unconfirmed),
        _ => None,
    }
}

/// The flags of a result and the doubt of its round: each once, in order.
pub(crate) fn with_doubt(mut flags: Vec<Flag>, doubt: Option<Flag>) -> Vec<Flag> {
    flags.extend(doubt);
    flags.sort_unstable();
    flags.dedup();
    flags
}

/// What has to happen after the last of these results; `retries` is how often the farm's own failure is tried again.
pub(crate) fn next(round: &[Said], retries: u32) -> Next {
    let (Some(last), Some(standing)) = (round.last(), standing(round)) else { return Next::Settle };
    if last.grade() == Grade::Error {
        let failures = round.iter().filter(|said| said.grade() == Grade::Error).count();
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        // A job that lost every runner has been tried as often as it may be.
        let again = last.reason != Reason::RunnerLost && failures <= retries;
        return if again { Next::Retry(failures) } else { Next::Settle };
    }
    match standing.doubt {
        Some(Flag::Unconfirmed) if last.emulated && awaits_a_machine(round) => Next::Natively,
        Some(Flag::Unconfirmed) => {
            let is_slow = |place: &usize| is_as_late(round, *place);
            let is_neither =
                |place: &usize| matches!(round[*place].grade(), Grade::Env | Grade::Blocked) || is_slow(place);
            let newest = round.len() - 1;
            match (0..round.len()).filter(is_neither).count() {
                undecided if undecided > UNDECIDED_AT_MOST && is_neither(&newest) => Next::Settle,
                _ if is_slow(&newest) => Next::Elsewhere,
                _ => Next::Confirm,
            }
        }
        Some(Flag::Flaky) if last.is_decided() && two_runners(round) => Next::Elsewhere,
        _ => Next::Settle,
    }
}

/// Whether exactly two results are decided, by two runners.
fn two_runners(round: &[Said]) -> bool {
    let mut decided = decided(round).into_iter().map(|said| said.runner_id);
    match (decided.next(), decided.next(), decided.next()) {
        (Some(one), Some(other), None) => one.is_some() && other.is_some() && one != other,
        _ => false,
    }
}

/// The runners whose part a waiting job is not for, given those that are there for its target.
///
/// Best is one that had no part in the round yet; else one that has not said anything decided. Where there is none, anybody may.
pub(crate) fn avoided(round: &[Said], there: &[RunnerId]) -> Vec<RunnerId> {
    let of = |wanted: &dyn Fn(&&Said) -> bool| {
        let mut runners: Vec<RunnerId> = round.iter().filter(wanted).filter_map(|said| said.runner_id).collect();
        runners.sort_unstable();
        runners.dedup();
        runners
    };
    let choices = [of(&|_| true), of(&|said| said.is_decided())];
    choices.into_iter().find(|choice| is_left(there, choice)).unwrap_or_default()
}

/// Whether a runner is there that is none of these.
pub(crate) fn is_left(there: &[RunnerId], avoided: &[RunnerId]) -> bool {
    there.iter().any(|runner| !avoided.contains(runner))
}

/// What others make of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opinion {
    pub(crate) run_id: RunId,
    pub(crate) runner_id: RunnerId,
    /// Two others agree against it.
    pub(crate) odd: bool,
}

/// What the last result of a round says of the runners in it: nothing, unless it makes two different ones agree.
pub(crate) fn opinions(round: &[Said]) -> Vec<Opinion> {
    let decided = decided(round);
    let Some((last, before)) = decided.split_last() else { return Vec::new() };
    let is_news = round.last().is_some_and(|said| said.run_id == last.run_id);
    let (agreeing, others): (Vec<&Said>, Vec<&Said>) = before.iter().copied().partition(|said| agrees(said, last));
    let distinct = |said: &&Said| said.runner_id.is_some() && said.runner_id != last.runner_id;
    if !is_news || last.runner_id.is_none() || agreeing.len() != 1 || !before.iter().all(distinct) {
        return Vec::new();
    }
    let opinion = |said: &Said, odd| said.runner_id.map(|runner_id| Opinion { run_id: said.run_id, runner_id, odd });
    let agreed = agreeing.into_iter().chain([*last]).filter_map(|said| opinion(said, false));
    agreed.chain(others.into_iter().filter_map(|said| opinion(said, true))).collect()
}

/// Whether a runner is the odd one out too often; of what others made of its results, newest first, by who owns what it tested.
///
/// Of each owner only the newest opinion counts: what is flaky speaks once, and no author alone can make a runner look odd.
pub(crate) fn is_odd<O: PartialEq>(opinions: impl Iterator<Item = (O, bool)>) -> Option<(usize, usize)> {
    let mut seen: Vec<O> = Vec::new();
    let mut odd = 0;
    for (owner, is_odd) in opinions {
        if seen.len() < OPINIONS && !seen.contains(&owner) {
            seen.push(owner);
            odd += usize::from(is_odd);
        }
    }
    (odd >= ODD_AT_LEAST && odd * ODD_SHARE > seen.len()).then_some((odd, seen.len()))
}

#[cfg(test)]
mod tests;
