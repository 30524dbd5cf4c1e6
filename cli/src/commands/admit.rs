//! `pgxn-testers admin runners invite` and what belongs to it: how an operator lets machines in.

use anyhow::{Context, Result};
use coordinator::api::view::{Invitation, MadeInvitation, PendingRequest};
use protocol::{Membership, Name};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use url::{Host, Url};

use crate::args::AdmissionCommand;
use crate::commands::admin::Api;
use crate::console::{Console, out, plain};

pub(crate) async fn run(command: AdmissionCommand, console: Console) -> Result<()> {
    match command {
        AdmissionCommand::Invite { admin, name, expires } => {
            invite(&Api::open(&admin)?, name.as_ref(), expires, console).await
        }
        AdmissionCommand::Invitations(admin) => invitations(&Api::open(&admin)?).await,
        AdmissionCommand::Uninvite { admin, id } => {
            let path = ["invitations", &id.to_string()];
            Api::open(&admin)?.call::<Value>(Method::DELETE, &path, None).await?;
            console.line(&format!("The invitation {id} cannot be used any more."));
            Ok(())
        }
        AdmissionCommand::Requests(admin) => requests(&Api::open(&admin)?).await,
        AdmissionCommand::Approve { admin, id } => {
            let path = ["join-requests", &id.to_string()];
            let member: Membership = Api::open(&admin)?.call(Method::PUT, &path, None).await?;
            console.line(&format!("{} is a runner now.", plain(member.name.as_str())));
            Ok(())
        }
        AdmissionCommand::Refuse { admin, id } => {
            let path = ["join-requests", &id.to_string()];
            let member: Membership = Api::open(&admin)?.call(Method::DELETE, &path, None).await?;
            console.line(&format!("{} is refused.", plain(member.name.as_str())));
            Ok(())
        }
    }
}

async fn invite(api: &Api, name: Option<&Name>, expires: Duration, console: Console) -> Result<()> {
    let millis = u64::try_from(expires.as_millis()).context("write how long it can be used")?;
    let body = json!({ "name": name, "expires_in_ms": millis });
    let made: MadeInvitation = api.call(Method::POST, &["invitations"], Some(body)).await?;
    let mut farm = made.farm.unwrap_or_else(|| api.base().clone());
    if is_own(&farm) {
        console.line(&format!(
            "{farm} is the address of this machine alone; start the coordinator with --public-url for others."
        ));
    }
    farm.set_fragment(Some(&made.secret));
    console.line(&format!(
        "Good for one runner until {}; `pgxn-testers admin runners uninvite {}` takes it back. On the other machine:",
        made.expires_at, made.id
    ));
    Ok(out(&format!("pgxn-testers runner --join '{farm}'"))?)
}

/// Whether an address leads other machines to themselves.
pub(crate) fn is_own(farm: &Url) -> bool {
    match farm.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn invitations(api: &Api) -> Result<()> {
    let invitations: Vec<Invitation> = api.call(Method::GET, &["invitations"], None).await?;
    out(&format!("{:<28} {:<24} UNTIL", "ID", "NAME"))?;
    for it in invitations {
        let name = it.name.as_ref().map_or_else(|| "(the volunteer chooses)".into(), |name| plain(name.as_str()));
        out(&format!("{:<28} {name:<24} {}", it.id, it.expires_at))?;
    }
    Ok(())
}

async fn requests(api: &Api) -> Result<()> {
    let requests: Vec<PendingRequest> = api.call(Method::GET, &["join-requests"], None).await?;
    out(&format!("{:<28} {:<24} {:<22} NOTE", "ID", "NAME", "SINCE"))?;
    for it in requests {
        let (name, note) = (plain(it.name.as_str()), plain(&it.note));
        out(format!("{:<28} {name:<24} {:<22} {note}", it.id, it.created_at.to_string()).trim_end())?;
        if let Some(key) = it.key {
            out(&format!("{:<28} key {key}", ""))?;
        }
    }
    Ok(())
}
