//! Slowing down whoever fails to authenticate: a bucket of attempts for each key id at each address, and one for the address.
//!
//! A bucket empties with every failure and fills with time. An address may be a gateway with many people behind it: one key that
//! fails again and again is slowed down by itself, and takes little from the others there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::ID_LENGTH;

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
    /// The id is unknown or the secret wrong: that took one argon2id run. 50 at once of a key id, one a second.
    Wrong,
    /// The key was right once, which is remembered: found out for nothing, but it is sent again and again. As before.
    Dead,
}

/// What a failure takes from the bucket of a key id at an address.
const OF_PAIR: f64 = 20.0;
/// What the first failure of a key id takes from the address, and what a further one does: 50 bad keys, or 10 that go on.
const OF_ADDRESS_FIRST: f64 = 20.0;
const OF_ADDRESS_AGAIN: f64 = 2.0;
/// What a token that is no token takes from the address.
const OF_ADDRESS_MALFORMED: f64 = 1.0;

/// Failures by address and by key id. Times are measured from any fixed moment on a clock that only goes forward.
#[derive(Debug, Default)]
pub struct Throttle {
    addresses: HashMap<IpAddr, Bucket>,
    pairs: HashMap<(IpAddr, String), Bucket>,
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
        let address = group(address);
        let pair = id.and_then(|id| self.pairs.get(&(address, id.to_owned())));
        let cost = match (id, pair) {
            (None, _) => OF_ADDRESS_MALFORMED,
            (_, None) => OF_ADDRESS_FIRST,
            (_, Some(_)) => OF_ADDRESS_AGAIN,
        };
        let of_address = self.addresses.get(&address);
        let by_address = of_address.and_then(|bucket| bucket.wait(cost, now));
        by_address.max(pair.and_then(|bucket| bucket.wait(OF_PAIR, now)))
    }

    /// Notes a failure.
    pub fn failed(&mut self, address: IpAddr, id: Option<&str>, failure: Failure, now: Duration) {
        let address = group(address);
        let pair = id.map(|id| (address, id.to_owned()));
        let is_known = pair
            .as_ref()
            .is_some_and(|pair| self.pairs.contains_key(pair));
        match failure {
            Failure::Malformed => {
                take(&mut self.addresses, address, OF_ADDRESS_MALFORMED, now);
            }
            Failure::Wrong if is_known => {
                take(&mut self.addresses, address, OF_ADDRESS_AGAIN, now);
            }
            Failure::Wrong => take(&mut self.addresses, address, OF_ADDRESS_FIRST, now),
            Failure::Dead => {}
        }
        if let Some(pair) = pair {
            take(&mut self.pairs, pair, OF_PAIR, now);
        }
    }

    /// Notes a success: the address and the key are trusted again there.
    pub fn succeeded(&mut self, address: IpAddr, id: &str) {
        let address = group(address);
        self.addresses.remove(&address);
        self.pairs.remove(&(address, id.to_owned()));
    }
}

/// Virtual keys that don't work, by the address that sends them. Whether one works costs little to find out, so a right one is never
/// slowed down: what is refused before it is looked at is the very key that failed last.
#[derive(Debug, Default)]
pub struct BadKeys(HashMap<(IpAddr, [u8; ID_LENGTH]), Bad>);

#[derive(Debug, Clone, Copy)]
struct Bad {
    bucket: Bucket,
    last: [u8; 32],
}

impl BadKeys {
    /// How long this very key, of which the hash of the secret is `secret`, has to wait, if it failed too often.
    pub fn wait(
        &self,
        address: IpAddr,
        id: [u8; ID_LENGTH],
        secret: [u8; 32],
        now: Duration,
    ) -> Option<u64> {
        let bad = self.0.get(&(group(address), id))?;
        (bad.last == secret)
            .then(|| bad.bucket.wait(OF_PAIR, now))
            .flatten()
    }

    /// Notes that a key failed; answers how long to wait when the id fails too often at that address.
    pub fn failed(
        &mut self,
        address: IpAddr,
        id: [u8; ID_LENGTH],
        secret: [u8; 32],
        now: Duration,
    ) -> Option<u64> {
        let key = (group(address), id);
        make_room(&mut self.0, &key, |bad| bad.bucket.level(now) >= CAPACITY);
        let bad = self.0.entry(key).or_insert_with(|| Bad {
            bucket: Bucket::full(now),
            last: secret,
        });
        bad.last = secret;
        let wait = bad.bucket.wait(OF_PAIR, now);
        if wait.is_none() {
            bad.bucket.take(OF_PAIR, now);
        }
        wait
    }
}

fn take<K: std::hash::Hash + Eq + Clone>(
    buckets: &mut HashMap<K, Bucket>,
    key: K,
    cost: f64,
    now: Duration,
) {
    make_room(buckets, &key, |bucket| bucket.level(now) >= CAPACITY);
    buckets
        .entry(key)
        .or_insert_with(|| Bucket::full(now))
        .take(cost, now);
}

/// Forgets some if there is no place for `key`: those that are as good as new, or a tenth of all.
fn make_room<K: std::hash::Hash + Eq + Clone, B>(
    buckets: &mut HashMap<K, B>,
    key: &K,
    is_full: impl Fn(&B) -> bool,
) {
    if buckets.len() < MAX_BUCKETS || buckets.contains_key(key) {
        return;
    }
    buckets.retain(|_, bucket| !is_full(bucket));
    if buckets.len() >= MAX_BUCKETS {
        let some: Vec<K> = buckets.keys().take(MAX_BUCKETS / 10).cloned().collect();
        for key in some {
            buckets.remove(&key);
        }
    }
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
        // Others behind the same address are not: it may be a gateway.
        assert_eq!(throttle.wait(from, Some("another"), seconds(9)), None);
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
        assert_eq!(
            throttle.wait(address("192.0.2.2"), Some("id"), seconds(0)),
            None
        );
    }

    #[test]
    fn many_bad_keys_behind_one_address_are_slowed_down_together() {
        let (mut throttle, from) = (Throttle::default(), address("192.0.2.1"));
        for id in 0..50 {
            let id = id.to_string();
            assert_eq!(throttle.wait(from, Some(&id), seconds(0)), None);
            throttle.failed(from, Some(&id), Failure::Wrong, seconds(0));
        }
        assert_eq!(throttle.wait(from, Some("new"), seconds(0)), Some(1));
        // What was right once and is remembered costs no run, so it takes nothing from others.
        let (mut throttle, from) = (Throttle::default(), address("192.0.2.1"));
        for _ in 0..50 {
            throttle.failed(from, Some("dead"), Failure::Dead, seconds(0));
        }
        assert_eq!(throttle.wait(from, Some("dead"), seconds(0)), Some(1));
        assert!(throttle.addresses.is_empty());
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
        assert!(throttle.addresses.len() <= MAX_BUCKETS && throttle.pairs.len() <= MAX_BUCKETS);
    }
}
