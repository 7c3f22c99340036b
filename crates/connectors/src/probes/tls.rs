//! How long the certificate of a server is still good: its chain is verified as a browser would, for a day to come.

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    sync::Arc,
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// Verifies certificates as of some time later than now.
#[derive(Debug)]
struct Ahead {
    verifier: Arc<WebPkiServerVerifier>,
    by: Duration,
}

impl ServerCertVerifier for Ahead {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let later = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()).saturating_add(self.by));
        // First as of today: what is wrong today is said as it is.
        self.verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        let then = self
            .verifier
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, later);
        let ended = matches!(
            then,
            Err(Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. }
            ))
        );
        if ended {
            let days = self.by.as_secs() / 86_400;
            return Err(Error::General(format!("the certificate ends within {days} days")));
        }
        then
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Shakes hands with a server whose certificate must be good for so many days more, under public authorities or those of a file.
///
/// # Errors
/// What went wrong, in one line.
pub(super) fn ask(address: &str, days: u16, authorities: Option<&str>) -> Result<(), String> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let said = |error: &dyn std::fmt::Display| format!("{address}: {error}");
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| said(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(authorities)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| said(&error))?;
    let ahead = Ahead {
        verifier,
        by: Duration::from_secs(u64::from(days) * 86_400),
    };
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| said(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ahead))
        .with_no_client_auth();
    let mut stream = super::connect(address)?;
    let mut connection = ClientConnection::new(Arc::new(client), name).map_err(|error| said(&error))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| said(&error))?;
    }
    connection.send_close_notify();
    let _ = connection.write_tls(&mut stream).and_then(|_| stream.flush());
    Ok(())
}

fn roots(authorities: Option<&str>) -> Result<RootCertStore, String> {
    /// Most bytes of a file of authorities.
    const BYTES_MAX: u64 = 1024 * 1024;
    let mut roots = RootCertStore::empty();
    let Some(path) = authorities else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let said = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let file = File::open(path).map_err(|error| said(&error))?;
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file).take(BYTES_MAX)) {
        let certificate = certificate.map_err(|error| said(&error))?;
        roots.add(certificate).map_err(|error| said(&error))?;
    }
    Ok(roots)
}
