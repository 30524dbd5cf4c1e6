//! Whether a compiler warned of the distribution's own source.

use std::sync::LazyLock;

use regex::Regex;

use crate::judge::LogFile;
use crate::judge::lines::lines;

/// `file.c:12:3: warning: …`, but not of headers of the system, and not make's own of a Makefile.
static WARNING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<file>[^/\s:][^\s:]*|/(?:work|src|tmp)/[^\s:]+):\d+(?::\d+)?: warning: ")
        .expect("the tests compile it")
});

/// Whether one did.
pub(crate) fn any(log: &LogFile<'_>) -> bool {
    lines(*log).filter(|line| !line.text.is_empty()).any(|line| {
        let file = WARNING.captures(&line.text).and_then(|captures| captures.name("file"));
        file.is_some_and(|file| !is_makefile(file.as_str()))
    })
}

fn is_makefile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.contains("akefile") || name.rsplit_once('.').is_some_and(|(_, ending)| ending == "mk")
}
