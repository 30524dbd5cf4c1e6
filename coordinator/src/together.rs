//! Answers together what is asked at the same time: while some asks are worked on, others gather, and are the next to be worked on, in one transaction.
//!
//! A database answers one ask about fifty things much sooner than fifty asks about one. Nobody waits for others to come: an ask that is alone is worked on at
//! once. Where some fail together, such as by a row of one of them that cannot be read, each is worked on alone, so that none fails for another.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::{Coordinator, Error, Result};

/// So many are worked on at once; the others wait for them.
const MOST: usize = 64;

/// Something that is asked of the farm, and written by it.
pub(crate) trait Ask: Sized + Send + Sync + 'static {
    /// The answer.
    type Answer: Send + 'static;

    /// Works on some in one transaction: an answer for each, in their order. None of it is done where it fails.
    fn work(coordinator: &Coordinator, asks: &[Self]) -> impl Future<Output = Result<Vec<Self::Answer>>> + Send;
}

/// Where asks of a kind gather.
pub(crate) struct Together<A: Ask>(Mutex<State<A>>);

type Waiting<A> = (A, oneshot::Sender<Result<<A as Ask>::Answer>>);

struct State<A: Ask> {
    waiting: Vec<Waiting<A>>,
    /// Whether a task works on them.
    busy: bool,
}

impl<A: Ask> Default for Together<A> {
    fn default() -> Self {
        Self(Mutex::new(State { waiting: Vec::new(), busy: false }))
    }
}

impl<A: Ask> Together<A> {
    /// Asks, and waits for the answer. An ask that nobody waits for any more is worked on all the same.
    pub(crate) async fn ask(self: &Arc<Self>, coordinator: &Coordinator, ask: A) -> Result<A::Answer> {
        let (answer, answered) = oneshot::channel();
        let is_busy = {
            let mut state = self.state();
            state.waiting.push((ask, answer));
            std::mem::replace(&mut state.busy, true)
        };
        if !is_busy {
            self.begin(coordinator.clone());
        }
        answered.await.unwrap_or_else(|_| Err(Error::Panicked { why: "what was asked was dropped".into() }))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the last ask, and those that wait are told of its panic"
    )]
    fn begin(self: &Arc<Self>, coordinator: Coordinator) {
        tokio::spawn(work(Busy(Arc::clone(self)), coordinator));
    }

    /// The next ones; with none, the task that asks for them ends.
    fn next(&self) -> Vec<Waiting<A>> {
        let mut state = self.state();
        let count = state.waiting.len().min(MOST);
        state.busy = count > 0;
        state.waiting.drain(..count).collect()
    }

    fn state(&self) -> MutexGuard<'_, State<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that works; where it panics, those that wait are told, and the next ask begins another.
struct Busy<A: Ask>(Arc<Together<A>>);

impl<A: Ask> Drop for Busy<A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.state();
            state.waiting.clear();
            state.busy = false;
        }
    }
}

async fn work<A: Ask>(busy: Busy<A>, coordinator: Coordinator) {
    loop {
        let (asks, answers): (Vec<A>, Vec<_>) = busy.0.next().into_iter().unzip();
        if asks.is_empty() {
            return;
        }
        let outcomes = match A::work(&coordinator, &asks).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) if asks.len() == 1 => vec![Err(error)],
            Err(error) => {
                tracing::warn!(%error, asks = asks.len(), "what was asked at the same time failed, and is asked one by one");
                alone(&coordinator, &asks).await
            }
        };
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // Who asked may have gone.
            drop(answer.send(outcome));
        }
    }
}

async fn alone<A: Ask>(coordinator: &Coordinator, asks: &[A]) -> Vec<Result<A::Answer>> {
    let mut outcomes = Vec::new();
    for ask in asks {
        let answer = A::work(coordinator, std::slice::from_ref(ask)).await;
        outcomes.push(answer.and_then(|mut answers| {
            answers.pop().ok_or_else(|| Error::Panicked { why: "an ask had no answer".into() })
        }));
    }
    outcomes
}

#[cfg(test)]
mod tests;
