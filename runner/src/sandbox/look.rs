//! Looks into images: their files are read through a container that never starts, and is removed whatever happens.

use std::collections::HashMap;

use crate::error::Result;
use crate::sandbox::INSTANCE_LABEL;
use crate::sandbox::life::{Place, remove};

impl Place {
    /// The files at `paths` in an image, each at most `limit` bytes.
    ///
    /// Dropping the future leaves nothing behind: the container is made and removed in a task of its own.
    ///
    /// # Panics
    /// Where the runtime is ending, which aborts its tasks.
    pub(crate) async fn read_image(&self, image: &str, paths: &[&str], limit: usize) -> Result<Vec<Vec<u8>>> {
        let (place, image) = (self.clone(), image.to_owned());
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let looking = self.tasks.spawn(async move { look(place, &image, &paths, limit).await });
        looking.await.expect("reading an image does not panic, and nobody aborts it")
    }
}

async fn look(place: Place, image: &str, paths: &[String], limit: usize) -> Result<Vec<Vec<u8>>> {
    let name = format!("pgxn-testers-look-{:016x}", rand::random::<u64>());
    let labels = HashMap::from([(INSTANCE_LABEL.to_owned(), place.instance.clone())]);
    place.engine.create_unstarted(image, &name, labels).await?;
    let reading = async {
        let mut files = Vec::new();
        for path in paths {
            files.push(place.engine.read_file(&name, path, limit).await?);
        }
        Ok(files)
    };
    let files = reading.await;
    remove(place, name).await;
    files
}
