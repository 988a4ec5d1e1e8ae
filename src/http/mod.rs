//! HTTP: one route table, extractors, handlers, the error body and the admin page. The only folder that knows actix.
//!
//! Reading order: [`routes`] (what there is), [`core::guard`] (who may call), [`core::request`] (what came in), a handler such as
//! [`users`], [`core::answer`] and [`core::problem`] (what goes out), [`core::discipline`] (what holds for all). Each noun has a folder:
//! handlers, and views of what they answer.

pub mod access_profiles;
pub mod api_keys;
pub mod assignments;
pub mod audit_log;
pub mod backups;
pub mod certificates;
pub mod connection;
pub mod core;
pub mod decisions;
pub mod forward_auth;
pub mod metrics;
pub mod mount;
pub mod openapi;
pub mod page;
pub mod permissions;
pub mod prices;
pub mod proxy;
pub mod roles;
pub mod routes;
pub mod serve;
pub mod settings;
pub mod status;
pub mod tool_groups;
pub mod upstreams;
pub mod users;
pub mod virtual_keys;
