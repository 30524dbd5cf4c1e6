//! Memory, space and processes that ran out, as the programs say that met it.

use protocol::Reason;
use regex::Captures;

use crate::judge::table::{Context, Rule, cause, hint};

/// What ran out.
pub(crate) const RULES: &[Rule] = &[
    // gcc's driver when the kernel killed its compiler, and the compiler's own words.
    cause(r"fatal error: Killed signal terminated program|internal compiler error: Killed", memory),
    cause(r"virtual memory exhausted|^cc1(?:plus)?: out of memory|LLVM ERROR: out of memory", memory),
    // g++ in a container of 256 MB on PostGIS: a command of make's that got SIGKILL.
    cause(r"^g?make(?:\[\d+\])?: \*\*\* \[.*\] Killed$", memory),
    hint(r"Cannot allocate memory|std::bad_alloc", memory),
    // A parallel query whose segments do not fit into the container's /dev/shm.
    cause(r"could not resize shared memory segment .*No space left on device", shared_memory),
    cause(r"No space left on device|Disk quota exceeded", space),
    // bash tries again for a while, dash and make do not.
    hint(r"fork: retry: Resource temporarily unavailable", processes),
    cause(r"(?:fork|posix_spawn|pthread_create|clone)[^:]*: Resource temporarily unavailable|Cannot fork$", processes),
    cause(r"could not fork .*: Resource temporarily unavailable", processes),
];

fn memory(_: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::OutOfMemory, String::new()))
}

fn shared_memory(_: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::SettingNeeded, "more shared memory in /dev/shm".into()))
}

fn space(_: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::OutOfSpace, String::new()))
}

fn processes(_: &Captures<'_>, _: &Context<'_>) -> Option<(Reason, String)> {
    Some((Reason::TooManyProcesses, String::new()))
}
