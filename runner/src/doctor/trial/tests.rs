use super::*;
use crate::doctor::{Examination, Outcome};
use crate::sandbox::tests::place;

fn engine() -> EngineFacts {
    EngineFacts { cpus: 4, cgroup_v2: true, ..EngineFacts::default() }
}

/// What a trial says where everything holds.
fn held() -> Said {
    let said = [
        ("user", "1000"),
        ("no_new_privs", "1"),
        ("capabilities", ""),
        ("uid_map", "0 0 4294967295"),
        ("root", "read-only"),
        ("interfaces", "lo"),
        ("connects", "no"),
        ("vsock", "no"),
        ("fills:/tmp", "15"),
        ("fills:/dev/shm", "12"),
        ("processes", "46"),
        ("quota", "100000 100000"),
        ("swap", "0"),
        ("memory", "killed"),
        ("seccomp", "2"),
    ];
    said.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn examined(name: &str, value: &str) -> Examination {
    let mut said = held();
    said.insert(name.to_owned(), value.to_owned());
    Examination { checks: checks(&said, &engine(), 0) }
}

#[test]
fn an_engine_that_holds_everything_takes_nothing_away() {
    let checks = checks(&held(), &engine(), 1);
    assert!(checks.iter().all(|check| check.outcome == Outcome::Ok), "{checks:?}");
}

#[test]
fn whatever_is_not_enforced_takes_its_part_of_the_offer() {
    for (name, value) in [
        ("memory", "unlimited"),
        ("processes", "192"),
        ("fills:/tmp", "64"),
        ("fills:/dev/shm", "64"),
        ("interfaces", "lo eth0"),
        ("connects", "yes"),
        ("seccomp", "0"),
        ("vsock", "yes"),
        ("no_new_privs", "0"),
        ("capabilities", "CapBnd=00000000a80425fb"),
        ("user", "0"),
        ("root", "writable"),
    ] {
        let found = examined(name, value);
        assert!(found.has(Effect::Nothing) && !found.is_fit(), "{name} {value}");
        assert!(found.remarks().all(|check| !check.mend.is_empty()), "{name}");
    }
    for quota in ["max 100000", "-1", ""] {
        let found = examined("quota", quota);
        assert!(found.has(Effect::OneAtATime) && !found.has(Effect::Nothing), "{quota}");
    }
}

#[test]
fn swap_that_runs_may_take_is_told_of() {
    for (limit, outcome) in
        [("0", Outcome::Ok), ("100663296", Outcome::Ok), ("max", Outcome::Warning), ("", Outcome::Warning)]
    {
        let mut said = held();
        said.insert("swap".into(), limit.into());
        let worst = checks(&said, &engine(), MIB).into_iter().map(|check| check.outcome).max();
        assert_eq!(worst, Some(outcome), "{limit}");
    }
}

#[tokio::test]
async fn the_engine_of_this_machine_enforces_what_runs_rely_on_which_needs_an_engine() {
    let (place, image) = place().await;
    let said = run(&place, &image.facts.digest).await.unwrap();
    let checks = checks(&said, place.engine.facts(), 0);
    let broken: Vec<_> = checks.iter().filter(|check| check.outcome > Outcome::Ok).collect();
    assert!(broken.is_empty(), "{broken:?} of {said:?}");
    assert_eq!(place.engine.labelled_containers(INSTANCE_LABEL, &place.instance).await.unwrap(), Vec::<String>::new());
}
