//! The flag for another file of overrides than the one that is part of the program.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use protocol::Overrides;

/// What releases need beyond the plain image.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OverrideArgs {
    /// A file like images/overrides.toml to use instead of the one that is part of this program
    #[arg(long, value_name = "FILE", env = "PGXN_TESTERS_OVERRIDES", value_parser = read)]
    overrides: Option<Overrides>,
}

impl OverrideArgs {
    /// Those of the file, or those that are part of the program.
    pub(crate) fn or_embedded(&self) -> Arc<Overrides> {
        Arc::new(self.overrides.clone().unwrap_or_else(Overrides::embedded))
    }
}

fn read(path: &str) -> Result<Overrides, String> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|error| error.to_string())?;
    Overrides::parse(&text).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("overrides.toml");
        std::fs::write(&path, "[[override]]\ndist = \"widget\"\nwhy = \"It is so.\"\n").unwrap();
        let refusal = read(path.to_str().unwrap()).unwrap_err();
        assert_eq!(refusal, "the overrides are wrong about widget: it asks for nothing");
        assert!(read("/nowhere/at/all").unwrap_err().contains("No such file"));
    }
}
