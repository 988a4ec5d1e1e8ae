//! The names by which this server may be called, so that no page of a stranger reaches it by a name of its own.

use std::net::IpAddr;

/// Marks a connection of the listener that shows metrics and nothing else.
pub struct MetricsListener;

/// The host names by which this server may be called.
#[derive(Debug, Clone)]
pub struct Hosts {
    configured: Vec<String>,
    listening: Vec<IpAddr>,
}

impl Hosts {
    /// Loopback names, the configured ones, and the addresses that are listened on.
    pub fn new(configured: &[String], listening: Vec<IpAddr>) -> Self {
        Self {
            configured: configured.iter().map(|host| host.to_lowercase()).collect(),
            listening,
        }
    }

    /// Whether a Host header (name or address, port or not) is one of them.
    pub fn allows(&self, host: &str) -> bool {
        // Before an @ stands a user name, which only looks like a host.
        if host.contains('@') {
            return false;
        }
        let host = host.to_lowercase();
        let name = name_of(&host);
        if let Ok(address) = name.parse::<IpAddr>() {
            // An address in the Host header can't be rebound; who listens on all of them means all of them.
            return address.is_loopback()
                || self.listening.contains(&address)
                || self.listening.iter().any(IpAddr::is_unspecified);
        }
        name == "localhost"
            || self
                .configured
                .iter()
                .any(|known| known == name || *known == host)
    }
}

/// Whether a Host header is an address, which nobody can have a browser take for a name of theirs.
pub fn is_address(host: &str) -> bool {
    name_of(host).parse::<IpAddr>().is_ok()
}

/// A host without its port and brackets.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_server_are_allowed() {
        let hosts = Hosts::new(
            &["Toll.example".to_owned()],
            vec!["192.0.2.1".parse().unwrap()],
        );
        for good in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "[::1]",
            "toll.example:443",
            "192.0.2.1:8080",
        ] {
            assert!(hosts.allows(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "localhost:1@evil.example",
            "192.0.2.2",
            "[2001:db8::1]:8080",
            "toll.example.evil",
            "[",
            ":",
        ] {
            assert!(!hosts.allows(bad), "{bad}");
        }
        assert!(Hosts::new(&[], vec!["0.0.0.0".parse().unwrap()]).allows("192.0.2.7:8080"));
    }
}
