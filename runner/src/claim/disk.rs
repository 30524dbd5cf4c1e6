//! Keeps the disk budget between runs.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use protocol::Target;

use crate::budget::{self, IMAGE_BYTES, Stock};
use crate::claim::{Agent, AgentEvent};
use crate::error::{Error, Result};
use crate::sandbox::label;

impl Agent {
    /// Looks at what images and caches take, if nobody has for a while, and removes what is too much once no run goes on. What cannot be done is
    /// logged: a run needs none of it.
    pub(crate) async fn keep_budget(&self) {
        let now = self.site.clock.now();
        if self.journal.disk().is_some_and(|disk| now.since(disk.at) < budget::LOOK) {
            return;
        }
        if let Err(error) = self.cut(self.courtesy.disk_bytes.unwrap_or(u64::MAX)).await {
            tracing::warn!(%error, "could not look at what images and caches take");
        }
    }

    /// Makes room for the image of a target, if there is none yet.
    pub(crate) async fn room_for_image(&self, target: Target) -> Result<()> {
        let Some(budget) = self.courtesy.disk_bytes else { return Ok(()) };
        if self.site.images.find(target).await?.is_some() {
            return Ok(());
        }
        let taken = self.cut(budget.saturating_sub(IMAGE_BYTES)).await?;
        if taken.saturating_add(IMAGE_BYTES) <= budget {
            return Ok(());
        }
        let [taken, image, budget] = [taken, IMAGE_BYTES, budget].map(budget::words);
        let why = format!(
            "{taken} of images and caches are in use, and it may take {image} more, which is over the {budget} of --max-disk"
        );
        Err(Error::Budget { target, why })
    }

    /// Removes what is over so much, and tells of it; what is left, in bytes.
    async fn cut(&self, most_bytes: u64) -> Result<u64> {
        let mut needed = BTreeSet::new();
        // Without a budget nothing is removed, and an engine that does not answer for one image holds nobody up.
        for target in self.offer.order().iter().filter(|_| self.courtesy.disk_bytes.is_some()) {
            needed.extend(self.site.images.find(*target).await?.map(|image| image.facts.digest));
        }
        let used = self.journal.record().images;
        let dirs = [self.site.download_dir.as_path(), self.site.prerequisites.dir()];
        let (engine, mark) = (&self.site.place.engine, label("recipe"));
        let stock = Stock { engine, mark: &mark, dirs, used: &used, needed: &needed };
        let (budget, now) = (self.courtesy.disk_bytes, self.site.clock.now());
        let mut disk = stock.all().await?.weigh(budget, now);
        if disk.images_bytes.saturating_add(disk.caches_bytes) > most_bytes {
            // Those that run have it to read; none begins before this is done.
            let _alone = self.house.write().await;
            for removed in stock.cut(most_bytes).await? {
                (self.listener)(AgentEvent::Removed(removed));
            }
            disk = stock.all().await?.weigh(budget, now);
        }
        let taken = disk.images_bytes.saturating_add(disk.caches_bytes);
        self.journal.weighs(disk);
        if budget.is_some_and(|budget| taken > budget) {
            if !self.is_over_budget.swap(true, Ordering::SeqCst) {
                let words = budget::words(taken);
                let why = format!(
                    "images and caches take {words}, which is over --max-disk; what is left is in use: offer fewer majors (--pg), or give more"
                );
                (self.listener)(AgentEvent::Trouble(why));
            }
        } else {
            self.is_over_budget.store(false, Ordering::SeqCst);
        }
        Ok(taken)
    }
}
