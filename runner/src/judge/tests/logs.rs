//! Real logs and the verdicts that they must earn: one test each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use protocol::{Decisive, Flag, Phase, Reason, TestOutcome};
use serde::Deserialize;

use crate::judge::{Evidence, Finding, Limit, LogFile, Server, Setting, judge};

macro_rules! cases {
    ($($case:ident,)+) => {
        const CASES: &[&str] = &[$(stringify!($case)),+];
        $(#[test]
        fn $case() {
            Case::read(stringify!($case)).check();
        })+
    };
}

/// A directory of `logs/`, as its `case.toml` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    phase: Phase,
    exit: i32,
    major: u16,
    #[serde(default)]
    provides: Vec<String>,
    #[serde(default)]
    diffs: Vec<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    limit: Option<String>,
    #[serde(default)]
    tests: Option<[usize; 3]>,
    flags: Vec<Flag>,
    #[serde(default)]
    verdict: Option<Earned>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Earned {
    reason: Reason,
    detail: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<u64>,
}

struct Case {
    directory: PathBuf,
    terms: Terms,
}

fn all() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/judge/logs")
}

impl Case {
    fn read(name: &str) -> Self {
        let directory = all().join(name.replace('_', "-"));
        let terms = std::fs::read_to_string(directory.join("case.toml")).unwrap();
        Self { directory, terms: toml::from_str(&terms).unwrap() }
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.directory.join(name)).unwrap_or_default()
    }

    fn names(&self, path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(self.directory.join(path)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn finding(&self) -> Finding {
        let terms = &self.terms;
        let files = self.names(Path::new("files.txt"));
        let shipped: BTreeSet<String> =
            self.names(&all().join(format!("shipped-{}.txt", terms.major))).into_iter().collect();
        let major = terms.major.try_into().unwrap();
        let setting = Setting::new(major, &files, &terms.provides, &shipped);
        let log_name = format!("{}.log", terms.phase);
        let (log, server) = (self.bytes(&log_name), self.bytes("server.log"));
        let diffs: Vec<Vec<u8>> = terms.diffs.iter().map(|name| self.bytes(name)).collect();
        let mut evidence = Evidence::ended(&setting, terms.phase, terms.exit, LogFile { name: &log_name, bytes: &log });
        evidence.exit = Some(terms.exit).filter(|_| terms.limit.is_none());
        evidence.limit = terms.limit.as_ref().map(|_| Limit::Time);
        evidence.server = match terms.state.as_deref() {
            Some("gone") => Server::Gone,
            Some("not-started") => Server::NotStarted,
            _ => Server::Running,
        };
        evidence.server_log = (!server.is_empty()).then_some(LogFile { name: "server.log", bytes: &server });
        let pairs = terms.diffs.iter().zip(&diffs);
        evidence.diffs = pairs.map(|(name, bytes)| LogFile { name, bytes }).collect();
        judge(&evidence)
    }

    fn check(&self) {
        let (finding, terms) = (self.finding(), &self.terms);
        let verdict = finding.verdict.as_ref();
        let said = verdict.map(|verdict| (verdict.reason, verdict.detail.as_str()));
        let earned = terms.verdict.as_ref().map(|earned| (earned.reason, earned.detail.as_str()));
        assert_eq!(said, earned, "{:?}", verdict.and_then(|verdict| verdict.decisive.as_ref()));
        let decisive = verdict.and_then(|verdict| verdict.decisive.clone());
        if let Some(earned) = &terms.verdict {
            let place = earned.file.clone().zip(earned.line);
            assert_eq!(decisive.as_ref().map(|it| (it.file.clone(), it.line)), place, "{decisive:?}");
        }
        if let Some(Decisive { file, line, text }) = &decisive {
            let bytes = self.bytes(file);
            let there =
                String::from_utf8_lossy(&bytes).lines().nth(usize::try_from(line - 1).unwrap()).unwrap().to_owned();
            assert!(there.replace('\t', " ").starts_with(text.as_str()), "{there:?} is not {text:?}");
        }
        assert_eq!(finding.flags, terms.flags);
        if let Some(tests) = terms.tests {
            let count = |outcome| finding.tests.iter().filter(|test| test.outcome == outcome).count();
            assert_eq!([TestOutcome::Passed, TestOutcome::Failed, TestOutcome::Skipped].map(count), tests);
        }
    }
}

#[test]
fn every_directory_of_logs_is_a_case() {
    let entries = std::fs::read_dir(all()).unwrap().map(|entry| entry.unwrap());
    let directories = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<String> =
        directories.map(|entry| entry.file_name().into_string().unwrap().replace('-', "_")).collect();
    names.sort_unstable();
    assert_eq!(names, CASES);
}

cases! {
    compiles_with_warnings,
    crashes_the_server,
    crashes_the_server_on_15,
    crashes_the_server_on_19,
    creates_after_pglogical_on_13,
    creates_after_roaringbitmap,
    creates_only_when_preloaded,
    creates_only_when_preloaded_on_13,
    creates_what_is_not_installed,
    creates_with_an_undefined_symbol,
    creates_with_plperl,
    does_not_link,
    downloads_by_cmake,
    downloads_by_git,
    fails_and_says_that_all_is_well,
    fails_as_jit_is_off,
    fails_by_a_changed_output,
    fails_by_more_digits_on_13,
    fails_in_a_parallel_group,
    fails_in_a_parallel_group_on_15,
    fails_in_isolation,
    fails_in_isolation_on_15,
    fails_in_perl,
    fails_in_pgtap_by_pg_prove,
    fails_in_pgtap_by_psql,
    fails_in_postgis,
    fills_the_disk,
    hangs,
    has_no_installcheck,
    has_no_tests,
    has_no_tests_pg_partman,
    has_no_tests_plprofiler,
    has_no_tests_q3c,
    holds_no_code_for_17,
    includes_what_13_has_not,
    includes_what_17_has_not,
    installs_no_module,
    installs_one_file_twice,
    installs_what_is_not_packaged,
    is_of_13_hstore,
    is_of_15_amcheck,
    is_of_15_hstore,
    is_of_17_hstore_on_19,
    is_of_18_amcheck,
    is_of_18_hstore,
    is_refused_as_cpp,
    is_refused_by_gcc_14,
    knows_no_pgxs,
    knows_no_pgxs_and_no_mysql,
    lacks_autogen,
    meets_no_server,
    meets_no_server_on_15,
    names_what_is_not_packaged,
    needs_a_newer_cmake,
    needs_bison,
    needs_cmake,
    needs_curl,
    needs_flex,
    needs_flex_of_plproxy,
    needs_geos_config,
    needs_geos_config_in_older_words,
    needs_icu_headers,
    needs_icu_in_the_server,
    needs_kerberos_headers,
    needs_libical,
    needs_libpgcommon,
    needs_lua53,
    needs_more_memory,
    needs_mysql,
    needs_pcre,
    needs_readline,
    needs_zstd,
    passes_amcheck_with_tap,
    passes_asn1oid,
    passes_dirtyread,
    passes_earthdistance_13_on_17,
    passes_earthdistance_17,
    passes_extra_window_functions,
    passes_first_last_agg,
    passes_hstore_17,
    passes_hypopg,
    passes_icu_ext,
    passes_ip4r,
    passes_on_13_earthdistance,
    passes_on_14_prefix,
    passes_on_15_amcheck_with_tap,
    passes_on_15_hstore,
    passes_on_15_hypopg,
    passes_on_15_ip4r,
    passes_on_15_pg_track_settings,
    passes_on_15_plproxy,
    passes_on_15_prefix,
    passes_on_15_three_kinds_of_suites,
    passes_on_15_unit,
    passes_on_18_jsquery,
    passes_pg_hint_plan_with_jit_on,
    passes_pg_track_settings,
    passes_pgtap,
    passes_plproxy,
    passes_pointcloud_after_autogen,
    passes_postgis,
    passes_prefix,
    passes_semver,
    passes_set_user,
    passes_statviz,
    passes_three_kinds_of_suites,
    passes_unit,
    passes_vector,
    refuses_16_and_newer,
    refuses_17_in_its_makefile,
    refuses_19_in_its_makefile,
    sets_no_pgxs,
    shuts_the_server_down,
    starts_300_processes,
    tests_name_what_is_not_packaged,
    tests_name_what_is_not_packaged_on_15,
    tests_need_a_perl_module,
    tests_need_a_tablespace,
    tests_need_a_tablespace_on_15,
    tests_need_a_tablespace_on_a_busy_machine,
    tests_need_a_turkish_locale,
    tests_need_an_extension_in_pgtap,
    tests_need_an_extension_in_postgis,
    tests_need_isolation_regress_on_13,
    tests_need_mysql,
    tests_need_netcat,
    tests_need_pglogical,
    tests_need_pglogical_preloaded,
    tests_need_pgtap,
    tests_need_plperl_on_15,
    tests_need_preload,
    tests_need_roaringbitmap,
    tests_need_roaringbitmap_on_15,
    tests_need_the_network,
    tests_need_the_network_on_18,
    tests_need_wal_level_logical,
    tests_stand_in_a_broken_schedule,
    tests_stand_in_a_broken_schedule_on_15,
}
