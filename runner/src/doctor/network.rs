//! What a runner talks to, and the clock against it.

use std::time::{Duration, SystemTime};

use protocol::{Clock, Timestamp};
use reqwest::header::DATE;
use reqwest::{Client, Url};

use crate::doctor::{Check, Effect};
use crate::error::innermost;
use crate::web;

/// An answer may take this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// A clock that differs by more than the first is told of; by more than the second, times in reports would be wrong.
const OFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// What is reached over the network.
pub(super) struct Places<'a> {
    pub(super) coordinator: Option<&'a Url>,
    pub(super) registry: &'a Url,
    /// Where the machine's apt has its packages from, which is where images have theirs from; none without apt.
    pub(super) archive: Option<Url>,
    /// The proxy that apt is told of, if any.
    pub(super) apt_proxy: Option<String>,
}

/// What an address answered: the time there less the time here, in milliseconds.
type Answer = Result<Option<i64>, String>;

/// Coordinator, registry and archive, and the clock.
pub(super) async fn checks(places: &Places<'_>, clock: &dyn Clock) -> Vec<Check> {
    let client = match web::client() {
        Ok(client) => client,
        Err(why) => return vec![Check::fails("network", why, Effect::Nothing, "Report this.")],
    };
    let mut checks = Vec::new();
    let mut offset = None;
    match places.coordinator {
        None => checks.push(Check::warning(
            "coordinator",
            "none is known yet",
            "pgxn-testers runner --join URL, or doctor --coordinator URL",
        )),
        Some(url) => {
            let answer = ask(&client, url, clock).await;
            offset = answer.as_ref().ok().copied().flatten();
            let mend = format!(
                "curl -sv {url}  shows what is in the way; a proxy is named by https_proxy, a further CA by SSL_CERT_FILE"
            );
            checks.push(reached("coordinator", url, answer, Some(Effect::Nothing), &mend));
        }
    }
    let registry = if places.registry.scheme() == "file" {
        Check::ok("registry", format!("{} is on this machine", places.registry))
    } else {
        let index = places.registry.join("index.json").unwrap_or_else(|_| places.registry.clone());
        let answer = ask(&client, &index, clock).await;
        offset = offset.or(answer.as_ref().ok().copied().flatten());
        let mend =
            format!("curl -sv {index}  shows what is in the way; a run takes the registry that its coordinator names");
        reached("registry", &index, answer, None, &mend)
    };
    checks.push(registry);
    if let Some(url) = &places.archive {
        let answer = ask_through(places.apt_proxy.as_deref(), url, clock).await;
        offset = offset.or(answer.as_ref().ok().copied().flatten());
        let mend =
            "apt-get update  shows what is in the way; images that are here are used, and no new one can be made";
        checks.push(reached("package archive", url, answer, None, mend));
    }
    checks.push(time(offset));
    checks
}

/// The same by a proxy, where there is one.
async fn ask_through(proxy: Option<&str>, url: &Url, clock: &dyn Clock) -> Answer {
    let client = proxy.map_or_else(web::client, web::client_through)?;
    ask(&client, url, clock).await
}

/// Asks an address for anything. Whatever it answers, it was reached.
async fn ask(client: &Client, url: &Url, clock: &dyn Clock) -> Answer {
    let before = clock.now();
    let response = client.get(url.clone()).timeout(PATIENCE).send().await;
    let response = response.map_err(|error| crate::judge::shown(&innermost(&error.without_url()), 300))?;
    let after = clock.now();
    let date = response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    Ok(date.and_then(|date| offset(date, before, after)))
}

/// The time there less the time here. Dates have whole seconds: what lies within one, and the way to and fro, is nothing.
fn offset(date: SystemTime, before: Timestamp, after: Timestamp) -> Option<i64> {
    let there = i64::try_from(date.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis()).ok()?;
    let (early, late) = (before.as_millis() - 1_000, after.as_millis());
    Some(if there < early { there - early } else { (there - late).max(0) })
}

fn reached(name: &'static str, url: &Url, answer: Answer, needed: Option<Effect>, mend: &str) -> Check {
    let host = url.host_str().unwrap_or_default();
    match (answer, needed) {
        (Ok(_), _) => Check::ok(name, format!("{host} answers, by {}", url.scheme())),
        (Err(why), Some(effect)) => Check::fails(name, format!("{host}: {why}"), effect, mend),
        (Err(why), None) => Check::warning(name, format!("{host}: {why}"), mend),
    }
}

/// What a clock that differs by so much means. A certificate that is not valid yet, or no more, shows as an address that is not reached.
fn time(offset: Option<i64>) -> Check {
    let name = "clock";
    let mend = "Switch time synchronisation on: timedatectl set-ntp true";
    let Some(offset) = offset else {
        return Check::warning(name, "nobody could be asked for the time", mend);
    };
    let by = Duration::from_millis(offset.unsigned_abs());
    let words = format!("{:.0} s {} what others say", by.as_secs_f64(), if offset < 0 { "ahead of" } else { "behind" });
    match by {
        _ if by > OFF.1 => Check::fails(name, words, Effect::Nothing, mend),
        _ if by > OFF.0 => Check::warning(name, words, mend),
        _ => Check::ok(name, "agrees to within five seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    #[test]
    fn a_clock_is_only_wrong_by_more_than_the_way_to_and_fro() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let (before, after) = (Timestamp::from_millis(100_500), Timestamp::from_millis(102_000));
        let found = [98, 100, 102, 110].map(|there| offset(at(there), before, after).unwrap());
        assert_eq!(found, [-1_500, 0, 0, 8_000]);
    }

    #[test]
    fn minutes_take_a_machine_out_of_the_offer_and_seconds_are_told_of() {
        let of = |millis| time(Some(millis));
        assert_eq!([of(0), of(4_000), of(-4_000)].map(|check| check.outcome), [Outcome::Ok; 3]);
        assert_eq!((of(-60_000).outcome, of(60_000).outcome), (Outcome::Warning, Outcome::Warning));
        assert!(of(-60_000).found.starts_with("60 s ahead of what"), "{}", of(-60_000).found);
        assert_eq!((of(400_000).outcome, of(400_000).effect), (Outcome::Fails, Effect::Nothing));
        assert_eq!(time(None).outcome, Outcome::Warning);
    }
}
