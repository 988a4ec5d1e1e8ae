//! Who made a reservation, which is whose it is, and who ended it.

/// One of those who make or end reservations. Stored as one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Party {
    /// Nobody noted it: it was made or ended before that was kept.
    #[default]
    Unknown,
    /// A management API key (`api_keys.id`), however often it was rotated; 0 is the operator over the control socket.
    ApiKey(i64),
    /// The virtual key that the call came with, as forward-auth counts it.
    VirtualKey,
    /// Its time was up.
    Expiry,
    /// Its user was deleted.
    UserDeletion,
    /// The proxy of this program, which carries the call itself.
    Proxy,
}

impl Party {
    /// The number it is stored as.
    pub fn stored(self) -> Option<i64> {
        match self {
            Self::Unknown => None,
            Self::ApiKey(id) => Some(id),
            Self::VirtualKey => Some(-1),
            Self::Expiry => Some(-2),
            Self::UserDeletion => Some(-3),
            Self::Proxy => Some(-4),
        }
    }

    /// The one that is stored as this number.
    pub fn of_stored(number: Option<i64>) -> Self {
        match number {
            Some(-1) => Self::VirtualKey,
            Some(-2) => Self::Expiry,
            Some(-3) => Self::UserDeletion,
            Some(-4) => Self::Proxy,
            Some(id) if id >= 0 => Self::ApiKey(id),
            _ => Self::Unknown,
        }
    }

    /// Whether what this one made is another's own. What was made before owners were kept is everybody's.
    pub fn is_own_of(self, party: Self) -> bool {
        matches!(self, Self::Unknown) || self == party
    }

    /// Whether another may end what this one made without a permission for what others made. What came with a virtual key may be ended
    /// by every management key: the gateway that asked forward-auth for it has one, and says by the id of which reservation it speaks.
    pub fn may_be_ended_by(self, party: Party) -> bool {
        self.is_own_of(party) || matches!((self, party), (Self::VirtualKey, Self::ApiKey(_)))
    }

    /// Whether what this one holds is of a call that is sent at once, so that it is charged when nobody says what it used.
    pub fn is_of_a_call(self) -> bool {
        matches!(self, Self::Proxy | Self::VirtualKey)
    }

    /// The management key, if it is one that is listed.
    pub fn api_key_id(self) -> Option<i64> {
        match self {
            Self::ApiKey(id) if id > 0 => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_reads_back_from_the_number_they_are_stored_as() {
        let all = [
            Party::Unknown,
            Party::ApiKey(0),
            Party::ApiKey(7),
            Party::VirtualKey,
            Party::Expiry,
            Party::UserDeletion,
            Party::Proxy,
        ];
        for party in all {
            assert_eq!(Party::of_stored(party.stored()), party);
        }
        assert_eq!(Party::of_stored(Some(-9)), Party::Unknown);
    }
}
