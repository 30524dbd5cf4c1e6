//! What a volunteer has said to the runner of a data directory: pause, resume, drain. It stands in `control.json` of that directory, which a runner
//! reads once a second, so that it is heard whether one works or not, and stays said when one is started again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use protocol::{Absence, Away, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::private;

const FILE: &str = "control.json";
/// Nothing that is written here is longer.
const MAX_BYTES: u64 = 64 * 1024;

/// That a runner takes no work for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When that was said.
    pub since: Timestamp,
    /// Until when; until `resume` where nothing stands here.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// To take no work.
    #[serde(default)]
    pub paused: Option<Pause>,
    /// The instances that are to end as soon as their runs are done: those that worked when it was said, and none that is started later.
    #[serde(default)]
    pub draining: Vec<String>,
}

impl Wishes {
    /// What was said to the runner of a data directory.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = path(dir);
        let broken = |why: String| Error::Control { path: path.clone(), why };
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Ok(found) if found.len() > MAX_BYTES => return Err(broken("it is too long".into())),
            Ok(_) => {}
            Err(source) => return Err(Error::file("read", path)(source)),
        }
        let bytes = std::fs::read(&path).map_err(Error::file("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))
    }

    /// Says it, whole or not at all. The file is its owner's alone.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = path(dir);
        private::keep_json(&path, self).map_err(Error::file("write", &path))
    }

    /// That an instance takes no work at that time, if it was told so.
    pub fn absence(&self, instance: &str, now: Timestamp) -> Option<Absence> {
        if self.draining.iter().any(|it| it == instance) {
            return Some(Absence { why: Away::Draining, until: None });
        }
        self.pause(now).map(|pause| Absence { why: Away::Paused, until: pause.until })
    }

    /// The pause that it has at that time.
    pub fn pause(&self, now: Timestamp) -> Option<Pause> {
        self.paused.filter(|pause| pause.until.is_none_or(|until| now < until))
    }
}

/// The file of a data directory.
fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_was_said_is_read_as_it_was_written_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new");
        assert_eq!(Wishes::read(&dir).unwrap(), Wishes::default());
        let said = Wishes { paused: Some(Pause { since: at(1), until: None }), draining: vec!["a".into()] };
        said.write(&dir).unwrap();
        assert_eq!(Wishes::read(&dir).unwrap(), said);
        assert_eq!(std::fs::metadata(path(&dir)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_pause_ends_at_its_end_and_a_drain_is_for_who_worked_when_it_was_said() {
        let pause = Pause { since: at(1), until: Some(at(10)) };
        let said = Wishes { paused: Some(pause), draining: vec!["old".into()] };
        let why = |instance: &str, now| said.absence(instance, at(now)).map(|absence| absence.why);
        assert_eq!((why("new", 9), why("new", 10)), (Some(Away::Paused), None));
        assert_eq!((why("old", 9), why("old", 10)), (Some(Away::Draining), Some(Away::Draining)));
    }

    #[test]
    fn a_file_that_is_spoilt_is_named_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["{", "7", &" ".repeat(100_000)] {
            std::fs::write(path(dir.path()), text).unwrap();
            let said = Wishes::read(dir.path()).unwrap_err().to_string();
            assert!(said.contains("control.json") && said.contains("runner resume"), "{said}");
        }
    }
}
