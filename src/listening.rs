//! Binding: the addresses and Unix sockets of the settings, and the control socket.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use rustix::process::geteuid;

use crate::config::{Listen, Settings, TlsSettings};
use crate::error::{Error, Result};
use crate::http::certificates::{CertificateFiles, CertificatePair, Certificates};
use crate::http::serve::Listener;
use crate::store::directory::private;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;
/// What an accepted connection may keep of what its client does not read, in bytes; the system adds as much for its own. Left to
/// itself it would keep megabytes.
const SEND_BUFFER: usize = 64 * 1024;
/// Longest path of a Unix socket that every system takes.
const MAX_SOCKET_PATH: usize = 100;

/// What was bound for others than the operator.
#[derive(Default)]
pub struct Bound {
    /// What connections come from.
    pub listeners: Vec<Listener>,
    /// The addresses, in the order of the settings.
    pub addresses: Vec<SocketAddr>,
    /// Where each is reached, as people write it.
    pub places: Vec<String>,
    /// The files of Unix sockets.
    pub sockets: Vec<SocketFile>,
    /// What encrypted connections are served with.
    pub certificates: Option<Arc<Certificates>>,
}

impl Bound {
    /// The address of the page: the first one of this machine; where there are only Unix sockets, the one that a proxy here most likely
    /// has.
    pub fn page_url(&self, base_path: &str) -> Option<String> {
        if self.places.is_empty() {
            return None;
        }
        let mut places = self.places.iter().map(String::as_str);
        let first = places.find(|place| place.starts_with("http"));
        Some(format!(
            "{}{base_path}",
            first.unwrap_or("http://localhost")
        ))
    }
}

/// The port that was bound.
pub fn port_of(listener: &TcpListener) -> Option<u16> {
    listener.local_addr().ok().map(|address| address.port())
}

/// The file of a Unix socket, which goes with its server: left there, it would only puzzle who comes next.
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode of what was made there.
    made: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            made: place_of(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server may have put its own there.
        if place_of(&self.path).is_ok_and(|found| found == self.made) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn place_of(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Where the certificate of the settings is, if they name one.
pub fn certificate_files(tls: &TlsSettings) -> Option<CertificateFiles> {
    Some(CertificateFiles {
        certificate: tls.certificate_file.clone()?,
        key: tls.key_file.clone()?,
    })
}

/// Binds all that the settings name, or nothing. `certificate` is what encrypted connections are served with.
///
/// # Errors
/// [`Error::Refused`] with what is in the way, and what to do.
pub fn listen(settings: &Settings, certificate: Option<CertificatePair>) -> Result<Bound> {
    let mut bound = Bound::default();
    let mut config = None;
    if let Some(certificate) = certificate {
        let certificates = Certificates::new(certificate);
        config = Some(certificates.config()?);
        bound.certificates = Some(certificates);
    }
    for listen in &settings.server.listen {
        match listen {
            Listen::Address { address, encrypted } => {
                let listener = bind(*address).map_err(|error| cannot_listen(listen, &error))?;
                let address = listener
                    .local_addr()
                    .map_err(|error| cannot_listen(listen, &error))?;
                bound.addresses.push(address);
                let scheme = if *encrypted { "https" } else { "http" };
                bound.places.push(page_url(scheme, address));
                bound.listeners.push(match &config {
                    Some(config) if *encrypted => Listener::Encrypted(listener, Arc::clone(config)),
                    _ => Listener::Plain(listener),
                });
            }
            Listen::Socket(path) => {
                let listener = bind_unix(path, settings.server.socket_mode)?;
                let file = SocketFile::of(path).map_err(|error| cannot_listen(listen, &error))?;
                bound.listeners.push(Listener::Unix(listener));
                bound.places.push(listen.to_string());
                bound.sockets.push(file);
            }
        }
    }
    Ok(bound)
}

/// Binds the socket of a data directory that commands talk to.
///
/// # Errors
/// [`Error::Refused`] when it can't be.
pub fn listen_for_commands(path: &Path) -> Result<UnixListener> {
    if is_too_long(path) {
        return Err(Error::refused(format!(
            "the path of the data directory is too long for its control socket ({} of {MAX_SOCKET_PATH} bytes): {}; \
             choose a shorter one with --data-dir",
            path.as_os_str().len(),
            path.display()
        )));
    }
    // Whoever left it there is gone: the lock is ours.
    let _ = std::fs::remove_file(path);
    open_unix(path, 0o600)
        .map_err(|error| Error::refused(format!("can't listen on {}: {error}", path.display())))
}

/// The address of the page as a browser on this machine takes it.
fn page_url(scheme: &str, bound: SocketAddr) -> String {
    if bound.ip().is_unspecified() {
        format!("{scheme}://localhost:{}", bound.port())
    } else {
        format!("{scheme}://{bound}")
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    match bind_one(address) {
        // Every address is meant, and on a machine without IPv6 those are the ones of IPv4.
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && has_no_ipv6(&error) => {
            bind_one((IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()).into())
        }
        bound => bound,
    }
}

fn has_no_ipv6(error: &io::Error) -> bool {
    let no_family = io::Error::from(rustix::io::Errno::AFNOSUPPORT).raw_os_error();
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error() == no_family
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        // Otherwise it would be the machine's settings that say whether IPv4 is meant, too.
        sockopt::set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
    }
    // Connections inherit it.
    sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

fn bind_unix(path: &Path, mode: u32) -> Result<UnixListener> {
    let shown = path.display();
    let refused = |what: &str| {
        Err(Error::refused(format!(
            "can't listen on unix:{shown}: {what}"
        )))
    };
    if is_too_long(path) {
        return refused(&format!(
            "the path of a Unix socket has at most {MAX_SOCKET_PATH} bytes, and this one has {}",
            path.as_os_str().len()
        ));
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return refused("something else is there; remove it, or choose another path");
        }
        Ok(found) => match try_to_connect(path).map_err(|error| error.kind()) {
            Ok(()) => {
                return refused("another program listens there; stop it, or choose another path");
            }
            // Whoever left it there is gone.
            Err(ErrorKind::ConnectionRefused)
                if found.uid() == geteuid().as_raw() || knows_no_owners(path) =>
            {
                let _ = std::fs::remove_file(path);
            }
            Err(ErrorKind::ConnectionRefused) => {
                return refused(&format!(
                    "the user {} has left a socket there; remove it, or choose another path",
                    found.uid()
                ));
            }
            Err(ErrorKind::NotFound) => {}
            Err(error) => {
                return refused(&format!(
                    "a socket is there, and whether another program listens on it can't be seen: {error}; stop that program, remove the \
                     socket, or choose another path"
                ));
            }
        },
        Err(_) => {}
    }
    open_unix(path, mode).or_else(|error| match error.kind() {
        ErrorKind::NotFound => refused("its directory is not there; make it, or choose another path"),
        ErrorKind::PermissionDenied => {
            refused("this user may not make it there; choose a directory of its own, such as RuntimeDirectory= of systemd makes")
        }
        _ => refused(&error.to_string()),
    })
}

/// Whether what lies beside a socket has an owner that says nothing.
fn knows_no_owners(path: &Path) -> bool {
    path.parent().is_some_and(private::knows_no_permissions)
}

/// Connects if somebody listens there, without waiting for them to have room.
fn try_to_connect(path: &Path) -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?)
}

fn open_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    rustix::net::listen(&listener, BACKLOG)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

fn is_too_long(path: &Path) -> bool {
    path.as_os_str().len() > MAX_SOCKET_PATH
}

fn cannot_listen(listen: &Listen, error: &io::Error) -> Error {
    let Listen::Address { address, .. } = listen else {
        return Error::refused(format!("can't listen on {listen}: {error}"));
    };
    let other = |port: u16| match listen.to_string().rsplit_once(':') {
        Some((before, _)) => format!("{before}:{port}"),
        None => format!(":{port}"),
    };
    match error.kind() {
        ErrorKind::AddrInUse => Error::refused(format!(
            "{listen} is in use by another program; stop it or choose another port, such as --listen {}",
            other(address.port().wrapping_add(1).max(1024))
        )),
        ErrorKind::PermissionDenied => Error::refused(format!(
            "this user may not listen on {listen}: ports below 1024 are for root; choose another, such as --listen {}, or allow it with \
             AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit",
            other(if address.port() == 443 { 8443 } else { 8080 })
        )),
        ErrorKind::AddrNotAvailable => Error::refused(format!(
            "can't listen on {listen}: this machine has no such address; choose one that `ip address` shows, or all of them with --listen :{}",
            address.port()
        )),
        _ => Error::refused(format!(
            "can't listen on {listen}: {error}; choose another address with --listen"
        )),
    }
}
