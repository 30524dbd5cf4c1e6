//! The loops that tell: a few at once, so that one end that is slow keeps few others waiting. A step that fails is logged and taken again.

use std::time::Duration;

use protocol::Channel;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::{Error, Result, Tick, tick};

/// So many ends are told something at once.
const AT_ONCE: usize = 4;
const IDLE: Duration = Duration::from_secs(2);
const TROUBLE: Duration = Duration::from_secs(30);

/// Tells whoever is owed something, until `shutdown`. What is being told then is told again after the next start.
pub async fn run(desk: Desk, shutdown: CancellationToken) -> Result<()> {
    if ![Channel::Webhook, Channel::Mail, Channel::Issue].into_iter().any(|channel| desk.offers(channel)) {
        shutdown.cancelled().await;
        return Ok(());
    }
    let mut loops = JoinSet::new();
    for _ in 0..AT_ONCE {
        loops.spawn(tell(desk.clone()));
    }
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = loops.join_next() => {
            let why = ended.and_then(Result::err).map_or_else(|| "it ended".to_owned(), |error| error.to_string());
            Err(Error::EndedEarly { why })
        }
    }
}

async fn tell(desk: Desk) {
    let mut is_well = true;
    loop {
        let went = tick(&desk, desk.now()).await;
        let pause = match &went {
            Ok(Tick::Worked) => Duration::ZERO,
            Ok(Tick::Idle) => IDLE,
            Err(_) => TROUBLE,
        };
        if let (Err(error), true) = (&went, is_well) {
            tracing::error!(%error, "notifications cannot be sent; it is tried again");
        }
        is_well = went.is_ok();
        sleep(pause).await;
    }
}
