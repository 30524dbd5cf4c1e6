//! `pgxn-testers admin uploads`: how an operator lets maintainers' own CI send in what it finds.

use anyhow::Result;
use coordinator::api::view::{GrantedUploadToken, RevokedUploadToken, UploadToken};
use reqwest::Method;
use serde_json::json;

use crate::args::{ScopeArgs, UploadsCommand};
use crate::commands::admin::Api;
use crate::console::{Console, out, plain};

const PATH: &str = "upload-tokens";

pub(crate) async fn run(command: UploadsCommand, console: Console) -> Result<()> {
    match command {
        UploadsCommand::Grant { admin, scope } => grant(&Api::open(&admin)?, scope, console).await,
        UploadsCommand::List(admin) => list(&Api::open(&admin)?).await,
        UploadsCommand::Revoke { admin, id, keep_reports } => {
            let query = if keep_reports { "?keep_reports=true" } else { "" };
            let (api, id) = (Api::open(&admin)?, id.to_string());
            let revoked: RevokedUploadToken = api.call_with(Method::DELETE, (&[PATH, &id], query), None).await?;
            console.line(&format!(
                "The token {id} is not taken any more; {} results that came by it are removed.",
                revoked.removed
            ));
            Ok(())
        }
    }
}

async fn grant(api: &Api, scope: ScopeArgs, console: Console) -> Result<()> {
    let body = json!({ "dist": scope.dist, "user": scope.user });
    let granted: GrantedUploadToken = api.call(Method::POST, &[PATH], Some(body)).await?;
    console.line(&format!(
        "Good until {}; `pgxn-testers admin uploads revoke {}` takes it back. Give this to the maintainer for \
         PGXN_TESTERS_UPLOAD_TOKEN; it is not shown again:",
        granted.expires_at, granted.id
    ));
    Ok(out(&granted.token)?)
}

async fn list(api: &Api) -> Result<()> {
    let tokens: Vec<UploadToken> = api.call(Method::GET, &[PATH], None).await?;
    out(&format!("{:<28} {:<32} {:<22} LAST USED", "ID", "FOR", "UNTIL"))?;
    for token in tokens {
        let name = match (&token.dist, &token.user) {
            (Some(dist), _) => plain(dist.as_str()),
            (None, user) => format!("user {}", user.as_ref().map(|user| plain(user.as_str())).unwrap_or_default()),
        };
        let used = token.used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        out(&format!("{:<28} {name:<32} {:<22} {used}", token.id, token.expires_at.to_string()))?;
    }
    Ok(())
}
