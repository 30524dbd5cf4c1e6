//! How far the withdrawal of a runner's results is, while an operator looks on: it goes on without them.

use std::time::Duration;

use anyhow::Result;
use protocol::Name;
use reqwest::Method;
use serde_json::Value;

use crate::commands::admin::Api;
use crate::console::Console;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// It is told at so many looks.
const TOLD_EVERY: u32 = 10;

/// Tells how far it is until it is done.
pub(crate) async fn follow(api: &Api, name: &Name, console: Console) -> Result<()> {
    let mut looks = 0_u32;
    loop {
        let runners: Vec<Value> = api.call(Method::GET, &["runners"], None).await?;
        let Some(runner) = runners.iter().find(|runner| runner["name"] == name.as_str()) else { return Ok(()) };
        let (withdrawn, left) = counts(runner);
        if left == 0 {
            console.line(&match withdrawn {
                0 => "None of its results is withdrawn.".to_owned(),
                1 => "1 of its results is withdrawn, and counts nowhere.".to_owned(),
                _ => format!("{withdrawn} of its results are withdrawn, and count nowhere."),
            });
            return Ok(());
        }
        if looks.is_multiple_of(TOLD_EVERY) {
            console.line(&format!(
                "{withdrawn} of its results are withdrawn, {left} are still to be looked at; Ctrl-C does not stop that."
            ));
        }
        looks += 1;
        tokio::time::sleep(LOOK).await;
    }
}

/// What is withdrawn of a runner, for a list; none where nothing is.
pub(crate) fn words(runner: &Value) -> Option<String> {
    match counts(runner) {
        (0, 0) => None,
        (withdrawn, 0) => Some(format!("{withdrawn} results withdrawn")),
        (withdrawn, left) => Some(format!("{withdrawn} results withdrawn, {left} still to be looked at")),
    }
}

fn counts(runner: &Value) -> (u64, u64) {
    let count = |key: &str| runner[key].as_u64().unwrap_or(0);
    (count("withdrawn"), count("withdrawal_left"))
}
