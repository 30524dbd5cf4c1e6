//! `pgxn-testers admin`: talks to a running coordinator over its API, with the operator's token from the data directory.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use coordinator::config::AdminToken;
use protocol::{Clock, Name, SystemClock, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::args::{AdminArgs, AdminCommand, DistSpec, OverridesCommand, RunnersCommand, Since};
use crate::commands::{admit, suggest, uploads, withdrawal};
use crate::console::{Console, out, plain};
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
        AdminCommand::RenewImages(admin) => {
            Api::open(&admin)?.call::<Value>(Method::POST, &["images", "renew"], None).await?;
            console.line(
                "Runners make their images anew, each with its next claim; `admin runners list` shows who is there.",
            );
        }
        AdminCommand::Overrides(OverridesCommand::Suggest(args)) => return suggest::run(&args, console).await,
        AdminCommand::Uploads(command) => uploads::run(command, console).await?,
        AdminCommand::Runners(RunnersCommand::Add { admin, name }) => {
            add_runner(&Api::open(&admin)?, &name, console).await?;
        }
        AdminCommand::Runners(RunnersCommand::Admission(command)) => admit::run(command, console).await?,
        AdminCommand::Runners(RunnersCommand::List(admin)) => list_runners(&Api::open(&admin)?).await?,
        AdminCommand::Runners(RunnersCommand::Quarantine { admin, name, reason, since }) => {
            let since = since.map(|since| match since {
                Since::At(at) => at,
                Since::Ago(time) => SystemClock.now().minus(time),
            });
            let (api, body) = (Api::open(&admin)?, json!({ "reason": reason, "since": since }));
            api.call::<Value>(Method::PUT, &quarantine(&name), Some(body)).await?;
            console.line(&format!("The runner {name} gets no more work; what it runs is given to others."));
            withdrawal::follow(&api, &name, console).await?;
        }
        AdminCommand::Runners(RunnersCommand::Release { admin, name }) => {
            let api = Api::open(&admin)?;
            api.call::<Value>(Method::DELETE, &quarantine(&name), None).await?;
            console.line(&format!("The runner {name} gets work again; a revoked one stays shut out."));
            withdrawal::follow(&api, &name, console).await?;
        }
        AdminCommand::Runners(RunnersCommand::Revoke { admin, name, keep_results }) => {
            let api = Api::open(&admin)?;
            let query = if keep_results { "?keep_results=true" } else { "" };
            api.call_with::<Value>(Method::DELETE, (&["runners", name.as_str()], query), None).await?;
            console.line(&format!("The runner {name} may not claim any more; what it runs now is given to others."));
            withdrawal::follow(&api, &name, console).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn quarantine(name: &Name) -> [&str; 3] {
    ["runners", name.as_str(), "quarantine"]
}

async fn reconcile(api: &Api, console: Console) -> Result<()> {
    let mut progress: Value = api.call(Method::POST, &["reconcile"], None).await?;
    let begun = std::time::Instant::now();
    while progress["state"] == "asked" || progress["state"] == "running" {
        if begun.elapsed() > RECONCILE_PATIENCE {
            bail!("the comparison still goes on after an hour; it continues without this command");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        progress = api.call(Method::GET, &["reconcile"], None).await?;
    }
    out(&serde_json::to_string_pretty(&progress)?)?;
    if progress["state"] == "failed" {
        bail!("the registry could not be compared: {}", progress["error"].as_str().unwrap_or("see above"));
    }
    console.line("The registry and the store agree now.");
    Ok(())
}

async fn requeue(api: &Api, what: DistSpec, targets: Vec<String>, console: Console) -> Result<()> {
    let body = json!({ "dist": what.dist, "version": what.version, "targets": targets });
    let answer: Value = api.call(Method::POST, &["requeue"], Some(body)).await?;
    let jobs = answer["jobs"].as_array().map_or(0, Vec::len);
    let version = answer["version"].as_str().unwrap_or_default();
    console.line(&format!("{} {version}: {jobs} tests queued.", what.dist));
    Ok(())
}

async fn add_runner(api: &Api, name: &Name, console: Console) -> Result<()> {
    let answer: Value = api.call(Method::POST, &["runners"], Some(json!({ "name": name }))).await?;
    console.line(&format!(
        "The runner {name} is let in. Keep this token in a file for `runner --token-file`; it is not shown again:"
    ));
    Ok(out(answer["token"].as_str().context("read the token in the coordinator's answer")?)?)
}

async fn list_runners(api: &Api) -> Result<()> {
    let runners: Vec<Value> = api.call(Method::GET, &["runners"], None).await?;
    out(&format!("{:<24} {:<12} {:<22} TARGETS", "NAME", "VERSION", "LAST SEEN"))?;
    for runner in runners {
        let seen = match (runner["revoked_at"].as_i64(), runner["last_seen_at"].as_i64()) {
            (Some(_), _) => "revoked".into(),
            (None, Some(at)) => Timestamp::from_millis(at).to_string(),
            (None, None) => "never".to_owned(),
        };
        let targets: Vec<&str> = runner["targets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // What a runner says of itself is a stranger's text.
        let text = |key: &str| plain(runner[key].as_str().unwrap_or_default());
        out(&format!("{:<24} {:<12} {seen:<22} {}", text("name"), text("version"), plain(&targets.join(" "))))?;
        if let Some(why) = runner["absence"]["why"].as_str() {
            out(&format!("{:<24} takes no work: {}", "", plain(why)))?;
        }
        if let Some(until) = runner["held_until"].as_i64() {
            let until = Timestamp::from_millis(until);
            out(&format!("{:<24} lost what it claimed {} times in a row: no work until {until}", "", runner["lost"]))?;
        }
        if !runner["quarantined_at"].is_null() {
            out(&format!("{:<24} in quarantine: {}", "", text("quarantine_reason")))?;
        }
        let key = runner["key"].as_str().map_or_else(|| "none: it gets no work".to_owned(), plain);
        out(&format!("{:<24} key {key}", ""))?;
        if let Some(words) = withdrawal::words(&runner) {
            out(&format!("{:<24} {words}", ""))?;
        }
    }
    Ok(())
}

/// The operator's side of a coordinator's API.
pub(crate) struct Api {
    client: reqwest::Client,
    base: Url,
    token: AdminToken,
}

impl Api {
    pub(crate) fn open(admin: &AdminArgs) -> Result<Self> {
        let base = match &admin.coordinator {
            Some(url) => url.clone(),
            None => DataDir::address(&admin.data_dir)?,
        };
        Ok(Self { client: http::client()?, base, token: AdminToken::read(&admin.data_dir)? })
    }

    /// The coordinator's address.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Calls the API; an error is the coordinator's own sentence.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<T> {
        self.call_with(method, (path, ""), body).await
    }

    /// The same with a query, which begins with its question mark.
    pub(crate) async fn call_with<T: DeserializeOwned>(
        &self,
        method: Method,
        (path, query): (&[&str], &str),
        body: Option<Value>,
    ) -> Result<T> {
        let mut url = address(&self.base, path)?;
        url.set_query(query.strip_prefix('?'));
        let request: RequestBuilder = self.client.request(method, url.clone()).bearer_auth(self.token.expose());
        let request = body.iter().fold(request, RequestBuilder::json);
        let response = request.send().await.with_context(|| format!("call {url}: is the coordinator running?"))?;
        http::answer(response, &url).await
    }
}

/// The address of a call: each part stays one segment, whatever a runner is called.
pub(crate) fn address(base: &Url, path: &[&str]) -> Result<Url> {
    let mut url = base.join("api/v1/").context("write the address of the call")?;
    match url.path_segments_mut() {
        Ok(mut segments) => segments.pop_if_empty().extend(path),
        Err(()) => bail!("{base} is no address of a coordinator"),
    };
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runners_name_cannot_make_a_call_another_one() {
        let base = "http://127.0.0.1:8080/".parse().unwrap();
        let name = "a?b#c%2e/..".to_owned();
        let url = address(&base, &["runners", &name, "quarantine"]).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:8080/api/v1/runners/a%3Fb%23c%252e%2F../quarantine");
    }
}
