//! The registry that is watched: opened when it is first needed, opened again when it did not answer, and replaced on request.
//!
//! A registry that is down when the farm starts must not keep it from starting, so nothing is asked of it here before somebody needs it.

use std::sync::Mutex;

use pgxn::{ClientOptions, Registry};
use url::Url;

use crate::Result;

/// One registry at a time.
pub(crate) struct Source {
    options: ClientOptions,
    state: Mutex<State>,
}

struct State {
    url: Url,
    assigned: Option<Url>,
    open: Option<Registry>,
    /// What was last said to listeners: whether it answers. Nothing before the first poll.
    answers: Option<bool>,
}

impl Source {
    pub(crate) fn new(url: Url, assigned: Option<Url>, options: ClientOptions) -> Self {
        Self { options, state: Mutex::new(State { url, assigned, open: None, answers: None }) }
    }

    /// The address under which the store knows it: as configured, not as the client normalises it, as it is needed when nothing answers.
    pub(crate) fn url(&self) -> Url {
        self.with(|state| state.url.clone())
    }

    /// The address that runners are given.
    pub(crate) fn assigned_url(&self) -> Url {
        self.with(|state| state.assigned.clone().unwrap_or_else(|| state.url.clone()))
    }

    /// Watches another registry from now on.
    pub(crate) fn replace(&self, url: Url, assigned: Option<Url>) {
        self.with(|state| *state = State { url, assigned, open: None, answers: None });
    }

    /// The registry, with its index read.
    pub(crate) async fn open(&self) -> Result<Registry> {
        let (url, open) = self.with(|state| (state.url.clone(), state.open.clone()));
        if let Some(registry) = open {
            return Ok(registry);
        }
        let registry = Registry::open(&url, self.options.clone()).await?;
        self.with(|state| {
            if state.url == url {
                state.open = Some(registry.clone());
            }
        });
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
