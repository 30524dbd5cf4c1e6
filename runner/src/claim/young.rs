//! Images made anew on the coordinator's word, such as when a minor release of PostgreSQL is out. The word comes with the answers to claims. It says
//! before which moment images are too old, and no more than that: what they are made of is this program's own business.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use protocol::{Target, Timestamp};
use tokio::time::sleep;

use crate::claim::{Agent, AgentEvent};
use crate::error::Result;
use crate::sandbox::Image;

/// Between two times that all images are looked at, whatever the coordinator says meanwhile.
const REST: Duration = Duration::from_hours(12);

/// Makes the image of a target anew if it was made before that moment; none where it was not.
pub type RenewImage = Arc<dyn Fn(Target, Timestamp) -> BoxFuture<'static, Result<Option<Image>>> + Send + Sync>;

impl Agent {
    /// The same, which makes images anew when its coordinator says so.
    #[must_use]
    pub fn renewing(self, renew: RenewImage) -> Self {
        Self { renew: Some(renew), ..self }
    }

    /// Hears the coordinator's word, and does as it says, for as long as the runner works.
    pub(crate) async fn keep_images_young(&self) {
        let Some(renew) = &self.renew else { return std::future::pending().await };
        let mut word = self.coordinator.images();
        let mut done = None;
        loop {
            // The coordinator that sends it lives as long as this.
            let Ok(before) = word.wait_for(|word| *word > done).await.map(|word| *word) else { return };
            done = before;
            let Some(before) = before else { continue };
            for target in self.offer.order().to_vec() {
                if !self.gate.opens().await {
                    return;
                }
                let _works = self.journal.works();
                match renew(target, before).await {
                    Ok(Some(image)) => (self.listener)(AgentEvent::Ready(target, Box::new(image.facts))),
                    Ok(None) => {}
                    Err(error) => (self.listener)(AgentEvent::Trouble(format!(
                        "the image of {target} could not be made anew, and goes on as it is: {error}"
                    ))),
                }
            }
            sleep(REST).await;
        }
    }
}
