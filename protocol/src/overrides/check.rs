//! What an entry of the overrides may say: bounds and grammars, so that whatever passes can stand in a Makefile's command line, a server's
//! configuration and a list of packages as it is.

use crate::overrides::{Download, Override};

/// A file has at most this many entries.
pub(super) const MAX_ENTRIES: usize = 2_000;
/// A list or table of an entry has at most this many items.
const MAX_ITEMS: usize = 64;
/// A text has at most this many bytes.
const MAX_TEXT: usize = 1_000;

/// What is wrong with an entry.
pub(super) fn entry(entry: &Override) -> Result<(), String> {
    sizes(entry)?;
    if !is_sentence(&entry.why) {
        return Err("`why` is not a sentence: a capital letter first, a full stop last, one line".into());
    }
    if *entry == (Override { why: entry.why.clone(), ..bare(entry) }) {
        return Err("it asks for nothing".into());
    }
    for package in entry.packages.iter().flat_map(|alternatives| alternatives.split('|').map(str::trim)) {
        refuse_unless(is_package(package), package, "the name of a Debian package")?;
    }
    for library in &entry.preload {
        refuse_unless(is_word(library, "_-.") && !library.starts_with('.'), library, "the name of a library")?;
    }
    for (name, value) in &entry.settings {
        refuse_unless(is_setting(name), name, "the name of a server setting")?;
        refuse_unless(name != "shared_preload_libraries", name, "for `settings`: libraries belong into `preload`")?;
        refuse_unless(is_line(value), value, "a value of one line")?;
    }
    for (name, value) in entry.make.iter().chain(&entry.environment) {
        refuse_unless(is_variable(name), name, "the name of a variable")?;
        refuse_unless(is_line(value), value, "a value of one line")?;
    }
    for Download { url, sha256 } in &entry.downloads {
        refuse_unless(is_address(url), url, "the address of a file")?;
        refuse_unless(is_sha256(sha256), sha256, "a SHA-256 in hexadecimal")?;
    }
    if let Some(what) = &entry.stand_in {
        refuse_unless(is_line(what) && !what.trim().is_empty(), what, "what the farm has a stand-in for")?;
    }
    for line in entry.prepare.iter().chain(&entry.before_build) {
        refuse_unless(is_line(line) && !line.trim().is_empty(), line, "a line of shell")?;
    }
    let limits = entry.limits;
    let within = |limit: Option<u64>, most: u64| limit.is_none_or(|limit| (1..=most).contains(&limit));
    if !within(limits.memory_mib, 1_048_576) || !within(limits.phase_s, 86_400) || !within(limits.silence_s, 86_400) {
        return Err("a limit is zero, longer than a day, or more than a TiB".into());
    }
    Ok(())
}

/// An entry about the same releases that asks for nothing.
fn bare(entry: &Override) -> Override {
    let (versions, postgresql) = (entry.versions.clone(), entry.postgresql.clone());
    Override { versions, postgresql, ..Override::of(entry.dist.clone(), "") }
}

fn sizes(entry: &Override) -> Result<(), String> {
    let sizes = [
        ("packages", entry.packages.len()),
        ("requires", entry.requires.len()),
        ("preload", entry.preload.len()),
        ("settings", entry.settings.len()),
        ("make", entry.make.len()),
        ("environment", entry.environment.len()),
        ("downloads", entry.downloads.len()),
        ("before_build", entry.before_build.len()),
        ("prepare", entry.prepare.len()),
        ("postgresql", entry.postgresql.len()),
    ];
    if let Some((what, have)) = sizes.into_iter().find(|(_, have)| *have > MAX_ITEMS) {
        return Err(format!("`{what}` has {have} items, at most {MAX_ITEMS} are taken"));
    }
    let maps = [&entry.settings, &entry.make, &entry.environment];
    let pairs = maps.into_iter().flatten().flat_map(|(name, value)| [name, value]);
    let lists = [&entry.packages, &entry.preload, &entry.before_build, &entry.prepare];
    let others = entry.downloads.iter().map(|file| &file.url).chain(&entry.stand_in);
    let mut texts = lists.into_iter().flatten().chain(pairs).chain(others);
    match texts.find(|text| text.len() > MAX_TEXT) {
        Some(long) => Err(format!("`{}…` is longer than {MAX_TEXT} bytes", shown(long))),
        None => Ok(()),
    }
}

fn refuse_unless(fine: bool, text: &str, expected: &str) -> Result<(), String> {
    if fine { Ok(()) } else { Err(format!("`{}` is not {expected}", shown(text))) }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn is_sentence(text: &str) -> bool {
    text.len() <= MAX_TEXT && text.starts_with(char::is_uppercase) && text.ends_with('.') && is_line(text)
}

/// Debian's policy, §5.6.7: at least two characters of a small alphabet, the first a letter or digit.
pub(super) fn is_package(text: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() >= 2 && text.starts_with(is_end) && text.chars().all(|c| is_end(c) || "+-.".contains(c))
}

fn is_word(text: &str, further: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || further.contains(c))
}

/// `work_mem`, or one of an extension: `pg_cron.database`.
fn is_setting(text: &str) -> bool {
    text.split('.').all(|part| is_word(part, "_") && !part.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_variable(text: &str) -> bool {
    is_word(text, "_") && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// `https://host/path/file`, whose last part can be the name of a file and a word of a shell.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let parts = rest.and_then(|rest| Some((rest.split_once('/')?.0, rest.rsplit_once('/')?.1)));
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() && !"'\"\\`".contains(c));
    let is_file = |name: &str| is_word(name, "_-.+") && !name.starts_with(['.', '-']);
    is_plain && parts.is_some_and(|(host, name)| !host.is_empty() && is_file(name))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
