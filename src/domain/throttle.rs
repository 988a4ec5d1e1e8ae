//! Slowing down whoever fails to authenticate: a bucket of attempts for each address and each key id.
//!
//! A bucket empties with every failure and fills with time. A key id that strangers attack is only slowed down for addresses
//! that have failed themselves, so nobody can lock somebody else out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// How much a bucket holds.
const CAPACITY: f64 = 1_000.0;
/// How much flows back in a second.
const REFILL_PER_SECOND: f64 = 20.0;
/// Most buckets of each kind; past that the full ones go, and if there are none, a tenth of them all.
const MAX_BUCKETS: usize = 10_000;

/// What a failure takes out of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The token is no token: found out for nothing. 1,000 at once, 20 a second.
    Malformed,
    /// The id is unknown or the secret wrong: that took one argon2id run. 50 at once, one a second.
    Wrong,
}

impl Failure {
    fn cost(self) -> f64 {
        match self {
            Self::Malformed => 1.0,
            Self::Wrong => 20.0,
        }
    }
}

/// Failures by address and by key id. Times are measured from any fixed moment on a clock that only goes forward.
#[derive(Debug, Default)]
pub struct Throttle {
    addresses: HashMap<IpAddr, Bucket>,
    ids: HashMap<String, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: Duration,
}

impl Bucket {
    fn full(now: Duration) -> Self {
        Self {
            level: CAPACITY,
            at: now,
        }
    }

    fn level(&self, now: Duration) -> f64 {
        (self.level + now.saturating_sub(self.at).as_secs_f64() * REFILL_PER_SECOND).min(CAPACITY)
    }

    fn take(&mut self, cost: f64, now: Duration) {
        *self = Self {
            level: (self.level(now) - cost).max(0.0),
            at: now,
        };
    }

    /// How long until a failure of this cost is affordable again, in whole seconds; `None` when it is now.
    fn wait(&self, cost: f64, now: Duration) -> Option<u64> {
        let missing = cost - self.level(now);
        // The quotient is small and positive, so the cast is exact enough.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 50 seconds"
        )]
        (missing > 0.0).then(|| ((missing / REFILL_PER_SECOND).ceil() as u64).max(1))
    }
}

impl Throttle {
    /// Whether an attempt may go on; otherwise how many seconds to wait. `id` is the key id of a well-formed token.
    pub fn wait(&self, address: IpAddr, id: Option<&str>, now: Duration) -> Option<u64> {
        let cost = if id.is_some() {
            Failure::Wrong.cost()
        } else {
            Failure::Malformed.cost()
        };
        // An address without failures is no attacker: it may try any id.
        let bucket = self.addresses.get(&group(address))?;
        if bucket.level(now) >= CAPACITY {
            return None;
        }
        let by_id = id
            .and_then(|id| self.ids.get(id))
            .and_then(|bucket| bucket.wait(cost, now));
        bucket.wait(cost, now).max(by_id)
    }

    /// Notes a failure.
    pub fn failed(&mut self, address: IpAddr, id: Option<&str>, failure: Failure, now: Duration) {
        take(&mut self.addresses, group(address), failure.cost(), now);
        if let Some(id) = id {
            take(&mut self.ids, id.to_owned(), failure.cost(), now);
        }
    }

    /// Notes a success: the address and the key are trusted again.
    pub fn succeeded(&mut self, address: IpAddr, id: &str) {
        self.addresses.remove(&group(address));
        self.ids.remove(id);
    }
}

fn take<K: std::hash::Hash + Eq + Clone>(
    buckets: &mut HashMap<K, Bucket>,
    key: K,
    cost: f64,
    now: Duration,
) {
    if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&key) {
        buckets.retain(|_, bucket| bucket.level(now) < CAPACITY);
        let room = buckets.len() < MAX_BUCKETS;
        let some: Vec<K> = buckets
            .keys()
            .take(if room { 0 } else { MAX_BUCKETS / 10 })
            .cloned()
            .collect();
        for key in some {
            buckets.remove(&key);
        }
    }
    buckets
        .entry(key)
        .or_insert_with(|| Bucket::full(now))
        .take(cost, now);
}

/// Who hands out addresses: a single IPv4 address, or the /64 of an IPv6 one, of which a household has 2⁶⁴.
fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
        },
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn fifty_wrong_secrets_are_let_through_and_then_one_a_second() {
        let (mut throttle, from) = (Throttle::default(), address("192.0.2.1"));
        for _ in 0..50 {
            assert_eq!(throttle.wait(from, Some("id"), seconds(9)), None);
            throttle.failed(from, Some("id"), Failure::Wrong, seconds(9));
        }
        assert_eq!(throttle.wait(from, Some("id"), seconds(9)), Some(1));
        assert_eq!(throttle.wait(from, Some("another"), seconds(9)), Some(1));
        assert_eq!(throttle.wait(from, Some("id"), seconds(10)), None);
        throttle.failed(from, Some("id"), Failure::Wrong, seconds(10));
        assert_eq!(throttle.wait(from, Some("id"), seconds(10)), Some(1));
        throttle.succeeded(from, "id");
        assert_eq!(throttle.wait(from, Some("id"), seconds(10)), None);
    }

    #[test]
    fn a_thousand_pieces_of_garbage_are_let_through_and_then_twenty_a_second() {
        let (mut throttle, from) = (Throttle::default(), address("192.0.2.1"));
        for _ in 0..1_000 {
            assert_eq!(throttle.wait(from, None, seconds(0)), None);
            throttle.failed(from, None, Failure::Malformed, seconds(0));
        }
        assert_eq!(throttle.wait(from, None, seconds(0)), Some(1));
        assert_eq!(throttle.wait(from, None, seconds(1)), None);
    }

    #[test]
    fn strangers_can_not_lock_a_key_out() {
        let (mut throttle, stranger) = (Throttle::default(), address("192.0.2.1"));
        for _ in 0..1_000 {
            throttle.failed(stranger, Some("id"), Failure::Wrong, seconds(0));
        }
        assert_eq!(
            throttle.wait(address("192.0.2.2"), Some("id"), seconds(0)),
            None
        );
        throttle.failed(address("192.0.2.2"), Some("id"), Failure::Wrong, seconds(0));
        assert!(
            throttle
                .wait(address("192.0.2.2"), Some("id"), seconds(0))
                .is_some()
        );
        assert_eq!(
            throttle.wait(address("192.0.2.2"), Some("other"), seconds(0)),
            None
        );
    }

    #[test]
    fn addresses_of_one_household_are_one() {
        let mut throttle = Throttle::default();
        for host in 0..50 {
            throttle.failed(
                address(&format!("2001:db8::{host}")),
                None,
                Failure::Wrong,
                seconds(0),
            );
        }
        assert!(
            throttle
                .wait(address("2001:db8::ffff:1"), None, seconds(0))
                .is_some()
        );
        assert_eq!(
            throttle.wait(address("2001:db8:0:1::1"), None, seconds(0)),
            None
        );
        throttle.failed(
            address("::ffff:192.0.2.1"),
            None,
            Failure::Malformed,
            seconds(0),
        );
        assert!(throttle.addresses.contains_key(&address("192.0.2.1")));
    }

    #[test]
    fn the_maps_are_bounded() {
        let mut throttle = Throttle::default();
        for number in 0..u32::try_from(MAX_BUCKETS).unwrap() + 100 {
            let from = IpAddr::V4(number.into());
            throttle.failed(from, Some(&number.to_string()), Failure::Wrong, seconds(0));
        }
        assert!(throttle.addresses.len() <= MAX_BUCKETS && throttle.ids.len() <= MAX_BUCKETS);
    }
}
