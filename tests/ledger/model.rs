//! A plain model of the ledger: running sums, no journal, no batches, no undo.

use std::collections::HashMap;

use tollkeeper::domain::decision::{LimitState, RefusalKind};
use tollkeeper::domain::limits::limit::LimitKind;
use tollkeeper::domain::values::period::Unit;

use crate::copy::{Copy, Counter, Place};
use crate::plan::{Line, Plan, duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Settled(i64, i64),
    Cancelled,
    Expired,
}

#[derive(Debug, Clone)]
pub struct Reservation {
    pub copy: usize,
    pub provider: &'static str,
    pub tokens: i64,
    pub cost: i64,
    pub made_at: i64,
    pub expires_at: i64,
    pub state: State,
    /// The epochs of the counters that it was let in by.
    windows: HashMap<Place, u64>,
    /// What its expiry was charged, and when.
    charged: Option<(i64, i64, u64)>,
}

#[derive(Default)]
pub struct Model {
    pub copies: Vec<Copy>,
    pub reservations: Vec<Reservation>,
    /// Whether holds that expire are given back.
    pub release: bool,
    epochs: u64,
    /// Moments of charges of expiries, and of resets.
    moment: u64,
}

/// A call that the model decides on.
#[derive(Debug, Clone)]
pub struct Asked {
    pub user: usize,
    pub provider: Option<&'static str>,
    pub model: &'static str,
    pub tokens: Option<i64>,
    pub cost: Option<i64>,
}

fn amount(kind: LimitKind, tokens: i64, cost: i64, requests: i64) -> i64 {
    match kind {
        LimitKind::Budget => cost,
        LimitKind::Tokens => tokens,
        LimitKind::Requests => requests,
    }
}

impl Model {
    /// Used and held of a limit of a copy in the window of a counter.
    fn standing(&self, copy: usize, line: Line, counter: &Counter) -> (i64, i64) {
        let place = (line.0, line.1, line.2);
        let held = self
            .reservations
            .iter()
            .filter(|one| one.copy == copy && one.state == State::Open)
            .filter(|one| one.windows.get(&place) == Some(&counter.epoch))
            .map(|one| amount(line.0, one.tokens, one.cost, 1))
            .sum();
        let given = if line.0 == LimitKind::Requests {
            held
        } else {
            0
        };
        (counter.used - given, held)
    }

    fn has_room(&self, copy: usize, line: Line, asked: Option<i64>, now: i64) -> bool {
        let counter = self.copies[copy].current((line.0, line.1, line.2), now);
        let effective = self.copies[copy].effective(line, now);
        self.fits(copy, line, &counter, asked, effective)
    }

    fn fits(
        &self,
        copy: usize,
        line: Line,
        counter: &Counter,
        asked: Option<i64>,
        effective: i64,
    ) -> bool {
        let (used, held) = self.standing(copy, line, counter);
        let effective = i128::from(effective);
        let spent = i128::from(used) + i128::from(held);
        spent < effective && spent + i128::from(asked.unwrap_or(0)) <= effective
    }

    /// The copy and the provider that let a call in.
    pub fn decide(&self, asked: &Asked, now: i64) -> Result<(usize, &'static str), RefusalKind> {
        self.who_pays(asked, now).map_err(|(_, kind)| kind)
    }

    /// The same, or the copy that a call came furthest in and why it is refused there.
    pub fn who_pays(
        &self,
        asked: &Asked,
        now: i64,
    ) -> Result<(usize, &'static str), (Option<usize>, RefusalKind)> {
        let mut furthest = (0, None, RefusalKind::AccessBlocked);
        for (at, copy) in self.copies.iter().enumerate() {
            if copy.user != asked.user {
                continue;
            }
            let outcome = self.ask(at, asked, now);
            match outcome {
                Ok(provider) => return Ok((at, provider)),
                Err((stage, kind)) if stage > furthest.0 => furthest = (stage, Some(at), kind),
                Err(_) => {}
            }
        }
        Err((furthest.1, furthest.2))
    }

    fn ask(&self, at: usize, asked: &Asked, now: i64) -> Result<&'static str, (u8, RefusalKind)> {
        let openai = asked.model.starts_with("gpt-") && asked.model != "gpt-bad";
        match asked.provider {
            Some("openai") if !openai => Err((2, RefusalKind::ModelBlocked)),
            Some("openai") => self.ask_line(at, "openai", asked, now),
            Some("anthropic") => self.ask_line(at, "anthropic", asked, now),
            Some(_) => Err((1, RefusalKind::ProviderBlocked)),
            // The next line where the first has no room; if neither has, the one that may have it again says why, else the first.
            None if openai => self.ask_line(at, "openai", asked, now).or_else(|first| {
                let next = self.ask_line(at, "anthropic", asked, now);
                next.map_err(|next| if next.0 > first.0 { next } else { first })
            }),
            None => self.ask_line(at, "anthropic", asked, now),
        }
    }

    fn ask_line(
        &self,
        at: usize,
        provider: &'static str,
        asked: &Asked,
        now: i64,
    ) -> Result<&'static str, (u8, RefusalKind)> {
        let copy = &self.copies[at];
        let asks = |kind| match kind {
            LimitKind::Budget => asked.cost,
            LimitKind::Tokens => asked.tokens,
            LimitKind::Requests => Some(1),
        };
        let dry: Vec<_> = copy
            .covering(provider)
            .into_iter()
            .filter(|line| !self.has_room(at, *line, asks(line.0), now))
            .map(|line| {
                let most = copy.effective(line, now);
                let larger = asks(line.0).is_some_and(|asked| asked > most);
                (line.0, most <= 0 || larger || line.2 == "never")
            })
            .collect();
        // What is larger than a limit, or prepaid and spent, never has room; only without such it is of interest what is used up.
        let never = dry.iter().any(|(_, never)| *never);
        let of = |kind| dry.contains(&(kind, never));
        let kind = match (
            of(LimitKind::Budget),
            of(LimitKind::Tokens),
            of(LimitKind::Requests),
        ) {
            (true, ..) => RefusalKind::BudgetExceeded,
            (_, true, true) => RefusalKind::RateLimited,
            (_, true, _) => RefusalKind::TokenLimited,
            (_, _, true) => RefusalKind::RequestLimited,
            _ => return Ok(provider),
        };
        Err((if never { 4 } else { 5 }, kind))
    }

    /// Lets a call in, which begins every window that covers its provider, and counts it there; answers the epochs.
    fn let_in(
        &mut self,
        copy: usize,
        provider: &str,
        (tokens, cost, requests): (i64, i64, i64),
        now: i64,
    ) -> HashMap<Place, u64> {
        let mut epochs = HashMap::new();
        for (kind, of, every, _) in self.copies[copy].covering(provider) {
            let place = (kind, of, every);
            let mut counter = self.copies[copy].current(place, now);
            if counter.epoch == 0 {
                self.epochs += 1;
                counter.epoch = self.epochs;
            }
            counter.add(amount(kind, tokens, cost, requests));
            self.copies[copy].begin(place, counter);
            epochs.insert(place, counter.epoch);
        }
        epochs
    }

    /// Counts in the windows in which a reservation was let in.
    fn count(&mut self, one: &Reservation, (tokens, cost, requests): (i64, i64, i64)) {
        for (kind, of, every, _) in self.copies[one.copy].covering(one.provider) {
            let place = (kind, of, every);
            let counter = one
                .windows
                .get(&place)
                .and_then(|epoch| self.copies[one.copy].window(place, *epoch));
            if let Some(counter) = counter {
                counter.add(amount(kind, tokens, cost, requests));
            }
        }
    }

    pub fn reserve(
        &mut self,
        copy: usize,
        provider: &'static str,
        asked: &Asked,
        ttl: i64,
        now: i64,
    ) {
        let windows = self.let_in(copy, provider, (0, 0, 1), now);
        self.reservations.push(Reservation {
            copy,
            provider,
            tokens: asked.tokens.unwrap_or(0),
            cost: asked.cost.unwrap_or(0),
            made_at: now,
            expires_at: now + ttl,
            state: State::Open,
            windows,
            charged: None,
        });
    }

    pub fn charge(&mut self, copy: usize, provider: &str, tokens: i64, cost: i64, now: i64) {
        self.let_in(copy, provider, (tokens, cost, 1), now);
    }

    pub fn expire(&mut self, now: i64) {
        let mut due: Vec<usize> = (0..self.reservations.len())
            .filter(|at| self.reservations[*at].state == State::Open)
            .filter(|at| self.reservations[*at].expires_at <= now)
            .collect();
        due.sort_by_key(|at| (self.reservations[*at].expires_at, *at));
        for at in due {
            let one = self.reservations[at].clone();
            self.reservations[at].state = State::Expired;
            if self.release {
                self.count(&one, (0, 0, -1));
                continue;
            }
            self.count(&one, (one.tokens, one.cost, 0));
            self.moment += 1;
            self.reservations[at].charged = Some((one.tokens, one.cost, self.moment));
        }
    }

    /// Whether settling with these numbers is accepted.
    pub fn settle(&mut self, at: usize, tokens: i64, cost: i64) -> bool {
        let one = self.reservations[at].clone();
        match (one.state, one.charged) {
            (State::Settled(before, paid), _) => return (before, paid) == (tokens, cost),
            (State::Open, _) => self.count(&one, (tokens, cost, 0)),
            (State::Expired, Some(charged)) => self.mend(&one, charged, (tokens, cost, 0)),
            (State::Cancelled, Some(charged)) => {
                self.mend(&one, (0, 0, charged.2), (tokens, cost, 1));
            }
            // It was given back.
            (State::Cancelled | State::Expired, None) => self.count(&one, (tokens, cost, 1)),
        }
        self.reservations[at].state = State::Settled(tokens, cost);
        true
    }

    /// Counts what was really used, and requests, in place of what counts of a reservation whose expiry was charged. What was reset
    /// since is not given back.
    fn mend(
        &mut self,
        one: &Reservation,
        counts: (i64, i64, u64),
        (tokens, cost, requests): (i64, i64, i64),
    ) {
        let charged = one.charged.unwrap_or_default();
        for (kind, of, every, _) in self.copies[one.copy].covering(one.provider) {
            let place = (kind, of, every);
            let epoch = one.windows.get(&place);
            let counter = epoch.and_then(|epoch| self.copies[one.copy].window(place, *epoch));
            let Some(counter) = counter else {
                continue;
            };
            let used = amount(kind, tokens, cost, requests);
            counter.add(if counter.reset < counts.2 {
                used - amount(kind, counts.0, counts.1, 0)
            } else {
                (used - amount(kind, charged.0, charged.1, 1)).max(0)
            });
        }
    }

    /// Whether cancelling is accepted.
    pub fn cancel(&mut self, at: usize) -> bool {
        let one = self.reservations[at].clone();
        match (one.state, one.charged) {
            (State::Settled(..), _) => return false,
            (State::Cancelled, _) => return true,
            (State::Expired, Some(charged)) => self.mend(&one, charged, (0, 0, -1)),
            (State::Open, _) => self.count(&one, (0, 0, -1)),
            (State::Expired, None) => {}
        }
        self.reservations[at].state = State::Cancelled;
        true
    }

    /// Whether an extension is granted; the reservation is open.
    pub fn extend(&mut self, at: usize, tokens: i64, cost: i64, ttl: i64, now: i64) -> bool {
        let one = self.reservations[at].clone();
        let more = ((tokens - one.tokens).max(0), (cost - one.cost).max(0));
        let lines = self.copies[one.copy].covering(one.provider);
        let fits = lines.into_iter().all(|line| {
            let asked = amount(line.0, more.0, more.1, 0);
            let place = (line.0, line.1, line.2);
            let copy = &self.copies[one.copy];
            let counter = one.windows.get(&place);
            let counter = counter.and_then(|epoch| copy.known_window(place, *epoch));
            asked == 0
                || counter.is_none_or(|counter| {
                    let most = copy.effective_in(line, counter.window);
                    self.fits(one.copy, line, counter, Some(asked), most)
                })
        });
        if fits {
            let open = &mut self.reservations[at];
            open.tokens += more.0;
            open.cost += more.1;
            open.expires_at = open.expires_at.max(now + ttl);
        }
        fits
    }

    pub fn follow(&mut self, copy: usize, plan: Plan, reset: bool, now: i64) {
        self.moment += 1;
        let open: Vec<_> = self
            .reservations
            .iter()
            .filter(|one| one.copy == copy && one.state == State::Open)
            .map(|one| one.windows.clone())
            .collect();
        let one = &mut self.copies[copy];
        let before = std::mem::replace(&mut one.plan, plan);
        let kept: Vec<Place> = plan
            .limits
            .iter()
            .map(|line| (line.0, line.1, line.2))
            .collect();
        one.over.retain(|(place, _), _| kept.contains(place));
        let counters = std::mem::take(&mut one.counters);
        for (place, mut counter) in counters {
            if !kept.contains(&place) {
                continue;
            }
            let period = duration(place.2).period();
            let aligns = period.is_some_and(|period| period.unit() >= Unit::Day);
            let is_moved = aligns && before.aligned != plan.aligned;
            let epoch = counter.epoch;
            let held = open
                .iter()
                .filter(|windows| windows.get(&place) == Some(&epoch))
                .count();
            if is_moved && now >= counter.window.resets_at {
                one.over.insert((place, epoch), counter);
                continue;
            }
            if reset && held == 0 {
                continue;
            }
            if reset {
                let requests = i64::try_from(held).unwrap();
                counter.used = amount(place.0, 0, 0, requests);
                counter.reset = self.moment;
            }
            if is_moved {
                counter.window = one.windows(&plan, place).at(now);
            }
            one.counters.insert(place, counter);
        }
        for (kind, of, every, _) in plan.limits {
            let place = (*kind, *of, *every);
            let is_new = before
                .limits
                .iter()
                .all(|line| (line.0, line.1, line.2) != place);
            if is_new {
                self.adopt(copy, place, now);
            }
        }
    }

    /// A limit that is new counts what is open and was let in in its window that is open, and what else was from there on.
    fn adopt(&mut self, copy: usize, place: Place, now: i64) {
        let mut counter = self.copies[copy].current(place, now);
        let mine =
            |one: &Reservation| one.copy == copy && place.1.is_none_or(|of| of == one.provider);
        let first = self.reservations.iter().position(|one| {
            mine(one) && one.state == State::Open && one.made_at >= counter.window.starts_at
        });
        let Some(first) = first else {
            return;
        };
        self.epochs += 1;
        counter.epoch = self.epochs;
        counter.reset = self.moment;
        for one in self.reservations[first..]
            .iter_mut()
            .filter(|one| mine(one))
        {
            one.windows.insert(place, counter.epoch);
            if one.state == State::Open {
                counter.add(amount(place.0, 0, 0, 1));
            }
        }
        self.copies[copy].begin(place, counter);
    }

    /// Compares what was answered of a copy's limits.
    #[track_caller]
    pub fn assert_limits(&self, copy: usize, provider: &str, answered: &[LimitState], now: i64) {
        let lines = self.copies[copy].covering(provider);
        assert_eq!(lines.len(), answered.len());
        for line in lines {
            let scope = line
                .1
                .map_or("total".to_owned(), |of| format!("provider:{of}"));
            let shown = answered
                .iter()
                .find(|one| {
                    one.kind == line.0
                        && one.scope.to_lowercase() == scope
                        && one.reset_duration == duration(line.2)
                })
                .unwrap();
            let counter = self.copies[copy].current((line.0, line.1, line.2), now);
            let (used, held) = self.standing(copy, line, &counter);
            let window = counter.window;
            assert_eq!(
                (
                    shown.used,
                    shown.held,
                    shown.effective_max_limit,
                    shown.starts_at,
                    shown.resets_at
                ),
                (
                    used,
                    held,
                    self.copies[copy].effective(line, now),
                    window.starts_at,
                    (line.2 != "never").then_some(window.resets_at)
                ),
                "{line:?}"
            );
        }
    }
}
