//! What a desk says of wishes and subscriptions, as data for pages and the API.

use protocol::{Channel, Name, Proof, SubscriptionId, SubscriptionState, Timestamp};
use serde::Serialize;
use store::deliveries::Delivery;
use utoipa::ToSchema;

use crate::places::Place;

/// What a wish came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is to be proved by a file: the sealed wish.
    Prove(String),
    /// A link to confirm it was sent.
    Mailed,
}

/// How a wish is proved.
#[derive(Clone, Debug, Serialize)]
pub struct Proving {
    /// What is wished.
    pub dist: Name,
    /// By what.
    pub channel: Channel,
    /// What may be shown of where.
    pub shown: String,
    /// How it is proved.
    pub proof: Proof,
    /// Until when.
    pub until: Timestamp,
    /// What the file has to name.
    pub code: String,
    /// Where the file may be.
    pub places: Vec<Place>,
}

/// A subscription as its holder sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Held {
    /// Its id.
    pub id: SubscriptionId,
    /// The distribution.
    pub dist: Name,
    /// By what.
    pub channel: Channel,
    /// Where.
    pub address: String,
    /// How far it is.
    pub state: SubscriptionState,
    /// When it was proved.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub end_reason: String,
    /// With what a webhook is signed.
    pub secret: Option<String>,
    /// When something is sent next.
    pub due_at: Option<Timestamp>,
    /// What was told, the latest first.
    #[schema(value_type = Vec<Object>)]
    pub deliveries: Vec<Delivery>,
}
