//! `pgxn-testers runner --join`, `rotate` and `leave`: how this machine becomes a runner of a farm, and ceases to be one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::{JoinRequest, JoinRequestId, JoinState, Name};
use runner::{Admission, CallError, Coordinator, Keys};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::args::{JoinArgs, Link, MemberArgs};
use crate::console::{Console, plain};
use crate::membership::{Membership, path};

/// A farm that does not answer is asked so often before that is told.
const ATTEMPTS: u32 = 3;
/// Between two looks at what an operator said: at first, doubled each time up to the second.
const LOOKS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// Where a link leads.
struct Invitation {
    farm: Url,
    secret: Option<String>,
}

impl Invitation {
    fn given(args: &JoinArgs) -> Result<Option<Self>> {
        let text = match (&args.join_file, &args.join) {
            (Some(file), _) => {
                std::fs::read_to_string(file).with_context(|| format!("read the invitation in {}", file.display()))?
            }
            (None, Some(Link(text))) => text.clone(),
            (None, None) => return Ok(None),
        };
        Self::read(text.trim()).map(Some)
    }

    /// Its errors do not repeat it, as it holds a secret.
    fn read(text: &str) -> Result<Self> {
        let Ok(mut farm) = text.parse::<Url>() else {
            bail!("what --join was given is no address; one looks like https://farm.example/#SECRET")
        };
        if !matches!(farm.scheme(), "http" | "https") {
            bail!("the address of a farm starts with https: or http:, and not with {}:", farm.scheme());
        }
        let secret = farm.fragment().filter(|secret| !secret.is_empty()).map(str::to_owned);
        farm.set_fragment(None);
        farm.set_query(None);
        if !farm.path().ends_with('/') {
            farm.set_path(&format!("{}/", farm.path()));
        }
        Ok(Self { farm, secret })
    }
}

/// What this machine is on the farm that it works for; joins where it is nothing yet, and waits for an operator where that takes one. None where
/// `stop` ends the waiting.
pub(crate) async fn member(
    args: &JoinArgs,
    (dir, keys): (&Path, &Keys),
    (console, stop): (Console, &CancellationToken),
) -> Result<Option<Membership>> {
    let (kept, given) = (Membership::read(dir)?, Invitation::given(args)?);
    let member = match (kept, given) {
        (Some(kept), Some(given)) if kept.coordinator != given.farm => bail!(
            "{} belongs to {} at {}; give --data-dir another directory for {}, or `pgxn-testers runner leave` the other first",
            dir.display(),
            kept.name,
            kept.coordinator,
            given.farm
        ),
        (Some(kept), Some(_)) if kept.request.is_none() => {
            console.line(&format!(
                "This machine is {} of {} already; the invitation is not used.",
                kept.name, kept.coordinator
            ));
            kept
        }
        (Some(kept), None | Some(Invitation { secret: None, .. })) => kept,
        (_, Some(given)) => join(args, given, (dir, keys), console).await?,
        (None, None) => bail!(
            "this runner belongs to no farm: join one with --join URL, for which its operator types \
             `pgxn-testers admin runners invite`; or give --coordinator and --token-file"
        ),
    };
    match member.request {
        Some(request) => tokio::select! {
            approved = approval(member, request, dir, console) => approved.map(Some),
            () = stop.cancelled() => Ok(None),
        },
        None => Ok(Some(member)),
    }
}

async fn join(
    args: &JoinArgs,
    Invitation { farm, secret }: Invitation,
    (dir, keys): (&Path, &Keys),
    console: Console,
) -> Result<Membership> {
    let name = args.name.clone().map_or_else(own_name, Ok)?;
    let token = runner::fresh_token();
    let coordinator = Coordinator::new(&farm, &token)?;
    let asks = secret.is_none().then(|| args.note.clone());
    let key = keys.public()?;
    let (token, shown) = (Some(token), Some(key));
    let request = JoinRequest { name: name.clone(), invitation: secret, request: asks, token, key: shown };
    let admission = insist(|| coordinator.join(&request)).await.context("join the farm")?;
    let member = match admission {
        Admission::Joined(joined) => {
            Membership { coordinator: farm, name: joined.name, token: joined.token, request: None }
        }
        Admission::Asked(asked) => Membership { coordinator: farm, name, token: asked.token, request: Some(asked.id) },
    };
    let (farm, name) = (&member.coordinator, plain(member.name.as_str()));
    member.write(dir).with_context(|| {
        format!(
            "{farm} knows this machine as {name} now, but nothing could be kept of that; an operator has to begin anew"
        )
    })?;
    console.line(&match member.request {
        None => {
            format!("Joined {farm} as {name}. {} holds the token; later starts need no --join.", path(dir).display())
        }
        Some(_) => format!("Asked {farm} to become its runner {name}, whose key is {}.", key.fingerprint()),
    });
    Ok(member)
}

/// Makes a call again where the farm does not answer: the token that was chosen makes it the same one.
async fn insist<T>(call: impl AsyncFn() -> Result<T, CallError>) -> Result<T, CallError> {
    let mut attempt = 1;
    loop {
        match call().await {
            Err(error) if error.is_temporary() && attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Waits until an operator has said yes; anything else is an error, after which the machine may ask again.
async fn approval(member: Membership, id: JoinRequestId, dir: &Path, console: Console) -> Result<Membership> {
    let (farm, coordinator) = (&member.coordinator, Coordinator::new(&member.coordinator, &member.token)?);
    console.line(&format!(
        "An operator of {farm} has to type:\n  pgxn-testers admin runners approve {id}\n\
         Waiting for that; Ctrl-C stops the waiting, and `pgxn-testers runner` goes on with it."
    ));
    let (mut pause, mut in_trouble) = (LOOKS.0, false);
    loop {
        match coordinator.membership(id).await {
            Ok(told) => match told.state {
                JoinState::Pending => in_trouble = false,
                JoinState::Approved => {
                    let member = Membership { request: None, ..member };
                    member.write(dir)?;
                    console.line(&format!("Approved: this machine is {} of {}.", member.name, member.coordinator));
                    return Ok(member);
                }
                JoinState::Refused => {
                    Membership::forget(dir)?;
                    bail!("an operator of {farm} refused {}; ask them why before you ask again", member.name)
                }
            },
            Err(error) if error.is_temporary() => {
                if !std::mem::replace(&mut in_trouble, true) {
                    console.line(&format!("{error}; trying again"));
                }
            }
            Err(error) => {
                Membership::forget(dir)?;
                return Err(error).context("wait for an operator");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOKS.1);
    }
}

/// A runner that works looks its token up where `rotate` writes it.
pub(crate) fn client(member: &Membership, dir: &Path) -> Result<Coordinator> {
    let (dir, farm) = (dir.to_owned(), member.coordinator.clone());
    let look_up = move || {
        let kept = Membership::read(&dir).ok().flatten().filter(|kept| kept.coordinator == farm)?;
        Some(kept.token)
    };
    Ok(Coordinator::new(&member.coordinator, &member.token)?.looking_up(Arc::new(look_up)))
}

/// What a data directory belongs to.
fn belonging(data_dir: &Path) -> Result<Membership> {
    Membership::read(data_dir)?.with_context(|| {
        format!("{} belongs to no farm, as there is no {}", data_dir.display(), path(data_dir).display())
    })
}

/// `runner rotate`.
pub(crate) async fn rotate(MemberArgs { data_dir: dir }: &MemberArgs, is_key: bool, console: Console) -> Result<()> {
    let member = &belonging(dir)?;
    let Membership { coordinator: farm, name, .. } = member;
    if member.request.is_some() {
        bail!("{name} is no runner of {farm} yet, so that it has nothing to change there");
    }
    let coordinator = Coordinator::new(farm, &member.token)?;
    if is_key {
        let keys = Keys::open(dir)?;
        let before = keys.public()?.fingerprint();
        let next = coordinator.change_key(&keys).await.context("change the key; the one before goes on")?;
        console.line(&format!(
            "{name} signs with the key {} at {farm} from now on. What it signed with {before} can still be verified.",
            next.key.fingerprint()
        ));
        return Ok(());
    }
    let keep = |token: &str| Membership { token: token.to_owned(), ..member.clone() }.write(dir);
    coordinator.rotate(keep).await?.context("keep the new token; the old one goes on for an hour, so rotate again")?;
    console.line(&format!("{name} has a new token at {farm}, and the old one is refused."));
    Ok(())
}

/// `runner leave`.
pub(crate) async fn leave(MemberArgs { data_dir: dir }: &MemberArgs, console: Console) -> Result<()> {
    let member = &belonging(dir)?;
    let Membership { coordinator: farm, name, .. } = member;
    let said = if member.request.is_some() {
        format!("{name} no longer waits to become a runner of {farm}.")
    } else {
        match Coordinator::new(farm, &member.token)?.leave().await {
            Ok(()) => format!("{name} has left {farm}; its token is refused there, and deleted here."),
            Err(CallError::Refused { status: 401, .. }) => {
                format!("{farm} had no runner with the token of {name} any more; it is deleted here.")
            }
            Err(error) => {
                let hint = format!("leave {farm}; {} is kept, so that you can try again", path(dir).display());
                return Err(error).context(hint);
            }
        }
    };
    Membership::forget(dir)?;
    console.line(&said);
    Ok(())
}

/// The name of this machine, as a runner may have it.
fn own_name() -> Result<Name> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = as_name(&host);
    name.parse().context("make a name of that of this machine; give one with --name")
}

fn as_name(host: &str) -> String {
    let host = host.trim().trim_start_matches('.');
    let legal = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let name: String = host.chars().map(legal).take(64).collect();
    if name.is_empty() { "runner".into() } else { name }
}

#[cfg(test)]
mod tests;
