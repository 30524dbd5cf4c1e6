//! `/subscriptions/{token}`: what was told to a subscriber, with what it is signed, and how to end it. Who has the address has the subscription.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use notify::{Held, Message, Refusal};
use protocol::{Channel, DeliveryState, SubscriptionState};
use serde::Serialize;

use super::subscribe::{fault, private};
use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::text::When;
use crate::{Dashboard, address};

/// A subscription as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution.
    pub dist: String,
    /// Its page.
    pub href: String,
    /// By what.
    pub channel: Channel,
    /// Where.
    pub address: String,
    /// How it stands, in a sentence.
    pub sentence: String,
    /// Whether it hears of what turns.
    pub is_active: bool,
    /// With what a webhook is signed.
    pub secret: Option<String>,
    /// Since when.
    pub since: When,
    /// When something is sent next.
    pub next: Option<When>,
    /// What was told, the latest first.
    pub deliveries: Vec<Told>,
}

/// A delivery as data.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// What turned.
    pub headline: String,
    /// The run's page.
    pub href: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last.
    pub tried: Option<When>,
    /// What came of that.
    pub said: String,
}

#[derive(Template)]
#[template(path = "subscription.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
    action: String,
}

/// `/subscriptions/{token}`.
pub(crate) async fn show(
    State(dashboard): State<Dashboard>,
    Path(token): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let Some(desk) = dashboard.desk() else { return Err(Fault::missing(Refusal::NoSubscription.sentence())) };
    let view = View::new(desk.held(&token).await.map_err(fault)?, dashboard.now());
    let response = ask.answer(&view, || {
        let title = format!("Subscription to {}", view.dist);
        let frame = Frame::new(dashboard.site(), title, "What was told to a subscriber.");
        let frame = frame.with_json(format!("{}?format=json", ask.path()));
        Page { frame, view: &view, action: format!("{}/end", ask.path()) }
    })?;
    Ok(private(response))
}

impl View {
    fn new(held: Held, now: protocol::Timestamp) -> Self {
        let told = |one: &store::deliveries::Delivery| {
            let message = Message::of(&one.recorded.turn);
            Told {
                headline: message.headline,
                href: message.run,
                state: one.state,
                attempts: one.attempts,
                tried: one.tried_at.map(|at| When::new(at, now)),
                said: one.said.clone(),
            }
        };
        Self {
            sentence: sentence(&held, now),
            href: address::dist(&held.dist),
            dist: held.dist.to_string(),
            is_active: held.state == SubscriptionState::Active,
            channel: held.channel,
            address: held.address,
            secret: held.secret,
            since: When::new(held.created_at, now),
            next: held.due_at.map(|at| When::new(at, now)),
            deliveries: held.deliveries.iter().map(told).collect(),
        }
    }
}

fn sentence(held: &Held, now: protocol::Timestamp) -> String {
    if let (SubscriptionState::Ended, Some(at)) = (held.state, held.ended_at) {
        return format!("It ended {}: {}.", When::new(at, now).relative, held.end_reason);
    }
    let by = match held.channel {
        Channel::Webhook => "a signed request is sent",
        Channel::Mail => "a mail is sent, once a day at most",
        Channel::Issue => "an issue is opened, kept up to date, and closed when nothing fails any more",
    };
    format!("When tests of {} begin to fail, or pass again, {by}.", held.dist)
}
