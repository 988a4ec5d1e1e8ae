//! Why a call that was let in got no answer of its upstream.

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The upstream could not be reached; nothing was sent.
    NotConnected,
    /// The connection broke off.
    BrokenOff,
    /// It took too long.
    TimedOut,
    /// The upstream sends callers elsewhere; nothing was made.
    Redirects,
    /// The upstream does not take the key that it was sent; nothing was made.
    KeyRefused,
    /// Nobody waited for it any more; the upstream is not to blame.
    CallerGone,
}

impl NoAnswer {
    /// Its stable name, and what an operator looks at.
    pub fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::NotConnected => (
                "not_connected",
                "it could not be reached: is base_url right, and the network up?",
            ),
            Self::BrokenOff => (
                "broken_off",
                "the connection broke off before the answer was whole",
            ),
            Self::TimedOut => ("timed_out", "no answer began within answer_timeout"),
            Self::Redirects => (
                "redirects",
                "it sends callers elsewhere: set base_url to where it sends them",
            ),
            Self::KeyRefused => (
                "key_refused",
                "it does not take its key: replace it, and start again or send SIGHUP",
            ),
            Self::CallerGone => ("caller_gone", "nobody waited for the answer any more"),
        }
    }
}
