//! Keeps the client to the addresses that its caller allows, before each connection: asked for, redirected to, or looked up.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::options::AddressPolicy;

/// Marks an error that the policy made.
#[derive(Debug)]
pub(crate) struct ForbiddenAddress;

impl fmt::Display for ForbiddenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address may not be connected to")
    }
}

impl std::error::Error for ForbiddenAddress {}

/// Looks names up as the system does, and drops the addresses that the policy forbids.
pub(crate) struct PolicyResolver(pub(crate) AddressPolicy);

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| policy(address.ip())).collect();
            if allowed.is_empty() {
                return Err(ForbiddenAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether the policy allows a host that is written as an address, which no look-up ever sees.
pub(crate) fn allows(policy: Option<&AddressPolicy>, url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) | None => return true,
    };
    policy.is_none_or(|policy| policy(address))
}

/// Whether the policy is what an error comes from.
pub(crate) fn is_forbidden(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<ForbiddenAddress>)
}
