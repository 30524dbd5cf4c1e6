//! How young the images of runners have to be. Every answer to a claim says so, which is why it is kept at hand: a coordinator that shares the database
//! says it some seconds later.

use std::sync::Mutex;

use protocol::Timestamp;
use store::images;

use crate::{Coordinator, Result};

/// The word, as it was last read.
#[derive(Debug, Default)]
pub(crate) struct Word(Mutex<Option<Timestamp>>);

impl Word {
    /// Before which moment images are too old; none where nobody has said so, or it was not read yet.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        *self.0.lock().expect("nothing panics while it holds the word")
    }

    fn is(&self, word: Option<Timestamp>) {
        *self.0.lock().expect("nothing panics while it holds the word") = word;
    }
}

/// Reads what counts.
pub async fn tick(coordinator: &Coordinator) -> Result<()> {
    coordinator.images.is(images::too_old_before(&mut coordinator.store.read().await?).await?);
    Ok(())
}

/// Has runners make anew what images they have made before now; since when.
pub async fn renew(coordinator: &Coordinator) -> Result<Timestamp> {
    let now = coordinator.now();
    let mut tx = coordinator.store.begin().await?;
    images::find_old(&mut tx, now).await?;
    tx.commit().await?;
    tick(coordinator).await?;
    Ok(coordinator.images.now().unwrap_or(now))
}
