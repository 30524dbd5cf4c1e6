//! The addresses of pages, so that every link is made in one place and encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::{Name, PgMajor, RunId, Signature, Version};

/// What stands in a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+');

/// What stands in a path of several segments as it is.
const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// A path of a distribution's file.
pub(crate) fn path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// A text as one segment of a path or as a value of a query.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A distribution's page.
pub(crate) fn dist(name: &Name) -> String {
    format!("/dist/{}/", segment(&name.key()))
}

/// What a maintainer's own CI told of a distribution.
pub(crate) fn pre_releases(name: &Name) -> String {
    format!("{}pre-releases/", dist(name))
}

/// The page of a distribution's badges.
pub(crate) fn badges(name: &Name) -> String {
    format!("/badge/{}/", segment(&name.key()))
}

/// A release's page.
pub(crate) fn release(name: &Name, version: &Version) -> String {
    format!("{}{}/", dist(name), segment(version.as_str()))
}

/// `name-version` of a release, lower-case, as the registry's documents have it.
fn root(name: &Name, version: &Version) -> String {
    let (key, version) = (name.key(), version.as_str().to_lowercase());
    format!("{}-{}", segment(&key), segment(&version))
}

/// Where the files of a release are.
pub(crate) fn source(name: &Name, version: &Version) -> String {
    format!("/src/{}/{}/", segment(&name.key()), root(name, version))
}

/// A release's archive.
pub(crate) fn download(name: &Name, version: &Version) -> String {
    format!("{}{}/{}.zip", dist(name), segment(&version.as_str().to_lowercase()), root(name, version))
}

/// A document of a release.
pub(crate) fn document(name: &Name, version: &Version, docpath: &str) -> String {
    format!("{}{}.html", release(name, version), path(docpath))
}

/// A user's page.
pub(crate) fn user(user: &str) -> String {
    format!("/user/{}/", segment(&user.to_lowercase()))
}

/// A tag's page.
pub(crate) fn tag(tag: &str) -> String {
    format!("/tag/{}/", segment(&tag.to_lowercase()))
}

/// Where an extension leads.
pub(crate) fn extension(extension: &str) -> String {
    format!("/extension/{}/", segment(&extension.to_lowercase()))
}

/// A run's page.
pub(crate) fn run(id: RunId) -> String {
    format!("/run/{id}")
}

/// A symptom's page.
pub(crate) fn symptom(signature: &Signature) -> String {
    format!("/symptoms/{signature}")
}

/// How far the registry is with a PostgreSQL major.
pub(crate) fn readiness(major: PgMajor) -> String {
    format!("/readiness/{major}/")
}

/// Where the vocabulary explains a word.
pub(crate) fn word(word: &str) -> String {
    format!("/vocabulary/#{}", segment(word))
}

/// A file of a run, at a line of it; the part is left out where it is the first.
pub(crate) fn line(id: RunId, file: &str, line: u64) -> String {
    match crate::log::part_of_line(line) {
        1 => format!("/run/{id}/{}#L{line}", segment(file)),
        part => format!("/run/{id}/{}?part={part}#L{line}", segment(file)),
    }
}

/// A file of a run.
pub(crate) fn file(id: RunId, file: &str) -> String {
    format!("/run/{id}/{}", segment(file))
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::*;

    #[test]
    fn a_name_cannot_leave_its_segment() {
        let name: Name = "A?b#c%d&\"<é".parse().unwrap();
        assert_eq!(dist(&name), "/dist/a%3Fb%23c%25d%26%22%3C%C3%A9/");
        assert_eq!(release(&name, &"1.0.0b3+x".parse().unwrap()).split('/').nth(3), Some("1.0.0b3+x"));
    }

    #[test]
    fn a_line_is_linked_in_the_part_that_shows_it() {
        let id = RunId::new(Timestamp::from_millis(0));
        assert_eq!(line(id, "build.log", 12), format!("/run/{id}/build.log#L12"));
        assert_eq!(line(id, "build.log", 201), format!("/run/{id}/build.log?part=2#L201"));
    }
}
