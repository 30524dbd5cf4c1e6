//! A disk so small that it is full at once.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

/// A file system in memory at a directory, which is taken away when this is dropped.
pub struct TinyDisk {
    path: PathBuf,
}

impl TinyDisk {
    /// Makes the directory, and the file system in it. Needs root, or `sudo` that does not ask.
    pub fn mount(path: &Path, bytes: usize, options: &str) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let options = format!("size={bytes},mode=0777,{options}");
        as_root(&["mount", "-t", "tmpfs", "-o", options.trim_end_matches(','), "tmpfs", &path.display().to_string()])?;
        Ok(Self { path: path.to_owned() })
    }

    /// Takes all the room that is left.
    pub fn fill(&self) -> Result<()> {
        let filler = self.path.join("filler");
        for size in [65_536, 4_096] {
            let block = vec![0; size];
            let mut file = std::fs::File::options().create(true).append(true).open(&filler)?;
            while std::io::Write::write_all(&mut file, &block).is_ok() {}
        }
        Ok(())
    }

    /// Gives the room back that [`TinyDisk::fill`] took.
    pub fn clear(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.path.join("filler"))?)
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        // Lazily, as a process that is just being killed may still be in it.
        let _ = as_root(&["umount", "--lazy", &self.path.display().to_string()]);
    }
}

/// A file system in a file, for what does not work in memory; taken away when this is dropped.
pub struct LoopDisk {
    path: PathBuf,
}

impl LoopDisk {
    /// Makes the directory, and the file system in it, which takes no more room on the machine's disk than what is in it. Needs root.
    pub fn mount(path: &Path, bytes: u64) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let (dir, file) = (path.display().to_string(), format!("{}.ext4", path.display()));
        std::fs::File::create_new(&file)?.set_len(bytes)?;
        as_root(&["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,nodiscard", &file])?;
        as_root(&["mount", "-o", "loop", &file, &dir])?;
        Ok(Self { path: path.to_owned() })
    }

    /// Takes all the room that is left, without writing it.
    pub fn fill(&self) -> Result<()> {
        let (mut size, mut number) = (1_u64 << 30, 0);
        std::fs::create_dir_all(self.path.join("filler"))?;
        while size >= 4096 {
            let filler = self.path.join(format!("filler/{number}")).display().to_string();
            number += 1;
            if as_root(&["fallocate", "-l", &size.to_string(), &filler]).is_err() {
                let _ = std::fs::remove_file(filler);
                size /= 2;
            }
        }
        Ok(())
    }

    /// Gives the room back that [`LoopDisk::fill`] took.
    pub fn clear(&self) -> Result<()> {
        Ok(std::fs::remove_dir_all(self.path.join("filler"))?)
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let _ = as_root(&["umount", "--lazy", &self.path.display().to_string()]);
    }
}

/// Runs a command as root.
pub(crate) fn as_root(command: &[&str]) -> Result<()> {
    let run = |words: &[&str]| Command::new(words[0]).args(&words[1..]).output();
    let plain = run(command)?;
    if plain.status.success() || run(&[&["sudo", "-n"], command].concat()).is_ok_and(|sudo| sudo.status.success()) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&plain.stderr).into_owned();
    ensure!(false, "{} failed; this test needs root, or sudo without a password: {said}", command.join(" "));
    Ok(())
}
