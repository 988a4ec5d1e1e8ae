//! Real gateways in front of a dummy upstream, asking the real server about every request. They need nginx, Caddy, Traefik, Envoy and curl.

#[path = "../support/mod.rs"]
mod support;

mod caddy;
mod envoy;
mod gateway;
mod nginx;
mod passing;
mod traefik;
