//! What single lines mean, beyond those of the real logs.

use std::collections::BTreeSet;

use protocol::{Flag, Grade, Phase, Reason, Verdict};

use crate::judge::{Evidence, LogFile, Server, Setting, judge};

/// Judges a log of a phase that failed, for a distribution that provides `own` and holds some files.
fn reason(phase: Phase, log: &str) -> (Reason, String) {
    let files: Vec<String> =
        ["Makefile", "own.c", "src/own_parse.y", "compat/own_compat.h", "gen.sh", "own.control", "lib/libmine.a"]
            .map(Into::into)
            .to_vec();
    let (provides, shipped) = (vec!["own".to_owned()], BTreeSet::from(["pltcl".to_owned()]));
    let setting = Setting::new(17.try_into().unwrap(), &files, &provides, &shipped);
    let verdict =
        judge(&Evidence::ended(&setting, phase, 2, LogFile { name: "x.log", bytes: log.as_bytes() })).verdict.unwrap();
    (verdict.reason, verdict.detail)
}

#[track_caller]
fn build(log: &str, expected: Reason) {
    assert_eq!(reason(Phase::Build, log).0, expected, "{log}");
}

#[track_caller]
fn create(log: &str, expected: Reason) {
    assert_eq!(reason(Phase::Create, log).0, expected, "{log}");
}

#[test]
fn headers_of_postgresql_and_of_the_distribution_are_the_authors() {
    build("a.c:1:10: fatal error: access/gone.h: No such file or directory", Reason::CompileError);
    build("a.c:1:10: fatal error: postgres.h: No such file or directory", Reason::CompileError);
    build("a.c:1:10: fatal error: own_compat.h: No such file or directory", Reason::CompileError);
    build("a.c:1:10: fatal error: ../config.h: No such file or directory", Reason::FileNotPackaged);
    build(
        "a.c:1:10: fatal error: own_parse.tab.h: No such file or directory\n 1 | #include \"own_parse.tab.h\"",
        Reason::FileNotPackaged,
    );
    build("a.c:1:10: fatal error: 'own_version.h' file not found\n#include \"own_version.h\"", Reason::FileNotPackaged);
}

#[test]
fn what_many_jobs_at_a_time_had_no_memory_for_does_not_explain_why_one_fails() {
    let killed = "g++: fatal error: Killed signal terminated program cc1plus\nmake: *** [a.o] Error 1\n";
    let again = format!("{killed}pgxn-testers: make failed; once more, one job at a time\n");
    build(&again, Reason::BuildFailed);
    build(&format!("{again}a.c:3:5: error: unknown type name 'x'"), Reason::CompileError);
    build(&format!("{again}{killed}"), Reason::OutOfMemory);
    let network = "fatal: unable to access 'https://x/': Could not resolve host: x\n";
    build(&again.replace(killed, network), Reason::NetworkNeeded);
}

#[test]
fn headers_of_libraries_are_the_farms() {
    build("a.c:1:10: fatal error: 'curl/curl.h' file not found", Reason::MissingHeader);
    build("a.cc:1:10: fatal error: geos_c.h: No such file or directory", Reason::MissingHeader);
    build(
        "/usr/include/postgresql/17/server/libpq/libpq-be.h:32:10: fatal error: gssapi/gssapi.h: No such file or directory",
        Reason::MissingHeader,
    );
}

#[test]
fn errors_in_the_words_of_clang_and_bison_and_rust_are_errors() {
    build("a.c:3:5: error: use of undeclared identifier 'x'", Reason::CompileError);
    build("own.y:12.1-10: error: syntax error, unexpected identifier", Reason::CompileError);
    build("error[E0432]: unresolved import `x`", Reason::CompileError);
    build(
        "foo.c:3:2: error: \"unsupported PostgreSQL version\"\n#error \"unsupported PostgreSQL version\"",
        Reason::PostgresUnsupported,
    );
    build("a.c:3:2: error: #error \"this compiler is not good enough\"", Reason::CompileError);
    build("cc1: all warnings being treated as errors", Reason::BuildFailed);
}

#[test]
fn a_library_of_the_distribution_is_not_the_images_to_have() {
    build("/usr/bin/ld: cannot find -lcurl", Reason::MissingLibrary);
    build("/usr/bin/ld: cannot find -lmine: No such file or directory", Reason::LinkError);
    build("/usr/bin/ld: cannot find src/a.o: No such file or directory", Reason::LinkError);
    build("ld.lld: error: undefined symbol: x", Reason::LinkError);
}

#[test]
fn a_script_of_the_distribution_is_not_the_images_to_have() {
    let confirmed = |line: &str| format!("{line}\nmake: *** [Makefile:3: x] Error 127");
    build(&confirmed("make: pandoc: No such file or directory"), Reason::MissingProgram);
    build(&confirmed("/bin/sh: 1: pandoc: not found"), Reason::MissingProgram);
    build(&confirmed("bash: line 3: pandoc: command not found"), Reason::MissingProgram);
    build(&confirmed("/usr/bin/env: ‘python’: No such file or directory"), Reason::MissingProgram);
    build(&confirmed("make: gen.sh: No such file or directory"), Reason::BuildFailed);
    build(&confirmed("make: ./other.sh: No such file or directory"), Reason::FileNotPackaged);
    build(&confirmed("/bin/sh: 1: ./gen.sh: not found"), Reason::MissingProgram);
    build(&confirmed("make: ./gen.sh: Permission denied"), Reason::BuildFailed);
    build(&confirmed("make: /home/me/bin/tool: No such file or directory"), Reason::BuildFailed);
    build(&confirmed("/bin/sh: 1: [[: not found"), Reason::BuildFailed);
    build(&confirmed("/bin/sh: 1: -o: not found"), Reason::BuildFailed);
    build("ERROR: `flex' is missing on your system. It is needed to create the", Reason::MissingProgram);
}

#[test]
fn a_program_that_is_merely_missed_does_not_excuse_what_fails_later() {
    let log = "make: git: No such file or directory\nown.c:3:5: error: too few arguments to function ‘f’\nmake: *** [own.o] Error 1";
    build(log, Reason::CompileError);
    build("make: xcrun: No such file or directory\nmake: *** [Makefile:9: all] Error 1", Reason::BuildFailed);
    build("No package 'x' found\nown.c:3:5: error: unknown type name ‘a’", Reason::CompileError);
}

#[test]
fn what_make_ignores_is_forgotten() {
    let ignored =
        "a.c:1:10: fatal error: x.h: No such file or directory\nmake: [Makefile:3: optional] Error 1 (ignored)\n";
    build(&format!("{ignored}own.c:3:5: error: y"), Reason::CompileError);
    build(&format!("{ignored}make: *** [Makefile:9: all] Error 1"), Reason::BuildFailed);
}

#[test]
fn configure_tells_a_missing_thing_from_a_fault() {
    let configure = |text: &str| reason(Phase::Configure, &format!("configure: error: {text}")).0;
    assert_eq!(configure("Package requirements (libfoo >= 2) were not met:"), Reason::MissingLibrary);
    assert_eq!(configure("library 'proj' is required"), Reason::MissingLibrary);
    assert_eq!(configure("could not find json.h"), Reason::MissingHeader);
    assert_eq!(configure("no acceptable C compiler found in $PATH"), Reason::MissingProgram);
    assert_eq!(configure("cannot find required auxiliary files: config.guess"), Reason::FileNotPackaged);
    assert_eq!(configure("PostgreSQL 17 is not supported"), Reason::PostgresUnsupported);
    assert_eq!(configure("extension requires PostgreSQL version 9.5 or higher"), Reason::PostgresUnsupported);
    assert_eq!(configure("PostgreSQL development files are required"), Reason::MissingLibrary);
    assert_eq!(configure("unrecognized option: `--x'"), Reason::ConfigureFailed);
}

#[test]
fn cmake_and_modules_name_what_they_miss() {
    build(
        "CMake Error at Find.cmake:233 (message):\n  Could NOT find CURL (missing: CURL_LIBRARY)",
        Reason::MissingLibrary,
    );
    build("-- Could NOT find Doxygen (missing: X)\nown.c:3:5: error: y", Reason::CompileError);
    build("ModuleNotFoundError: No module named 'jinja2'", Reason::MissingLibrary);
    build("Can't locate IPC/Run.pm in @INC (you may need to install the IPC::Run module)", Reason::MissingLibrary);
    build(
        "error: failed to get `serde` as a dependency\n  Could not resolve host: index.crates.io",
        Reason::NetworkNeeded,
    );
}

#[test]
fn writing_outside_of_the_sandbox_is_no_fault_of_the_authors() {
    let install = |log: &str| reason(Phase::Install, log).0;
    assert_eq!(
        install("install: cannot create regular file '/usr/local/bin/x': Read-only file system"),
        Reason::PreparationNeeded
    );
    assert_eq!(
        install("install: cannot create regular file '/usr/share/postgresql/17/x': Permission denied"),
        Reason::Internal
    );
    assert_eq!(install("install: cannot stat 'doc/x.md': No such file or directory"), Reason::FileNotPackaged);
    assert_eq!(
        install("make: *** No rule to make target 'x.sql', needed by 'install'.  Stop."),
        Reason::FileNotPackaged
    );
}

#[test]
fn every_wording_of_preloading_is_understood() {
    for text in [
        "pg_x must be loaded via shared_preload_libraries",
        "x can only be loaded via \"shared_preload_libraries\"",
        "library \"x\" must be preloaded",
        "unrecognized configuration parameter \"own.enabled\"",
        "could not load x\nHINT:  Add x to shared_preload_libraries and restart.",
    ] {
        create(&format!("psql:a.sql:1: ERROR:  {text}"), Reason::PreloadNeeded);
    }
}

#[test]
fn what_the_server_lacks_is_named() {
    create("ERROR:  required extension \"postgis\" is not installed", Reason::PrerequisiteMissing);
    create(
        "ERROR:  could not open extension control file \"/x/own.control\": No such file or directory",
        Reason::ExtensionNotInstalled,
    );
    create(
        "ERROR:  could not open extension control file \"/x/plperl.control\": No such file or directory",
        Reason::MissingLanguage,
    );
    create("ERROR:  language \"plpythonu\" does not exist", Reason::CreateFailed);
    create("ERROR:  language \"pltcl\" does not exist", Reason::PreparationNeeded);
    create("ERROR:  could not access file \"$libdir/plperl\": No such file or directory", Reason::MissingLanguage);
    create("ERROR:  could not access file \"$libdir/own\": No such file or directory", Reason::CreateFailed);
    create(
        "ERROR:  could not load library \"/x/own.so\": libgeos_c.so.1: cannot open shared object file: No such file",
        Reason::MissingLibrary,
    );
    create(
        "ERROR:  out of shared memory\nHINT:  You might need to increase \"max_locks_per_transaction\".",
        Reason::SettingNeeded,
    );
    create("ERROR:  all replication slots are in use", Reason::SettingNeeded);
    create("ERROR:  library \"own_output\" may not be used as an output plugin", Reason::SettingNeeded);
    create("ERROR:  role \"alice\" does not exist", Reason::PreparationNeeded);
    create("ERROR:  could not create locale \"de_DE\": No such file or directory", Reason::MissingLocale);
    create("ERROR:  syntax error at or near \"x\"", Reason::CreateFailed);
}

#[test]
fn only_the_first_error_excuses() {
    create("ERROR:  syntax error at or near \"x\"\nERROR:  role \"alice\" does not exist", Reason::CreateFailed);
}

#[test]
fn an_error_that_was_answered_with_cascade_does_not_count() {
    let log = "ERROR:  required extension \"cube\" is not installed\npgxn-testers: \"cube\" is on this server; once more with CASCADE\n\
               ERROR:  type \"x\" does not exist";
    assert_eq!(reason(Phase::Create, log), (Reason::CreateFailed, "type \"x\" does not exist".into()));
}

#[test]
fn other_servers_are_not_ours() {
    let ours = "ERROR:  connection to server at \"localhost\" (127.0.0.1), port 5432 failed: Connection refused";
    create(ours, Reason::CreateFailed);
    create(
        "ERROR:  could not connect to server \"far\"\nDETAIL:  connection to server at \"10.0.0.1\", port 5432 failed",
        Reason::NetworkNeeded,
    );
    create("ERROR:  Can't connect to MySQL server on '127.0.0.1:3306' (111)", Reason::NetworkNeeded);
    create(
        "ERROR:  connection to server at \"127.0.0.1\", port 6432 failed: Connection refused",
        Reason::NetworkNeeded,
    );
}

#[test]
fn nothing_said_is_the_phases_own_failure() {
    for phase in [Phase::Configure, Phase::Build, Phase::Install, Phase::Create, Phase::Installcheck] {
        assert_eq!(reason(phase, "").0.grade(), Grade::Fail);
    }
}

/// Judges tests that all passed and left the farm's server in some state, with this in its log.
fn after_tests_that_passed(server: Server, server_log: &str) -> Verdict {
    let shipped = BTreeSet::new();
    let setting = Setting::new(17.try_into().unwrap(), &[], &[], &shipped);
    let log = LogFile { name: "installcheck.log", bytes: b"ok 1         - a    3 ms\n1..1\n" };
    let mut evidence = Evidence::ended(&setting, Phase::Installcheck, 0, log);
    evidence.server = server;
    evidence.server_log = Some(LogFile { name: "server.log", bytes: server_log.as_bytes() });
    judge(&evidence).verdict.unwrap()
}

#[test]
fn a_crash_that_no_test_noticed_is_a_flag_unless_the_server_stays_away() {
    let crash = "LOG:  server process (PID 7) was terminated by signal 6: Aborted";
    let noticed = after_tests_that_passed(Server::Running, crash);
    assert_eq!((noticed.reason, noticed.flags), (Reason::TestsPassed, vec![Flag::Crash]));
    assert_eq!(after_tests_that_passed(Server::Gone, crash).reason, Reason::ServerCrashed);
    assert_eq!(after_tests_that_passed(Server::Gone, "").reason, Reason::TestsPassed);
    let worker = "LOG:  background worker \"own\" (PID 7) was terminated by signal 11: Segmentation fault";
    assert_eq!(after_tests_that_passed(Server::Running, worker).flags, [Flag::Crash]);
    let sent = "LOG:  server process (PID 7) was terminated by signal 9: Killed";
    assert_eq!(after_tests_that_passed(Server::Running, sent).flags, []);
}

#[test]
fn the_last_word_of_pg_regress_is_why_it_gave_up_and_a_warning_is_not() {
    let said = |log: &str| reason(Phase::Installcheck, log);
    let broken = |detail: &str| (Reason::TestsBroken, detail.to_owned());
    let warning = "could not set core size: disallowed by hard limit";
    let stop = "make: *** [/usr/lib/pgxs.mk:433: installcheck] Error 2";
    let new = format!(
        "# {warning}\nok 1         - a    3 ms\n# could not open file \"x.sch\" for reading\nBail out!{stop}\n"
    );
    assert_eq!(said(&new), broken("could not open file \"x.sch\" for reading"));
    let old = format!(
        "pg_regress: {warning}\ntest a ... ok\npg_regress: could not open file \"x.sch\" for reading\n{stop}\n"
    );
    assert_eq!(said(&old), broken("could not open file \"x.sch\" for reading"));
    let neither = format!("# {warning}\npg_regress: {warning}\ntest a ... ok\n{stop}\n");
    assert_eq!(said(&neither), broken("[/usr/lib/pgxs.mk:433: installcheck] Error 2"));
}
