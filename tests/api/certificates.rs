//! Certificates that are renewed by programs that tell nobody: the files are looked at.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use tollkeeper::http::certificates::{CertificateFiles, Certificates};

use crate::support::tls::{Issued, trusting};

/// The certificate that a client is shown now.
fn shown(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>) -> CertificateDer<'static> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    while client.is_handshaking() {
        let (mut there, mut back) = (Vec::new(), Vec::new());
        client.write_tls(&mut there).unwrap();
        server.read_tls(&mut &there[..]).unwrap();
        server.process_new_packets().unwrap();
        server.write_tls(&mut back).unwrap();
        client.read_tls(&mut &back[..]).unwrap();
        client.process_new_packets().unwrap();
    }
    client.peer_certificates().unwrap()[0].clone()
}

#[test]
fn a_pair_that_lies_there_is_taken_up_and_one_that_does_not_fit_leaves_the_one_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let [place, second, third] =
        ["first", "second", "third"].map(|name| Issued::new(folder.path(), name));
    let files = CertificateFiles {
        certificate: place.certificate.clone(),
        key: place.key.clone(),
    };
    let certificates = Certificates::new(files.read().unwrap());
    let server = certificates.config().unwrap();
    let client = trusting(&[&place, &second, &third]);
    certificates.refresh();
    assert_eq!(shown(&server, &client), place.seen());
    second.put(&place.certificate, &place.key);
    certificates.refresh();
    assert_eq!(shown(&server, &client), second.seen());
    assert_eq!(certificates.fault(), None);
    // Half of the next pair: its key is there and its certificate is not.
    std::fs::copy(&third.key, &place.key).unwrap();
    for _ in 0..2 {
        certificates.refresh();
        assert_eq!(shown(&server, &client), second.seen());
        let fault = certificates.fault().unwrap();
        assert!(fault.contains("not the key of the certificate"), "{fault}");
    }
    std::fs::copy(&third.certificate, &place.certificate).unwrap();
    certificates.refresh();
    assert_eq!(shown(&server, &client), third.seen());
    assert_eq!(certificates.fault(), None);
    std::fs::remove_file(&place.key).unwrap();
    certificates.refresh();
    assert_eq!(shown(&server, &client), third.seen());
    assert!(certificates.fault().unwrap().contains("No such file"));
}
