//! Whether a compiler warned of the distribution's own source.

use std::sync::LazyLock;

use regex::Regex;

use crate::judge::LogFile;
use crate::judge::lines::lines;

/// `file.c:12:3: warning: …`, but not of headers of the system, and not make's own of a Makefile.
static WARNING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?P<file>[^\s:]+):\d+(?::\d+)?: warning: ").expect("the tests compile it"));

/// Whether one did.
pub(crate) fn any(log: &LogFile<'_>) -> bool {
    lines(*log).filter(|line| !line.text.is_empty()).any(|line| {
        let file = WARNING.captures(&line.text).and_then(|captures| captures.name("file"));
        file.is_some_and(|file| is_own(file.as_str()))
    })
}

fn is_own(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_makefile = name.contains("akefile") || name.rsplit_once('.').is_some_and(|(_, ending)| ending == "mk");
    let is_system = ["/usr/", "/opt/"].iter().any(|system| path.starts_with(system));
    !is_makefile && !is_system
}
