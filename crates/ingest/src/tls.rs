//! The server's side of TLS for syslog and the HTTP intake.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio_rustls::TlsAcceptor;

use crate::TlsIdentity;

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("reading {path}: {detail}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The files do not fit together.
    #[error("{path} is not usable: {detail}")]
    Unusable {
        /// The certificate or the authorities.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// Prepares to accept connections with an identity.
///
/// # Errors
/// When a file is unreadable, or key and certificate do not fit.
pub(crate) fn acceptor(identity: &TlsIdentity) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates(&identity.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|error| TlsError::Unreadable {
        path: identity.key.clone(),
        detail: error.to_string(),
    })?;
    let clients = match &identity.client_authorities {
        Some(path) => client_verifier(path, &provider)?,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_client_cert_verifier(clients).with_single_cert(chain, key))
        .map_err(|error| TlsError::Unusable {
            path: identity.certificate.clone(),
            detail: error.to_string(),
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn client_verifier(
    path: &PathBuf,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unusable = |detail: String| TlsError::Unusable {
        path: path.clone(),
        detail,
    };
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path)? {
        authorities
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider))
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(verifier)
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |detail: String| TlsError::Unreadable {
        path: path.clone(),
        detail,
    };
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| unreadable(error.to_string()))?
        .collect();
    let all = all.map_err(|error| unreadable(error.to_string()))?;
    if all.is_empty() {
        return Err(unreadable("no certificate in it".to_owned()));
    }
    Ok(all)
}
