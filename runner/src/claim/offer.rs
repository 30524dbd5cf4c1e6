//! What a runner offers: the targets whose images are there, and more of them as their images are made.
//!
//! Work begins with the first image. A target whose image cannot be made is told of once and tried again later; where no target has one,
//! nothing can be done here.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::Target;
use tokio::sync::watch;

use crate::claim::{Agent, AgentEvent};

/// How the image of a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Nobody has looked yet, or it is being made.
    Awaited,
    Ready,
    /// It could not be made the last time.
    Failed,
}

/// The targets that a runner should work on, and which of them it can; clones share it.
#[derive(Clone, Debug)]
pub struct Offer {
    targets: watch::Sender<BTreeMap<Target, Readiness>>,
    /// The order in which images are made.
    order: Vec<Target>,
}

impl Offer {
    /// An offer of these targets, none of which is ready; their images are made in this order.
    pub fn of(targets: Vec<Target>) -> Self {
        let awaited = targets.iter().map(|target| (*target, Readiness::Awaited)).collect();
        Self { targets: watch::Sender::new(awaited), order: targets }
    }

    /// What is offered now.
    pub fn ready(&self) -> Vec<Target> {
        self.that_are(Readiness::Ready)
    }

    /// The targets whose images could not be made, so that what waits for them waits for long.
    pub fn failed(&self) -> Vec<Target> {
        self.that_are(Readiness::Failed)
    }

    /// Everything that should be offered.
    pub(crate) fn order(&self) -> &[Target] {
        &self.order
    }

    /// Whether every image has failed.
    pub fn is_hopeless(&self) -> bool {
        is_hopeless(&self.targets.borrow())
    }

    /// Waits until something is offered; false where nothing will be.
    pub(crate) async fn begins(&self) -> bool {
        let mut seen = self.targets.subscribe();
        let decided =
            seen.wait_for(|targets| is_hopeless(targets) || targets.values().any(|is| *is == Readiness::Ready));
        decided.await.is_ok_and(|targets| !is_hopeless(&targets))
    }

    /// Waits until something else than this is offered.
    pub(crate) async fn differs(&self, ready: &[Target]) {
        let mut seen = self.targets.subscribe();
        while self.ready() == ready {
            // This offer sends, so that there is no end of it.
            let _ = seen.changed().await;
        }
    }

    fn that_are(&self, readiness: Readiness) -> Vec<Target> {
        let targets = self.targets.borrow();
        self.order.iter().copied().filter(|target| targets.get(target) == Some(&readiness)).collect()
    }

    /// How it is known to be from now on; how it was.
    pub(super) fn set(&self, target: Target, readiness: Readiness) -> Option<Readiness> {
        let mut before = None;
        self.targets.send_modify(|targets| before = targets.insert(target, readiness));
        before
    }
}

fn is_hopeless(targets: &BTreeMap<Target, Readiness>) -> bool {
    targets.values().all(|is| *is == Readiness::Failed)
}

impl Agent {
    /// Makes the images that are missing, one after the other, and offers each target as soon as its image is there. Whether all are.
    pub async fn prepare(&self) -> bool {
        let mut complete = true;
        for target in self.offer.order.clone() {
            if self.offer.ready().contains(&target) {
                continue;
            }
            if !self.gate.opens().await {
                return true;
            }
            let works = self.journal.works();
            let made = async {
                self.room_for_image(target).await?;
                (self.images)(target).await
            };
            let made = made.await;
            drop(works);
            match made {
                Ok(image) => {
                    self.offer.set(target, Readiness::Ready);
                    (self.listener)(AgentEvent::Ready(target, Box::new(image.facts)));
                }
                Err(error) => {
                    complete = false;
                    if self.offer.set(target, Readiness::Failed) == Some(Readiness::Failed) {
                        tracing::debug!(%target, %error, "there is still no image");
                    } else {
                        (self.listener)(AgentEvent::Unready(target, Arc::new(error)));
                    }
                }
            }
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Vec<Target> {
        ["pg18-amd64", "pg17-amd64"].map(|text| text.parse().unwrap()).to_vec()
    }

    #[tokio::test]
    async fn an_offer_begins_with_the_first_image_and_ends_with_the_last_failure() {
        let (offer, targets) = (Offer::of(targets()), targets());
        assert_eq!((offer.ready(), offer.is_hopeless()), (vec![], false));
        offer.set(targets[0], Readiness::Failed);
        assert_eq!((offer.failed(), offer.is_hopeless()), (vec![targets[0]], false));
        let waiting = offer.begins();
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending(), "one image may still come");
        offer.set(targets[1], Readiness::Failed);
        assert!(!waiting.await && offer.is_hopeless());
        let other = offer.differs(&[]);
        tokio::pin!(other);
        assert!(futures_util::poll!(&mut other).is_pending());
        offer.set(targets[1], Readiness::Ready);
        assert!(offer.begins().await);
        assert_eq!(offer.ready(), [targets[1]]);
        assert!(futures_util::poll!(&mut other).is_ready(), "a claim that waits is said again with what is new");
    }
}
