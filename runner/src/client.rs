//! The runner's side of the wire: one call per route of `/api/v1`, each tried once. Who calls decides what to try again. How a machine becomes
//! a runner is in `membership`.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{
    Assignment, ClaimRequest, IMAGES_HEADER, Lease, PROTOCOL, PROTOCOL_HEADER, Phase, Problem, Progress,
    ProtocolVersion, RenewRequest, RunId, Timestamp,
};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Request, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use crate::Keys;
use crate::error::innermost;
use crate::judge::shown;
use crate::run::VERSION;

mod membership;
mod signed;

pub use membership::{Admission, fresh_token};

/// How long a call may take, beside what it asks the coordinator to wait.
pub(crate) const CALL: Duration = Duration::from_secs(30);

/// An answer is read up to this size.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The lease is somebody else's now, or nobody's: the run is to be dropped.
    #[error("the lease is lost: {detail}")]
    LeaseLost {
        /// What the coordinator says.
        detail: String,
    },
    /// The coordinator refuses, and would refuse again.
    #[error("the coordinator at {coordinator} refuses: {detail} (HTTP {status})")]
    Refused {
        /// Its address.
        coordinator: Url,
        /// What it says.
        detail: String,
        /// The HTTP status.
        status: u16,
    },
    /// The coordinator says that it is not the time for this.
    #[error("the coordinator at {coordinator} says: {detail}")]
    Later {
        /// Its address.
        coordinator: Url,
        /// What it says.
        detail: String,
    },
    /// The runner's own key cannot be used.
    #[error("{why}")]
    Key {
        /// What happened, in words.
        why: String,
    },
    /// The two do not speak the same protocol: one of the programs has to be replaced, which may happen at any time.
    #[error("{detail}")]
    Protocol {
        /// What each speaks, and what to do.
        detail: String,
    },
    /// The coordinator does not answer, or not as one; it may do so later.
    #[error("the coordinator at {coordinator} does not answer: {why}")]
    Away {
        /// Its address.
        coordinator: Url,
        /// What happened, in words.
        why: String,
    },
}

impl CallError {
    /// Whether the same call may succeed later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Later { .. })
    }
}

/// Looks up the runner's token where it is kept.
pub type LookUp = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// A connection to a coordinator; clones share the token.
#[derive(Clone)]
pub struct Coordinator {
    http: Client,
    base: Url,
    token: Arc<Mutex<String>>,
    look_up: Option<LookUp>,
    keys: Option<Keys>,
    is_registered: Arc<AtomicBool>,
    /// When it last answered anything.
    heard: Arc<Mutex<Option<Instant>>>,
    /// Before which moment it finds images too old.
    images: watch::Sender<Option<Timestamp>>,
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Renewed {
    expires_in_ms: u64,
}

impl Coordinator {
    /// The coordinator at `base`, spoken to with a runner's token. Nothing is asked yet.
    pub fn new(base: &Url, token: &str) -> Result<Self, CallError> {
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let built = Client::builder()
            .user_agent(format!("pgxn-testers-runner/{VERSION}"))
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(pgxn::tls::client())
            .build();
        match built {
            Ok(http) => Ok(Self {
                http,
                base,
                token: Arc::new(Mutex::new(token.to_owned())),
                look_up: None,
                keys: None,
                is_registered: Arc::default(),
                heard: Arc::default(),
                images: watch::Sender::new(None),
            }),
            Err(error) => Err(CallError::Away { coordinator: base, why: innermost(&error) }),
        }
    }

    /// The same, which looks its token up anew where the one that it has is refused: it may have been rotated beside a runner that works.
    #[must_use]
    pub fn looking_up(self, look_up: LookUp) -> Self {
        Self { look_up: Some(look_up), ..self }
    }

    /// Its address.
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// Asks for a job, and waits so long for one; none where nothing has come.
    pub async fn claim(&self, request: &ClaimRequest, wait: Duration) -> Result<Option<Assignment>, CallError> {
        let call = self.call(reqwest::Method::POST, &format!("api/v1/claim?wait={}", wait.as_secs()));
        let call = call.timeout(CALL + wait).json(request);
        self.register().await?;
        let response = self.send(call).await?;
        self.hear_of_images(&response);
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        self.json(response).await.map(Some)
    }

    fn hear_of_images(&self, response: &Response) {
        let said = response.headers().get(IMAGES_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        let Some(before) = said.map(Timestamp::from_millis) else { return };
        self.images.send_if_modified(|known| known.replace(before) != Some(before));
    }

    /// Before which moment the coordinator finds images too old, as it says from now on.
    pub(crate) fn images(&self) -> watch::Receiver<Option<Timestamp>> {
        self.images.subscribe()
    }

    /// Says that the run goes on; how long the lease lasts from now.
    pub async fn renew(&self, lease: &Lease, phase: Option<Phase>) -> Result<Duration, CallError> {
        let call = self.on_run(reqwest::Method::POST, lease, "renew").json(&RenewRequest { phase });
        let renewed: Renewed = self.json(self.send(call).await?).await?;
        Ok(Duration::from_millis(renewed.expires_in_ms))
    }

    /// Tells what is new of a run, for whoever looks at it. Nobody waits long for that.
    pub async fn progress(&self, lease: &Lease, progress: &Progress) -> Result<(), CallError> {
        let call = self.on_run(reqwest::Method::POST, lease, "progress").timeout(CALL / 6);
        self.send(call.json(progress)).await.map(drop)
    }

    /// Uploads a file of the report.
    pub async fn upload(&self, lease: &Lease, name: &str, zstd: Vec<u8>) -> Result<(), CallError> {
        let call = self.on_run(reqwest::Method::PUT, lease, &format!("files/{name}"));
        let call = call.header(reqwest::header::CONTENT_TYPE, "application/zstd").body(zstd);
        self.send(call.timeout(CALL * 4)).await.map(drop)
    }

    /// Gives the job back.
    pub async fn release(&self, lease: &Lease) -> Result<(), CallError> {
        self.send(self.on_run(reqwest::Method::POST, lease, "release").timeout(CALL / 6)).await.map(drop)
    }

    fn token(&self) -> MutexGuard<'_, String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a request that was refused the token that is kept now; false where it was made with that one. Others may have looked it up meanwhile.
    fn renew_token(&self, request: &mut Request) -> bool {
        let Some(kept) = self.look_up.as_ref().and_then(|look_up| look_up()) else { return false };
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {kept}")) else { return false };
        bearer.set_sensitive(true);
        *self.token() = kept;
        request.headers_mut().insert(AUTHORIZATION, bearer.clone()).is_some_and(|refused| refused != bearer)
    }

    fn call(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.plain_call(method, path).bearer_auth(&*self.token())
    }

    /// A call of who is nobody yet.
    fn plain_call(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let call = self.http.request(method, self.base.join(path).expect("these paths are relative addresses"));
        call.header(PROTOCOL_HEADER, PROTOCOL.to_string())
    }

    fn on_run(&self, method: reqwest::Method, lease: &Lease, what: &str) -> RequestBuilder {
        let run_id: RunId = lease.run_id;
        let call = self.call(method, &format!("api/v1/runs/{run_id}/{what}")).timeout(CALL);
        call.header("x-lease-token", &lease.token)
    }

    async fn send(&self, call: RequestBuilder) -> Result<Response, CallError> {
        let failed = |error: reqwest::Error| self.away(innermost(&error));
        let request = call.build().map_err(failed)?;
        let again = request.try_clone();
        let mut response = self.http.execute(request).await.map_err(failed)?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(mut again) = again
            && self.renew_token(&mut again)
        {
            response = self.http.execute(again).await.map_err(failed)?;
        }
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if let Some(detail) = self.foreign(&response) {
            return Err(CallError::Protocol { detail });
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let detail = self.problem(response).await;
        Err(match status {
            StatusCode::UPGRADE_REQUIRED => {
                CallError::Protocol { detail: format!("the coordinator at {} says: {detail}", self.base) }
            }
            StatusCode::CONFLICT => CallError::LeaseLost { detail },
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                CallError::Later { coordinator: self.base.clone(), detail }
            }
            status if status.is_client_error() => {
                CallError::Refused { coordinator: self.base.clone(), detail, status: status.as_u16() }
            }
            status => self.away(format!("it says {status}: {detail}")),
        })
    }

    /// That the other end speaks another protocol, in words. One that says nothing is a coordinator from before there was a second one.
    fn foreign(&self, response: &Response) -> Option<String> {
        let said = response.headers().get(PROTOCOL_HEADER)?.to_str().ok()?.parse::<ProtocolVersion>().ok()?;
        if said.understands(PROTOCOL) {
            return None;
        }
        let remedy = if said.major > PROTOCOL.major {
            "update this program"
        } else {
            "this program is newer: use an older one until the farm's operator has updated the coordinator"
        };
        let own = format!("this runner (pgxn-testers {VERSION}) speaks protocol {PROTOCOL}");
        Some(format!("the coordinator at {} speaks protocol {said}, and {own}; {remedy}", self.base))
    }

    /// How long ago the coordinator was heard of, whatever it said; none where it never was.
    pub fn heard(&self) -> Option<Duration> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    fn away(&self, why: impl Into<String>) -> CallError {
        CallError::Away { coordinator: self.base.clone(), why: why.into() }
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, response: Response) -> Result<T, CallError> {
        let bytes = bounded(response).await.map_err(|error| self.away(innermost(&error)))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.away(format!("its answer is not what it should be: {error}")))
    }

    /// What an answer says is wrong.
    async fn problem(&self, response: Response) -> String {
        let status = response.status();
        let bytes = bounded(response).await.unwrap_or_default();
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => shown(&problem.detail, 500),
            Err(_) => status.canonical_reason().unwrap_or("an unknown error").to_owned(),
        }
    }
}

/// The body, up to what is read of any.
async fn bounded(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_ANSWER_BYTES - bytes.len();
        bytes.extend_from_slice(&chunk[..room.min(chunk.len())]);
        if room <= chunk.len() {
            break;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
