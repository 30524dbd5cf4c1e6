//! One step: whoever has waited longest is told what they are owed, and what came of it is written.
//!
//! The subscription is taken for a lease in a transaction of its own, so that two steps at once tell nobody twice, and that one that dies is done
//! again when the lease ends.

use std::time::Duration;

use protocol::{Channel, Timestamp};
use store::deliveries::{self, Outcome, Owed};
use store::subscriptions::Subscription;

use crate::desk::Desk;
use crate::{Result, github, mail, webhook};

/// Longer than telling takes, whatever the other end does.
const LEASE: Duration = Duration::from_mins(3);
/// After each attempt in vain; after the last one, the subscription ends.
const PAUSES: [Duration; 7] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(6),
    Duration::from_hours(12),
    Duration::from_hours(24),
];
/// So much is told at once, where more than one thing can be.
const MOST_AT_ONCE: u32 = 100;

/// Whether a step did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Somebody was told, or tried to be.
    Worked,
    /// Nobody is owed anything now.
    Idle,
}

/// What came of telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was taken; what was said.
    Taken(String),
    /// It was not; why, and after how long the other end wants to be asked again.
    Later(String, Option<Duration>),
    /// It will never be.
    Never(String),
}

/// Tells one subscription what it is owed.
pub async fn tick(desk: &Desk, now: Timestamp) -> Result<Tick> {
    let store = &desk.0.store;
    if !deliveries::is_due(&mut store.read().await?, now).await? {
        return Ok(Tick::Idle);
    }
    let mut tx = store.begin().await?;
    let taken = deliveries::take(&mut tx, LEASE, now).await?;
    tx.commit().await?;
    let Some(subscription) = taken else { return Ok(Tick::Idle) };
    let at_once = if subscription.channel == Channel::Webhook { 1 } else { MOST_AT_ONCE };
    let owed = deliveries::waiting(&mut store.read().await?, subscription.id, at_once).await?;
    let sent = if owed.is_empty() { Sent::Taken(String::new()) } else { tell(desk, &subscription, &owed, now).await? };
    record(desk, &subscription, &owed, sent, now).await?;
    Ok(Tick::Worked)
}

async fn tell(desk: &Desk, to: &Subscription, owed: &[Owed], now: Timestamp) -> Result<Sent> {
    let Some(address) = desk.opened(to) else {
        return Ok(Sent::Never("the farm has another key than when it began".into()));
    };
    if !desk.offers(to.channel) {
        return Ok(Sent::Later("this farm does not send notifications that way now".into(), None));
    }
    match to.channel {
        Channel::Webhook => Ok(webhook::tell(desk, to, &address, &owed[0], now).await),
        Channel::Mail => Ok(mail::tell(desk, to, &address, owed, now).await),
        Channel::Issue => Box::pin(github::tell(desk, to, &address, owed)).await,
    }
}

/// How long nothing more is told after something was.
const fn quiet(channel: Channel) -> Duration {
    match channel {
        Channel::Webhook => Duration::from_secs(1),
        Channel::Issue => Duration::from_mins(10),
        Channel::Mail => Duration::from_hours(24),
    }
}

async fn record(desk: &Desk, to: &Subscription, owed: &[Owed], sent: Sent, now: Timestamp) -> Result<()> {
    let places: Vec<i64> = owed.iter().map(|owed| owed.recorded.place).collect();
    let outcome = |said| Outcome { id: to.id, places: &places, said };
    let tried = to.attempts as usize;
    let mut tx = desk.0.store.begin().await?;
    match &sent {
        Sent::Taken(said) => deliveries::delivered(&mut tx, &outcome(said), quiet(to.channel), now).await?,
        Sent::Later(said, wanted) => {
            if let Some(pause) = PAUSES.get(tried) {
                tracing::info!(id = %to.id, to = to.shown, said, "a notification was not taken; it is sent again");
                deliveries::put_off(&mut tx, &outcome(said), wanted.unwrap_or_default().max(*pause), now).await?;
            } else {
                let why = format!("what was sent was not taken {} times in a row, the last time as: {said}", tried + 1);
                deliveries::given_up(&mut tx, &outcome(said), &why, now).await?;
                tracing::warn!(id = %to.id, to = to.shown, why, "a subscription ends");
            }
        }
        Sent::Never(said) => {
            deliveries::given_up(&mut tx, &outcome(said), &format!("it cannot be told anything: {said}"), now).await?;
            tracing::warn!(id = %to.id, to = to.shown, said, "a subscription ends");
        }
    }
    tx.commit().await?;
    Ok(())
}
