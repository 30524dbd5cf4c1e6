//! The clock on a process's wall, driven by a test: the machine's own is not touched, and time goes on at its usual pace in between.
//! Debian's libfaketime answers for the system; what a process measures by its other clocks stays as it is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use protocol::{Clock, SystemClock, Timestamp};

/// A clock that processes are started with; they have the time of this zone.
pub struct Wall {
    file: PathBuf,
    library: PathBuf,
}

impl Wall {
    /// A clock in a file, which shows that time now.
    pub fn at(file: &Path, time: &str) -> Result<Self> {
        let wall = Self { file: file.to_owned(), library: library()? };
        wall.turn(time)?;
        Ok(wall)
    }

    /// Turns it to a time, such as `2026-11-27T21:59:58Z`.
    pub fn turn(&self, time: &str) -> Result<()> {
        let time = Timestamp::parse_rfc3339(time).with_context(|| format!("{time} is a time"))?;
        let ahead = (time.as_millis() - SystemClock.now().as_millis()) / 1000;
        // Nobody is to read half of it.
        let written = self.file.with_extension("new");
        std::fs::write(&written, format!("{ahead:+}\n"))?;
        Ok(std::fs::rename(&written, &self.file)?)
    }

    /// What a process has to be started with, to have this clock, in the time zone UTC.
    pub fn environment(&self) -> Result<Vec<(&'static str, &str)>> {
        Ok(vec![
            ("LD_PRELOAD", self.library.to_str().context("the library has a plain path")?),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().context("the clock has a plain path")?),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("TZ", "UTC"),
        ])
    }
}

/// The library for programs of several threads.
fn library() -> Result<PathBuf> {
    let file = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
    ensure!(Path::new(&file).exists(), "{file} is missing: `scripts/setup test` installs it (package libfaketime)");
    Ok(file.into())
}
