use super::*;
use crate::run::lanes::fact::read;

fn told(phase: Phase, text: &str) -> Told {
    tell(phase, &read(text))
}

#[test]
fn what_several_updates_have_in_common_is_said_once() {
    let told = told(
        Phase::Upgrade,
        "tried\tq\t\t1.1\t2.0\t2.0\nupdated\tq\t\t1.1\t2.0\t2.0\n\t-\tfunction\tf()\tthere\ttrue\n\
         tried\tq\t\t1.0\t1.1\t2.0\nupdated\tq\t\t1.0\t1.1\t2.0\n\t-\tfunction\tf()\tthere\ttrue\n",
    );
    assert_eq!(
        told.warnings,
        ["After an update of q from 1.1, 1.0 by 1.1, compared with a fresh 2.0: function f() is missing"]
    );
    assert_eq!(
        told.shown,
        "CREATE EXTENSION \"q\" VERSION '1.1'; ALTER EXTENSION \"q\" UPDATE TO '2.0'; \
         CREATE EXTENSION \"q\" VERSION '1.0'; ALTER EXTENSION \"q\" UPDATE TO '1.1'"
    );
}

#[test]
fn what_the_farm_could_not_find_out_is_no_warning() {
    let told = told(
        Phase::Upgrade,
        "not-updated\tq\tERROR:  canceling statement due to statement timeout\t1\t2\t2\nleft-out\t\t7\nunread\tq\tno\n",
    );
    assert_eq!((told.warnings.len(), told.notes.len()), (0, 3), "{told:?}");
}

#[test]
fn a_crash_is_called_one() {
    let told = told(Phase::Reload, "tried\tq\nnot-restored\tq\tserver closed the connection unexpectedly\n");
    assert!(told.crashed);
    assert_eq!(told.warnings, ["The dump of a database with q cannot be restored: the server crashed"]);
}

#[test]
fn what_is_left_of_a_table_is_the_table() {
    let told = told(
        Phase::Uninstall,
        "tried\tq\nobjects-left\tq\n\ttable\ts.t\n\ttable column\ts.t.a\n\ttable constraint\tc on s.t\n\ttype\ts.x\n",
    );
    assert_eq!(told.warnings, ["`DROP EXTENSION q` leaves behind: table s.t, type s.x"]);
}

#[test]
fn files_that_pgxs_cannot_find_are_not_the_distributions_fault() {
    let removals = "removals\n\t/doc/doc/w.md\n\t/lib/src/w.so\n\t/bin/bin/common/*.py\n\t/ext/w.sql\n";
    let left = |files: &str| told(Phase::Uninstall, &format!("{removals}files-left\t\t4\n{files}"));
    assert_eq!(left("\t/doc/w.md\n\t/lib/w.so\n\t/bin/w.py\n").warnings, Vec::<String>::new());
    assert_eq!(left("\t/doc/w.md\n\t/doc/w.txt\n").warnings, ["`make uninstall` leaves behind: /doc/w.txt"]);
}

#[test]
fn nothing_done_is_nothing_shown() {
    assert_eq!(told(Phase::Upgrade, ""), Told::default());
}

#[test]
fn whatever_is_told_is_put_in_words_in_good_time() {
    let lines: Vec<String> = (0..200).map(|at| format!("\t-\tfunction\tf{at}()\tbody\tx\n")).collect();
    let facts: Vec<String> = (0..2_000).map(|at| format!("updated\tq{at}\t\t1\t2\t2\n{}", lines.concat())).collect();
    let began = std::time::Instant::now();
    assert_eq!(told(Phase::Upgrade, &facts.concat()).warnings.len(), MAX_WARNINGS);
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn nothing_that_is_told_can_hide_or_turn_what_stands_around_it() {
    let told = told(
        Phase::Uninstall,
        "tried\tq\u{202e}\nobjects-left\tq\u{202e}\n\ttable\ts.\u{200b}t\u{1b}[31m\nfiles-left\t\t1\n\t/doc/w\u{202e}.md\n",
    );
    let is_plain = |text: &String| text.chars().all(|c| c.is_ascii() && !c.is_control());
    assert_eq!(told.warnings.len(), 2);
    assert!(told.warnings.iter().chain([&told.shown]).all(is_plain), "{told:?}");
}
