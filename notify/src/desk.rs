//! The desk at which subscriptions are asked for, proved, looked at and ended.
//!
//! A wish is sealed and handed out, not stored. Proved by file, it goes to whoever asked, as the file's content is what proves it; proved by mail,
//! it goes to the address that META.json names and nowhere else, as whoever has the link is believed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Channel, Clock, Name, Proof, SubscriptionId, Timestamp};
use store::deliveries;
use store::subscriptions::{self, NewSubscription, Patience, Started, Subscription};
use store::{Conn, Store, dists, releases};

use crate::address::Reach;
use crate::config::Config;
use crate::forms::Form;
use crate::github::Issues;
use crate::key::Key;
use crate::mail::Mailer;
use crate::outbound::Outbound;
use crate::pace::Pace;
use crate::places;
use crate::view::{Asked, Held, Proving};
use crate::wish::Wish;
use crate::{Refusal, Result};

const ADDRESS: &str = "address";
/// A proof file is not larger.
const MOST_PROOF: usize = 16 * 1024;
/// So many places are looked at.
const MOST_PLACES: usize = 4;
/// So many deliveries are shown.
const SHOWN: u32 = 50;
const PATIENCE: Patience = Patience { pair: Duration::from_hours(12), address: 10, all: 100 };

/// The desk. Clones share it.
#[derive(Clone)]
pub struct Desk(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) key: Key,
    pub(crate) outbound: Outbound,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) issues: Option<Issues>,
    pace: Pace,
}

impl Desk {
    /// A desk with the key of a data directory, and the channels that the operator turned on.
    pub fn open(store: Store, clock: Arc<dyn Clock>, config: Config, data_dir: &Path) -> Result<Self> {
        let reach = Reach { loopback: config.loopback };
        let inner = Inner {
            key: Key::open(data_dir)?,
            outbound: Outbound::new(reach)?,
            mailer: config.mail.as_ref().map(|mail| Mailer::new(mail, &config)).transpose()?,
            issues: config.github.as_ref().map(Issues::new).transpose()?,
            pace: Pace::default(),
            store,
            clock,
            config,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether anything is told that way.
    pub fn offers(&self, channel: Channel) -> bool {
        match channel {
            Channel::Webhook => self.0.config.webhooks,
            Channel::Mail => self.0.mailer.is_some(),
            Channel::Issue => self.0.issues.is_some(),
        }
    }

    /// Whether a wish can be proved by mail.
    pub fn mails(&self) -> bool {
        self.0.mailer.is_some()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Takes a wish: what is to be done to prove it, or that a link was sent to who META.json names.
    pub async fn ask(&self, form: &Form) -> Result<Asked, Refusal> {
        let dist: Name = form.dist.trim().parse().map_err(|_| Refusal::DistUnknown)?;
        if !self.offers(form.channel) {
            return Err(Refusal::ChannelOff);
        }
        let mut conn = self.0.store.read().await?;
        let (dist, meta) = meta(&mut conn, &dist).await?;
        drop(conn);
        let address = self.address(form, &meta)?;
        let proof = if form.channel == Channel::Mail { Proof::Mail } else { form.proof };
        let until = self.now().plus(Wish::patience(proof));
        let nonce = SubscriptionId::new(self.now());
        let wish = Wish { dist, channel: form.channel, address, proof, until, nonce };
        match proof {
            Proof::File if places::places(&meta).is_empty() => Err(Refusal::NoPlace),
            Proof::File => Ok(Asked::Prove(wish.seal(&self.0.key))),
            Proof::Mail => self.send_link(&wish, named(&form.mail, &meta)?).await,
        }
    }

    /// Where a wish leads.
    fn address(&self, form: &Form, meta: &serde_json::Value) -> Result<String, Refusal> {
        match form.channel {
            Channel::Webhook => Ok(self.0.outbound.reach.check(&form.address)?.to_string()),
            Channel::Issue => places::github(meta).ok_or(Refusal::NoGitHub),
            Channel::Mail => named(&form.mail, meta),
        }
    }

    async fn send_link(&self, wish: &Wish, to: String) -> Result<Asked, Refusal> {
        let mailer = self.0.mailer.as_ref().ok_or(Refusal::ChannelOff)?;
        let digest = self.0.key.digest("mail", &[&to.to_lowercase()]);
        let mut tx = self.0.store.begin().await?;
        let may = subscriptions::may_confirm(&mut tx, (&digest, &wish.dist), PATIENCE, self.now()).await?;
        tx.commit().await?;
        if !may {
            return Err(Refusal::TooManyMails);
        }
        let link = self.0.config.link(&format!("/subscribe/{}", wish.seal(&self.0.key)));
        mailer.send_link(wish, &to, &link, self.now()).await.map_err(|why| {
            tracing::warn!(why, "a link to confirm a subscription could not be sent");
            Refusal::MailFailed
        })?;
        Ok(Asked::Mailed)
    }

    /// What a sealed wish asks to be done.
    pub async fn proving(&self, sealed: &str) -> Result<Proving, Refusal> {
        let wish = Wish::unseal(&self.0.key, sealed, self.now()).ok_or(Refusal::WishExpired)?;
        let mut conn = self.0.store.read().await?;
        let (_, meta) = meta(&mut conn, &wish.dist).await?;
        Ok(Proving {
            shown: wish.shown(),
            code: wish.code(&self.0.key),
            places: places::places(&meta),
            dist: wish.dist,
            channel: wish.channel,
            proof: wish.proof,
            until: wish.until,
        })
    }

    /// Grants a wish if it is proved, and returns the token of its subscription. Done twice, it is the same subscription.
    pub async fn confirm(&self, sealed: &str) -> Result<String, Refusal> {
        let wish = Wish::unseal(&self.0.key, sealed, self.now()).ok_or(Refusal::WishExpired)?;
        if !self.offers(wish.channel) {
            return Err(Refusal::ChannelOff);
        }
        if wish.proof == Proof::File {
            self.look(&wish).await?;
        }
        let sealed = self.0.key.seal(ADDRESS, &wish.address);
        let new = NewSubscription {
            id: SubscriptionId::new(self.now()),
            dist: &wish.dist,
            channel: wish.channel,
            proof: wish.proof,
            target_key: &wish.target_key(&self.0.key),
            address: &sealed,
            shown: &wish.shown(),
            hold: wish.hold(),
        };
        let mut tx = self.0.store.begin().await?;
        let started = subscriptions::start(&mut tx, &new, self.now()).await?;
        tx.commit().await?;
        match started {
            Started::New(id) => {
                tracing::info!(%id, dist = %wish.dist, channel = %wish.channel, "a subscription begins");
                Ok(self.0.key.token(id))
            }
            Started::Known(id) => Ok(self.0.key.token(id)),
            Started::Full => Err(Refusal::Full),
        }
    }

    /// Looks for the file that proves a wish, at every place.
    async fn look(&self, wish: &Wish) -> Result<(), Refusal> {
        if !self.0.pace.may(&wish.dist.key(), self.now()) {
            return Err(Refusal::TooOften);
        }
        let mut conn = self.0.store.read().await?;
        let (_, meta) = meta(&mut conn, &wish.dist).await?;
        drop(conn);
        let code = wish.code(&self.0.key);
        let mut refusal = Refusal::ProofMissing;
        for place in places::places(&meta).iter().take(MOST_PLACES) {
            match self.0.outbound.get(&place.address, MOST_PROOF).await {
                Ok(Some(file)) if places::proves(&file, &code) => return Ok(()),
                Ok(_) => {}
                Err(_) => refusal = Refusal::ProofUnreachable,
            }
        }
        Err(refusal)
    }

    /// The subscription that a token shows, with what was told.
    pub async fn held(&self, token: &str) -> Result<Held, Refusal> {
        let id = self.0.key.subscription(token).ok_or(Refusal::NoSubscription)?;
        let mut conn = self.0.store.read().await?;
        let found = subscriptions::get(&mut conn, id).await?.ok_or(Refusal::NoSubscription)?;
        let secret = (found.channel == Channel::Webhook).then(|| self.0.key.webhook_secret(id));
        Ok(Held {
            address: self.opened(&found).unwrap_or_else(|| found.shown.clone()),
            deliveries: deliveries::log(&mut conn, id, SHOWN).await?,
            id,
            dist: found.dist,
            channel: found.channel,
            state: found.state,
            created_at: found.created_at,
            ended_at: found.ended_at,
            end_reason: found.end_reason,
            secret,
            due_at: found.due_at,
        })
    }

    /// Ends the subscription of a token; done twice, it is ended.
    pub async fn end(&self, token: &str) -> Result<(), Refusal> {
        let id = self.0.key.subscription(token).ok_or(Refusal::NoSubscription)?;
        let mut tx = self.0.store.begin().await?;
        subscriptions::end(&mut tx, id, "its holder ended it", self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Where a subscription leads.
    pub(crate) fn opened(&self, subscription: &Subscription) -> Option<String> {
        self.0.key.unseal(ADDRESS, &subscription.address)
    }
}

/// A distribution as it writes itself, and the META.json of its latest release.
async fn meta(conn: &mut Conn, dist: &Name) -> Result<(Name, serde_json::Value), Refusal> {
    let dist = dists::get(conn, dist).await?.ok_or(Refusal::DistUnknown)?;
    let meta = releases::meta(conn, dist.latest.id).await?.unwrap_or_default();
    Ok((dist.name, meta))
}

/// A mail address as META.json writes it, if that names it.
fn named(mail: &str, meta: &serde_json::Value) -> Result<String, Refusal> {
    let given: lettre::Address = mail.trim().parse().map_err(|_| Refusal::MailUnreadable)?;
    let given = given.to_string();
    places::mails(meta).into_iter().find(|one| places::is_same_mail(one, &given)).ok_or(Refusal::MailNotInMeta)
}
