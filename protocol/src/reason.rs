//! Why a run got its grade: a closed list, each with its grade and a sentence for the page.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::grade::Grade;
use crate::phase::Phase;

/// A code that is not in the list of reasons.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a reason")]
pub struct UnknownReason(String);

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident $code:literal $grade:ident $sentence:literal;)+) => {
        /// Why a run got its grade.
        ///
        /// Every reason has exactly one grade, so that a grade can never contradict its reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code used in code, database and API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The grade that a run with this decisive reason gets.
            pub const fn grade(self) -> Grade {
                match self { $(Self::$variant => Grade::$grade,)+ }
            }

            /// A sentence for people, complete in itself.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

reasons! {
    /// All tests passed.
    TestsPassed "tests-passed" Pass "All tests passed.";
    /// No tests were found.
    NoTests "no-tests" Untested "It builds and loads; it has no tests that can run against a server.";

    /// META excludes this PostgreSQL major.
    PostgresUnsupported "postgres-unsupported" Na "It says that it does not support this PostgreSQL version.";
    /// META or source excludes this platform.
    PlatformUnsupported "platform-unsupported" Na "It does not support this platform.";

    /// The archive is not a readable zip.
    NotAnArchive "not-an-archive" Fail "Its archive is not a readable zip file.";
    /// A member's name leaves the directory it is unpacked to.
    UnsafePath "unsafe-path" Fail "A file in its archive has a name that leaves the archive's own directory.";
    /// A link points out of the tree.
    UnsafeLink "unsafe-link" Fail "A link in its archive points out of the archive's own directory.";
    /// A device, socket or pipe.
    SpecialFile "special-file" Fail "Its archive holds a device, socket or pipe.";
    /// Two members with one name.
    DuplicateName "duplicate-name" Fail "Two files in its archive have the same name.";
    /// No single top directory.
    SeveralRoots "several-roots" Fail "Its archive does not have one top directory that holds everything.";
    /// More members than the limit.
    TooManyFiles "too-many-files" Fail "Its archive holds more files than the farm unpacks.";
    /// Unpacks to more than the limit.
    TooLarge "too-large" Fail "Its archive unpacks to more bytes than the farm allows.";
    /// META.json is missing, not JSON, or lacks what is needed.
    MetadataInvalid "metadata-invalid" Fail "Its META.json is missing, is not JSON, or lacks a required field.";
    /// Nothing that the farm knows how to build.
    NoPipeline "no-pipeline" Fail "It holds no Makefile, so that there is nothing to build or install.";
    /// `./configure` failed.
    ConfigureFailed "configure-failed" Fail "Its configure script failed.";
    /// The compiler refused the source.
    CompileError "compile-error" Fail "The compiler refuses its source.";
    /// The linker failed.
    LinkError "link-error" Fail "It compiles, but does not link.";
    /// make failed in another way.
    BuildFailed "build-failed" Fail "Its build failed.";
    /// A file named by the Makefile is not in the archive.
    FileNotPackaged "file-not-packaged" Fail "Its Makefile names a file that is not in the archive.";
    /// `make install` failed in another way.
    InstallFailed "install-failed" Fail "Its files could not be installed.";
    /// META provides an extension that was not installed.
    ExtensionNotInstalled "extension-not-installed" Fail "Its META.json provides an extension that `make install` did not install.";
    /// `CREATE EXTENSION` failed.
    CreateFailed "create-failed" Fail "CREATE EXTENSION failed.";
    /// A test failed.
    TestsFailed "tests-failed" Fail "Some of its tests fail.";
    /// The tests could not be started or counted.
    TestsBroken "tests-broken" Fail "Its tests could not be run.";
    /// A backend was killed by a signal.
    ServerCrashed "server-crashed" Fail "It crashed the PostgreSQL server.";
    /// A phase exceeded its time.
    TimedOut "timed-out" Fail "A phase took longer than its limit.";
    /// A phase printed nothing for too long.
    Silent "silent" Fail "A phase printed nothing for longer than the limit.";
    /// The memory limit killed a process.
    OutOfMemory "out-of-memory" Fail "It used more memory than the limit.";
    /// The sized file system was full.
    OutOfSpace "out-of-space" Fail "It used more disk space than the limit.";
    /// The process limit was reached.
    TooManyProcesses "too-many-processes" Fail "It started more processes than the limit.";

    /// A distribution it needs failed.
    PrerequisiteFailed "prerequisite-failed" Blocked "A distribution that it needs failed.";
    /// What it needs cannot be put together: a cycle, or ranges that nothing fits.
    PrerequisitesUnresolvable "prerequisites-unresolvable" Blocked "What it needs cannot be put together.";
    /// An extension it needs is neither part of the server nor installed.
    PrerequisiteMissing "prerequisite-missing" Blocked "It needs another extension that is not installed here.";

    /// A C header of a library is missing.
    MissingHeader "missing-header" Env "The farm's image lacks a header file that it needs; this does not count against the author.";
    /// A library is missing.
    MissingLibrary "missing-library" Env "The farm's image lacks a library that it needs; this does not count against the author.";
    /// A program is missing.
    MissingProgram "missing-program" Env "The farm's image lacks a program that it needs; this does not count against the author.";
    /// A procedural language is missing.
    MissingLanguage "missing-language" Env "The farm's image lacks a procedural language that it needs; this does not count against the author.";
    /// A locale or collation is missing.
    MissingLocale "missing-locale" Env "The farm's image lacks a locale or collation that it needs; this does not count against the author.";
    /// It needs `shared_preload_libraries`.
    PreloadNeeded "preload-needed" Env "It has to be in shared_preload_libraries; this does not count against the author.";
    /// It needs another server setting.
    SettingNeeded "setting-needed" Env "It needs a server setting that the farm does not make; this does not count against the author.";
    /// It needs a tablespace, directory or other thing prepared.
    PreparationNeeded "preparation-needed" Env "Its tests need something prepared outside the database; this does not count against the author.";
    /// It needs the network or a foreign server.
    NetworkNeeded "network-needed" Env "It needs the network, which runs do not have; this does not count against the author.";
    /// It is built in a way that the farm does not know.
    PipelineUnsupported "pipeline-unsupported" Env "It is built with a tool that the farm does not run; this does not count against the author.";
    /// The farm's overrides leave it out.
    Skipped "skipped" Env "The farm does not run it; this does not count against the author.";

    /// The registry did not answer.
    RegistryUnreachable "registry-unreachable" Error "The registry did not answer.";
    /// The registry lists the release, but not its archive.
    ArchiveMissing "archive-missing" Error "The registry lists the release, but does not have its archive.";
    /// The archive's digest is not the one in META.json.
    DigestMismatch "digest-mismatch" Error "The archive's digest is not the one that the registry states, so nothing of it was run.";
    /// The archive is larger than what the farm downloads.
    ArchiveTooLarge "archive-too-large" Error "The archive is larger than what the farm downloads.";
    /// The container engine failed.
    EngineFailed "engine-failed" Error "The runner's container engine failed.";
    /// No image for the target.
    ImageMissing "image-missing" Error "The runner has no image for this target, and could not build one.";
    /// The farm's own server did not start.
    ServerNotStarted "server-not-started" Error "The farm's PostgreSQL server did not start.";
    /// The runner's disk is full.
    RunnerDiskFull "runner-disk-full" Error "The runner's disk is full.";
    /// The runner did not renew its lease.
    RunnerLost "runner-lost" Error "The runner stopped answering, as often as the job may be tried.";
    /// A fault in the farm's own code.
    Internal "internal" Error "The runner met a fault of its own.";
}

impl Reason {
    /// Whether a run can end for this reason in that phase.
    ///
    /// Tests end in installcheck, an archive is refused where it is unpacked, and nothing is compiled before the dependencies are there. What
    /// the image lacks may show anywhere, and the farm may fail anywhere.
    pub fn is_possible_in(self, phase: Phase) -> bool {
        use Phase::{Configure, Dependencies, Fetch, Install, Installcheck, Metadata, Uninstall, Unpack};
        let phases = match self {
            Self::TestsPassed | Self::NoTests | Self::TestsFailed | Self::TestsBroken => Installcheck..=Installcheck,
            Self::NotAnArchive
            | Self::UnsafePath
            | Self::UnsafeLink
            | Self::SpecialFile
            | Self::DuplicateName
            | Self::SeveralRoots
            | Self::TooManyFiles
            | Self::TooLarge => Unpack..=Unpack,
            Self::MetadataInvalid => Fetch..=Metadata,
            Self::NoPipeline => Metadata..=Install,
            Self::ArchiveMissing | Self::DigestMismatch | Self::ArchiveTooLarge => Fetch..=Dependencies,
            Self::Skipped => Metadata..=Metadata,
            _ => match self.grade() {
                Grade::Error => Fetch..=Uninstall,
                Grade::Env => Fetch..=Installcheck,
                Grade::Blocked | Grade::Na => Metadata..=Installcheck,
                Grade::Pass | Grade::Untested | Grade::Fail => Configure..=Installcheck,
            },
        };
        phases.contains(&phase)
    }

    /// The sentence, and after a colon what exactly: `The compiler refuses its source: unknown type name ‘bool’.`
    pub fn sentence_with(self, detail: &str) -> String {
        match detail.trim().trim_end_matches('.') {
            "" => self.sentence().to_owned(),
            detail => format!("{}: {detail}.", self.sentence().trim_end_matches('.')),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| UnknownReason(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_in_text_and_in_json() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn a_reason_is_possible_where_it_can_be_found_out_and_nowhere_else() {
        let phases = |reason: Reason| {
            let possible = Phase::ALL.into_iter().filter(|phase| reason.is_possible_in(*phase));
            possible.map(Phase::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(phases(Reason::TestsPassed), "installcheck");
        assert_eq!(phases(Reason::UnsafePath), "unpack");
        assert_eq!(phases(Reason::CompileError), "configure build install create installcheck");
        assert_eq!(phases(Reason::DigestMismatch), "fetch verify unpack metadata dependencies");
        for reason in Reason::ALL {
            let possible = Phase::ALL.into_iter().filter(|phase| reason.is_possible_in(*phase));
            let lanes = possible.clone().filter(|phase| phase.only_warns()).count();
            assert!(possible.count() > 0 && (lanes == 0 || reason.grade() == Grade::Error), "{reason}");
        }
    }

    #[test]
    fn a_detail_makes_one_sentence_of_two() {
        assert_eq!(Reason::LinkError.sentence_with(""), "It compiles, but does not link.");
        assert_eq!(Reason::LinkError.sentence_with("undefined x."), "It compiles, but does not link: undefined x.");
    }

    #[test]
    fn every_sentence_is_a_sentence() {
        for reason in Reason::ALL {
            let sentence = reason.sentence();
            assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{sentence}");
        }
    }
}
