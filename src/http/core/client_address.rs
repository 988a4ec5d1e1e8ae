//! Whose request it is, behind proxies that are trusted and others that are not.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The networks whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    /// The address of the client: the peer, or behind a trusted proxy the right-most address that is no trusted proxy itself.
    /// What stands left of it can be written by anybody.
    pub fn client_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if self.0.is_empty() {
            return Some(peer);
        }
        let forwarded = request
            .headers()
            .get_all("x-forwarded-for")
            .filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = forwarded
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        Some(self.choose(peer, &hops))
    }

    fn choose(&self, peer: IpAddr, hops: &[&str]) -> IpAddr {
        let mut client = peer;
        for hop in hops.iter().rev() {
            if !self.trusts(client) {
                return client;
            }
            match address(hop) {
                Some(address) => client = address.to_canonical(),
                // A trusted proxy wrote something else: it is the last that is known.
                None => return client,
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Where a request came from, as log lines say it: the control socket has no address.
pub struct Origin(pub Option<IpAddr>);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("control"),
        }
    }
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_most_untrusted_hop_is_the_client() {
        let proxies = TrustedProxies(vec![
            "10.0.0.0/8".parse().unwrap(),
            "::1/128".parse().unwrap(),
        ]);
        let client =
            |peer: &str, hops: &[&str]| proxies.choose(peer.parse().unwrap(), hops).to_string();
        assert_eq!(client("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            client("10.0.0.1", &["203.0.113.5", "198.51.100.1", "10.2.2.2"]),
            "198.51.100.1"
        );
        assert_eq!(client("::1", &["10.1.1.1"]), "10.1.1.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1", "garbage"]), "10.0.0.1");
        for hop in ["[2001:db8::1]", "[2001:db8::1]:4711", "2001:db8::1"] {
            assert_eq!(client("10.0.0.1", &[hop]), "2001:db8::1");
        }
        assert_eq!(client("10.0.0.1", &["198.51.100.1:80"]), "198.51.100.1");
    }
}
