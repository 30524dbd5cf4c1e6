//! The address policy: no connection is made that the caller forbids.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use url::Url;

use super::mirror::{Kind, Mirror};
use super::options;
use super::server::{Fault, Server};
use crate::{AddressPolicy, ClientOptions, Error, Registry};

fn with(policy: AddressPolicy) -> ClientOptions {
    ClientOptions { address_policy: Some(policy), ..options() }
}

#[tokio::test]
async fn a_forbidden_address_is_not_connected_to() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    let public: AddressPolicy = Arc::new(|address: IpAddr| !address.is_loopback());
    let named: Url = server.url.as_str().replace("127.0.0.1", "localhost").parse().unwrap();
    for url in [&server.url, &named] {
        let Err(error) = Registry::open(url, with(Arc::clone(&public))).await else { panic!("it is forbidden") };
        assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
        assert!(error.to_string().contains("may not connect to"), "{error}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_forbidden_address_is_not_followed() {
    let mirror = Mirror::filled(Kind::Api);
    let (server, inner) = (Server::start(mirror.path()).await, Server::start(mirror.path()).await);
    // The second server is asked for by an address that the policy forbids, though it is the same machine.
    let elsewhere = inner.url.as_str().replace("127.0.0.1", "127.0.0.2");
    server.fail("/index.json", [Fault::Redirect(format!("{elsewhere}/index.json"))]);
    let policy: AddressPolicy = Arc::new(|address: IpAddr| address == IpAddr::from([127, 0, 0, 1]));
    let Err(error) = Registry::open(&server.url, with(policy)).await else { panic!("it is forbidden") };
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
    assert_eq!(inner.requests(), 0);
}

#[tokio::test]
async fn an_allowed_address_is_connected_to_and_was_asked_about() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&asked);
    let policy: AddressPolicy = Arc::new(move |address| {
        record.lock().unwrap().push(address);
        true
    });
    Registry::open(&server.url, with(policy)).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [IpAddr::from([127, 0, 0, 1])]);
}
