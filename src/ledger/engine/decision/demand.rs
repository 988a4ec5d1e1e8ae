//! What is decided on: a call with all that is asked of copies; and what comes of it.

use crate::domain::decision::amounts::Amounts;
use crate::domain::decision::particulars::Particulars;
use crate::domain::decision::{Call, Refusal, RefusalKind};
use crate::domain::limits::limit::LimitKind;
use crate::domain::settings::DecisionSettings;
use crate::domain::values::letter_case::fold;
use crate::domain::values::money::Money;

/// A decision: let in, or refused.
pub type Decision<T> = std::result::Result<T, Refusal>;

/// A call, with what is asked of every copy worked out once.
pub struct Demand<'c> {
    /// The call.
    pub call: &'c Call,
    /// The model without regard to case.
    pub model_key: String,
    /// The provider without regard to case.
    pub provider_key: Option<String>,
    /// What it asks where no provider's offer says otherwise.
    terms: Terms,
    /// The caps on what one call holds of a budget: its own and that of the settings.
    caps: [Option<Money>; 2],
}

/// What a call asks of the limits of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What it would hold.
    pub hold: Amounts,
    says_tokens: bool,
    says_cost: bool,
    is_free: bool,
    requests: i64,
    /// What comes on top, if the call is let in already.
    more: Option<More>,
}

/// What a call asks that was let in already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct More {
    amounts: Amounts,
    /// The number of its reservation; none when it has none.
    of: Option<i64>,
}

impl<'c> Demand<'c> {
    /// What `call` asks, held up to its own cap and that of the settings.
    pub fn new(settings: &DecisionSettings, call: &'c Call) -> Self {
        let particulars = &call.particulars;
        Self {
            call,
            model_key: fold(&call.model),
            provider_key: call.provider.as_deref().map(fold),
            terms: Terms {
                hold: hold(settings, particulars),
                says_tokens: particulars.estimated_tokens.is_some(),
                says_cost: particulars.estimated_cost.is_some(),
                is_free: false,
                requests: call.requests,
                more: None,
            },
            caps: [settings.max_hold, particulars.max_hold],
        }
    }

    /// The same call, let in already with the reservation `number`: it asks for nothing but what comes on top of what it holds.
    pub fn more(mut self, amounts: Amounts, number: i64) -> Self {
        let of = Some(number);
        self.terms.more = Some(More { amounts, of });
        self
    }

    /// The same call, which takes nothing of any limit.
    pub fn nothing(mut self) -> Self {
        let amounts = Amounts::default();
        self.terms.more = Some(More { amounts, of: None });
        self
    }

    /// The number of the reservation with which the call was let in already.
    pub fn let_in_as(&self) -> Option<i64> {
        self.terms.let_in_as()
    }

    /// What is asked of a provider's line; nothing where the call can't be carried by it.
    pub fn terms_of(&self, provider_key: &str) -> Option<Terms> {
        let is_other = |wanted: &str| wanted != provider_key;
        if self.provider_key.as_deref().is_some_and(is_other) {
            return None;
        }
        let Some(offers) = &self.call.offers else {
            return Some(self.terms);
        };
        let offer = offers
            .iter()
            .find(|offer| *offer.provider_key == *provider_key)?;
        Some(Terms {
            hold: capped(
                Amounts {
                    tokens: offer.estimated_tokens.unwrap_or(0),
                    cost: offer.estimated_cost.map_or(0, Money::nanodollars),
                },
                self.caps,
            ),
            says_tokens: offer.estimated_tokens.is_some(),
            says_cost: offer.estimated_cost.is_some(),
            is_free: offer.is_free,
            ..self.terms
        })
    }

    /// What is said of the call where a provider's line lets it in.
    pub fn particulars(&self, provider_key: &str) -> Particulars {
        let mut offers = self.call.offers.iter().flat_map(|offers| offers.iter());
        let offer = offers.find(|offer| *offer.provider_key == *provider_key);
        let said = &self.call.particulars;
        offer.map_or_else(|| said.clone(), |offer| offer.particulars(said))
    }
}

impl Terms {
    /// See [`Demand::let_in_as`].
    pub fn let_in_as(&self) -> Option<i64> {
        self.more?.of
    }

    /// Whether limits of this kind that allow so much are asked at all: not where everything was let in before, nor what has no price.
    pub fn asks_of(&self, kind: LimitKind, effective: i64) -> bool {
        match (self.more, kind) {
            (Some(more), _) => more.amounts.of(kind, 0) > 0,
            (None, LimitKind::Requests) => self.requests > 0,
            (None, LimitKind::Budget) => !self.is_free || effective <= 0,
            (None, LimitKind::Tokens) => true,
        }
    }

    /// What is asked of a limit of this kind; none when the call does not say.
    pub fn asked(&self, kind: LimitKind) -> Option<i64> {
        match self.more {
            Some(more) => Some(more.amounts.of(kind, 0)),
            None => self.whole(kind),
        }
    }

    /// The same with what the call holds already.
    pub fn whole(&self, kind: LimitKind) -> Option<i64> {
        match kind {
            LimitKind::Budget => self.says_cost.then_some(self.hold.cost),
            LimitKind::Tokens => self.says_tokens.then_some(self.hold.tokens),
            LimitKind::Requests => Some(self.requests),
        }
    }
}

/// Who pays for a call that was made, whether or not anything lets it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payer {
    /// Whose call it is.
    pub user_id: i64,
    /// With which key.
    pub key_id: i64,
    /// The user's copy, by its place among them; none when nothing is held any more.
    pub copy: Option<usize>,
    /// The provider's line in the rules of the copy, if it has one.
    pub line: Option<usize>,
    /// The profile that is named where there is no copy; 0 when none is known.
    pub last_profile_id: i64,
}

impl From<Grant> for Payer {
    fn from(grant: Grant) -> Self {
        Self {
            user_id: grant.user_id,
            key_id: grant.key_id,
            copy: Some(grant.copy),
            line: Some(grant.line),
            last_profile_id: 0,
        }
    }
}

/// Who lets a call in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Whose call it is.
    pub user_id: i64,
    /// With which key.
    pub key_id: i64,
    /// The user's copy, by its place among them.
    pub copy: usize,
    /// The provider's line in the rules of the copy.
    pub line: usize,
}

/// How far a call came in a copy before it was refused. The later the further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalStage {
    /// The copy itself.
    Copy,
    /// The provider.
    Provider,
    /// The model.
    Model,
    /// The MCP tool.
    Mcp,
    /// A limit that the whole call is larger than, or that never resets: waiting gives it no room.
    InVain,
    /// The limits.
    Limits,
}

/// Where one copy refuses a call.
pub struct Obstacle {
    /// How far it came.
    pub stage: RefusalStage,
    /// Why.
    pub kind: RefusalKind,
    /// The line it had come to.
    pub line: Option<usize>,
    /// The limit without room.
    pub limit: Option<DryLimit>,
}

impl Obstacle {
    /// An obstacle that is no limit.
    pub fn at(stage: RefusalStage, kind: RefusalKind, line: Option<usize>) -> Self {
        Self {
            stage,
            kind,
            line,
            limit: None,
        }
    }
}

/// A limit without room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DryLimit {
    /// Its place among the limits of the rules.
    pub at: usize,
    /// When the last of all limits without room resets: there is no room before. None where the call is larger than the limit, where
    /// that never resets, and where the call stays in the window in which it was let in.
    pub room_at: Option<i64>,
}

/// A call that is refused.
pub struct RefusedCall {
    /// Whose call it was, if the key is known.
    pub user_id: Option<i64>,
    /// What it is told.
    pub refusal: Refusal,
    /// The provider it had come to, if the model was one that some pattern knows.
    pub provider: Option<std::sync::Arc<str>>,
    /// The user's copy that it came furthest in, by its place among them, and the line there.
    pub furthest: Option<(usize, Option<usize>)>,
}

/// What is held for a call: what it expects, up to its own cap and that of the settings on what is held of budgets.
pub fn hold(settings: &DecisionSettings, particulars: &Particulars) -> Amounts {
    capped(
        particulars.estimate(),
        [settings.max_hold, particulars.max_hold],
    )
}

fn capped(expected: Amounts, caps: [Option<Money>; 2]) -> Amounts {
    let caps = caps.into_iter().flatten().map(Money::nanodollars);
    Amounts {
        cost: caps.fold(expected.cost, i64::min),
        ..expected
    }
}
