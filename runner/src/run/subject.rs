//! What is known of a distribution before and while it is built.

use std::collections::BTreeSet;
use std::fs::File;

use pgxn::Meta;
use protocol::{PgMajor, Provision};

use crate::judge::Setting;

/// A distribution on its way through a run.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) meta: Meta,
    /// Every file, as a path below the top directory, before anything was built.
    pub(crate) files: Vec<String>,
    /// Names in META's order.
    pub(crate) provides: Vec<String>,
    /// The pgTAP tests.
    pub(crate) pgtap: Vec<crate::run::pgtap::TestFile>,
    /// Whether it is a library that works only from `shared_preload_libraries`.
    pub(crate) preload: bool,
    /// What the overrides say of it.
    pub(crate) provision: Provision,
    /// The extensions that are created before its own, in order, once what it needs is there.
    pub(crate) create_first: Vec<String>,
    /// The tree as a tar file, until it is copied in.
    pub(crate) packed: Option<File>,
    /// The extensions whose control files the image holds before `make install`.
    pub(crate) shipped: BTreeSet<String>,
    /// The extensions whose control files `make install` wrote.
    pub(crate) installed: BTreeSet<String>,
    /// The SQL files that `make install` wrote.
    pub(crate) scripts: BTreeSet<String>,
}

impl Subject {
    /// Whether there is a file of that name in the top directory.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    /// Whether `make` would find something to read.
    pub(crate) fn has_makefile(&self) -> bool {
        ["GNUmakefile", "makefile", "Makefile"].into_iter().any(|name| self.has(name))
    }

    /// The setting that phases are judged in.
    pub(crate) fn setting(&self, major: PgMajor) -> Setting<'_> {
        Setting::new(major, &self.files, &self.provides, &self.shipped)
    }
}
