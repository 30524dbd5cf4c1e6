//! `pgxn-testers admin overrides suggest`: proposes overrides from what the farm's results miss.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::process::ExitCode;

use anyhow::Result;
use protocol::Platform;
use runner::images::Contents;
use runner::sandbox::docker::Engine;
use runner::suggest::{Missing, suggest};
use store::lacks::{self, Lack};

use crate::args::SuggestArgs;
use crate::console::{Colour, Console, out, plain};
use crate::farm::{DataDir, attach_store};
use crate::imaging::Imaging;

/// Results beyond these are not looked at.
const MAX_LACKS: u32 = 1_000;
/// The directory with the indexes of what packages hold, below the data directory.
const CONTENTS: &str = "contents";

pub(crate) async fn run(args: &SuggestArgs, console: Console) -> Result<ExitCode> {
    let dir = DataDir::existing(&args.data.data_dir)?;
    let store = attach_store(&args.data, &dir).await?;
    let lacks = lacks::standing(&mut store.read().await?, MAX_LACKS).await?;
    let missing: Vec<Missing> = lacks.into_iter().filter_map(missing).collect();
    if missing.is_empty() {
        console.line("No result misses a header, a library or a program.");
        return Ok(ExitCode::SUCCESS);
    }
    let imaging = Imaging::new(Engine::connect(&runner::engine_host()).await?, console);
    let mut indexes: BTreeMap<(&str, Platform), Option<Contents>> = BTreeMap::new();
    for one in &missing {
        let key = (one.suite.as_str(), one.target.platform);
        if let Entry::Vacant(vacant) = indexes.entry(key) {
            let found = imaging.contents(key, &dir.join(CONTENTS)).await;
            if let Err(error) = &found {
                let why = plain(&format!("{error:#}"));
                console.line(&format!("{} {}: {why}", console.paint(Colour::Yellow, "warning:"), one.suite));
            }
            vacant.insert(found.ok());
        }
    }
    let text = suggest(&missing, &args.overrides.or_embedded(), |one| {
        let index = indexes.get(&(one.suite.as_str(), one.target.platform)).and_then(Option::as_ref);
        index.map(|index| index.candidates(one.reason, &one.detail)).unwrap_or_default()
    });
    if text.is_empty() {
        console.line("The overrides provide all that any result misses; test those releases again.");
    } else {
        out(text.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a result misses, where it says on which suite.
fn missing(lack: Lack) -> Option<Missing> {
    let Lack { dist, version, target, reason, detail, suite } = lack;
    Some(Missing { dist, version, target, reason, detail, suite: suite? })
}
