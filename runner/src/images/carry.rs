//! Images as a file, for a machine that keeps nothing from one job to the next: what they are kept under, how they are written, and read back.

use std::io::{Read, Write};
use std::path::Path;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use protocol::{Target, Timestamp};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::images::Images;
use crate::images::recipe::Recipe;
use crate::sandbox::Image;

/// Fast, and two thirds of what the best level saves.
const LEVEL: i32 = 3;
/// So much is read from a file at a time.
const PIECE_BYTES: usize = 256 * 1024;

impl Images {
    /// What the images of some targets are kept under: it changes with their recipes, and every Monday, so that new minor releases get in.
    pub fn key(&self, targets: &[Target], now: Timestamp) -> Result<String> {
        let recipes = targets.iter().map(|target| self.recipes(*target)).collect::<Result<Vec<_>>>()?;
        let digests: Vec<String> = recipes.iter().flatten().map(Recipe::digest).collect();
        Ok(name(targets, &digests, now))
    }

    /// Writes the images of those targets that there are into a file, compressed by zstd; which they are.
    pub async fn save(&self, targets: &[Target], file: &Path) -> Result<Vec<(Target, Image)>> {
        let mut found = Vec::new();
        for target in targets {
            found.extend(self.find(*target).await?.map(|image| (*target, image)));
        }
        if found.is_empty() {
            return Ok(found);
        }
        let tags: Vec<&str> = found.iter().map(|(_, image)| image.facts.tag.as_str()).collect();
        let failed = |source| Error::File { what: "write", path: file.to_owned(), source };
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let partial = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
        let mut encoder = zstd::Encoder::new(partial, LEVEL).map_err(failed)?;
        let mut pieces = self.place.engine.saved_images(&tags);
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            // It is all that this process does.
            tokio::task::block_in_place(|| encoder.write_all(&piece)).map_err(failed)?;
        }
        let partial = encoder.finish().map_err(failed)?;
        partial.persist(file).map_err(|error| failed(error.error))?;
        Ok(found)
    }

    /// Gives the engine the images of a file that [`Images::save`] wrote. What is not of this program's recipes does no harm but takes room.
    ///
    /// # Panics
    /// Never: reading does not.
    pub async fn load(&self, file: &Path) -> Result<()> {
        let failed = |source| Error::File { what: "read", path: file.to_owned(), source };
        let opened = std::fs::File::open(file).map_err(failed)?;
        let mut decoder = zstd::Decoder::new(opened).map_err(failed)?;
        let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(4);
        let reading = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE_BYTES];
            loop {
                match decoder.read(&mut piece) {
                    Ok(0) => return Ok(()),
                    Ok(length) => {
                        let piece = Ok(Bytes::copy_from_slice(&piece[..length]));
                        if sender.blocking_send(piece).is_err() {
                            return Ok(());
                        }
                    }
                    Err(error) => {
                        // The engine takes nothing of an archive that breaks off.
                        let _ = sender.blocking_send(Err(error.kind().into()));
                        return Err(error);
                    }
                }
            }
        });
        let pieces = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let loaded = self.place.engine.load_images(pieces).await;
        // What cannot be read is why the engine complains.
        reading.await.expect("reading does not panic").map_err(failed)?;
        loaded
    }
}

/// A name that fits a cache: the targets, what their images are made of, and the week by ISO 8601.
fn name(targets: &[Target], digests: &[String], now: Timestamp) -> String {
    let week = now.date().iso_week_date();
    let targets: Vec<String> = targets.iter().map(Target::to_string).collect();
    let digest = &hex::encode(Sha256::digest(digests.concat()))[..12];
    format!("pgxn-testers-{}-{digest}-{}w{:02}", targets.join("-"), week.year(), week.week())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_images_are_kept_under_changes_with_target_recipe_and_week_and_with_nothing_else() {
        let day = |text: &str| Timestamp::parse_rfc3339(&format!("{text}T12:00:00Z")).unwrap();
        let name = |target: &str, recipe: &str, at: &str| {
            super::name(&[target.parse().unwrap()], &[recipe.to_owned()], day(at))
        };
        let monday = name("pg17-amd64", "a", "2026-11-23");
        assert!(monday.starts_with("pgxn-testers-pg17-amd64-") && monday.ends_with("-2026w48"), "{monday}");
        assert_eq!(monday, name("pg17-amd64", "a", "2026-11-29"));
        for other in [
            name("pg17-amd64", "a", "2026-11-30"),
            name("pg17-amd64", "b", "2026-11-23"),
            name("pg17-arm64", "a", "2026-11-23"),
            name("pg17-amd64", "a", "2025-11-24"),
        ] {
            assert_ne!(monday, other);
        }
        assert!(name("pg17-amd64", "a", "2027-01-01").ends_with("-2026w53"), "a week is not torn by the year");
    }
}
