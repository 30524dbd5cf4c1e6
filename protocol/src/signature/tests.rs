use proptest::prelude::*;

use super::*;
use crate::phase::Phase;
use crate::report::Decisive;

struct Case {
    dist: &'static str,
    phase: Phase,
    reason: Reason,
    detail: &'static str,
    line: &'static str,
}

const fn case(reason: Reason, detail: &'static str, line: &'static str) -> Case {
    Case { dist: "hstore", phase: Phase::Build, reason, detail, line }
}

impl Case {
    const fn of(self, dist: &'static str) -> Self {
        Self { dist, ..self }
    }

    fn verdict(&self) -> Verdict {
        let decisive =
            (!self.line.is_empty()).then(|| Decisive { file: "build.log".into(), line: 4, text: self.line.into() });
        Verdict { decisive, ..Verdict::new(self.phase, self.reason).with_detail(self.detail) }
    }

    fn symptom_with(&self, crashes: &[Crash]) -> Option<Symptom> {
        let (dist, version) = (self.dist.parse().unwrap(), "1.2.0".parse().unwrap());
        let (verdict, extensions) = (self.verdict(), [self.dist.to_owned()]);
        Failure { verdict: &verdict, crashes, dist: &dist, version: &version, extensions: &extensions }.symptom()
    }

    fn symptom(&self) -> Symptom {
        self.symptom_with(&[]).unwrap()
    }
}

/// Lines as real logs have them, and what is left of them.
const LINES: &[(Case, &str)] = &[
    (
        case(
            Reason::CompileError,
            "",
            "hstore_gin.c:130:59: error: passing argument 1 of ‘VARDATA’ makes pointer from integer without a cast [-Wint-conversion]",
        ),
        "error: passing argument 1 of 'VARDATA' makes pointer from integer without a cast [-Wint-conversion]",
    ),
    (
        case(
            Reason::CompileError,
            "",
            "verify_heapam.c:1627:26: error: ‘ShmemVariableCache’ undeclared (first use in this function)",
        ),
        "error: 'ShmemVariableCache' undeclared (first use in this function)",
    ),
    (
        case(
            Reason::CompileError,
            "",
            "src/pgtap.c:214:18: error: implicit declaration of function ‘heap_open’; did you mean ‘table_open’? [-Wimplicit-function-declaration]",
        ),
        "error: implicit declaration of function 'heap_open' [-Wimplicit-function-declaration]",
    ),
    (
        case(
            Reason::CompileError,
            "",
            "/sandbox/src/x-1.0/src/a.c:7:5: error: too few arguments to function 'index_open'",
        ),
        "error: too few arguments to function 'index_open'",
    ),
    (
        case(
            Reason::CompileError,
            "",
            "pglogical_ticker.c:13:10: fatal error: storage/backendid.h: No such file or directory",
        ),
        "fatal error: backendid.h: No such file or directory",
    ),
    (
        case(
            Reason::CompileError,
            "",
            "cpp.cc:3:50: error: no matching function for call to ‘std::vector<std::__cxx11::basic_string<char> >::push_back(int)’",
        ),
        "error: no matching function for call to 'std::vector<std::__cxx11::basic_string<char> >::push_back(int)'",
    ),
    (
        case(
            Reason::LinkError,
            "",
            "/sandbox/src/staticlib-1.0/staticlib.c:5:(.text+0x1a): undefined reference to `not_anywhere'",
        ),
        "undefined reference to 'not_anywhere'",
    ),
    (
        case(Reason::LinkError, "", "/usr/bin/ld: /tmp/ccA1b2C3.o: in function `main'"),
        "ld: <temporary>: in function 'main'",
    ),
    (
        case(Reason::BuildFailed, "", "Makefile:25: ../../src/Makefile.global: No such file or directory"),
        "Makefile.global: No such file or directory",
    ),
    (
        case(Reason::BuildFailed, "", "make[2]: *** [Makefile:12: all-recursive] Error 1"),
        "make: *** [Makefile:12: all-recursive] Error 1",
    ),
    (
        case(Reason::MissingHeader, "curl/curl.h", "http.c:89:10: fatal error: curl/curl.h: No such file or directory"),
        "curl.h",
    ),
    (case(Reason::MissingProgram, "/usr/bin/flex", "make: /usr/bin/flex: No such file or directory"), "flex"),
    (
        case(Reason::NetworkNeeded, "", "error: downloading 'https://github.com/uber/h3/archive/v4.2.0.tar.gz' failed"),
        "error: downloading 'github.com' failed",
    ),
    (
        case(Reason::FileNotPackaged, "", "install: cannot stat './/hstore--1.0--1.1.sql': No such file or directory"),
        "install: cannot stat '<extension>--<version>.sql': No such file or directory",
    ),
    (
        case(
            Reason::InstallFailed,
            "",
            "install: missing destination file operand after '/usr/lib/postgresql/17/lib/'",
        ),
        "install: missing destination file operand after 'lib/'",
    ),
    (
        case(
            Reason::CreateFailed,
            "",
            "ERROR:  could not load library \"/usr/lib/postgresql/17/lib/hstore.so\": /usr/lib/postgresql/17/lib/hstore.so: undefined symbol: not_anywhere",
        ),
        "ERROR: could not load library \"<extension>.so\": <extension>.so: undefined symbol: not_anywhere",
    ),
    (
        case(
            Reason::CreateFailed,
            "",
            "psql:sql/install.sql:3: ERROR:  extension \"hstore\" has no installation script nor update path for version \"1.2.0\"",
        ),
        "ERROR: extension \"<extension>\" has no installation script nor update path for version \"<version>\"",
    ),
    (
        case(Reason::TestsFailed, "", "+ERROR:  operator does not exist: oid = text"),
        "ERROR: operator does not exist: oid = text",
    ),
    (
        case(Reason::TestsFailed, "", "not ok 3     - coltap                                    131 ms"),
        "not ok - coltap",
    ),
    (case(Reason::TestsFailed, "", "#   Failed test 'two'"), "Failed test 'two'"),
    (
        case(Reason::TestsBroken, "", "2026-11-20 22:45:28.129 UTC [85] LOG:  received fast shutdown request"),
        "LOG: received fast shutdown request",
    ),
    (
        case(
            Reason::ServerCrashed,
            "",
            "2026-11-20 22:42:28.949 UTC [86] LOG:  server process (PID 175) was terminated by signal 11: Segmentation fault",
        ),
        "LOG: server process was terminated by signal 11: Segmentation fault",
    ),
    (
        case(Reason::OutOfMemory, "", "gcc: fatal error: Killed signal terminated program cc1"),
        "gcc: fatal error: Killed signal terminated program cc1",
    ),
    (case(Reason::TimedOut, "installcheck: 600 s", ""), "installcheck: 600 s"),
];

#[test]
fn what_differs_from_place_to_place_is_left_out() {
    for (case, expected) in LINES {
        assert_eq!(case.symptom().text, *expected, "{}", case.line);
    }
}

#[test]
fn the_same_symptom_has_one_signature_in_other_places_distributions_and_majors() {
    use Reason::*;
    let same = [
        [
            case(CompileError, "", "hstore_op.c:1072:58: error: passing argument 1 of ‘PointerGetDatum’ makes pointer from integer without a cast [-Wint-conversion]"),
            case(CompileError, "", "src/y.c:3:1: error: passing argument 1 of 'PointerGetDatum' makes pointer from integer without a cast [-Wint-conversion]").of("ip4r"),
        ],
        [
            case(MissingHeader, "gssapi/gssapi.h", "/usr/include/postgresql/17/server/libpq/libpq-be.h:32:10: fatal error: gssapi/gssapi.h: No such file or directory"),
            case(MissingHeader, "gssapi/gssapi.h", "/usr/include/postgresql/16/server/libpq/libpq-be.h:30:10: fatal error: gssapi/gssapi.h: No such file or directory").of("pg_x"),
        ],
        [
            case(CreateFailed, "", "ERROR:  could not access file \"$libdir/hstore\": No such file or directory"),
            case(CreateFailed, "", "ERROR:  could not access file \"$libdir/hstore\": No such file or directory"),
        ],
        [
            case(CreateFailed, "", "psql:x.sql:1: ERROR:  extension \"hstore\" is not available"),
            case(CreateFailed, "", "ERROR:  extension \"semver\" is not available").of("semver"),
        ],
        [
            case(TestsFailed, "1 of 2", "+ERROR:  function plan(integer) does not exist"),
            case(TestsFailed, "3 of 9", "psql:test/a.sql:5: ERROR:  function plan(integer) does not exist").of("ip4r"),
        ],
    ];
    for [one, other] in same {
        assert_eq!(one.symptom(), other.symptom());
    }
}

#[test]
fn what_says_nothing_elsewhere_is_not_shared_with_another_distribution() {
    let cases = [
        (Reason::TestsFailed, "not ok 1 - base"),
        (Reason::TestsFailed, "-SELECT 1;"),
        (Reason::TestsBroken, ""),
        (Reason::ServerCrashed, "LOG:  server process (PID 175) was terminated by signal 11: Segmentation fault"),
        (Reason::TimedOut, ""),
    ];
    for (reason, line) in cases {
        let (one, other) = (case(reason, "", line).symptom(), case(reason, "", line).of("ip4r").symptom());
        assert_ne!(one.signature, other.signature, "{line}");
        assert_eq!(one, case(reason, "", line).symptom(), "it is stable within its distribution");
    }
}

#[test]
fn phase_and_reason_tell_symptoms_apart() {
    let line = "ERROR:  no";
    let create = Case { phase: Phase::Create, ..case(Reason::CreateFailed, "", line) };
    let check = Case { phase: Phase::Installcheck, ..case(Reason::CreateFailed, "", line) };
    assert_ne!(create.symptom().signature, check.symptom().signature);
    assert_ne!(check.symptom().signature, Case { reason: Reason::TestsFailed, ..check }.symptom().signature);
}

#[test]
fn a_crash_is_recognised_by_where_it_happened() {
    let crash = |frames: &[&str]| Crash {
        phase: Phase::Installcheck,
        process: "client backend".into(),
        signal: 6,
        query: String::new(),
        frames: frames.iter().map(|&frame| frame.to_owned()).collect(),
        file: None,
    };
    let line = "LOG:  server process (PID 175) was terminated by signal 6: Aborted";
    let one = case(Reason::ServerCrashed, "", line);
    let frames = [
        "__pthread_kill_implementation in libc.so.6",
        "raise in libc.so.6",
        "ExceptionalCondition at assert.c:66",
        "heap_getattr at htup.h:1",
    ];
    let found = one.symptom_with(&[crash(&frames)]).unwrap();
    assert_eq!(found.text, "signal 6 in heap_getattr");
    let elsewhere =
        case(Reason::ServerCrashed, "", line).of("ip4r").symptom_with(&[crash(&["heap_getattr at htup.h:9"])]);
    assert_eq!(Some(found), elsewhere);
}

#[test]
fn what_is_no_failure_has_no_symptom() {
    for reason in Reason::ALL {
        let has = case(*reason, "", "a line").symptom_with(&[]).is_some();
        assert_eq!(has, matches!(reason.grade(), Grade::Fail | Grade::Env | Grade::Blocked), "{reason}");
    }
}

#[test]
fn a_name_of_a_distribution_takes_nothing_but_itself_out() {
    for dist in ["function", "error", "a.*", "(", "a|b", "extension", "sql"] {
        let line = "a.c:1:2: error: too few arguments to function 'index_open'";
        let found = case(Reason::CompileError, "", line).of(dist).symptom();
        assert_eq!(found.text, "error: too few arguments to function 'index_open'", "{dist}");
    }
}

#[test]
fn a_signature_reads_back_and_nothing_else_does() {
    let signature = case(Reason::OutOfSpace, "", "no space").symptom().signature;
    assert_eq!(signature.as_str().parse(), Ok(signature.clone()));
    assert_eq!(serde_json::to_value(&signature).unwrap(), signature.as_str());
    for text in ["", "0123", "0123456789ABCDEF", "../../../etc/pas", "0123456789abcdef0"] {
        assert!(text.parse::<Signature>().is_err(), "{text}");
    }
}

fn own() -> normalise::Own {
    normalise::Own::new(&"pg_x".parse().unwrap(), &"1.2.0".parse().unwrap(), &["pg_x".into(), "other".into()])
}

/// Lines made of pieces that the rules look for.
fn lines() -> impl Strategy<Value = String> {
    let pieces = [
        "a.c:1:2: ",
        "psql:",
        "x.sql:3:",
        "../",
        "src/",
        "/tmp/ccAb12Cd.o",
        "‘pg_x’",
        "'other'",
        "extension pg_x ",
        "--1.0--1.2.sql",
        "pg_x",
        ".so",
        "0x1f",
        "[12]",
        "(PID 12)",
        "pid 4",
        "line 5",
        "not ok 3 - ",
        "ok 1",
        " 12 ms",
        "; did you mean 'x'?",
        "https://a.b/c",
        "1.2.0",
        "\"",
        "'",
        " ",
        "2026-11-20 22:45:28.129 UTC",
        "+",
        "-",
        "#",
        "(.text+0x1)",
        ":",
        "1",
        "<extension>",
        "<version>",
        "error",
        "é",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_that_a_pattern_matches_is_passed_over(line in prop_oneof![lines(), ".{0,120}", "[\"'(]?(PG_X|Other|other.SQL|1\\.2\\.0|pg_x--1\\.0\\.sql|\u{17f}ql)[\"'.,;]?(so|sql)?"]) {
        prop_assert!(!own().overlooks(&line), "{line:?}");
    }

    #[test]
    fn to_normalise_twice_changes_nothing_more(line in prop_oneof![lines(), ".{0,120}"]) {
        let once = own().normalise(&line);
        prop_assert_eq!(own().normalise(&once), once);
    }
}
