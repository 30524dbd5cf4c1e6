//! `/run/{id}/events`: a run as it goes on, by server-sent events.
//!
//! `phases` has the phases so far whenever one begins or ends, `log` the lines that were printed, `anew` says that all lines are of another
//! time, and `end` that the run is over, after which there is nothing to follow. Each `log` has a place as its id, from where a browser goes
//! on when the connection was cut.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use live::{Follower, News, Next, Place, Refused};
use protocol::RunId;
use serde::Serialize;
use store::runs::{self, RunState};
use tokio::time::{Instant, timeout_at};

use super::live::{Reader, Stages};
use super::parse;
use crate::Dashboard;
use crate::answer::Ask;
use crate::client::Client;
use crate::fault::Fault;

/// A connection lasts this long; its browser makes another, and it is looked once more whether the run goes on.
const LONGEST: Duration = Duration::from_mins(10);
/// A sign of life where nothing happens, so that nobody in between cuts the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(3);

/// `/run/{id}/events`, from the place in the header `last-event-id` or `?from=` on.
pub(crate) async fn follow(
    State(dashboard): State<Dashboard>,
    Path(id): Path<String>,
    client: Client,
    headers: HeaderMap,
    ask: Ask,
) -> Result<Response, Fault> {
    let run: RunId = parse(&id)?;
    let known = headers.get("last-event-id").and_then(|value| value.to_str().ok()).or(ask.get("from"));
    let from: Option<Place> = known.and_then(|text| text.parse().ok());
    // Before it is looked whether the run goes on, so that its end is not missed.
    let follower = dashboard.live().follow(run, from, &client.to_string()).map_err(refuse)?;
    let mut conn = dashboard.store().read().await?;
    let found = runs::get(&mut conn, run).await?;
    drop(conn);
    let found = found.ok_or_else(|| Fault::missing(format!("The farm knows no run {run}.")))?;
    let going = Going::new(follower, found.state == RunState::Open);
    let events = stream::unfold(going, |mut going| async move {
        let event = going.next().await?;
        Some((Ok::<_, Infallible>(event), going))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // So that nginx passes on what comes as it comes.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().insert(unbuffered.0, unbuffered.1);
    Ok(response)
}

fn refuse(refused: Refused) -> Fault {
    Fault::Busy {
        sentence: match refused {
            Refused::Full => {
                "Too many people follow runs at this moment. The page of the run shows as much; look again there."
            }
            Refused::Greedy => {
                "You follow too many runs at a time. Close some of their pages; each shows as much when it is loaded."
            }
            Refused::Closed => "The farm is about to stop. It will be back.",
        },
    }
}

/// A run that is followed.
struct Going {
    follower: Follower,
    reader: Reader,
    waiting: VecDeque<Event>,
    until: Instant,
    is_over: bool,
}

impl Going {
    fn new(follower: Follower, is_open: bool) -> Self {
        let first = Event::default().retry(RETRY);
        let mut waiting = VecDeque::from([first]);
        if !is_open {
            waiting.push_back(end());
        }
        let until = Instant::now() + LONGEST;
        Self { follower, reader: Reader::default(), waiting, until, is_over: !is_open }
    }

    /// The next event; none where the connection is to end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            match timeout_at(self.until, self.follower.next()).await {
                Ok(Next::News(news)) => self.tell(&news),
                Ok(Next::Ended) => {
                    self.is_over = true;
                    return Some(end());
                }
                Ok(Next::Closed) | Err(_) => return None,
            }
        }
    }

    fn tell(&mut self, news: &News) {
        if news.is_anew {
            self.reader.reset();
            self.waiting.extend(event("anew", &()));
        }
        if let Some(phases) = &news.phases {
            self.waiting.extend(event("phases", &Stages::new(phases)));
        }
        let pieces = self.reader.read(&news.sections);
        let place = self.reader.place(news.place).to_string();
        let last = pieces.len().saturating_sub(1);
        for (index, piece) in pieces.iter().enumerate() {
            // Who is cut off before the last has read nothing of it, and is told again.
            let told = event("log", piece);
            self.waiting.extend(if index == last { told.map(|event| event.id(&place)) } else { told });
        }
    }
}

/// None where it cannot be written, which nothing depends on.
fn event(name: &str, data: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).ok()
}

fn end() -> Event {
    Event::default().event("end").data("{}")
}
