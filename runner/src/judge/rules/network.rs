//! Builds that download, and tests that talk to other hosts: runs have no network.

use protocol::Reason;
use regex::Captures;

use crate::judge::table::{Context, Rule, all, cause, hint, it, said};

/// The network, as what misses it says so.
pub(crate) const RULES: &[Rule] = &[
    // h3 4.2.3: CMake's FetchContent.
    cause(r"downloading '(?P<it>[^']+)' failed", host),
    cause(r"Failed to clone repository: '(?P<it>[^']+)'", host),
    // git, curl, wget, pip, npm, cargo, go.
    cause(r"unable to access '(?P<it>[^']+)'", host),
    cause(r"(?i)could not resolve host(?:name)?:? ['‘]?(?P<it>[^\s'’:]+)", host),
    cause(r"(?i)couldn't resolve host(?: name)?(?:.*\((?:Could not resolve host: )?(?P<it>[^)]+)\))?", host),
    cause(r"unable to resolve host address ['‘](?P<it>[^'’]+)", host),
    cause(r"unable to look up (?P<it>\S+)", host),
    cause(r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<it>\S+)", host),
    cause(r"dial tcp: lookup (?P<it>[^\s:]+)", host),
    cause(r"Failed to establish a new connection", host),
    // libpq, and PostgreSQL's own words for a host of a foreign server.
    cause(r#"could not translate host name "(?P<it>[^"]+)""#, host),
    cause(r"(?i)temporary failure in name resolution|name or service not known|network is unreachable", host),
    cause(r"(?i)failure when receiving data from the peer|could not resolve proxy", host),
    // mysql_fdw 2.1.2 and others of its kind: the client library of a server that the farm does not run.
    hint(
        r"(?i)(?P<it>(?:can't|cannot|can not|could not|failed to|unable to) connect to (?:local |the |remote )?(?:mysql|mariadb|mongo\w*|redis|memcached?|oracle|sqlserver|kafka|rabbitmq|clickhouse|elasticsearch)[^,;(]*)",
        server,
    ),
];

fn host(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    let named = it(captures);
    Some((Reason::NetworkNeeded, if named.is_empty() { all(captures) } else { named }.to_owned()))
}

fn server(captures: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::NetworkNeeded, said(captures).to_owned()))
}
