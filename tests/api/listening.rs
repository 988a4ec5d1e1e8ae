//! Several addresses, TLS and Unix sockets of one server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tollkeeper::app::{self, App, Reach};
use tollkeeper::config::{Flags, Settings};
use tollkeeper::http::certificates::Certificates;
use tollkeeper::service::Clock;

use crate::support::tls::{self, Issued, client, connect, trusting};
use crate::support::wire::{Wire, exchange};

/// A server with these settings, which runs while `use_it` does.
fn serving(folder: &Path, file: &str, use_it: impl FnOnce(&[u16], &str)) {
    let app = built(folder, file).unwrap_or_else(|error| panic!("{error}"));
    run(app, folder, use_it);
}

/// The same of one with TLS, with the certificate that it serves.
pub fn serving_certificates(
    folder: &Path,
    file: &str,
    use_it: impl FnOnce(&[u16], &str, &Certificates),
) {
    let app = built(folder, file).unwrap_or_else(|error| panic!("{error}"));
    let certificates = Arc::clone(app.certificates().unwrap());
    run(app, folder, |ports, key| use_it(ports, key, &certificates));
}

fn run(app: App, folder: &Path, use_it: impl FnOnce(&[u16], &str)) {
    let key = std::fs::read_to_string(folder.join("data/initial-key")).unwrap();
    let ports: Vec<u16> = app
        .addresses()
        .iter()
        .map(std::net::SocketAddr::port)
        .collect();
    let stopper = app.stopper();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| app.run(|| {}));
        // What fails in it must not leave the server running, for which the scope would wait.
        let used = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            use_it(&ports, key.trim());
        }));
        stopper.stop();
        running.join().unwrap().unwrap();
        used.unwrap();
    });
}

fn built(folder: &Path, file: &str) -> Result<App, String> {
    let config = folder.join("config.toml");
    std::fs::write(&config, file).unwrap();
    let flags = Flags {
        config: Some(config),
        data_dir: Some(folder.join("data")),
        ..Flags::default()
    };
    let settings = Settings::load(flags, []).unwrap();
    let built = app::build(&settings, Clock::new(Timestamp::now), Reach::Network);
    built.map_err(|error| error.to_string())
}

fn session(key: &str) -> String {
    format!("GET /api/session HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n")
}

fn unix(path: &Path) -> Wire<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    Wire::over(stream)
}

#[test]
fn one_server_answers_at_all_its_places() {
    let folder = tempfile::tempdir().unwrap();
    let issued = Issued::new(folder.path(), "one");
    let socket = folder.path().join("a.sock");
    let file = format!(
        "[server]\nlisten = [\"127.0.0.1:0\", \"https://127.0.0.1:0\", \"unix:{}\"]\n{}",
        socket.display(),
        tls::settings(&issued)
    );
    serving(folder.path(), &file, |ports, key| {
        assert_eq!(exchange(ports[0], session(key)).status, 200);
        let mut encrypted = connect(ports[1], &trusting(&[&issued])).unwrap();
        for _ in 0..2 {
            encrypted.send(session(key).as_bytes());
            encrypted.answer().expect(200);
        }
        let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let mut local = unix(&socket);
        local.send(session(key).as_bytes());
        local.answer().expect(200);
        // Whoever comes over it is a client like others.
        let code = "POST /api/sign-in-codes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n";
        local.send(format!("{code}\r\n").as_bytes());
        local.answer().expect(401);
        local.send(format!("{code}authorization: Bearer {key}\r\n\r\n").as_bytes());
        local.answer().expect(403);
        local.send(session(key).replace("localhost", "evil.example").as_bytes());
        local.answer().expect(421);
    });
    assert!(!socket.exists());
}

#[test]
fn all_addresses_of_the_machine_are_those_of_both_families() {
    let folder = tempfile::tempdir().unwrap();
    let file = "[server]\nlisten = \":0\"\nplaintext = true\n";
    serving(folder.path(), file, |ports, key| {
        assert_eq!(exchange(ports[0], session(key)).status, 200);
        let host = session(key).replace("localhost", "192.0.2.7");
        assert_eq!(exchange(ports[0], host).status, 200);
        // A machine without IPv6 has no such address.
        if let Ok(mut stream) = TcpStream::connect(("::1", ports[0])) {
            let asked = session(key).replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
            stream.write_all(asked.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    });
}

#[test]
fn tls_is_spoken_in_two_versions_with_http_1_1_alone() {
    let folder = tempfile::tempdir().unwrap();
    let issued = Issued::new(folder.path(), "one");
    let stranger = Issued::new(folder.path(), "other");
    let listen = "[server]\nlisten = \"https://127.0.0.1:0\"\n";
    let file = format!("{listen}{}", tls::settings(&issued));
    serving(folder.path(), &file, |ports, key| {
        for (version, expected) in [
            (&TLS12, ProtocolVersion::TLSv1_2),
            (&TLS13, ProtocolVersion::TLSv1_3),
        ] {
            let config = client(&[&issued], &[version], &["h2", "http/1.1"]);
            let mut wire = connect(ports[0], &config).unwrap();
            assert_eq!(wire.version(), Some(expected));
            assert_eq!(wire.protocol(), Some(&b"http/1.1"[..]));
            assert_eq!(wire.shown(), issued.seen());
            let close = session(key).replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
            wire.send(close.as_bytes());
            wire.answer().expect(200);
            // In order: what is cut off by somebody on the way ends otherwise.
            wire.expect_end();
            // Most clients that name no protocol speak it all the same.
            let mut wire = connect(ports[0], &client(&[&issued], &[version], &[])).unwrap();
            wire.send(session(key).as_bytes());
            wire.answer().expect(200);
            assert!(connect(ports[0], &client(&[&issued], &[version], &["h2"])).is_err());
        }
        assert!(connect(ports[0], &trusting(&[&stranger])).is_err());
        // Plain HTTP is no handshake, and is told so in the words of TLS.
        let mut plain = Wire::open(ports[0]);
        plain.send(session(key).as_bytes());
        plain.expect_any_end();
        // A large answer comes whole, and so does what is sent.
        let mut wire = connect(ports[0], &trusting(&[&issued])).unwrap();
        wire.send(b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let document = wire.answer().expect(200);
        assert!(document.json()["paths"].is_object());
        let body = format!(
            "{{\"name\":\"large\",\"description\":\"{}\"}}",
            "x".repeat(9_000)
        );
        let head = format!(
            "POST /api/access-profiles HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        wire.send(format!("{head}{body}").as_bytes());
        wire.answer().expect(201);
    });
}

#[test]
fn a_socket_that_was_left_is_taken_and_what_is_in_use_or_something_else_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("a.sock");
    let file = format!("[server]\nlisten = \"unix:{}\"\n", socket.display());
    drop(UnixListener::bind(&socket).unwrap());
    let app = built(folder.path(), &file).unwrap();
    assert_eq!(app.page_url(), Some("http://localhost"));
    drop(app);
    assert!(!socket.exists());
    // What took its place while it ran is another server's.
    let second = tempfile::tempdir().unwrap();
    let app = built(second.path(), &file).unwrap();
    std::fs::remove_file(&socket).unwrap();
    let _other = UnixListener::bind(&socket).unwrap();
    drop(app);
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    let text = built(folder.path(), &file).err().unwrap();
    assert!(text.contains("another program listens there"), "{text}");
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    std::fs::remove_file(&socket).unwrap();
    // One that somebody listens on who has no room for a connection more.
    let full = full_listener(&socket);
    let text = built(folder.path(), &file).err().unwrap();
    assert!(text.contains("another program listens on it"), "{text}");
    drop(full);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(&socket, Some(54_321), None).unwrap();
        let text = built(folder.path(), &file).err().unwrap();
        assert!(text.contains("the user 54321 has left a socket"), "{text}");
    }
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    std::fs::remove_file(&socket).unwrap();
    std::fs::write(&socket, "mine").unwrap();
    let text = built(folder.path(), &file).err().unwrap();
    assert!(text.contains("something else is there"), "{text}");
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "mine");
    for (path, expected) in [
        ("gone/a.sock".to_owned(), "its directory is not there"),
        ("a".repeat(120), "at most 100 bytes"),
    ] {
        let path = folder.path().join(path);
        let file = format!("[server]\nlisten = \"unix:{}\"\n", path.display());
        let text = built(folder.path(), &file).err().unwrap();
        assert!(text.contains(expected), "{text}");
    }
}

/// Somebody who listens there and has no room for a connection more.
fn full_listener(socket: &Path) -> (UnixListener, Vec<OwnedFd>) {
    let listener = UnixListener::bind(socket).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let one = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::NONBLOCK,
            None,
        )
        .unwrap();
        if rustix::net::connect(&one, &SocketAddrUnix::new(socket).unwrap()).is_err() {
            return (listener, waiting);
        }
        waiting.push(one);
    }
}

#[test]
fn a_start_is_refused_without_a_pair_that_can_be_used_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| Issued::new(folder.path(), name));
    let file = |certificate: &Path, key: &Path| {
        let listen = "[server]\nlisten = \"https://127.0.0.1:0\"\n";
        format!("{listen}{}", tls::files(certificate, key))
    };
    let (empty, gone) = (folder.path().join("empty"), folder.path().join("gone"));
    std::fs::write(&empty, "").unwrap();
    for (certificate, key, expected) in [
        (
            &one.certificate,
            &other.key,
            "not the key of the certificate in",
        ),
        (&gone, &one.key, "No such file"),
        (&one.certificate, &gone, "No such file"),
        (&empty, &one.key, "-----BEGIN CERTIFICATE-----"),
        (&one.certificate, &empty, "-----BEGIN PRIVATE KEY-----"),
        (&one.key, &one.certificate, "-----BEGIN CERTIFICATE-----"),
    ] {
        let text = built(folder.path(), &file(certificate, key)).err().unwrap();
        assert!(text.contains(expected), "{text}");
        let named = [certificate, key].map(|path| text.contains(path.to_str().unwrap()));
        assert!(named.contains(&true), "{text}");
    }
    let open = "[server]\nlisten = \"0.0.0.0:0\"\n";
    let text = built(folder.path(), open).err().unwrap();
    assert!(text.contains("plaintext = true"), "{text}");
    assert!(!folder.path().join("data").exists());
}
