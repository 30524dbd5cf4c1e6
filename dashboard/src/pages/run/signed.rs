//! Who signed a run's report, and that it does not count where that is so. `/run/{id}/report.json` is the report as a file, for `pgxn-testers verify`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use protocol::{RunId, SignedReport, Timestamp};
use serde::Serialize;
use store::withdrawal::{self, Withdrawn};
use store::{Conn, signatures};

use super::{detail, parse};
use crate::answer::Ask;
use crate::fault::Fault;
use crate::text::When;
use crate::{Dashboard, address};

/// The end of the report's address; no file of a run that is called so has a page.
const FILE: &str = "report.json";

/// The signature of a run's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Signed {
    /// What people compare of the key.
    pub fingerprint: String,
    /// The key.
    pub key: String,
    /// Whether it is the signature of what the farm stores.
    pub is_verified: bool,
    /// The report as a file.
    pub href: String,
    /// The command that verifies it.
    pub command: String,
}

impl Signed {
    pub(crate) fn new(id: RunId, report: &SignedReport) -> Self {
        let fingerprint = report.key.fingerprint().to_string();
        Self {
            command: format!("pgxn-testers verify {FILE} --key {fingerprint}"),
            fingerprint,
            key: report.key.to_string(),
            is_verified: report.verify().is_ok(),
            href: format!("{}/{FILE}", address::run(id)),
        }
    }
}

/// That a run's result does not count any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Gone {
    /// Why, as a sentence.
    pub sentence: String,
    /// Since when.
    pub at: When,
}

impl Gone {
    fn new(withdrawn: &Withdrawn, runner: &str, now: Timestamp) -> Self {
        let sentence = match (withdrawn.is_revoked, withdrawn.reason.as_str()) {
            (true, _) => format!("The runner {runner} was shut out of the farm."),
            (false, "") => format!("The runner {runner} was in quarantine, and its results are about to count again."),
            (false, reason) => format!("The runner {runner} is in quarantine: {reason}."),
        };
        Self { sentence, at: When::new(withdrawn.at, now) }
    }
}

/// Who signed a run, and whether it is withdrawn.
pub(super) async fn of_run(
    conn: &mut Conn,
    detail: &store::runs::RunDetail,
    now: Timestamp,
) -> Result<(Option<Signed>, Option<Gone>), Fault> {
    let report = signatures::signed(conn, detail).await?;
    let withdrawn = withdrawal::of_run(conn, detail.id).await?;
    let runner = detail.run.as_ref().map(|run| run.runner.as_str()).unwrap_or_default();
    let gone = withdrawn.map(|withdrawn| Gone::new(&withdrawn, runner, now));
    Ok((report.map(|report| Signed::new(detail.id, &report)), gone))
}

/// `/run/{id}/report.json`.
pub(crate) async fn report(
    State(dashboard): State<Dashboard>,
    Path(id): Path<String>,
    ask: Ask,
) -> Result<Response, Fault> {
    let run = parse(&id)?;
    if id != run.to_string() {
        return Ok(ask.moved(&format!("{}/{FILE}", address::run(run))).into_response());
    }
    let mut conn = dashboard.store().read().await?;
    let detail = detail(&mut conn, run).await?;
    match signatures::signed(&mut conn, &detail).await? {
        Some(report) => Ok(ask.fresh("application/json", "no-cache", serde_json::to_string_pretty(&report)?)),
        None => Err(Fault::missing(format!("The run {run} has no signed report."))),
    }
}
