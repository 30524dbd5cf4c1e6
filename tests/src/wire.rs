//! The network between a runner and its coordinator, as bad as a test wants it. Each connection carries one request, so that every one of
//! them can be lost, held up, or said twice.

use std::io::{ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::farm::host_and_port;

/// A request of a runner is at most as large as a file that it uploads, and its head.
const MAX_REQUEST: usize = 32 << 20;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// As it should be.
    Fair,
    /// Nothing passes, and what is under way is broken off.
    Cut,
    /// Everything takes up to a second more, each way.
    Slow,
    /// Every request arrives twice, at the same time.
    Doubled,
    /// Every second request is given up by the runner, and arrives seconds later: after what the runner said next.
    Overtaken,
    /// Every request arrives, and its answer comes when the runner has given it up.
    AnsweredLate,
}

/// A way to a coordinator; gone when it is dropped.
pub struct Wire {
    /// Where a runner finds the coordinator through it.
    pub url: String,
    state: Arc<State>,
    _proxy: JoinSet<()>,
}

struct State {
    far: SocketAddr,
    weather: watch::Sender<Weather>,
    chance: Mutex<Chance>,
    met: AtomicUsize,
}

impl Wire {
    /// A way to the coordinator at that address, with fair weather.
    pub async fn to(address: &str, chance: Chance) -> anyhow::Result<Self> {
        let far = host_and_port(address).parse()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let weather = watch::Sender::new(Weather::Fair);
        let state = Arc::new(State { far, weather, chance: Mutex::new(chance), met: AtomicUsize::new(0) });
        let mut proxy = JoinSet::new();
        proxy.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { url, state, _proxy: proxy })
    }

    /// Changes how it is.
    pub fn becomes(&self, weather: Weather) {
        self.state.weather.send_replace(weather);
    }

    /// How many requests have met bad weather.
    pub fn met(&self) -> usize {
        self.state.met.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let mut weather = state.weather.subscribe();
            tokio::select! {
                _ = carry(near, &state) => {}
                _ = weather.wait_for(|weather| *weather == Weather::Cut) => {
                    state.met.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
}

/// Carries one request, and its answer.
async fn carry(mut near: TcpStream, state: &State) -> Result<()> {
    let request = read_request(&mut near).await?;
    let weather = *state.weather.borrow();
    let number = if weather == Weather::Fair { 0 } else { state.met.fetch_add(1, Ordering::SeqCst) };
    match weather {
        Weather::Slow => state.delay(Duration::ZERO).await,
        Weather::Doubled => {
            let (answer, again) = tokio::join!(exchange(state.far, &request), exchange(state.far, &request));
            return near.write_all(&answer.or(again)?).await;
        }
        Weather::Overtaken if number.is_multiple_of(2) => {
            drop(near);
            state.delay(Duration::from_secs(1)).await;
            return exchange(state.far, &request).await.map(drop);
        }
        Weather::Fair | Weather::Cut | Weather::Overtaken => {}
        Weather::AnsweredLate => {
            drop(near);
            return exchange(state.far, &request).await.map(drop);
        }
    }
    let answer = exchange(state.far, &request).await?;
    if weather == Weather::Slow {
        state.delay(Duration::ZERO).await;
    }
    near.write_all(&answer).await
}

impl State {
    async fn delay(&self, at_least: Duration) {
        let more = self.chance.lock().unwrap_or_else(PoisonError::into_inner).time(Duration::from_secs(1));
        tokio::time::sleep(at_least + more).await;
    }
}

/// Reads a request, and asks for the end of the connection after its answer.
async fn read_request(near: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > MAX_REQUEST || near.read_buf(&mut bytes).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    };
    let body = bytes.split_off(end + 4);
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut request = format!("{head}\r\nconnection: close\r\n\r\n").into_bytes();
    let rest = length.unwrap_or(0).min(MAX_REQUEST).saturating_sub(body.len());
    request.extend_from_slice(&body);
    let read = near.take(rest as u64).read_to_end(&mut request).await?;
    if read == rest { Ok(request) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Says a request to the coordinator, and hears its answer to the end.
async fn exchange(far: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let mut far = TcpStream::connect(far).await?;
    far.write_all(request).await?;
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).await?;
    Ok(answer)
}
