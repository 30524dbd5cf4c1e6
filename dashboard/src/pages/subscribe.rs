//! `/subscribe/`: how to hear of what turns: feeds for everybody; webhooks, mail and issues for maintainers. And `/subscribe/{wish}`: how to prove
//! that one is.
//!
//! These pages only read: their forms go to the routes of `notify`, which send the browser back here with a word for what is wrong.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY};
use axum::response::Response;
use notify::{Proving, Refusal};
use protocol::{Channel, Name, Proof};
use serde::Serialize;
use store::dists;

use crate::answer::Ask;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::text::When;
use crate::{Dashboard, address};

/// The page as data.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// The distribution that is asked for.
    pub dist: String,
    /// Its page, where there is one.
    pub href: Option<String>,
    /// The ways that the operator turned on.
    pub channels: Vec<Channel>,
    /// The way that was chosen.
    pub channel: Option<Channel>,
    /// How it is proved.
    pub proof: Proof,
    /// Whether a link can be sent by mail.
    pub mails: bool,
    /// What was wrong with what was asked.
    pub problem: Option<&'static str>,
    /// Whether a link was sent.
    pub sent: bool,
    /// The majors that have feeds.
    pub majors: Vec<u16>,
}

impl View {
    /// Whether a way is on.
    pub(crate) fn has(&self, channel: &str) -> bool {
        self.channels.iter().any(|one| one.as_str() == channel)
    }

    /// Whether a way is the one that was chosen, or the first.
    pub(crate) fn is_chosen(&self, channel: &str) -> bool {
        self.channel.or(self.channels.first().copied()).is_some_and(|one| one.as_str() == channel)
    }
}

#[derive(Template)]
#[template(path = "subscribe.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a View,
}

/// `/subscribe/`.
pub(crate) async fn show(State(dashboard): State<Dashboard>, ask: Ask) -> Result<Response, Fault> {
    let asked: String = ask.get("dist").unwrap_or_default().chars().take(80).collect();
    let mut conn = dashboard.store().read().await?;
    let found = match asked.parse::<Name>() {
        Ok(name) => dists::get(&mut conn, &name).await?,
        Err(_) => None,
    };
    let offered = |channel: &Channel| dashboard.desk().is_some_and(|desk| desk.offers(*channel));
    let view = View {
        href: found.as_ref().map(|dist| address::dist(&dist.name)),
        dist: found.map_or(asked, |dist| dist.name.to_string()),
        channels: [Channel::Webhook, Channel::Mail, Channel::Issue].into_iter().filter(offered).collect(),
        channel: ask.get("channel").and_then(|channel| channel.parse().ok()),
        proof: ask.get("proof").and_then(|proof| proof.parse().ok()).unwrap_or(Proof::File),
        mails: dashboard.desk().is_some_and(notify::Desk::mails),
        problem: problem(&ask),
        sent: ask.get("sent").is_some(),
        majors: dashboard.supported(),
    };
    let response = ask.answer(&view, || {
        let frame = Frame::new(
            dashboard.site(),
            "Hear of what turns",
            "Feeds, webhooks, mail and issues that tell when tests of an extension begin to fail, or pass again.",
        );
        let keys = ["dist", "channel", "proof"];
        Page { frame: frame.with_json(ask.keeping("/subscribe/?format=json", &keys)), view: &view }
    })?;
    Ok(response)
}

/// What is wrong, in a sentence.
pub(super) fn problem(ask: &Ask) -> Option<&'static str> {
    ask.get("problem").and_then(Refusal::from_code).map(Refusal::sentence)
}

/// A wish to prove, as data.
#[derive(Debug, Serialize)]
pub(crate) struct Wished {
    /// What is to be done.
    #[serde(flatten)]
    pub proving: Proving,
    /// The line of the file.
    pub line: String,
    /// Until when.
    pub ends: When,
    /// What is wrong.
    pub problem: Option<&'static str>,
}

impl Wished {
    /// Whether a file is asked for; else having come here is enough.
    pub(crate) fn by_file(&self) -> bool {
        self.proving.proof == Proof::File
    }
}

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage<'a> {
    frame: Frame<'a>,
    view: &'a Wished,
    action: &'a str,
}

/// `/subscribe/{wish}`.
pub(crate) async fn prove(
    State(dashboard): State<Dashboard>,
    Path(wish): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let Some(desk) = dashboard.desk() else { return Err(Fault::missing(Refusal::WishExpired.sentence())) };
    let proving = desk.proving(&wish).await.map_err(fault)?;
    let view = Wished {
        line: format!("subscriptions = [\"{}\"]", proving.code),
        ends: When::new(proving.until, dashboard.now()),
        problem: problem(&ask),
        proving,
    };
    let response = ask.answer(&view, || {
        let title = format!("Prove that {} is yours", view.proving.dist);
        let frame = Frame::new(dashboard.site(), title, "How to prove that META.json means you.");
        ProvePage { frame, view: &view, action: ask.path() }
    })?;
    Ok(private(response))
}

/// A refusal as a page's fault.
pub(super) fn fault(refusal: Refusal) -> Fault {
    Fault::missing(refusal.sentence())
}

/// Keeps a page whose address is a secret out of caches and out of what the browser tells others.
pub(super) fn private(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}
