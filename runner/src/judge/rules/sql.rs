//! What the server says of a statement, as psql prints it: `ERROR:`, with `DETAIL:` and `HINT:` in lines of their own after it.
//!
//! A pattern is matched against the whole message, its lines joined by newlines.

use crate::judge::rules::sql_meanings::{
    control_file, extension, language, locale, module, output_plugin, parameter, pgtap, preload, prepare, program,
    required, role, server, setting, shared_library, unloadable, unready,
};
use crate::judge::table::{Rule, cause};

/// Statements that fail for want of something.
pub(crate) const RULES: &[Rule] = &[
    // pg_stat_statements, pglogical, timescaledb, pg_cron, citus …: each has words of its own around the setting's name.
    cause(r"(?i)\b(?:shared|session|local)_preload_libraries\b", preload),
    cause(r"(?i)\bmust be preloaded|\bhas to be preloaded|\bneeds to be preloaded|\bnot preloaded", preload),
    // pgfaceting 0.2.0: roaringbitmap. Before 15 without `is not available`.
    cause(r#"extension "(?P<it>[^"]+)" is not available"#, extension),
    cause(r#"required extension "(?P<it>[^"]+)" is not installed"#, required),
    cause(r#"extension "(?P<it>[^"]+)" (?:does not exist|is required)"#, extension),
    // pgTAP tests in a database without it.
    cause(r"function (?P<it>plan\(integer\)|no_plan\(\)) does not exist", pgtap),
    cause(r#"could not open extension control file "(?P<it>[^"]+)""#, control_file),
    cause(r#"language "(?P<it>[^"]+)" does not exist"#, language),
    cause(r#"could not access file "(?P<it>[^"]+)": No such file"#, module),
    // A library of another package that a module is linked with.
    cause(r"could not load library .*: (?P<it>lib[^\s:]+): cannot open shared object file", shared_library),
    cause(r#"(?P<it>could not load library ".*(?:undefined symbol|symbol not found).*)"#, unloadable),
    cause(r"(?P<it>incompatible library .*)", unloadable),
    cause(r#"(?P<it>could not load library ".*)"#, unloadable),
    // Locales and collations.
    cause(r#"collation "(?P<it>[^"]+)" (?:for encoding "[^"]+" )?does not exist"#, locale),
    cause(r#"could not create locale "(?P<it>[^"]+)""#, locale),
    cause(r#"invalid (?:locale name|LC_\w+ locale name):? "(?P<it>[^"]+)""#, locale),
    cause(r"(?P<it>ICU) is not supported in this build", locale),
    // Settings; pgl_ddl_deploy: wal_level.
    cause(r#"(?i)requires "?(?P<it>wal_level)"? >="#, setting),
    cause(r#"(?i)"?(?P<it>wal_level)"? (?:is )?(?:insufficient|must be)"#, setting),
    cause(
        r#"HINT: .*(?:increase|Increase|Set|Change|set|enable) (?:the )?(?:value of )?(?:configuration parameter )?"?(?P<it>(?:max_\w+|wal_level|track_commit_timestamp|track_io_timing|archive_mode|hot_standby\w*))"?"#,
        setting,
    ),
    cause(r"(?P<it>prepared transactions) are disabled|all (?P<slots>replication slots) are in use", setting),
    cause(r"could not get commit timestamp data", setting),
    // Since 15.20, 16.15, 17.12 and 18.6; pglogical 2.4.5.
    cause(r#"library "(?P<it>[^"]+)" may not be used as an output plugin"#, output_plugin),
    cause(r"could not register background (?:worker|process)|too many background workers", setting),
    cause(r#"unrecognized configuration parameter "(?P<it>[^"]+)""#, parameter),
    // pg_repack 1.5.3: `the tablespace "testts" doesn't exist`, by its own program.
    cause(r#"(?P<it>tablespace "[^"]+") (?:does not|doesn't) exist"#, prepare),
    cause(r#"(?P<it>directory "/[^"]+") does not exist"#, prepare),
    cause(
        r#"could not (?:open|create|write|access)[^"\n]* "(?P<it>/[^"]+)"[^:\n]*: (?:Permission denied|Read-only file system)"#,
        prepare,
    ),
    cause(r#"(?P<it>role "[^"]+") does not exist"#, role),
    cause(r#"program "[^"]*" failed\nDETAIL: .*command not found"#, program),
    cause(r"^(?:\S*/)?(?:ba|da)?sh(?:: line)?(?:: \d+)?: (?P<it>[^\s:]+): (?:command )?not found", program),
    // Servers that are not ours: FDWs, dblink, HTTP.
    cause(r"(?i)connection to server (?:at|on) .*failed", server),
    cause(
        r"(?i)could not connect to (?:the )?(?:server|host)|connection refused|could not establish connection",
        server,
    ),
    // pg_track_settings 2.1.2: the server counts for nothing before it has run for some seconds.
    cause(r"(?i)the database system is (?:starting up|not yet accepting connections)", unready),
];
