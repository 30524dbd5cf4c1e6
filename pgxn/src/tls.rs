//! TLS by rustls with ring, trusting what the system trusts (or the bundle in `SSL_CERT_FILE`); no process-wide state.

use std::sync::Arc;

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

/// TLS for a client; the error is that the machine has nothing to trust.
pub fn trusting() -> Result<ClientConfig, rustls::Error> {
    Ok(builder().with_platform_verifier()?.with_no_client_auth())
}

/// The same; where there is nothing to trust, it trusts nothing, so that only plain HTTP works.
pub fn client() -> ClientConfig {
    let nothing = || builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    trusting().unwrap_or_else(|_| nothing())
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows the versions that rustls takes as safe")
}
