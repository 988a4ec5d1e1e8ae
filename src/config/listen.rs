//! Where to listen: addresses with and without TLS, and Unix sockets; and what must be true of all settings together before a server
//! may start with them.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use super::Settings;
use super::values::split;
use crate::domain::body::violation::Violation;
use crate::error::{Error, Result};

/// Before an address whose connections are encrypted.
const ENCRYPTED: &str = "https://";
/// Before the path of a Unix socket.
const UNIX: &str = "unix:";
/// The part of a mode that lets the owner of a Unix socket connect.
const OWNER_CONNECTS: u32 = 0o200;
/// What may stand there.
const EXPECTED: &str = "expected an address and a port such as \"127.0.0.1:8080\", or \":8080\" for all addresses, with \"https://\" before \
                        it for TLS, or a Unix socket such as \"unix:/run/tollkeeper/tollkeeper.sock\"";

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Address {
        /// The address; `[::]` is every address of this machine, those of IPv4 too.
        address: SocketAddr,
        /// Whether its connections are encrypted.
        encrypted: bool,
    },
    /// The path of a Unix socket.
    Socket(PathBuf),
}

impl Listen {
    fn read(text: &str) -> std::result::Result<Self, String> {
        if let Some(path) = text.strip_prefix(UNIX) {
            if path.is_empty() {
                return Err(format!("{text:?} names no path; {EXPECTED}"));
            }
            return Ok(Self::Socket(PathBuf::from(path)));
        }
        let (encrypted, rest) = match text.strip_prefix(ENCRYPTED) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://").unwrap_or(text)),
        };
        let rest = rest.trim_end_matches('/');
        if let Ok(port) = rest.strip_prefix(':').unwrap_or_default().parse() {
            let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            return Ok(Self::Address { address, encrypted });
        }
        let hint = match rest.parse::<u16>() {
            Ok(port) => format!("; did you mean \":{port}\"?"),
            Err(_) if rest.starts_with('/') => format!("; did you mean \"{UNIX}{rest}\"?"),
            Err(_) => String::new(),
        };
        let mut found = rest
            .to_socket_addrs()
            .map_err(|error| format!("{EXPECTED}, found {text:?} ({error}){hint}"))?;
        let address = found
            .next()
            .ok_or_else(|| format!("{text:?} is no address of this machine; {EXPECTED}"))?;
        Ok(Self::Address { address, encrypted })
    }

    /// Whether what goes there passes a network, and anybody on the way can read it.
    fn is_open(&self) -> bool {
        match self {
            Self::Address { address, encrypted } => {
                !encrypted && !address.ip().to_canonical().is_loopback()
            }
            Self::Socket(_) => false,
        }
    }

    fn is_encrypted(&self) -> bool {
        matches!(self, Self::Address { encrypted, .. } if *encrypted)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { address, encrypted } => {
                let scheme = if *encrypted { ENCRYPTED } else { "" };
                write!(f, "{scheme}{address}")
            }
            Self::Socket(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// One text, with commas between several, or a list.
pub(super) fn listens<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<Listen>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
        Number(i64),
    }
    let texts = match Written::deserialize(deserializer) {
        Ok(Written::List(texts)) => texts,
        Ok(Written::Text(text)) => split(&text),
        Ok(Written::Number(number)) => vec![number.to_string()],
        Err(_) => return Err(D::Error::custom(EXPECTED)),
    };
    let all = texts.iter().map(|text| Listen::read(text.trim()));
    let all: Vec<Listen> = all
        .collect::<std::result::Result<_, _>>()
        .map_err(D::Error::custom)?;
    let is_twice = |(at, one): &(usize, &Listen)| all[..*at].contains(one);
    match all.iter().enumerate().find(is_twice) {
        Some((_, one)) => Err(D::Error::custom(format_args!("{one} is there twice"))),
        None if all.is_empty() => Err(D::Error::custom(EXPECTED)),
        None => Ok(all),
    }
}

/// The mode of Unix sockets, as `chmod` takes it.
pub(super) fn mode<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<u32, D::Error> {
    let expected = "expected a mode as chmod takes it, in quotes, such as \"0660\": the owner and the group may connect, the owner always";
    let text = String::deserialize(deserializer).map_err(|_| D::Error::custom(expected))?;
    let is_octal = (3..=4).contains(&text.len());
    let mode = u32::from_str_radix(&text, 8).ok().filter(|_| is_octal);
    // Who starts next removes what was left there only where its owner may connect, and so see that nobody answers.
    mode.filter(|mode| *mode <= 0o777 && mode & OWNER_CONNECTS != 0)
        .ok_or_else(|| D::Error::custom(format_args!("{expected}; found {text:?}")))
}

/// Each as it is written.
pub(super) fn as_listens<S: Serializer>(
    listens: &[Listen],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(listens.iter().map(ToString::to_string))
}

/// A mode as it is written.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "it is called with a reference"
)]
pub(super) fn as_mode<S: Serializer>(
    mode: &u32,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{mode:04o}"))
}

/// A place that other machines reach without TLS, and with no proxy named that would do it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenListen {
    /// Of clients: keys and prompts would pass the network unencrypted.
    Clients(Listen),
    /// Of those who read metrics, without a key.
    Metrics(Listen),
}

impl OpenListen {
    /// The setting, and what to say of it.
    fn mistake(&self) -> (&'static str, String) {
        let (name, listen, what, tls) = match self {
            Self::Clients(listen) => (
                "server.listen",
                listen,
                "so keys and prompts would pass the network unencrypted. ",
                format!(
                    "Serve TLS there (\"{ENCRYPTED}{listen}\", with [tls] certificate_file and key_file); or listen"
                ),
            ),
            Self::Metrics(listen) => (
                "metrics.listen",
                listen,
                "so what is measured would pass the network unencrypted, and everybody there reads it without a key. ",
                "Listen".to_owned(),
            ),
        };
        let message = format!(
            "{name}: {listen} is plain http that other machines can reach, {what}{tls} on 127.0.0.1 alone; or name the proxy in front \
             that does TLS in [server] trusted_proxies; or, if nobody else is on that network, say so with [server] plaintext = true \
             (TOLLKEEPER_SERVER__PLAINTEXT=true)"
        );
        (name, message)
    }
}

impl Settings {
    /// Where what is not for everybody would pass a network unencrypted.
    pub fn open_listens(&self) -> Vec<OpenListen> {
        if !self.server.trusted_proxies.is_empty() {
            return Vec::new();
        }
        let clients = self.server.listen.iter().cloned().map(OpenListen::Clients);
        let metrics = self.metrics.listen.map(|address| {
            OpenListen::Metrics(Listen::Address {
                address,
                encrypted: false,
            })
        });
        let is_open = |open: &OpenListen| match open {
            OpenListen::Clients(listen) | OpenListen::Metrics(listen) => listen.is_open(),
        };
        clients.chain(metrics).filter(is_open).collect()
    }

    /// Whether a server may start with these settings; a command may, with any.
    ///
    /// # Errors
    /// [`Error::Settings`] with every mistake, and how to mend it.
    pub fn check_serving(&self) -> Result<()> {
        let server = &self.server;
        let mut mistakes = self.missing_keys.clone();
        let mut note = |name: &str, message: String| {
            mistakes.push(Violation {
                param: name.to_owned(),
                code: "wrong_setting",
                message,
            });
        };
        for open in self.open_listens() {
            if !server.plaintext {
                let (name, message) = open.mistake();
                note(name, message);
            }
        }
        let first = server.base_path.split('/').nth(1).unwrap_or_default();
        if self.upstreams.iter().any(|upstream| upstream.name == first) {
            note(
                "server.base_path",
                format!(
                    "server.base_path: \"/{first}\" is the beginning of the paths of the upstream {first:?}; choose another path, or rename the upstream"
                ),
            );
        }
        let encrypted = server.listen.iter().find(|listen| listen.is_encrypted());
        let files = (&self.tls.certificate_file, &self.tls.key_file);
        match (encrypted, files) {
            (_, (Some(_), None)) => note("tls.key_file",
                "tls.certificate_file is set and tls.key_file is not; name the file of its private key there".to_owned(),
            ),
            (_, (None, Some(_))) => note("tls.certificate_file",
                "tls.key_file is set and tls.certificate_file is not; name the file of the certificate and those that it was signed with there"
                    .to_owned(),
            ),
            (Some(listen), (None, None)) => note("tls.certificate_file", format!(
                "server.listen: {listen} needs a certificate; name its files in [tls] certificate_file and key_file"
            )),
            (None, (Some(_), Some(_))) => note("server.listen", format!(
                "[tls] names a certificate, but no address of server.listen is served with it; write \"{ENCRYPTED}\" before those that should be"
            )),
            (Some(_), (Some(_), Some(_))) | (None, (None, None)) => {}
        }
        if mistakes.is_empty() {
            return Ok(());
        }
        Err(Error::Settings(mistakes))
    }
}
