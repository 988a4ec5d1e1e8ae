//! The stream under the requests of a connection, which tells what passes it to the connection's [`Progress`].
//!
//! actix-http has a deadline for the head of a connection's first request alone, reads on while its answers are not read, and decodes
//! whatever it has read at once. So the deadlines are here, for every head, body and answer, and no more is read ahead than a client
//! needs that waits for its answers.

mod connections;
mod ending;
mod last_bytes;
mod places;
mod progress;
mod socket;
mod stream;
mod worker;

pub use connections::Connections;
pub use ending::Served;
pub use places::Places;
pub use progress::{BodyLength, Progress};
pub use socket::{Encrypted, Socket};
pub use stream::Connection;
