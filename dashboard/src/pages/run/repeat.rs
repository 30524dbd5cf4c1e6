//! The one command that repeats a run, safe to paste whatever a distribution calls itself.

use protocol::{Name, Target, Version};
use url::Url;

/// What `pgxn-testers test` asks when it is told nothing else.
const DEFAULT_REGISTRY: &str = "https://api.pgxn.org/";

/// The command.
pub(crate) fn command(dist: &Name, version: &Version, target: Target, registry: &Url) -> String {
    let release = quote(&format!("{dist}@{version}"));
    let command = format!("pgxn-testers test {release} --pg {}", target.major);
    if registry.as_str() == DEFAULT_REGISTRY {
        return command;
    }
    format!("{command} --registry {}", quote(registry.as_str().trim_end_matches('/')))
}

/// A word for a shell: as it is where that is safe, else in single quotes.
fn quote(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_of(dist: &str, registry: &str) -> String {
        let target = "pg17-amd64".parse().unwrap();
        command(&dist.parse().unwrap(), &"1.3.4".parse().unwrap(), target, &registry.parse().unwrap())
    }

    #[test]
    fn the_registry_is_named_only_where_it_is_not_the_default() {
        assert_eq!(command_of("pgTAP", "https://api.pgxn.org"), "pgxn-testers test pgTAP@1.3.4 --pg 17");
        assert_eq!(
            command_of("pgTAP", "http://127.0.0.1:8081/mirror/"),
            "pgxn-testers test pgTAP@1.3.4 --pg 17 --registry http://127.0.0.1:8081/mirror"
        );
    }

    #[test]
    fn a_hostile_name_runs_nothing() {
        assert_eq!(command_of("$(reboot)", "https://api.pgxn.org"), "pgxn-testers test '$(reboot)@1.3.4' --pg 17");
        assert_eq!(
            command_of("a';reboot;'", "https://api.pgxn.org"),
            r"pgxn-testers test 'a'\'';reboot;'\''@1.3.4' --pg 17"
        );
        assert_eq!(command_of("--help", "https://api.pgxn.org"), "pgxn-testers test '--help@1.3.4' --pg 17");
    }
}
