//! Which extensions the server ships: those whose control files are there before anything is installed.

use std::collections::BTreeMap;

use protocol::{Phase, Reason, Verdict, Version};

use crate::limits::Limits;
use crate::prerequisites::Shipped;
use crate::run::stop::in_phase;
use crate::run::{Step, Stop};
use crate::sandbox::{Command, Log, Sandbox};

/// A line for each, of the file's name and the version that `CREATE EXTENSION` takes.
const LIST: &str = r#"
cd "$("$PG_CONFIG" --sharedir)/extension" && grep -H '^[[:space:]]*default_version' -- *.control | sed 's/^/pgxn-shipped /' >&2
"#;

/// Asks the container, which waits until the server's tree is there.
pub(super) async fn list(sandbox: &Sandbox, limits: &Limits) -> Step<Shipped> {
    let command = Command { before: LIST.into(), ..Command::shell("/", ":") };
    let ended = sandbox.run(&command, limits.phase, &mut Log::new(1_000), &mut |_| {}).await;
    let shipped = read(&ended.map_err(in_phase(Phase::Dependencies))?.side);
    if shipped.is_empty() {
        // Every server ships something: its tree is not there, and no author is to hear that something is missing.
        let verdict = Verdict::new(Phase::Dependencies, Reason::ServerNotStarted);
        return Err(Stop::Decided(verdict.with_detail("the server's extensions are not there")));
    }
    Ok(shipped)
}

fn read(side: &str) -> Shipped {
    let mut shipped = BTreeMap::new();
    for line in side.lines().filter_map(|line| line.strip_prefix("pgxn-shipped ")) {
        let Some((name, setting)) = line.split_once(".control:") else { continue };
        let version = setting.split_once('=').map_or("", |(_, value)| value.trim());
        let version: Result<Version, _> = version.split('\'').nth(1).unwrap_or(version).parse();
        if let (Ok(name), Ok(version)) = (name.parse(), version) {
            shipped.insert(name, version);
        }
    }
    shipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_files_name_extensions_and_their_versions() {
        let shipped = read(
            "pgxn-shipped hstore.control:default_version = '1.8'\npgxn-shipped xml2.control:default_version='1.2' # x\n\
             pgxn-shipped a b.control:default_version = '1'\nelse\n",
        );
        let shipped: Vec<String> = shipped.iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(shipped, ["hstore 1.8", "xml2 1.2"]);
    }
}
