//! Somebody who follows a run.

use protocol::{PhaseProgress, RunId};
use tokio::sync::watch;

use crate::{Live, Place, Section};

/// Somebody who follows a run, for as long as this lives.
#[derive(Debug)]
pub struct Follower {
    live: Live,
    run: RunId,
    client: String,
    changed: watch::Receiver<()>,
    /// How far it has read.
    place: Option<Place>,
    /// Which change of the phases it has seen.
    phases: Option<u64>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The run told something.
    News(News),
    /// The run is over, or nobody hears of it any more.
    Ended,
    /// The process is about to end; the run may go on.
    Closed,
}

/// Something new of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Whether what was read before is of another time, and begins anew.
    pub is_anew: bool,
    /// Its phases, where they have changed.
    pub phases: Option<Vec<PhaseProgress>>,
    /// What it printed.
    pub sections: Vec<Section>,
    /// Where that ends.
    pub place: Place,
}

impl Follower {
    pub(crate) fn new(
        live: Live,
        (run, client): (RunId, String),
        changed: watch::Receiver<()>,
        place: Option<Place>,
    ) -> Self {
        Self { live, run, client, changed, place, phases: None }
    }

    /// Waits for what is new.
    pub async fn next(&mut self) -> Next {
        loop {
            match self.look() {
                Ok(Some(news)) => return Next::News(news),
                Ok(None) => {}
                Err(end) => return end,
            }
            if self.changed.changed().await.is_err() {
                return if self.live.lock().is_closed { Next::Closed } else { Next::Ended };
            }
        }
    }

    fn look(&mut self) -> Result<Option<News>, Next> {
        let runs = self.live.lock();
        let Some(entry) = runs.entries.get(&self.run) else {
            return Err(if runs.is_closed { Next::Closed } else { Next::Ended });
        };
        let Some(tail) = &entry.tail else { return Ok(None) };
        let end = tail.end();
        let known = self.place.filter(|place| place.since == end.since && place.at <= end.at);
        let is_anew = self.place.is_some() && known.is_none();
        let phases = (self.phases != Some(tail.changes)).then(|| tail.phases.clone());
        let sections = tail.since(known.map_or(0, |place| place.at));
        if phases.is_none() && sections.is_empty() {
            return Ok(None);
        }
        (self.place, self.phases) = (Some(end), Some(tail.changes));
        Ok(Some(News { is_anew, phases, sections, place: end }))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.live.leave(self.run, &self.client);
    }
}
