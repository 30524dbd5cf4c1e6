//! Which containers belong to whom: a runner that starts removes what a killed one left behind, and nothing of one that lives.
//!
//! Every runner holds a lock on a file of its own in `instances/` of its data directory, and its containers carry that file's name as a
//! label. The system drops the lock with the process, however that ends. So a file whose lock can be had belongs to a runner that is
//! dead, and its containers are orphans; so is the directory in `work/` that is called after the file.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::sandbox::docker::Engine;

/// Names the instance of the runner that made a container.
pub const INSTANCE_LABEL: &str = "org.pgxn.testers.instance";

/// A living runner's claim on its containers.
#[derive(Debug)]
pub struct Instance {
    id: String,
    _lock: File,
}

impl Instance {
    /// Claims a new instance below a data directory.
    pub fn claim(data_dir: &Path) -> Result<Self> {
        let dir = data_dir.join("instances");
        fs::create_dir_all(&dir).map_err(Error::file("create", &dir))?;
        loop {
            let id = format!("{:016x}", rand::random::<u64>());
            let path = dir.join(&id);
            let file = File::create_new(&path).map_err(Error::file("create", &path))?;
            // Somebody who starts at the same moment may have taken the file for a dead runner's, and removed it.
            if file.try_lock().is_ok() && path.exists() {
                return Ok(Self { id, _lock: file });
            }
        }
    }

    /// What its containers carry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The directory for what its runs unpack, which need not be there.
    pub fn work_dir(&self, data_dir: &Path) -> PathBuf {
        work_dir(data_dir, &self.id)
    }

    /// The ids of the runners that live in a data directory.
    pub fn living(data_dir: &Path) -> Result<Vec<String>> {
        let dir = data_dir.join("instances");
        let mut living = Vec::new();
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let Ok(file) = File::open(entry.path()) else { continue };
            // A lock that others may have at the same time: who looks for dead ones to remove takes one that is looked at for living.
            match file.try_lock_shared() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => living.push(entry.file_name().to_string_lossy().into_owned()),
                Err(TryLockError::Error(source)) => return Err(Error::file("lock", entry.path())(source)),
            }
        }
        Ok(living)
    }

    /// Removes the containers of every runner of that data directory that is dead, and what its runs had unpacked; how many containers.
    pub async fn reap(engine: &Engine, data_dir: &Path) -> Result<usize> {
        let mut reaped = 0;
        for (path, _lock) in dead(&data_dir.join("instances"))? {
            let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for container in engine.labelled_containers(INSTANCE_LABEL, &id).await? {
                engine.remove_container(&container).await?;
                reaped += 1;
            }
            let work = work_dir(data_dir, &id);
            gone(fs::remove_dir_all(&work)).map_err(Error::file("remove", work))?;
            gone(fs::remove_file(&path)).map_err(Error::file("remove", path))?;
        }
        Ok(reaped)
    }
}

fn work_dir(data_dir: &Path, id: &str) -> PathBuf {
    data_dir.join("work").join(id)
}

/// What is not there need not be removed: it never was, or another that starts now has reaped the same, and was faster.
fn gone(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The files of dead runners, each locked by us now.
fn dead(dir: &Path) -> Result<Vec<(PathBuf, File)>> {
    let mut dead = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return Ok(dead) };
    for entry in entries {
        let path = entry.map_err(Error::file("read", dir))?.path();
        let Ok(file) = File::open(&path) else { continue };
        match file.try_lock() {
            Ok(()) => dead.push((path, file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(Error::file("lock", path)(source)),
        }
    }
    Ok(dead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_runner_is_not_taken_for_dead() {
        let dir = tempfile::tempdir().unwrap();
        let living = Instance::claim(dir.path()).unwrap();
        let killed = Instance::claim(dir.path()).unwrap().id;
        let found: Vec<_> = dead(&dir.path().join("instances")).unwrap();
        let names: Vec<_> = found.iter().map(|(path, _)| path.file_name().unwrap().to_string_lossy()).collect();
        assert_eq!(names, [killed.as_str()]);
        assert_ne!(living.id(), killed);
        drop(found);
        assert_eq!(Instance::living(dir.path()).unwrap(), [living.id()]);
        assert!(Instance::living(&dir.path().join("none")).unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_a_killed_runner_had_unpacked_is_removed_and_a_living_one_s_is_not_which_needs_an_engine() {
        let dir = tempfile::tempdir().unwrap();
        let (living, killed) = (Instance::claim(dir.path()).unwrap(), Instance::claim(dir.path()).unwrap());
        let [kept, left] = [&living, &killed].map(|instance| instance.work_dir(dir.path()));
        for work in [&kept, &left] {
            fs::create_dir_all(work.join("tree")).unwrap();
        }
        drop(killed);
        let engine = Engine::connect(&crate::engine_host()).await.unwrap();
        Instance::reap(&engine, dir.path()).await.unwrap();
        assert!(kept.exists() && !left.exists());
    }
}
