use protocol::Timestamp;

use super::*;

const RETRIES: u32 = 3;

fn run(number: i64) -> RunId {
    format!("{number:026}").parse().unwrap()
}

fn runner(name: char) -> RunnerId {
    format!("{:026}", u32::from(name)).parse().unwrap()
}

/// A round from the runners that spoke and why, such as `a tests-failed`.
fn round(said: &[(char, Phase, Reason)]) -> Vec<Said> {
    let one = |(number, (name, phase, reason)): (i64, &(char, Phase, Reason))| Said {
        run_id: run(number),
        runner_id: Some(runner(*name)),
        phase: *phase,
        reason: *reason,
        limits: None,
        emulated: false,
    };
    (0..).zip(said).map(one).collect()
}

const FAILS: (Phase, Reason) = (Phase::Installcheck, Reason::TestsFailed);
const PASSES: (Phase, Reason) = (Phase::Installcheck, Reason::TestsPassed);
const LATE: (Phase, Reason) = (Phase::Installcheck, Reason::TimedOut);
const LACKS: (Phase, Reason) = (Phase::Build, Reason::MissingHeader);
const BROKEN: (Phase, Reason) = (Phase::Build, Reason::EngineFailed);

fn of(said: &[(char, (Phase, Reason))]) -> Vec<Said> {
    round(&said.iter().map(|(name, (phase, reason))| (*name, *phase, *reason)).collect::<Vec<_>>())
}

fn stands(said: &[(char, (Phase, Reason))]) -> (i64, Option<Flag>, bool) {
    let round = of(said);
    let standing = standing(&round).unwrap();
    let place = round.iter().position(|said| said.run_id == standing.run_id).unwrap();
    (i64::try_from(place).unwrap(), standing.doubt, standing.confirmed_by.is_some())
}

fn comes(said: &[(char, (Phase, Reason))]) -> Next {
    next(&of(said), RETRIES)
}

#[test]
fn failures_agree_in_one_phase_and_of_one_kind() {
    let fails = |phase, reason| round(&[('a', phase, reason)])[0];
    let build = fails(Phase::Build, Reason::CompileError);
    assert!(agrees(&build, &fails(Phase::Build, Reason::LinkError)), "which error came first is chance");
    assert!(!agrees(&build, &fails(Phase::Installcheck, Reason::TestsFailed)));
    assert!(!agrees(&build, &fails(Phase::Build, Reason::TimedOut)));
    assert!(!agrees(&build, &fails(Phase::Build, Reason::OutOfMemory)));
    assert!(!agrees(&fails(Phase::Build, Reason::TimedOut), &fails(Phase::Build, Reason::OutOfMemory)));
    assert!(agrees(&fails(Phase::Build, Reason::TimedOut), &fails(Phase::Build, Reason::Silent)));
    assert!(!agrees(&build, &fails(Phase::Installcheck, Reason::TestsPassed)));
    let crash = fails(Phase::Installcheck, Reason::ServerCrashed);
    assert!(agrees(&crash, &fails(Phase::Installcheck, Reason::TestsFailed)));
}

#[test]
fn agreement_does_not_depend_on_who_is_asked_first() {
    let all: Vec<Said> = Reason::ALL
        .iter()
        .flat_map(|reason| round(&[('a', Phase::Build, *reason), ('b', Phase::Installcheck, *reason)]))
        .collect();
    for one in &all {
        assert!(agrees(one, one));
        for other in &all {
            assert_eq!(agrees(one, other), agrees(other, one));
        }
    }
}

#[test]
fn a_first_failure_is_unconfirmed_until_a_second_run_agrees() {
    assert_eq!(stands(&[('a', FAILS)]), (0, Some(Flag::Unconfirmed), false));
    assert_eq!(comes(&[('a', FAILS)]), Next::Confirm);
    for name in ['a', 'b'] {
        assert_eq!(stands(&[('a', FAILS), (name, FAILS)]), (0, None, true));
        assert_eq!(comes(&[('a', FAILS), (name, FAILS)]), Next::Settle);
    }
}

#[test]
fn what_is_no_failure_stands_at_once() {
    for verdict in [PASSES, LACKS, (Phase::Metadata, Reason::PostgresUnsupported)] {
        assert_eq!(stands(&[('a', verdict)]), (0, None, false));
        assert_eq!(comes(&[('a', verdict)]), Next::Settle);
    }
}

#[test]
fn runs_that_disagree_are_flaky_and_the_better_one_is_shown() {
    assert_eq!(stands(&[('a', FAILS), ('b', PASSES)]), (1, Some(Flag::Flaky), false));
    let (build, create) = ((Phase::Build, Reason::CompileError), (Phase::Create, Reason::CreateFailed));
    assert_eq!(stands(&[('a', build), ('b', create)]), (1, Some(Flag::Flaky), false));
    assert_eq!(stands(&[('a', create), ('b', build)]), (0, Some(Flag::Flaky), false));
    assert_eq!(stands(&[('a', FAILS), ('b', LATE)]).1, Some(Flag::Flaky));
    assert_eq!(stands(&[('a', FAILS), ('b', PASSES), ('c', FAILS)]), (1, Some(Flag::Flaky), false));
}

#[test]
fn what_was_late_says_nothing_once_all_others_had_more_time() {
    assert_eq!(stands(&[('a', LATE), ('b', PASSES)]), (1, None, false));
    assert_eq!(comes(&[('a', LATE), ('b', PASSES)]), Next::Settle);
    assert_eq!(stands(&[('a', LATE), ('b', FAILS)]), (1, Some(Flag::Unconfirmed), false));
    assert_eq!(comes(&[('a', LATE), ('b', FAILS)]), Next::Confirm);
    assert_eq!(stands(&[('a', LATE), ('b', FAILS), ('c', FAILS)]), (1, None, true));
    assert_eq!(comes(&[('a', LATE), ('b', FAILS), ('c', PASSES)]), Next::Elsewhere);
    assert_eq!(stands(&[('a', LATE), ('b', LATE)]), (0, None, true));
    assert_eq!(stands(&[('a', LATE), ('b', LATE), ('c', PASSES)]).1, Some(Flag::Flaky), "the second had as much time");
    assert_eq!(stands(&[('a', FAILS), ('b', LATE), ('c', FAILS)]).1, Some(Flag::Flaky), "the first had no more time");
    assert_eq!(stands(&[('a', LATE), ('b', LACKS)]), (0, Some(Flag::Unconfirmed), false));

    let round = of(&[('a', LATE), ('b', PASSES)]);
    assert_eq!([0, 1].map(|place| doubt_of(&round, run(place))), [Some(Flag::Unconfirmed), None]);
    let round = of(&[('a', FAILS), ('b', PASSES), ('c', BROKEN)]);
    assert_eq!([0, 1, 2].map(|place| doubt_of(&round, run(place))), [Some(Flag::Flaky), Some(Flag::Flaky), None]);
    assert_eq!(doubt_of(&round, run(9)), None);
}

/// Late results of one runner after the other, each with so many minutes for a phase, and without a word of it where that is 0.
fn late_within(minutes: &[u64]) -> Vec<Said> {
    let mut round = of(&[('a', LATE), ('b', LATE), ('c', LATE), ('d', LATE)][..minutes.len()]);
    for (said, minutes) in round.iter_mut().zip(minutes) {
        let phase_ms = minutes * 60_000;
        said.limits = (phase_ms > 0).then(|| LimitFacts { phase_ms, run_ms: 3 * phase_ms, ..NO_LIMITS });
    }
    round
}

const NO_LIMITS: LimitFacts =
    LimitFacts { memory_bytes: 0, cpus: 0, processes: 0, phase_ms: 0, run_ms: 0, silence_ms: 0, log_bytes: 0 };

#[test]
fn what_was_late_is_confirmed_only_by_what_had_more_time() {
    let doubt = |minutes: &[u64]| standing(&late_within(minutes)).unwrap().doubt;
    assert_eq!([doubt(&[15, 30]), doubt(&[15, 0]), doubt(&[0, 15])], [None; 3]);
    assert_eq!([doubt(&[15, 15]), doubt(&[30, 15])], [Some(Flag::Unconfirmed); 2], "it had no more time");
    assert_eq!(doubt(&[15, 15, 30]), None, "another one had");
    let next = |minutes: &[u64]| next(&late_within(minutes), RETRIES);
    assert_eq!(next(&[15]), Next::Confirm);
    assert_eq!([next(&[15, 15]), next(&[15, 15, 15])], [Next::Elsewhere; 2], "whoever had it gives no more");
    assert_eq!([next(&[15, 15, 15, 15]), next(&[15, 30])], [Next::Settle; 2], "nobody does");
}

#[test]
fn silence_is_measured_by_the_time_without_a_word() {
    let mut round = of(&[('a', LATE), ('b', (Phase::Installcheck, Reason::Silent))]);
    for (said, silence_ms) in round.iter_mut().zip([300_000, 300_000]) {
        said.limits = Some(LimitFacts { silence_ms, ..NO_LIMITS });
    }
    assert_eq!(standing(&round).unwrap().doubt, Some(Flag::Unconfirmed));
    round[1].limits = Some(LimitFacts { silence_ms: 600_000, ..NO_LIMITS });
    assert_eq!(standing(&round).unwrap().doubt, None);
}

#[test]
fn a_third_run_follows_where_two_runners_disagree_and_no_fourth() {
    assert_eq!(comes(&[('a', FAILS), ('b', PASSES)]), Next::Elsewhere);
    assert_eq!(comes(&[('a', FAILS), ('a', PASSES)]), Next::Settle);
    assert_eq!(comes(&[('a', FAILS), ('b', PASSES), ('c', PASSES)]), Next::Settle);
    assert_eq!(comes(&[('a', FAILS), ('b', PASSES), ('c', BROKEN)]), Next::Retry(1));
}

#[test]
fn what_neither_agrees_nor_disagrees_is_tried_twice_more() {
    let mut said = vec![('a', FAILS)];
    for expected in [Next::Confirm, Next::Confirm, Next::Settle] {
        said.push(('b', LACKS));
        assert_eq!(comes(&said), expected);
        assert_eq!(stands(&said), (0, Some(Flag::Unconfirmed), false));
    }
    said.push(('c', FAILS));
    assert_eq!(stands(&said), (0, None, true));
}

#[test]
fn the_farm_s_own_failure_is_tried_again_so_often_and_changes_no_verdict() {
    let mut said = Vec::new();
    for expected in [Next::Retry(1), Next::Retry(2), Next::Retry(3), Next::Settle] {
        said.push(('a', BROKEN));
        assert_eq!(comes(&said), expected);
    }
    assert_eq!(stands(&said), (3, None, false));
    assert_eq!(stands(&[('a', FAILS), ('b', BROKEN)]), (0, Some(Flag::Unconfirmed), false));
    assert_eq!(stands(&[('a', LACKS), ('b', BROKEN)]), (0, None, false));
    assert_eq!(comes(&[('a', (Phase::Build, Reason::RunnerLost))]), Next::Settle);
}

#[test]
fn only_what_is_in_doubt_has_the_flag() {
    assert_eq!(doubt(Reason::TestsFailed, Some(Flag::Unconfirmed)), Some(Flag::Unconfirmed));
    assert_eq!(doubt(Reason::MissingHeader, Some(Flag::Unconfirmed)), None);
    assert_eq!(doubt(Reason::TestsPassed, Some(Flag::Flaky)), Some(Flag::Flaky));
    assert_eq!(doubt(Reason::EngineFailed, Some(Flag::Flaky)), None);
    assert_eq!(doubt(Reason::TestsFailed, None), None);
}

#[test]
fn another_runner_is_preferred_and_best_one_without_a_part_in_it() {
    let [a, b, c] = ['a', 'b', 'c'].map(runner);
    let said = of(&[('a', FAILS)]);
    assert_eq!(avoided(&said, &[a, b]), [a]);
    assert_eq!(avoided(&said, &[a]), []);
    assert_eq!(avoided(&said, &[]), []);
    let said = of(&[('a', FAILS), ('b', BROKEN)]);
    assert_eq!(avoided(&said, &[a, b, c]), [a, b]);
    assert_eq!(avoided(&said, &[a, b]), [a]);
    assert_eq!(avoided(&of(&[('b', BROKEN)]), &[b]), []);
}

#[test]
fn two_runners_that_disagree_tell_nothing_and_a_third_tells_who_was_wrong() {
    let told = |said: &[(char, (Phase, Reason))]| -> Vec<(RunnerId, bool)> {
        opinions(&of(said)).iter().map(|opinion| (opinion.runner_id, opinion.odd)).collect()
    };
    let [a, b, c] = ['a', 'b', 'c'].map(runner);
    assert_eq!(told(&[('a', FAILS)]), []);
    assert_eq!(told(&[('a', FAILS), ('b', PASSES)]), []);
    assert_eq!(told(&[('a', FAILS), ('b', FAILS)]), [(a, false), (b, false)]);
    assert_eq!(told(&[('a', FAILS), ('a', FAILS)]), []);
    assert_eq!(told(&[('a', FAILS), ('b', PASSES), ('c', PASSES)]), [(b, false), (c, false), (a, true)]);
    assert_eq!(told(&[('a', FAILS), ('b', PASSES), ('c', FAILS)]), [(a, false), (c, false), (b, true)]);
    assert_eq!(told(&[('a', FAILS), ('b', PASSES), ('c', LATE)]), []);
    assert_eq!(told(&[('a', LATE), ('b', PASSES), ('c', PASSES)]), [(b, false), (c, false)], "they had more time");
    assert_eq!(told(&[('a', PASSES), ('b', LATE), ('c', PASSES)]), [(a, false), (c, false), (b, true)]);
    assert_eq!(
        told(&[('a', FAILS), ('b', PASSES), ('a', PASSES)]),
        [],
        "of a runner that contradicts itself nothing is learnt"
    );
    assert_eq!(told(&[('a', FAILS), ('b', FAILS), ('c', BROKEN)]), []);
}

#[test]
fn a_runner_is_odd_that_is_alone_three_times_and_with_more_than_a_third_of_the_latest_twenty() {
    let odd = |pattern: &str| is_odd(pattern.chars().enumerate().map(|(owner, c)| (owner, c == 'x'))).is_some();
    assert!(!odd("xx") && odd("xxx"));
    assert!(odd("xxx.....") && !odd("xxx......"));
    assert!(!odd("xxxxxx..............") && odd("xxxxxxx............."));
    assert!(!odd("....................xxxxxxxx"), "what is long ago does not count");
}

#[test]
fn an_owner_speaks_once_however_often_what_they_released_is_run() {
    assert_eq!(is_odd((0..30).map(|_| ("flaky", true))), None);
    let three = ["a", "b", "a", "c", "b"].map(|owner| (owner, true));
    assert_eq!(is_odd(three.into_iter()), Some((3, 3)));
    let mended = [("a", false), ("a", true), ("b", true), ("c", true)];
    assert_eq!(is_odd(mended.into_iter()), None);
}

#[test]
fn nothing_stands_in_an_empty_round() {
    assert_eq!(standing(&[]), None);
    assert_eq!(next(&[], RETRIES), Next::Settle);
    assert_eq!(opinions(&[]), []);
    let bare = Said { run_id: RunId::new(Timestamp::from_millis(0)), runner_id: None, ..of(&[('a', PASSES)])[0] };
    assert_eq!((next(&[bare], RETRIES), opinions(&[bare])), (Next::Settle, Vec::new()));
}

/// A round in which the runners that are named in capitals emulate.
fn emulated(said: &[(char, (Phase, Reason))]) -> Vec<Said> {
    let mut round = of(said);
    for (one, (name, _)) in round.iter_mut().zip(said) {
        one.emulated = name.is_uppercase();
    }
    round
}

#[test]
fn what_fails_on_emulators_alone_stays_unconfirmed_until_a_machine_has_it() {
    let doubt = |said: &[(char, (Phase, Reason))]| standing(&emulated(said)).unwrap().doubt;
    let comes = |said: &[(char, (Phase, Reason))]| next(&emulated(said), RETRIES);
    for round in [&[('A', FAILS)][..], &[('A', FAILS), ('B', FAILS)], &[('A', FAILS), ('A', FAILS), ('B', FAILS)]] {
        assert_eq!((doubt(round), comes(round)), (Some(Flag::Unconfirmed), Next::Natively), "{round:?}");
        assert!(awaits_a_machine(&emulated(round)));
        assert_eq!(standing(&emulated(round)).unwrap().confirmed_by, None);
    }
    for round in [[('A', FAILS), ('b', FAILS)], [('b', FAILS), ('A', FAILS)]] {
        assert_eq!((doubt(&round), comes(&round)), (None, Next::Settle), "one of them was a machine");
        assert!(!awaits_a_machine(&emulated(&round)));
    }
    assert_eq!((doubt(&[('A', PASSES)]), comes(&[('A', PASSES)])), (None, Next::Settle));
    assert_eq!(comes(&[('A', FAILS), ('b', LACKS)]), Next::Confirm, "a machine had a part, and lacked something");
}

#[test]
fn a_machine_that_says_otherwise_than_an_emulator_is_right_and_nobody_is_flaky() {
    let round = emulated(&[('A', FAILS), ('b', PASSES)]);
    let stands = standing(&round).unwrap();
    assert_eq!((stands.run_id, stands.doubt), (run(1), None));
    assert_eq!([0, 1].map(|place| doubt_of(&round, run(place))), [Some(Flag::Unconfirmed), None]);
    assert_eq!(opinions(&round), [], "it says nothing of the runner");
    let round = emulated(&[('A', PASSES), ('b', FAILS)]);
    assert_eq!(standing(&round).unwrap().doubt, Some(Flag::Unconfirmed));
    assert_eq!(next(&round, RETRIES), Next::Confirm);
    let round = emulated(&[('A', PASSES), ('b', FAILS), ('c', FAILS)]);
    assert_eq!((standing(&round).unwrap().run_id, standing(&round).unwrap().doubt), (run(1), None));
    let round = emulated(&[('A', FAILS), ('b', FAILS), ('c', PASSES)]);
    assert_eq!(standing(&round).unwrap().doubt, Some(Flag::Flaky), "two machines disagree");
}
