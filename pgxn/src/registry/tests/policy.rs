//! Where a client may connect to: no connection is made elsewhere.

use url::Url;

use super::mirror::{Kind, Mirror};
use super::options;
use super::server::{Fault, Server};
use crate::{ClientOptions, Error, Reach, Registry};

/// Only to the internet and to this server.
fn beside(server: &Url) -> ClientOptions {
    ClientOptions { reach: Reach::Internet { and: server.origin() }, ..options() }
}

async fn is_refused(url: &Url, options: ClientOptions) {
    let Err(error) = Registry::open(url, options).await else { panic!("it is forbidden") };
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
    assert!(error.to_string().contains("may not connect to"), "{error}");
}

#[tokio::test]
async fn a_server_or_directory_of_this_machine_is_not_asked_whatever_it_is_called() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    let elsewhere: Url = "https://example.org/".parse().unwrap();
    let named: Url = server.url.as_str().replace("127.0.0.1", "localhost").parse().unwrap();
    let directory = Url::from_directory_path(mirror.path()).unwrap();
    for url in [&server.url, &named, &directory] {
        is_refused(url, beside(&elsewhere)).await;
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_redirect_to_another_server_of_this_machine_is_not_followed() {
    let mirror = Mirror::filled(Kind::Api);
    let (server, inner) = (Server::start(mirror.path()).await, Server::start(mirror.path()).await);
    for inside in [inner.url.clone(), inner.url.as_str().replace("127.0.0.1", "localhost").parse().unwrap()] {
        server.fail("/index.json", [Fault::Redirect(format!("{inside}/index.json"))]);
        is_refused(&server.url, beside(&server.url)).await;
    }
    assert_eq!((server.requests(), inner.requests()), (2, 0));
}

#[tokio::test]
async fn the_one_server_that_may_be_anywhere_is_asked() {
    let mirror = Mirror::filled(Kind::Api);
    let server = Server::start(mirror.path()).await;
    Registry::open(&server.url, beside(&server.url)).await.unwrap();
    assert_eq!(server.requests(), 1);
}
