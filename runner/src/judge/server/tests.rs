use std::collections::BTreeSet;

use protocol::{Flag, Phase, Reason};

use super::*;
use crate::judge::{CrashSite, Setting, judge};

/// As servers of 13, 17 and 19 logged them.
const LOG_17: &str = "\
2026-11-21 01:04:37.366 UTC [17] LOG:  server process (PID 222) was terminated by signal 11: Segmentation fault
2026-11-21 01:04:37.366 UTC [17] DETAIL:  Failed process was running: select crashy($$null$$)
2026-11-21 01:04:37.366 UTC [17] LOG:  terminating any other active server processes
2026-11-21 01:04:40.745 UTC [339] PANIC:  as asked
2026-11-21 01:04:40.745 UTC [339] STATEMENT:  select crashy($$panic$$)
2026-11-21 01:04:40.745 UTC [17] LOG:  server process (PID 339) was terminated by signal 6: Aborted
2026-11-21 01:04:40.745 UTC [17] DETAIL:  Failed process was running: select
\t  crashy(
\t    $$panic$$)
2026-11-21 01:04:41.134 UTC [17] LOG:  background worker \"crashy worker\" (PID 355) was terminated by signal 11: Segmentation fault
2026-11-21 01:04:41.134 UTC [17] LOG:  terminating any other active server processes
2026-11-21 01:05:00.000 UTC [17] LOG:  server process (PID 400) was terminated by signal 9: Killed
2026-11-21 01:05:00.000 UTC [17] DETAIL:  Failed process was running: select 1
";
const LOG_19: &str = "\
2026-11-21 01:16:25.527 UTC [18] LOG:  client backend (PID 93) was terminated by signal 11: Segmentation fault
2026-11-21 01:16:25.527 UTC [18] DETAIL:  Failed process was running: select crashy($$null$$)
";

fn log(text: &str) -> LogFile<'_> {
    LogFile { name: "server.log", bytes: text.as_bytes() }
}

#[test]
fn every_fault_is_found_with_its_whole_query_and_a_kill_is_none() {
    let found = faults(log(LOG_17));
    let found: Vec<_> = found.iter().map(|it| (it.pid, &*it.process, it.signal, &*it.query, it.line)).collect();
    assert_eq!(
        found,
        [
            (222, "server process", 11, "select crashy($$null$$)", 1),
            (339, "server process", 6, "select crashy( $$panic$$)", 6),
            (355, "background worker \"crashy worker\"", 11, "", 10),
        ]
    );
    assert_eq!(faults(log(LOG_19))[0].process, "client backend");
}

#[test]
fn a_flood_of_faults_is_bounded() {
    assert_eq!(faults(log(&LOG_19.repeat(1_000))).len(), MAX_FAULTS);
    let long = LOG_19.replace("crashy", &"é\u{1b}[31m".repeat(10_000));
    assert!(faults(log(&long))[0].query.chars().count() <= MAX_QUERY_CHARS);
}

fn verdict(server_log: &str, server: Server, sites: Vec<CrashSite>) -> (Option<(Reason, String)>, Vec<Flag>) {
    let shipped = BTreeSet::new();
    let setting = Setting::new(17.try_into().unwrap(), &[], &[], &shipped);
    let said = LogFile { name: "create.log", bytes: b"psql: error: server closed the connection unexpectedly\n" };
    let evidence = Evidence {
        server_log: Some(log(server_log)),
        server,
        sites,
        ..Evidence::ended(&setting, Phase::Create, 2, said)
    };
    let finding = judge(&evidence);
    (finding.verdict.map(|verdict| (verdict.reason, verdict.detail)), finding.flags)
}

#[test]
fn a_verdict_names_the_line_of_the_source_where_a_backtrace_knows_it() {
    let site = CrashSite { pid: 93, signal: 11, place: "follow at crashy.c:15".into(), postmaster: false };
    let detail = |sites: Vec<CrashSite>| verdict(LOG_19, Server::Running, sites).0.unwrap().1;
    assert_eq!(detail(vec![site.clone()]), "signal 11 in follow at crashy.c:15, while it ran: select crashy($$null$$)");
    let logged = "client backend (PID 93) was terminated by signal 11: Segmentation fault, while it ran: select crashy($$null$$)";
    assert_eq!(detail(vec![CrashSite { pid: 94, ..site.clone() }]), logged, "of another process");
    assert_eq!(detail(vec![CrashSite { place: String::new(), ..site }]), logged);
}

#[test]
fn a_postmaster_that_died_of_a_library_is_no_failure_of_the_farm() {
    let ready = "2026-11-21 01:16:25.527 UTC [18] LOG:  database system is shut down\n";
    let site = CrashSite { pid: 18, signal: 11, place: "_PG_init at crashy.c:11".into(), postmaster: true };
    let crashed = (
        Reason::ServerCrashed,
        "signal 11 in _PG_init at crashy.c:11, while the server started or stood by itself".to_owned(),
    );
    assert_eq!(verdict(ready, Server::Gone, vec![site.clone()]), (Some(crashed), vec![Flag::Crash]));
    let (running, flags) = verdict(ready, Server::Running, vec![site]);
    assert!(
        running.is_some_and(|(reason, _)| reason != Reason::ServerCrashed) && flags.is_empty(),
        "it was started again"
    );
    assert_eq!(verdict(ready, Server::Gone, vec![]).0.unwrap().0, Reason::EngineFailed);
}

#[test]
fn a_restart_is_not_taken_for_a_shutdown() {
    let stop = "2026-11-21 01:16:25.527 UTC [18] LOG:  received fast shutdown request\n";
    let ready = "2026-11-21 01:16:26.527 UTC [40] LOG:  database system is ready to accept connections\n";
    let reason = |log: &str| verdict(log, Server::Gone, vec![]).0.unwrap();
    assert_eq!(reason(&format!("{ready}{stop}{ready}")).0, Reason::EngineFailed);
    let down = (Reason::CreateFailed, "something shut the server down".to_owned());
    assert_eq!(reason(&format!("{ready}{stop}")), down);
    assert_eq!(reason(&format!("{stop}{ready}{stop}")), down);
}

#[test]
fn a_server_that_cannot_fork_for_want_of_processes_is_no_failure_of_the_engine() {
    let full = "2026-11-27 00:31:18.489 UTC [56] LOG:  could not fork new process for connection: Resource temporarily unavailable\n";
    assert_eq!(verdict(full, Server::Gone, vec![]).0.unwrap().0, Reason::TooManyProcesses);
    assert_ne!(verdict(full, Server::Running, vec![]).0.map(|(reason, _)| reason), Some(Reason::TooManyProcesses));
}
