//! Where a request comes from, so that nobody takes what is there for all.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

/// Where a request comes from: an IPv4 address, or the network that an IPv6 address is in, as one customer has all of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        Ok(Self::of(peer, &parts.headers))
    }
}

impl Client {
    /// A proxy on the same machine says for whom it asks: the last in its list is whom it has seen itself. Nobody else is believed.
    fn of(peer: Option<IpAddr>, headers: &HeaderMap) -> Self {
        let list = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
        let told = list.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        let address = told.filter(|_| peer.is_some_and(|peer| peer.to_canonical().is_loopback())).or(peer);
        Self(match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
            }
            Some(address) => address.to_string(),
            None => String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        Client::of(peer.parse().ok(), &headers).0
    }

    #[test]
    fn only_a_proxy_on_the_same_machine_is_believed_and_only_what_it_saw_itself() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["10.0.0.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::ffff:127.0.0.1", &["10.0.0.1", "198.51.100.2"]), "198.51.100.2");
        assert_eq!(
            (client("127.0.0.1", &["nonsense"]), client("127.0.0.1", &[])),
            ("127.0.0.1".into(), "127.0.0.1".into())
        );
        assert_eq!(client("nobody", &["198.51.100.1"]), "");
    }

    #[test]
    fn all_addresses_of_one_customer_are_one() {
        assert_eq!(client("2001:db8:1:2:3:4:5:6", &[]), client("2001:db8:1:2:ffff::1", &[]));
        assert_ne!(client("2001:db8:1:2::1", &[]), client("2001:db8:1:3::1", &[]));
    }
}
