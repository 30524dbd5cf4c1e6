//! Where a connection may go: only to the internet. A stranger names the address, and must not reach through us what they cannot reach themselves.
//!
//! The check is made on the addresses that a name leads to, in the look-up that the connection itself uses: a name that leads elsewhere the next
//! time is looked up and checked again then. One forbidden address among several forbids all.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use pgxn::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::Refusal;

/// Longer addresses are not taken.
const MOST_CHARS: usize = 1_000;

/// Says which addresses may be connected to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// This machine as well, over plain HTTP.
    pub(crate) loopback: bool,
}

impl Reach {
    fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.to_canonical().is_loopback())
    }

    /// The address that a stranger wrote, if something may be sent there as far as can be told without a look-up.
    pub(crate) fn check(self, text: &str) -> Result<Url, Refusal> {
        let url = Url::parse(text.trim()).map_err(|_| Refusal::AddressUnreadable)?;
        if text.len() > MOST_CHARS || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some()
        {
            return Err(Refusal::AddressUnreadable);
        }
        let host = url.host().ok_or(Refusal::AddressUnreadable)?;
        let address = match &host {
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address)),
            Host::Domain(_) => None,
        };
        if address.is_some_and(|address| !self.allows(address)) {
            return Err(Refusal::AddressPrivate);
        }
        let is_here =
            host == Host::Domain("localhost") || address.is_some_and(|address| address.to_canonical().is_loopback());
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.loopback && is_here => Ok(url),
            _ => Err(Refusal::AddressInsecure),
        }
    }
}

/// Marks an error that a forbidden address made.
#[derive(Debug)]
pub(crate) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address that is not on the internet")
    }
}

impl std::error::Error for Forbidden {}

/// Looks names up as the system does, and leads nowhere if one of the addresses is forbidden.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().any(|address| !reach.allows(address.ip())) {
                return Err(Forbidden.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leads_inside_however_it_is_written_is_refused() {
        let reach = Reach { loopback: false };
        for text in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://169.254.169.254/latest/",
            "https://10.0.0.1:8443/",
        ] {
            assert_eq!(reach.check(text), Err(Refusal::AddressPrivate), "{text}");
        }
        for text in ["http://example.org/", "ftp://example.org/", "http://localhost/", "gopher://example.org/"] {
            assert_eq!(reach.check(text), Err(Refusal::AddressInsecure), "{text}");
        }
        for text in [
            "",
            "example.org",
            "file:///etc/passwd",
            "https://user:pw@example.org/",
            "https://example.org/#x",
            "https://",
        ] {
            assert_eq!(reach.check(text), Err(Refusal::AddressUnreadable), "{text}");
        }
        assert_eq!(reach.check(" https://example.org/a?b=c ").unwrap().as_str(), "https://example.org/a?b=c");
        let long = format!("https://example.org/{}", "a".repeat(MOST_CHARS));
        assert_eq!(reach.check(&long), Err(Refusal::AddressUnreadable));
    }

    #[test]
    fn this_machine_is_reached_only_where_an_operator_says_so() {
        let reach = Reach { loopback: true };
        assert!(reach.check("http://127.0.0.1:8701/hook").is_ok() && reach.check("http://localhost:8701/").is_ok());
        assert_eq!(reach.check("http://10.0.0.1/"), Err(Refusal::AddressPrivate));
        assert_eq!(reach.check("http://example.org/"), Err(Refusal::AddressInsecure));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_leads_nowhere() {
        let name = || "localhost".parse().unwrap();
        let Err(error) = (Reach { loopback: false }).resolve(name()).await else { panic!("it leads somewhere") };
        assert!(error.is::<Forbidden>(), "{error}");
        assert!((Reach { loopback: true }).resolve(name()).await.is_ok_and(|mut found| found.next().is_some()));
    }
}
