//! How many files the process may have open, compared with how many connections there may be: a connection that can't be opened would
//! lock out the operator too, and a file that can't be opened stops the store.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{Error, Result};

/// Files beside those of the workers: the database with its log for each reader and the writer, the lock, copies that are being made, and what
/// the threads wake each other with.
const BESIDE_CONNECTIONS: u64 = 128;

/// Raises the limit of this process to what so many connections need, with which the workers have at most `open` files; answers how
/// many connections there is room for.
///
/// # Errors
/// When there is no room for a single one.
pub fn make_room(max_connections: usize, open: impl Fn(usize) -> usize) -> Result<usize> {
    let wanted = needed(max_connections, &open);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(max_connections);
    }
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let limit = Rlimit {
        current: Some(raised),
        maximum,
    };
    let allowed = setrlimit(Resource::Nofile, limit).map_or(current.unwrap_or(raised), |()| raised);
    if allowed >= wanted {
        return Ok(max_connections);
    }
    let how = format!(
        "allow {wanted} with `ulimit -n {wanted}`, or LimitNOFILE={wanted} in a systemd unit"
    );
    let Some(room) = room_within(allowed, max_connections, &open) else {
        return Err(Error::refused(format!(
            "this process may have {allowed} files open, too few to serve a connection; {how}"
        )));
    };
    log::warn!(
        "this process may have {allowed} files open, so it serves {room} connections at a time instead of the {max_connections} of \
         server.max_connections; {how}"
    );
    Ok(room)
}

/// The limit up to which a start raises that of open files, if there is one, and for how many connections that leaves room. Changes nothing.
pub fn most_room(max_connections: usize, open: impl Fn(usize) -> usize) -> (Option<u64>, usize) {
    let limit = getrlimit(Resource::Nofile).maximum;
    let room = match limit {
        Some(limit) if limit < needed(max_connections, &open) => {
            room_within(limit, max_connections, &open).unwrap_or_default()
        }
        _ => max_connections,
    };
    (limit, room)
}

fn needed(connections: usize, open: impl Fn(usize) -> usize) -> u64 {
    open(connections) as u64 + BESIDE_CONNECTIONS
}

/// The largest number that fits, of those that are less than all: connections are few enough to try.
fn room_within(allowed: u64, all: usize, open: impl Fn(usize) -> usize) -> Option<usize> {
    (1..all).rev().find(|room| needed(*room, &open) <= allowed)
}
