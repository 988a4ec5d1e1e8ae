//! A plain model of the ledger: running sums, no journal, no batches, no undo.

use std::collections::HashMap;

use tollkeeper::domain::decision::{LimitState, RefusalKind};
use tollkeeper::domain::limits::limit::LimitKind;
use tollkeeper::domain::values::duration::Unit;

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
    pub expires_at: i64,
    pub state: State,
    /// The epochs of the request counters it counted in.
    requests: HashMap<Place, u64>,
    /// What its expiry was charged, and the epochs of the counters that was.
    charged: Option<(i64, i64, HashMap<Place, u64>)>,
}

#[derive(Default)]
pub struct Model {
    pub copies: Vec<Copy>,
    pub reservations: Vec<Reservation>,
    /// Whether holds that expire are given back.
    pub release: bool,
    epochs: u64,
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
    /// Used and held of a limit of a copy.
    fn standing(&self, copy: usize, line: Line, now: i64) -> (i64, i128) {
        let place = (line.0, line.1, line.2);
        let counter = self.copies[copy].current(place, now);
        let open = self
            .reservations
            .iter()
            .filter(|one| one.copy == copy && one.state == State::Open)
            .filter(|one| line.1.is_none_or(|of| of == one.provider));
        if line.0 == LimitKind::Requests {
            let held = open
                .filter(|one| counter.epoch > 0 && one.requests.get(&place) == Some(&counter.epoch))
                .count();
            let held = i64::try_from(held).unwrap();
            return (counter.used - held, i128::from(held));
        }
        (
            counter.used,
            open.map(|one| i128::from(amount(line.0, one.tokens, one.cost, 0)))
                .sum(),
        )
    }

    fn has_room(&self, copy: usize, line: Line, asked: Option<i64>, now: i64) -> bool {
        let (used, held) = self.standing(copy, line, now);
        let effective = i128::from(self.copies[copy].effective(line, now));
        let spent = i128::from(used) + held;
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
                let never = most <= 0 || asks(line.0).is_some_and(|asked| asked > most);
                (line.0, never)
            })
            .collect();
        // What is larger than a limit never has room; only without such it is of interest what is used up.
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

    /// Lets a call in, which begins every window that covers its provider, and counts it; answers the epochs.
    fn let_in(
        &mut self,
        copy: usize,
        provider: &str,
        counts: (i64, i64, i64),
        now: i64,
    ) -> HashMap<Place, u64> {
        for (kind, of, every, _) in self.copies[copy].covering(provider) {
            self.touch(copy, (kind, of, every), now);
        }
        self.count(copy, provider, counts, now)
    }

    /// Counts on every limit that covers a provider; answers the epochs.
    fn count(
        &mut self,
        copy: usize,
        provider: &str,
        (tokens, cost, requests): (i64, i64, i64),
        now: i64,
    ) -> HashMap<Place, u64> {
        let mut epochs = HashMap::new();
        for (kind, of, every, _) in self.copies[copy].covering(provider) {
            let place = (kind, of, every);
            let added = amount(kind, tokens, cost, requests);
            if added != 0 {
                let counter = self.touch(copy, place, now);
                counter.add(added);
                epochs.insert(place, counter.epoch);
            }
        }
        epochs
    }

    fn touch(&mut self, copy: usize, place: Place, now: i64) -> &mut Counter {
        let mut counter = self.copies[copy].current(place, now);
        if counter.epoch == 0 {
            self.epochs += 1;
            counter.epoch = self.epochs;
        }
        let counters = &mut self.copies[copy].counters;
        counters.insert(place, counter);
        counters.get_mut(&place).unwrap()
    }

    pub fn reserve(
        &mut self,
        copy: usize,
        provider: &'static str,
        asked: &Asked,
        ttl: i64,
        now: i64,
    ) {
        let requests = self.let_in(copy, provider, (0, 0, 1), now);
        self.reservations.push(Reservation {
            copy,
            provider,
            tokens: asked.tokens.unwrap_or(0),
            cost: asked.cost.unwrap_or(0),
            expires_at: now + ttl,
            state: State::Open,
            requests,
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
                self.correct_requests(&one, -1);
                continue;
            }
            let epochs = self.count(one.copy, one.provider, (one.tokens, one.cost, 0), now);
            self.reservations[at].charged = Some((one.tokens, one.cost, epochs));
        }
    }

    /// Whether settling with these numbers is accepted.
    pub fn settle(&mut self, at: usize, tokens: i64, cost: i64, now: i64) -> bool {
        let one = self.reservations[at].clone();
        match one.state {
            State::Settled(before, paid) => return (before, paid) == (tokens, cost),
            State::Cancelled => {
                self.correct_requests(&one, 1);
                self.mend(&one, (0, 0), (tokens, cost), now);
            }
            State::Open => {
                self.count(one.copy, one.provider, (tokens, cost, 0), now);
            }
            State::Expired => {
                if one.charged.is_none() {
                    self.correct_requests(&one, 1);
                }
                let charged = one.charged.clone().unwrap_or_default();
                self.mend(&one, (charged.0, charged.1), (tokens, cost), now);
            }
        }
        self.reservations[at].state = State::Settled(tokens, cost);
        true
    }

    /// Counts what was really used in place of what counts now of a reservation that is over.
    fn mend(&mut self, one: &Reservation, counts: (i64, i64), used: (i64, i64), now: i64) {
        let (charged_tokens, charged_cost, epochs) = one.charged.clone().unwrap_or_default();
        for (kind, of, every, _) in self.copies[one.copy].covering(one.provider) {
            let place = (kind, of, every);
            let used = amount(kind, used.0, used.1, 0);
            let difference = used - amount(kind, counts.0, counts.1, 0);
            let on_top = (used - amount(kind, charged_tokens, charged_cost, 0)).max(0);
            if difference == 0 && on_top == 0 {
                continue;
            }
            let counter = self.touch(one.copy, place, now);
            let still_counts = epochs.get(&place) == Some(&counter.epoch);
            // What the expiry charged nothing of has no epoch, and nothing to give back.
            counter.add(if still_counts { difference } else { on_top });
        }
    }

    /// Takes the request of a reservation back, or counts it again, where it still counts.
    fn correct_requests(&mut self, one: &Reservation, added: i64) {
        for (place, epoch) in &one.requests {
            if let Some(counter) = self.copies[one.copy].counters.get_mut(place)
                && counter.epoch == *epoch
            {
                counter.add(added);
            }
        }
    }

    /// Whether cancelling is accepted.
    pub fn cancel(&mut self, at: usize, now: i64) -> bool {
        let one = self.reservations[at].clone();
        match one.state {
            State::Settled(..) => return false,
            State::Cancelled => return true,
            State::Open | State::Expired => {}
        }
        if one.state == State::Open || one.charged.is_some() {
            self.correct_requests(&one, -1);
        }
        if one.state == State::Expired {
            let charged = one.charged.clone().unwrap_or_default();
            self.mend(&one, (charged.0, charged.1), (0, 0), now);
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
            asked == 0 || self.has_room(one.copy, line, Some(asked), now)
        });
        if fits && more != (0, 0) {
            self.let_in(one.copy, one.provider, (0, 0, 0), now);
        }
        if fits {
            let open = &mut self.reservations[at];
            open.tokens += more.0;
            open.cost += more.1;
            open.expires_at = open.expires_at.max(now + ttl);
        }
        fits
    }

    pub fn follow(&mut self, copy: usize, plan: Plan, reset: bool, now: i64) {
        let one = &mut self.copies[copy];
        let before = std::mem::replace(&mut one.plan, plan);
        let kept: Vec<Place> = plan
            .limits
            .iter()
            .map(|line| (line.0, line.1, line.2))
            .collect();
        let counters = std::mem::take(&mut one.counters);
        for (place, mut counter) in counters {
            if reset || !kept.contains(&place) {
                continue;
            }
            let aligns = duration(place.2).unit() >= Unit::Day;
            if aligns && before.aligned != plan.aligned {
                if now >= counter.window.resets_at {
                    continue;
                }
                counter.window = one.windows(&plan, place).at(now);
            }
            one.counters.insert(place, counter);
        }
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
            let (used, held) = self.standing(copy, line, now);
            let held = i64::try_from(held).unwrap_or(i64::MAX);
            let window = self.copies[copy]
                .current((line.0, line.1, line.2), now)
                .window;
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
                    window.resets_at
                ),
                "{line:?}"
            );
        }
    }
}
