//! `pgxn-testers admin`: talks to a running coordinator over its API, with the operator's token from the data directory.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use coordinator::config::AdminToken;
use protocol::{Name, Problem, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::args::{AdminArgs, AdminCommand, DistSpec, OverridesCommand, RunnersCommand};
use crate::commands::suggest;
use crate::console::{Console, plain};
use crate::farm::DataDir;
use crate::http;

/// A comparison of the whole registry may take this long.
const RECONCILE_PATIENCE: Duration = Duration::from_hours(1);

pub(crate) async fn run(command: AdminCommand, console: Console) -> Result<ExitCode> {
    match command {
        AdminCommand::Reconcile(admin) => reconcile(&Api::open(&admin)?, console).await?,
        AdminCommand::Requeue { admin, what, target } => {
            requeue(&Api::open(&admin)?, what, target.iter().map(ToString::to_string).collect(), console).await?;
        }
        AdminCommand::Overrides(OverridesCommand::Suggest(args)) => return suggest::run(&args, console).await,
        AdminCommand::Runners(RunnersCommand::Add { admin, name }) => {
            add_runner(&Api::open(&admin)?, &name, console).await?;
        }
        AdminCommand::Runners(RunnersCommand::List(admin)) => list_runners(&Api::open(&admin)?).await?,
        AdminCommand::Runners(RunnersCommand::Quarantine { admin, name, reason }) => {
            let body = json!({ "reason": reason });
            Api::open(&admin)?.call::<Value>(Method::PUT, &quarantine(&name), Some(body)).await?;
            console.line(&format!(
                "The runner {name} gets no more work; what it runs and found alone is given to others."
            ));
        }
        AdminCommand::Runners(RunnersCommand::Release { admin, name }) => {
            Api::open(&admin)?.call::<Value>(Method::DELETE, &quarantine(&name), None).await?;
            console.line(&format!("The runner {name} gets work again."));
        }
        AdminCommand::Runners(RunnersCommand::Revoke { admin, name }) => {
            Api::open(&admin)?.call::<Value>(Method::DELETE, &format!("runners/{name}"), None).await?;
            console.line(&format!("The runner {name} may not claim any more; what it runs now is given to others."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn quarantine(name: &Name) -> String {
    format!("runners/{name}/quarantine")
}

async fn reconcile(api: &Api, console: Console) -> Result<()> {
    let mut progress: Value = api.call(Method::POST, "reconcile", None).await?;
    let begun = std::time::Instant::now();
    while progress["state"] == "asked" || progress["state"] == "running" {
        if begun.elapsed() > RECONCILE_PATIENCE {
            bail!("the comparison still goes on after an hour; it continues without this command");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        progress = api.call(Method::GET, "reconcile", None).await?;
    }
    println!("{}", serde_json::to_string_pretty(&progress)?);
    if progress["state"] == "failed" {
        bail!("the registry could not be compared: {}", progress["error"].as_str().unwrap_or("see above"));
    }
    console.line("The registry and the store agree now.");
    Ok(())
}

async fn requeue(api: &Api, what: DistSpec, targets: Vec<String>, console: Console) -> Result<()> {
    let body = json!({ "dist": what.dist, "version": what.version, "targets": targets });
    let answer: Value = api.call(Method::POST, "requeue", Some(body)).await?;
    let jobs = answer["jobs"].as_array().map_or(0, Vec::len);
    let version = answer["version"].as_str().unwrap_or_default();
    console.line(&format!("{} {version}: {jobs} tests queued.", what.dist));
    Ok(())
}

async fn add_runner(api: &Api, name: &Name, console: Console) -> Result<()> {
    let answer: Value = api.call(Method::POST, "runners", Some(json!({ "name": name }))).await?;
    console.line(&format!(
        "The runner {name} is let in. Keep this token in a file for `runner --token-file`; it is not shown again:"
    ));
    println!("{}", answer["token"].as_str().context("read the token in the coordinator's answer")?);
    Ok(())
}

async fn list_runners(api: &Api) -> Result<()> {
    let runners: Vec<Value> = api.call(Method::GET, "runners", None).await?;
    println!("{:<24} {:<12} {:<22} TARGETS", "NAME", "VERSION", "LAST SEEN");
    for runner in runners {
        let seen = match (runner["revoked_at"].as_i64(), runner["last_seen_at"].as_i64()) {
            (Some(_), _) => "revoked".into(),
            (None, Some(at)) => Timestamp::from_millis(at).to_string(),
            (None, None) => "never".to_owned(),
        };
        let targets: Vec<&str> = runner["targets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let text = |key: &str| runner[key].as_str().unwrap_or_default().to_owned();
        println!("{:<24} {:<12} {seen:<22} {}", text("name"), text("version"), targets.join(" "));
        if !runner["quarantined_at"].is_null() {
            println!("{:<24} in quarantine: {}", "", plain(&text("quarantine_reason")));
        }
    }
    Ok(())
}

/// The operator's side of a coordinator's API.
struct Api {
    client: reqwest::Client,
    base: Url,
    token: AdminToken,
}

impl Api {
    fn open(admin: &AdminArgs) -> Result<Self> {
        let base = match &admin.coordinator {
            Some(url) => url.clone(),
            None => DataDir::address(&admin.data_dir)?,
        };
        Ok(Self { client: http::client()?, base, token: AdminToken::open(&admin.data_dir)? })
    }

    /// Calls the API; an error is the coordinator's own sentence.
    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<Value>) -> Result<T> {
        let url = self.base.join(&format!("api/v1/{path}")).context("write the address of the call")?;
        let request: RequestBuilder = self.client.request(method, url.clone()).bearer_auth(self.token.expose());
        let request = body.iter().fold(request, RequestBuilder::json);
        let response = request.send().await.with_context(|| format!("call {url}: is the coordinator running?"))?;
        let status = response.status();
        let bytes = response.bytes().await.with_context(|| format!("read the answer of {url}"))?;
        if !status.is_success() {
            let problem =
                serde_json::from_slice::<Problem>(&bytes).map_or_else(|_| status.to_string(), |problem| problem.detail);
            bail!("{url} answered {}: {problem}", status.as_u16());
        }
        let bytes = if bytes.is_empty() { b"null" } else { bytes.as_ref() };
        serde_json::from_slice(bytes).with_context(|| format!("understand the answer of {url}"))
    }
}
