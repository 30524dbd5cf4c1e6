//! The registry that is watched: opened when it is first needed, and opened again when it did not answer.
//!
//! A registry that is down when the farm starts must not keep it from starting, so nothing is asked of it here before somebody needs it.

use std::sync::Mutex;

use pgxn::{ClientOptions, Registry};
use url::Url;

use crate::Result;

/// The registry.
pub(crate) struct Source {
    url: Url,
    assigned: Url,
    options: ClientOptions,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Registry>,
    /// What was last said to listeners: whether it answers. Nothing before the first poll.
    answers: Option<bool>,
}

impl Source {
    pub(crate) fn new(url: Url, assigned: Option<Url>, options: ClientOptions) -> Self {
        let assigned = assigned.unwrap_or_else(|| url.clone());
        Self { url, assigned, options, state: Mutex::default() }
    }

    /// The address under which the store knows it: as configured, not as the client normalises it, as it is needed when nothing answers.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// The address that runners are given.
    pub(crate) const fn assigned_url(&self) -> &Url {
        &self.assigned
    }

    /// The registry, with its index read.
    pub(crate) async fn open(&self) -> Result<Registry> {
        if let Some(registry) = self.with(|state| state.open.clone()) {
            return Ok(registry);
        }
        let registry = Registry::open(&self.url, self.options.clone()).await?;
        self.with(|state| state.open = Some(registry.clone()));
        Ok(registry)
    }

    /// Notes whether the registry answers, and says whether that is news. That it answers is none at first.
    pub(crate) fn is_news(&self, answers: bool) -> bool {
        self.with(|state| {
            let news = state.answers.unwrap_or(true) != answers;
            state.answers = Some(answers);
            if !answers {
                // Its index may be another one when it is back.
                state.open = None;
            }
            news
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().expect("nothing panics while it holds the registry's state"))
    }
}
