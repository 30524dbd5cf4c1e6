//! `/extension/{extension}/`: sends the asker to the distribution that provides the extension.

use axum::extract::{Path, State};
use axum::response::Redirect;
use pgxn::Provider;
use protocol::{Name, Status};

use super::line;
use crate::answer::Ask;
use crate::fault::Fault;
use crate::{Dashboard, address};

/// `/extension/{extension}`: the slash belongs to the address.
pub(crate) async fn redirect(Path(extension): Path<String>, ask: Ask) -> Redirect {
    ask.moved(&address::extension(&extension))
}

/// `/extension/{extension}/`. 303, as on pgxn.org: where it leads may change with every release.
pub(crate) async fn show(State(dashboard): State<Dashboard>, Path(extension): Path<String>) -> Result<Redirect, Fault> {
    let missing = || Fault::missing(format!("No distribution provides an extension “{}”.", line(&extension)));
    let name: Name = extension.parse().map_err(|_| missing())?;
    let read = dashboard.documents().providers(&name).await?.ok_or_else(missing)?;
    let provider = latest(&read.value).ok_or_else(missing)?;
    Ok(Redirect::to(&address::dist(&provider.dist)))
}

/// The provider of the highest version of the best status, as the registry's `latest` says it.
fn latest(providers: &[Provider]) -> Option<&Provider> {
    let rank = |provider: &Provider| match provider.status {
        Status::Stable => 2,
        Status::Testing => 1,
        Status::Unstable => 0,
    };
    providers.iter().max_by(|left, right| {
        rank(left)
            .cmp(&rank(right))
            .then_with(|| left.provides.precedence(&right.provides))
            .then_with(|| left.version.precedence(&right.version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(dist: &str, provides: &str, status: Status) -> Provider {
        Provider {
            provides: provides.parse().unwrap(),
            dist: dist.parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            status,
        }
    }

    #[test]
    fn the_highest_stable_version_leads_to_its_distribution() {
        let all = [
            provider("old", "1.9.0", Status::Stable),
            provider("right", "1.10.0", Status::Stable),
            provider("fresh", "2.0.0", Status::Testing),
        ];
        assert_eq!(latest(&all).unwrap().dist.as_str(), "right");
        assert_eq!(latest(&all[2..]).unwrap().dist.as_str(), "fresh");
        assert!(latest(&[]).is_none());
    }
}
