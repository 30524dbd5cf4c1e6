//! Who asks: an address, behind a trusted proxy the one that it names; of IPv6 the network that one customer has.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Where a chain of proxies says who is before each.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// A longer chain is not read.
const HOPS: usize = 32;

/// A client, as far as it can be told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    /// As the outer layer has found it, which knows whom to trust; without one, whoever is connected.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().copied();
        Ok(known.unwrap_or_else(|| Self::of(peer(&parts.extensions))))
    }
}

/// Whoever is connected; all are one where the server does not say.
pub(crate) fn peer(extensions: &Extensions) -> IpAddr {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    connected.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// The client of a request. Each trusted proxy vouches for the one before it; what comes before the first that nobody vouches for is hearsay.
pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut client = peer.to_canonical();
    for hop in hops.iter().rev().take(HOPS) {
        if !is_trusted(client) {
            break;
        }
        let Some(address) = address(hop.trim()) else { break };
        client = address.to_canonical();
    }
    Client::of(client)
}

/// An address, be it with a port or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.trim_start_matches('[').trim_end_matches(']');
    plain.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, forwarded: &[&str]) -> String {
        let headers = forwarded.iter().map(|line| (FORWARDED_FOR.parse().unwrap(), line.parse().unwrap())).collect();
        let trusted = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        of(peer.parse().unwrap(), &headers, &trusted).0.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(asked("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(asked("127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(asked("::ffff:127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(asked("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn what_a_client_says_of_itself_before_the_proxy_is_not_heard() {
        assert_eq!(asked("127.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(asked("127.0.0.1", &["1.1.1.1", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(asked("127.0.0.1", &["198.51.100.7, nonsense"]), "127.0.0.1");
        assert_eq!(asked("127.0.0.1", &["10.0.0.9, 10.0.0.2"]), "10.0.0.9");
    }

    #[test]
    fn addresses_come_in_several_forms() {
        for text in ["198.51.100.7:4711", "198.51.100.7", " 198.51.100.7 ", "::ffff:198.51.100.7"] {
            assert_eq!(asked("127.0.0.1", &[text]), "198.51.100.7", "{text}");
        }
        for text in ["2001:db8:1:2:3:4:5:6", "[2001:db8:1:2:3:4:5:6]", "[2001:db8:1:2:3:4:5:6]:443"] {
            assert_eq!(asked("::1", &[text]), "2001:db8:1:2::", "one customer is one client: {text}");
        }
    }
}
