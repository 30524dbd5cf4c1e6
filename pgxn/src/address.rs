//! Where a client may connect to. Who names an address must not reach through us what they cannot reach themselves.
//!
//! A host that is written as an address is looked at before it is asked for, also after a redirect; a name in the look-up that the connection itself
//! uses, so that one that leads elsewhere the next time is looked at again then. One forbidden address among several forbids all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Origin, Url};

/// Whether an address is on the internet: neither private, local, reserved, for many, nor a way to one that is (RFC 6890 and its registries).
pub fn is_public(address: IpAddr) -> bool {
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

/// Where a client of a registry may connect to.
#[derive(Clone, Debug, Default)]
pub enum Reach {
    /// Wherever an address, a redirect or a look-up leads, also a directory of this machine.
    #[default]
    Anywhere,
    /// Only the internet, and that one server, by scheme, host and port, wherever it is. No proxy is used, as it would make the connections in our
    /// place.
    Internet {
        /// The server.
        and: Origin,
    },
}

impl Reach {
    /// Whether something may be asked for there, as far as can be told without a look-up.
    pub fn allows(&self, url: &Url) -> bool {
        let Self::Internet { and } = self else { return true };
        if !matches!(url.scheme(), "https" | "http") {
            return false;
        }
        match url.host() {
            _ if url.origin() == *and => true,
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            // Another port of that server is none of ours: its name leads wherever it likes.
            Some(Host::Domain(name)) => !self.is_server(name),
            None => false,
        }
    }

    /// Whether the name is that of the one server that may be anywhere.
    fn is_server(&self, name: &str) -> bool {
        matches!(self, Self::Internet { and: Origin::Tuple(_, Host::Domain(server), _) } if server == name)
    }
}

/// Marks an error that a forbidden address made.
#[derive(Debug)]
pub(crate) struct ForbiddenAddress;

impl fmt::Display for ForbiddenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address may not be connected to")
    }
}

impl std::error::Error for ForbiddenAddress {}

/// Looks names up as the system does, and leads nowhere if one of the addresses is forbidden.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let leads_anywhere = matches!(self, Self::Anywhere) || self.is_server(name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !leads_anywhere && !found.iter().all(|address| is_public(address.ip())) {
                return Err(ForbiddenAddress.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an error comes from a forbidden address.
pub(crate) fn is_forbidden(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<ForbiddenAddress>)
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

    fn beside(server: &str) -> Reach {
        Reach::Internet { and: server.parse::<Url>().unwrap().origin() }
    }

    #[test]
    fn beside_the_internet_one_server_is_reached_and_no_other_port_of_it() {
        let reach = beside("http://localhost:8080/testers/");
        for url in ["http://localhost:8080/registry/index.json", "https://example.org/", "http://93.184.216.34:8080/"] {
            assert!(reach.allows(&url.parse().unwrap()), "{url}");
        }
        for url in [
            "http://localhost:5432/",
            "https://localhost:8080/",
            "http://127.0.0.1:8080/",
            "http://2130706433:8080/",
            "http://0x7f.1/",
            "http://[::1]:8080/",
            "http://[::ffff:169.254.169.254]/latest/",
            "http://169.254.169.254/latest/",
            "https://10.0.0.1/",
            "file:///etc/",
            "ftp://example.org/",
        ] {
            assert!(!reach.allows(&url.parse().unwrap()), "{url}");
            assert!(Reach::Anywhere.allows(&url.parse().unwrap()));
        }
        assert!(beside("http://10.0.0.1:8080/").allows(&"http://10.0.0.1:8080/registry/".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_leads_nowhere_unless_it_is_the_servers() {
        let leads = async |reach: &Reach, name: &str| reach.resolve(name.parse().unwrap()).await.is_ok();
        assert!(leads(&Reach::Anywhere, "localhost").await);
        assert!(leads(&beside("http://localhost:8080/"), "localhost").await);
        for server in ["http://127.0.0.1:8080/", "https://example.org/"] {
            assert!(!leads(&beside(server), "localhost").await, "{server}");
        }
    }
}
