//! Output plugins: since the minor versions 15.20, 16.15, 17.12 and 18.6 the server uses none that `output_plugin_libraries` does not name. It
//! names the one that `make install` brought as soon as a test says that it is refused, and the tests are run once more.

use std::collections::BTreeMap;

use protocol::{FileKind, Reason, Verdict};

use crate::judge::{Finding, OUTPUT_PLUGINS};
use crate::run::phase::{Attempt, Bench};
use crate::run::preload::list;
use crate::run::restart::{self, Change};
use crate::run::{Book, Step};

/// Names what a phase that failed asks for, if it does and it is the distribution's own; then the phase is worth another attempt.
pub(crate) async fn heal(
    bench: &mut Bench<'_>,
    (attempt, finding): (&Attempt, &Finding),
    book: &mut Book<'_>,
) -> Step<bool> {
    let phase = attempt.phase;
    let Some(plugin) = finding.verdict.as_ref().and_then(refused) else { return Ok(false) };
    let is_named = book.circumstances.provided.settings.contains_key(OUTPUT_PLUGINS);
    let found = list(bench, phase, book).await?;
    if is_named || found.get(plugin) != Some(&true) {
        return Ok(false);
    }
    book.keep(&format!("first-{phase}.log"), FileKind::Log, &attempt.log.so_far());
    let settings = BTreeMap::from([(OUTPUT_PLUGINS.to_owned(), format!("pgoutput, test_decoding, {plugin}"))]);
    restart::anew(bench, phase, Change { settings: &settings, libraries: &[], found: &found }, book).await?;
    book.circumstances.provided.why.push(format!("It brings an output plugin, which has to be named: {plugin}."));
    book.note(format!("The server refuses output plugins that it does not know: it was restarted with {plugin} named, and {phase} was repeated.")).await;
    Ok(true)
}

/// The plugin that a verdict says was refused.
fn refused(verdict: &Verdict) -> Option<&str> {
    let named = verdict.detail.strip_prefix(OUTPUT_PLUGINS)?.strip_prefix(" with ")?;
    (verdict.reason == Reason::SettingNeeded).then_some(named)
}

#[cfg(test)]
mod tests {
    use protocol::Phase;

    use super::*;

    #[test]
    fn only_a_verdict_about_output_plugins_names_one() {
        let verdict = |reason, detail: &str| Verdict::new(Phase::Installcheck, reason).with_detail(detail);
        let of_wal2json = verdict(Reason::SettingNeeded, "output_plugin_libraries with wal2json");
        assert_eq!(refused(&of_wal2json), Some("wal2json"));
        assert_eq!(refused(&verdict(Reason::SettingNeeded, "wal_level")), None);
        assert_eq!(refused(&verdict(Reason::TestsFailed, "output_plugin_libraries with wal2json")), None);
    }
}
