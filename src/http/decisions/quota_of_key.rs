//! The handler by which the holder of a virtual key sees what binds it, in the shape that the contract gives it among management
//! (API.md §5): what clients of that contract read.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::holder::KeyHolder;
use crate::domain::decision::Refusal;
use crate::domain::decision::usage::UsageRow;
use crate::domain::list::{MAX_PAGE_BYTES, page_too_large};
use crate::domain::people::user_copy::{CopyBudget, CopyProviderConfig, CopyRateLimit, UserCopy};
use crate::domain::validator::entity_tag;
use crate::domain::virtual_key::VirtualKey;
use crate::http::assignments::views::{GovernanceBudget, GovernanceRow};
use crate::http::core::answer::{Answer, ok_unless_known, to_json};
use crate::http::core::flattened::describe_flattened;
use crate::http::core::problem::Problem;
use crate::http::core::request::Request;
use crate::service::decisions::quota::{self, QuotaCopy, WholeQuota};
use crate::service::decisions::usage;

/// What binds the holder of a virtual key.
#[derive(Serialize, ToSchema)]
pub struct KeyQuota {
    /// The key's name.
    pub virtual_key_name: String,
    /// Whether neither its own time is over nor that of every copy.
    pub is_active: bool,
    /// The budgets over all providers, of every copy that is in force.
    pub budgets: Vec<QuotaBudget>,
    /// Of tokens and of requests the limit with the least left, under the id of the latter; `null` where there is none.
    pub rate_limit: Option<QuotaRateLimit>,
    /// The limits over all providers, of every copy that is in force.
    pub rate_limits: Vec<SourcedRateLimit>,
    /// What each provider may be used for, in the order in which copies serve calls.
    pub provider_configs: Vec<QuotaProvider>,
    /// Always empty: a key has no limits on models of its own.
    #[schema(value_type = Vec<Object>, max_items = 0)]
    pub model_configs: [(); 0],
}

/// A budget, and which models used it.
#[derive(Serialize)]
pub struct QuotaBudget {
    #[serde(flatten)]
    budget: GovernanceBudget,
    #[serde(flatten)]
    used: UsedByModels,
    #[serde(flatten)]
    source: QuotaSource,
}

/// Which models used a budget.
#[derive(Serialize, ToSchema)]
struct UsedByModels {
    /// What models used in the open window. The sum of `total_cost` is `current_usage`; empty where nothing was used, and where the
    /// window began within a day that has earlier use, which the history counts by days.
    per_model_usage: Vec<ModelUsage>,
}

describe_flattened!(
    QuotaBudget,
    "A budget, and which models used it.",
    GovernanceBudget,
    UsedByModels,
    QuotaSource
);

/// Whose a limit is.
#[derive(Clone, Serialize, ToSchema)]
pub struct QuotaSource {
    /// `access_profile`.
    pub source_type: &'static str,
    /// The access profile: a number in a string.
    pub source_id: String,
    /// Its name.
    pub source_name: String,
}

/// What a model used.
#[derive(Serialize, ToSchema)]
pub struct ModelUsage {
    /// The model; `other` counts further ones together.
    pub model: String,
    /// The provider that it was called at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Calls that were made.
    pub total_requests: i64,
    /// Tokens that were used.
    pub total_tokens: i64,
    /// US dollars.
    #[schema(value_type = f64)]
    pub total_cost: Box<RawValue>,
}

/// Limits on tokens and requests.
#[derive(Clone, Serialize)]
pub struct QuotaRateLimit {
    #[serde(flatten)]
    limit: CopyRateLimit,
    #[serde(flatten)]
    row: GovernanceRow,
}

describe_flattened!(
    QuotaRateLimit,
    "Limits on tokens and requests.",
    CopyRateLimit,
    GovernanceRow
);

/// Limits on tokens and requests, and whose they are.
#[derive(Serialize)]
pub struct SourcedRateLimit {
    #[serde(flatten)]
    limit: QuotaRateLimit,
    #[serde(flatten)]
    source: QuotaSource,
}

describe_flattened!(
    SourcedRateLimit,
    "Limits on tokens and requests, and whose they are.",
    QuotaRateLimit,
    QuotaSource
);

/// What a provider may be used for.
#[derive(Serialize, ToSchema)]
pub struct QuotaProvider {
    /// The profile's.
    pub id: i64,
    /// The key that asks.
    pub virtual_key_id: String,
    /// The provider.
    pub provider: String,
    /// Always `null`: lines serve calls in their order.
    pub weight: Option<f64>,
    /// Names, `*` or `regex:` patterns; `*` alone where every model may be used.
    pub allowed_models: Vec<String>,
    /// The same kinds of patterns; beats the allow list.
    pub blacklisted_models: Vec<String>,
    /// Always true: a provider has one key.
    pub allow_all_keys: bool,
    /// Always `null`.
    #[schema(value_type = Option<Vec<Object>>)]
    pub keys: Option<[(); 0]>,
    /// The id of the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_id: Option<String>,
    /// The budgets of this provider alone.
    pub budgets: Vec<QuotaBudget>,
    /// The limit of this provider alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<QuotaRateLimit>,
}

/// `GET /api/governance/virtual-keys/quota`
///
/// # Errors
/// 401 when nobody has the key; one whose time is over is shown with `is_active: false`.
pub async fn show(holder: KeyHolder, request: Request) -> Answer {
    let ledger = &request.state().services.ledger;
    let known = ledger.whose(holder.key).await?;
    let known = known.map_err(|refusal| holder.refuse(refusal))?;
    usage::write_down(&request.state().services).await;
    let found = request.slow(move |services| quota::find_whole(services, &known));
    // Somebody may delete a key while it asks.
    let found = found.await?;
    let quota = found.ok_or_else(|| Problem::from(Refusal::unknown_key()))?;
    let body = to_json(&KeyQuota::of(quota))?;
    if body.len() > MAX_PAGE_BYTES {
        return Err(page_too_large().into());
    }
    Ok(ok_unless_known(&request, &entity_tag(1, &body), body))
}

impl KeyQuota {
    fn of(quota: WholeQuota) -> Self {
        let WholeQuota { key, copies, now } = quota;
        let (mut budgets, mut rate_limits, mut provider_configs) = (vec![], vec![], vec![]);
        for QuotaCopy {
            copy,
            use_of_budgets,
        } in copies.into_iter().filter(|one| one.copy.is_active)
        {
            let shown = ShownCopy {
                source: QuotaSource {
                    source_type: "access_profile",
                    source_id: copy.parent_profile_id.to_string(),
                    source_name: copy.name.clone(),
                },
                copy: &copy,
                use_of_budgets: use_of_budgets.into_iter().collect(),
            };
            budgets.extend(shown.budgets(&copy.budgets));
            let limit = shown.rate_limit(copy.rate_limit.as_ref());
            rate_limits.extend(limit.map(|limit| SourcedRateLimit {
                limit,
                source: shown.source.clone(),
            }));
            let lines = copy.provider_configs.iter();
            provider_configs.extend(lines.map(|line| shown.provider(&key, line)));
        }
        Self {
            is_active: key.is_active(now),
            virtual_key_name: key.name,
            budgets,
            rate_limit: tightest(&rate_limits),
            rate_limits,
            provider_configs,
            model_configs: [],
        }
    }
}

/// A copy while it is shown.
struct ShownCopy<'c> {
    copy: &'c UserCopy,
    source: QuotaSource,
    use_of_budgets: HashMap<String, Vec<UsageRow>>,
}

impl ShownCopy<'_> {
    fn use_of(&self, budget: &str) -> Vec<ModelUsage> {
        let rows = self.use_of_budgets.get(budget).into_iter().flatten();
        rows.map(ModelUsage::from).collect()
    }

    fn budgets(&self, budgets: &[CopyBudget]) -> Vec<QuotaBudget> {
        let shown = budgets.iter().map(|budget| QuotaBudget {
            budget: GovernanceBudget::of(budget.clone(), self.copy),
            used: UsedByModels {
                per_model_usage: self.use_of(&budget.id),
            },
            source: self.source.clone(),
        });
        shown.collect()
    }

    fn rate_limit(&self, limit: Option<&CopyRateLimit>) -> Option<QuotaRateLimit> {
        Some(QuotaRateLimit {
            limit: limit?.clone(),
            row: GovernanceRow::of(self.copy),
        })
    }

    fn provider(&self, key: &VirtualKey, line: &CopyProviderConfig) -> QuotaProvider {
        QuotaProvider {
            id: line.id,
            virtual_key_id: key.public_id.clone(),
            provider: line.provider_name.clone(),
            weight: None,
            allowed_models: if line.all_models_allowed {
                vec!["*".to_owned()]
            } else {
                line.allowed_models.clone()
            },
            blacklisted_models: line.blacklisted_models.clone(),
            allow_all_keys: true,
            keys: None,
            rate_limit_id: line.rate_limit.as_ref().map(|limit| limit.id.clone()),
            budgets: self.budgets(&line.budgets),
            rate_limit: self.rate_limit(line.rate_limit.as_ref()),
        }
    }
}

impl From<&UsageRow> for ModelUsage {
    fn from(row: &UsageRow) -> Self {
        Self {
            total_requests: row.calls,
            total_tokens: row.tokens,
            total_cost: RawValue::from_string(row.cost()).unwrap_or_default(),
            model: row.model.clone().unwrap_or_default(),
            provider: row.provider.clone(),
        }
    }
}

/// Of tokens and of requests the limit with the least left.
fn tightest(limits: &[SourcedRateLimit]) -> Option<QuotaRateLimit> {
    let limits = limits.iter().map(|sourced| &sourced.limit);
    let tokens = limits.clone().filter_map(|one| {
        let left = one.limit.token_max_limit? - one.limit.token_current_usage;
        Some((left, one))
    });
    let requests = limits.filter_map(|one| {
        let left = one.limit.request_max_limit? - one.limit.request_current_usage;
        Some((left, one))
    });
    let tokens = tokens.min_by_key(|(left, _)| *left).map(|(_, one)| one);
    let requests = requests.min_by_key(|(left, _)| *left).map(|(_, one)| one);
    let mut both = requests.or(tokens)?.clone();
    if let Some(QuotaRateLimit { limit: tokens, .. }) = tokens {
        both.limit = CopyRateLimit {
            token_max_limit: tokens.token_max_limit,
            token_reset_duration: tokens.token_reset_duration,
            token_current_usage: tokens.token_current_usage,
            token_held: tokens.token_held,
            token_last_reset: tokens.token_last_reset,
            token_resets_at: tokens.token_resets_at,
            ..both.limit
        };
    }
    Some(both)
}
