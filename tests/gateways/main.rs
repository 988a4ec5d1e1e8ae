//! Real gateways in front of a dummy upstream, asking the real server about every request. They need nginx, Caddy and curl.

#[path = "../support/mod.rs"]
mod support;

mod caddy;
mod gateway;
mod nginx;
