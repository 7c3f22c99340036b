//! TLS towards servers that do not speak HTTP: rustls with ring, certificates checked against the public authorities or named ones.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use crate::channels::Wrong;

/// What connects to a server, and the name that its certificate must have.
pub(crate) fn connector(
    server: &str,
    authorities: Option<&Path>,
) -> Result<(TlsConnector, ServerName<'static>), Wrong> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let wrong = |error: String| Wrong::new("authorities", format!("{}: {error}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Wrong::new("tls", error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(server.to_owned()).map_err(|error| Wrong::new("server", error))?;
    Ok((TlsConnector::from(Arc::new(client)), name))
}
