//! Where a connection may go: only to the internet. A stranger names the address, and must not reach through us what they cannot reach themselves.
//!
//! The check is made on the addresses that a name leads to, in the look-up that the connection itself uses: a name that leads elsewhere the next
//! time is looked up and checked again then. One forbidden address among several forbids all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::Refusal;

/// Longer addresses are not taken.
const MOST_CHARS: usize = 1_000;

/// Whether an address is on the internet: neither private, local, reserved, for many, nor a way to one that is.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |net: [u8; 4], bits: u32| {
        let mask = u32::MAX << (32 - bits);
        address.to_bits() & mask == Ipv4Addr::from(net).to_bits() & mask
    };
    ![
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 3),
    ]
    .into_iter()
    .any(|(net, bits)| within(net, bits))
}

/// Only what is handed out (`2000::/3`), without what tunnels IPv4 (6to4, Teredo) or is for documents. NAT64 lies outside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_handed_out = first & 0xe000 == 0x2000;
    let is_special = first == 0x2001 && second < 0x0200;
    let is_document = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    is_handed_out && !is_special && !is_document && first != 0x2002
}

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
    fn only_addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "93.184.216.34",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

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
