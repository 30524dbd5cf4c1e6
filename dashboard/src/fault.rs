//! What goes wrong with a page: something that is not there, or a fault of ours. Rendered with the site's frame by the outer layer.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Where to go instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The address.
    pub href: String,
    /// The words.
    pub text: String,
}

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It is not there.
    #[error("{sentence}")]
    Missing {
        /// What was asked for and is not there.
        sentence: String,
        /// What is near it.
        near: Vec<Link>,
    },
    /// It cannot be asked for.
    #[error("{sentence}")]
    Refused {
        /// What is wrong with what was asked.
        sentence: String,
    },
    /// It is on its way here.
    #[error("{sentence}")]
    Coming {
        /// What is.
        sentence: &'static str,
    },
    /// One client asks for too much.
    #[error("a client asks for too much")]
    TooMany {
        /// How long it should wait.
        seconds: u64,
    },
    /// Too much of it is asked at a time.
    #[error("{sentence}")]
    Busy {
        /// What is, and what to do.
        sentence: &'static str,
    },
    /// The registry cannot be asked, and nothing of the kind is kept.
    #[error("a document of the registry cannot be had")]
    Registry {
        /// What people are told.
        sentence: String,
        /// What the proxy says.
        #[source]
        source: proxy::Error,
    },
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The search failed.
    #[error("the search failed")]
    Search(search::SearchError),
    /// A page panicked.
    #[error("a page panicked: {text}")]
    Panicked {
        /// What it says.
        text: String,
    },
    /// A template failed.
    #[error("the page could not be written")]
    Render(#[from] askama::Error),
    /// The JSON of a page failed.
    #[error("the JSON of the page could not be written")]
    Json(#[from] serde_json::Error),
}

impl Fault {
    /// Nothing is there, and nothing near it is known.
    pub(crate) fn missing(sentence: impl Into<String>) -> Self {
        Self::Missing { sentence: sentence.into(), near: Vec::new() }
    }

    /// The status of its answer.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Missing { .. } => StatusCode::NOT_FOUND,
            Self::Refused { .. } => StatusCode::BAD_REQUEST,
            Self::Coming { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } | Self::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Registry { .. } => StatusCode::BAD_GATEWAY,
            Self::Store(_) | Self::Search(_) | Self::Panicked { .. } | Self::Render(_) | Self::Json(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// The title of its page.
    pub(crate) const fn title(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "Not found",
            Self::Refused { .. } => "That cannot be asked",
            Self::Coming { .. } => "Not here yet",
            Self::TooMany { .. } => "A little slower, please",
            Self::Busy { .. } => "Too much at a time",
            Self::Registry { .. } => "The registry does not answer",
            Self::Store(_) | Self::Search(_) | Self::Panicked { .. } | Self::Render(_) | Self::Json(_) => "Our fault",
        }
    }

    /// What people are told: what is missing in full, of our own faults only that there is one.
    pub(crate) fn sentence(&self) -> &str {
        match self {
            Self::Missing { sentence, .. } | Self::Refused { sentence } | Self::Registry { sentence, .. } => sentence,
            Self::Coming { sentence } | Self::Busy { sentence } => sentence,
            Self::TooMany { .. } => {
                "Your address has asked for many pages that take work to make: searches, logs, documents, files. In a minute there will be more. \
                 Who wants everything can have it at once: see About."
            }
            Self::Store(_) | Self::Search(_) | Self::Panicked { .. } | Self::Render(_) | Self::Json(_) => {
                "The farm could not make this page. The fault is ours and has been logged; trying again in a minute may help."
            }
        }
    }

    /// How many seconds to wait before trying again.
    pub(crate) const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { seconds } => Some(*seconds),
            _ => None,
        }
    }

    /// What is near what was asked for.
    pub(crate) fn near(&self) -> &[Link] {
        match self {
            Self::Missing { near, .. } => near,
            _ => &[],
        }
    }
}

impl From<proxy::Error> for Fault {
    fn from(source: proxy::Error) -> Self {
        let sentence = "The registry cannot be asked for this now, and the farm has not kept it. Trying again in a minute may help.";
        Self::Registry { sentence: sentence.to_owned(), source }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        if self.status().is_server_error() && !matches!(self, Self::Coming { .. }) {
            tracing::error!(error = &self as &dyn std::error::Error, "a page failed");
        }
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
