//! Over a made-up machine, whose processors do what a test says, and a clock that it drives.

use std::fs;

use super::*;

struct Machine {
    root: tempfile::TempDir,
    idleness: Idleness,
    ticks: (u64, u64),
    now: Timestamp,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc")).unwrap();
        let rules = IdleRules { root: root.path().to_owned(), ..IdleRules::default() };
        Self { root, idleness: Idleness::new(rules), ticks: (0, 0), now: Timestamp::from_millis(1_795_212_000_000) }
    }

    /// Lets so many seconds pass, in each of which so much of the processors is used; what is said at the end.
    fn pass(&mut self, seconds: u64, percent: u64, ours: bool) -> Option<String> {
        let mut said = None;
        for _ in 0..seconds {
            self.ticks = (self.ticks.0 + percent, self.ticks.1 + 100 - percent);
            let text = format!("cpu  {} 0 0 {} 0 0 0 0 0 0\n", self.ticks.0, self.ticks.1);
            fs::write(self.root.path().join("proc/stat"), text).unwrap();
            self.now = self.now.plus(Duration::from_secs(1));
            said = self.idleness.look(ours, self.now);
        }
        said
    }
}

#[test]
fn a_machine_is_idle_once_it_was_looked_at_and_busy_at_the_first_busy_stretch() {
    let mut machine = Machine::new();
    assert_eq!(machine.pass(5, 2, false).as_deref(), Some("its processors are being looked at"));
    assert_eq!(machine.pass(5, 2, false), None);
    assert_eq!(machine.pass(6, 90, false).as_deref(), Some("others use 90 % of its processors"));
    assert_eq!(machine.pass(30, 2, false).as_deref(), Some("others have just used its processors"), "not at once");
    assert!(machine.pass(6, 60, false).is_some(), "and its quiet time begins anew");
    assert!(machine.pass(55, 2, false).is_some());
    assert_eq!(machine.pass(20, 2, false), None);
}

#[test]
fn what_the_runner_does_itself_does_not_stop_it() {
    let mut machine = Machine::new();
    machine.pass(6, 2, false);
    for _ in 0..5 {
        assert_eq!(machine.pass(100, 100, true), None, "a run of ours uses everything");
        assert_eq!(machine.pass(3, 2, false), None, "and so shortly after it nothing is known yet");
    }
    assert_eq!(machine.pass(6, 2, false), None);
}

#[test]
fn a_runner_that_never_rests_lets_its_runs_end_to_look_again() {
    let mut machine = Machine::new();
    machine.pass(6, 2, false);
    assert_eq!(machine.pass(590, 100, true), None);
    let said = machine.pass(20, 100, true);
    assert_eq!(said.as_deref(), Some("whether it is still idle can be seen once what runs has ended"));
    assert_eq!(machine.pass(6, 2, false), None, "it is");
}

#[test]
fn battery_and_terminals_are_looked_at_while_something_runs_too() {
    let mut machine = Machine::new();
    machine.pass(6, 2, false);
    let battery = machine.root.path().join("sys/class/power_supply/BAT0");
    fs::create_dir_all(&battery).unwrap();
    fs::write(battery.join("type"), "Battery\n").unwrap();
    fs::write(battery.join("status"), "Discharging\n").unwrap();
    assert_eq!(machine.pass(1, 100, true).as_deref(), Some("it runs on its battery"));
    fs::write(battery.join("status"), "Charging\n").unwrap();
    assert_eq!(machine.pass(1, 100, true), None);
}

#[test]
fn this_machine_can_be_looked_at() {
    let rules = IdleRules { load: 1.0, input: Duration::ZERO, battery: Some(0), ..IdleRules::default() };
    let mut idleness = Idleness::new(rules);
    let now = Timestamp::from_millis(0);
    assert!(idleness.look(false, now).is_some());
    assert_eq!(idleness.look(false, now.plus(STRETCH)), None);
}
