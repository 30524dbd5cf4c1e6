//! The form of a wish, as pages and programs send it.

use protocol::{Channel, Proof};
use serde::Deserialize;
use utoipa::ToSchema;

/// A wish as it is sent.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Form {
    /// The distribution.
    pub dist: String,
    /// By what.
    pub channel: Channel,
    /// How it is to be proved.
    #[serde(default = "by_file")]
    pub proof: Proof,
    /// The address of a webhook.
    #[serde(default)]
    pub address: String,
    /// The mail address that is to confirm, one that META.json names.
    #[serde(default)]
    pub mail: String,
}

fn by_file() -> Proof {
    Proof::File
}
