//! Certificates that are made for a test, and a client that speaks TLS.

use std::io::{self, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use super::wire::Wire;

/// A certificate for localhost, and where it lies with its key.
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
    made: CertifiedKey<KeyPair>,
}

impl Issued {
    /// A new one at these places.
    pub fn new(folder: &Path, name: &str) -> Self {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self::made(folder, name, made)
    }

    /// The same, which ends at a time in seconds since 1970.
    pub fn until(folder: &Path, name: &str, end: i64) -> Self {
        let mut wanted = CertificateParams::new(["localhost".to_owned()]).unwrap();
        wanted.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end.try_into().unwrap());
        let signing_key = KeyPair::generate().unwrap();
        let cert = wanted.self_signed(&signing_key).unwrap();
        Self::made(folder, name, CertifiedKey { cert, signing_key })
    }

    fn made(folder: &Path, name: &str, made: CertifiedKey<KeyPair>) -> Self {
        let issued = Self {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
            made,
        };
        issued.put(&issued.certificate, &issued.key);
        issued
    }

    /// Writes it in the place of another, as tools do that renew certificates: whole files, one after the other.
    pub fn put(&self, certificate: &Path, key: &Path) {
        for (path, text) in [
            (key, self.made.signing_key.serialize_pem()),
            (certificate, self.made.cert.pem()),
        ] {
            let new = path.with_extension("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(new, path).unwrap();
        }
    }

    /// What a client sees of it.
    pub fn seen(&self) -> CertificateDer<'static> {
        self.made.cert.der().clone()
    }
}

/// The settings of a server with this certificate.
pub fn settings(issued: &Issued) -> String {
    files(&issued.certificate, &issued.key)
}

/// The settings of a server with a certificate and a key in these places.
pub fn files(certificate: &Path, key: &Path) -> String {
    format!(
        "[tls]\ncertificate_file = '{}'\nkey_file = '{}'\n",
        certificate.display(),
        key.display()
    )
}

/// A client that trusts these certificates, and offers these protocols.
pub fn client(
    trusted: &[&Issued],
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for issued in trusted {
        roots.add(issued.seen()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Each connection shows which certificate is served.
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

/// A client that trusts these certificates.
pub fn trusting(trusted: &[&Issued]) -> Arc<ClientConfig> {
    client(trusted, &[&TLS13, &TLS12], &["http/1.1"])
}

/// An encrypted connection.
pub type Encrypted = StreamOwned<ClientConnection, TcpStream>;

/// Opens a connection and completes its handshake.
pub fn connect(port: u16, config: &Arc<ClientConfig>) -> io::Result<Wire<Encrypted>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    // Only so that a server that never answers fails the test instead of hanging it.
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    stream.flush()?;
    Ok(Wire::over(stream))
}

impl Wire<Encrypted> {
    /// The certificate that the server showed.
    pub fn shown(&self) -> CertificateDer<'static> {
        self.stream().conn.peer_certificates().unwrap()[0].clone()
    }

    pub fn version(&self) -> Option<ProtocolVersion> {
        self.stream().conn.protocol_version()
    }

    /// The protocol that was agreed on.
    pub fn protocol(&self) -> Option<&[u8]> {
        self.stream().conn.alpn_protocol()
    }
}
