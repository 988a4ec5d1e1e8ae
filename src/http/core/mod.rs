//! What every request passes: what came in, what the server has, who may call, and how it is answered.

pub mod answer;
pub mod attempts;
pub mod authenticate;
pub mod base_path;
pub mod client_address;
pub mod context;
pub mod discipline;
pub mod guard;
pub mod hosts;
pub mod keyed_lock;
pub mod list;
pub mod log_lines;
pub mod named_schema;
pub mod path_values;
pub mod pieces;
pub mod problem;
pub mod read_answers;
pub mod refused_calls;
pub mod replays;
pub mod request;
pub mod route;
pub mod route_path;
pub mod slow;
pub mod slow_work;
pub mod state;
