//! Certificates that are renewed by programs that tell nobody: the files are looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use tollkeeper::http::certificates::{CertificateFiles, Certificates};

use crate::listening::serving_certificates;
use crate::support::exposition::Exposed;
use crate::support::tls::{self, Issued, trusting};
use crate::support::wire::exchange;

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
    assert_eq!(certificates.facts().fault, None);
    // Half of the next pair: its key is there and its certificate is not.
    std::fs::copy(&third.key, &place.key).unwrap();
    for _ in 0..2 {
        certificates.refresh();
        assert_eq!(shown(&server, &client), second.seen());
        let fault = certificates.facts().fault.unwrap();
        assert!(fault.contains("not the key of the certificate"), "{fault}");
    }
    std::fs::copy(&third.certificate, &place.certificate).unwrap();
    certificates.refresh();
    assert_eq!(shown(&server, &client), third.seen());
    assert_eq!(certificates.facts().fault, None);
    std::fs::remove_file(&place.key).unwrap();
    certificates.refresh();
    assert_eq!(shown(&server, &client), third.seen());
    assert!(certificates.facts().fault.unwrap().contains("No such file"));
}

/// RFC 5280, 4.1.2.5: a certificate without an end has the last second of the year 9999.
#[test]
fn a_certificate_without_an_end_is_served_and_nothing_is_told_of_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let issued = Issued::until(folder.path(), "endless", 253_402_300_799);
    let files = CertificateFiles {
        certificate: issued.certificate.clone(),
        key: issued.key.clone(),
    };
    assert_eq!(files.facts().fault, None);
    assert_eq!(files.facts().expires_at, None);
    let certificates = Certificates::new(files.read().unwrap());
    let server = certificates.config().unwrap();
    assert_eq!(shown(&server, &trusting(&[&issued])), issued.seen());
    let now = Timestamp::now();
    assert_eq!(certificates.facts().findings(now).count(), 0);
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_by_readiness_status_and_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let other = Issued::new(folder.path(), "other");
    let now = Timestamp::now();
    for (days, expected) in [
        (15, None),
        (13, Some("certificate_expires_soon")),
        (-1, Some("certificate_expired")),
    ] {
        let end = now + SignedDuration::from_hours(24 * days);
        let issued = Issued::until(folder.path(), &format!("ends-{days}"), end.as_second());
        let file = format!(
            "[server]\nlisten = [\"127.0.0.1:0\", \"https://127.0.0.1:0\"]\n{}",
            tls::settings(&issued)
        );
        serving_certificates(folder.path(), &file, |ports, key, certificates| {
            let get = |path: &str| {
                let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n");
                exchange(
                    ports[0],
                    format!("{head}authorization: Bearer {key}\r\nconnection: close\r\n\r\n"),
                )
            };
            let told = |path: &str| -> BTreeSet<String> {
                let answer = get(path).expect(200).json();
                let warnings = answer["warnings"].as_array().unwrap().iter();
                let codes = warnings.map(|warning| warning["code"].as_str().unwrap().to_owned());
                codes
                    .filter(|code| code.starts_with("certificate_"))
                    .collect()
            };
            let measured = |name: &str| {
                let seen = Exposed::read(&get("/metrics").expect(200).text);
                let labels = [("file", issued.certificate.to_str().unwrap())];
                seen.sum(&format!("tollkeeper_certificate_{name}"), &labels)
            };
            let expected: BTreeSet<String> = expected.map(str::to_owned).into_iter().collect();
            assert_eq!(told("/ready"), expected);
            assert_eq!(told("/api/status"), expected);
            let at = measured("expiry_timestamp_seconds");
            assert_eq!(at.to_string(), end.as_second().to_string());
            assert_eq!(measured("fault").to_string(), "0");
            std::fs::copy(&other.key, &issued.key).unwrap();
            certificates.refresh();
            for path in ["/ready", "/api/status"] {
                assert!(told(path).contains("certificate_unusable"), "{path}");
            }
            assert_eq!(measured("fault").to_string(), "1");
            // What is served has the end that it had.
            assert_eq!(
                measured("expiry_timestamp_seconds").to_string(),
                at.to_string()
            );
        });
    }
}
