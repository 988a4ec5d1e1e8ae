//! A policy made ready for decisions: names folded, patterns compiled, limits with the places where they count. Copies with the
//! same policy share one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::access_profile::{Budget, OverrideAction, ProviderConfig, RateLimit};
use crate::domain::duration::{ResetDuration, Unit};
use crate::domain::expressions::ExpressionSet;
use crate::domain::letter_case::fold;
use crate::domain::model_name::behind_provider;
use crate::domain::model_pattern::ModelPatterns;
use crate::domain::policy::{Place, PlaceKind, Policy};
use crate::domain::window::Windows;
use crate::error::Result;

/// A policy, ready for decisions.
pub struct Rules {
    /// The provider lines, in the order of the policy.
    pub lines: Vec<Line>,
    /// Every limit.
    pub limits: Vec<Limit>,
    /// Models that stand literally in a list of it, without regard to case, each as it is spelled there.
    pub names: HashMap<String, Arc<str>>,
    /// Those over all providers.
    total: Vec<usize>,
    /// What may be called of MCP servers.
    pub mcp: McpRules,
}

/// What one provider may be used for.
pub struct Line {
    /// The provider, as the policy names it.
    pub name: Arc<str>,
    /// The provider without regard to case.
    pub key: Arc<str>,
    /// Every model may be used that is not blocked.
    pub all_models: bool,
    allowed: ModelPatterns,
    blocked: ModelPatterns,
    /// Every limit that covers the provider, by its place in [`Rules::limits`].
    pub limits: Vec<usize>,
}

/// What a line says to a model.
pub struct Said<'m> {
    /// Whether it may be used.
    pub allowed: bool,
    /// The field that decided; none when no pattern covers the model.
    pub rule: Option<&'static str>,
    /// The pattern in it.
    pub pattern: Option<Arc<str>>,
    /// The name without the prefix of the provider, where it is this that the pattern covers.
    pub matched_name: Option<&'m str>,
    /// Whether the name begins with the line's provider.
    pub has_prefix: bool,
}

impl Said<'_> {
    /// Among lines that allow a model that begins with the provider of one of them, the least goes first: a line that names it, or
    /// that the prefix selects, before one that allows all, and those before one that allows only what is behind the prefix.
    pub fn rank(&self) -> u8 {
        match (self.allowed, self.matched_name, &self.pattern) {
            (false, ..) => 3,
            (true, Some(_), _) => 2,
            (true, None, None) if !self.has_prefix => 1,
            (true, None, _) => 0,
        }
    }
}

/// A budget, or a limit on tokens or requests.
pub struct Limit {
    /// What is counted.
    pub kind: PlaceKind,
    /// Where.
    pub place_id: i64,
    /// The place that its id names.
    pub named_place_id: i64,
    /// `total` or `provider:<name>`.
    pub scope: Arc<str>,
    /// The provider without regard to case; none over all.
    pub provider_key: Option<Arc<str>>,
    /// How often it starts anew.
    pub reset_duration: ResetDuration,
    /// Nanodollars, tokens or requests in a window.
    pub max: i64,
    /// How its windows lie: 0 rolling, 1 to 12 by the calendar with a fiscal year from that month (`counters.window_rule`).
    pub window_rule: u8,
}

impl Limit {
    /// Its windows, for a copy that was made at `created_at_ms`.
    pub fn windows(&self, created_at_ms: i64, zone: &TimeZone) -> Windows {
        Windows::new(
            self.reset_duration,
            self.window_rule > 0,
            Some(i64::from(self.window_rule.max(1))),
            created_at_ms,
            zone,
        )
    }
}

/// What may be called of MCP servers; what is not here may not.
#[derive(Default)]
pub struct McpRules {
    /// Tool groups whose tools may be called.
    pub groups: Vec<i64>,
    /// Servers of which every tool may be called.
    pub servers: BTreeSet<String>,
    /// Tools that may be called, by server.
    pub included: HashMap<String, BTreeSet<String>>,
    /// Tools that may not be called whatever grants them, by server.
    pub excluded: HashMap<String, BTreeSet<String>>,
}

impl Rules {
    /// Makes `policy` ready. `place_id` knows the id of a place, `compiled` the expressions of a list.
    ///
    /// # Errors
    /// What these answer.
    pub fn compile(
        policy: &Policy,
        place_id: impl Fn(&Place) -> Result<i64>,
        compiled: impl Fn(&[&str]) -> Result<Arc<ExpressionSet>>,
    ) -> Result<Self> {
        let mut building = Building {
            limits: Vec::new(),
            aligned: policy.calendar_aligned,
            place_id,
        };
        building.scope(None, &policy.budgets, policy.rate_limit.as_ref())?;
        let total: Vec<usize> = (0..building.limits.len()).collect();
        let mut lines = Vec::with_capacity(policy.provider_configs.len());
        for config in &policy.provider_configs {
            let first = building.limits.len();
            building.scope(Some(config), &config.budgets, config.rate_limit.as_ref())?;
            let own = first..building.limits.len();
            lines.push(Line {
                name: config.provider_name.as_str().into(),
                key: fold(&config.provider_name).into(),
                all_models: config.all_models_allowed,
                allowed: ModelPatterns::of(&config.allowed_models, &compiled)?,
                blocked: ModelPatterns::of(&config.blacklisted_models, &compiled)?,
                limits: total.iter().copied().chain(own).collect(),
            });
        }
        Ok(Self {
            names: names(&lines),
            lines,
            limits: building.limits,
            total,
            mcp: mcp_rules(policy),
        })
    }

    /// The line of a provider, named without regard to case.
    pub fn line(&self, provider_key: &str) -> Option<usize> {
        self.lines
            .iter()
            .position(|line| *line.key == *provider_key)
    }

    /// The limits that cover a provider, whether or not it has a line.
    pub fn covering(&self, provider_key: &str) -> &[usize] {
        self.line(provider_key)
            .map_or(&self.total, |line| &self.lines[line].limits)
    }

    /// The limit that counts at a place.
    pub fn limit_at(&self, place_id: i64) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.place_id == place_id)
    }
}

impl Line {
    /// What it says to a model; `folded` is its name without regard to case.
    pub fn says<'m>(&self, model: &'m str, folded: &'m str) -> Said<'m> {
        let rest = behind_provider(model, folded, &self.key);
        let find = |patterns: &ModelPatterns| {
            let covers = |model, folded| patterns.find(model, folded).cloned();
            let whole = covers(model, folded).map(|text| (text, None));
            whole.or_else(|| {
                rest.and_then(|(rest, folded)| Some((covers(rest, folded)?, Some(rest))))
            })
        };
        let said = |allowed, rule, found: Option<(Arc<str>, Option<&'m str>)>| {
            let (pattern, matched_name) = found.unzip();
            Said {
                allowed,
                rule,
                pattern,
                matched_name: matched_name.flatten(),
                has_prefix: rest.is_some(),
            }
        };
        let blocked = find(&self.blocked);
        if blocked.is_some() {
            return said(false, Some("blacklisted_models"), blocked);
        }
        if self.all_models {
            return said(true, Some("all_models_allowed"), None);
        }
        let found = find(&self.allowed);
        let rule = found.is_some().then_some("allowed_models");
        said(found.is_some(), rule, found)
    }
}

struct Building<F> {
    limits: Vec<Limit>,
    aligned: bool,
    place_id: F,
}

impl<F: Fn(&Place) -> Result<i64>> Building<F> {
    fn scope(
        &mut self,
        provider: Option<&ProviderConfig>,
        budgets: &[Budget],
        rate_limit: Option<&RateLimit>,
    ) -> Result<()> {
        let key = provider.map_or_else(String::new, |line| fold(&line.provider_name));
        let scope: Arc<str> = provider
            .map_or_else(
                || "total".to_owned(),
                |line| format!("provider:{}", line.provider_name),
            )
            .into();
        let provider_key: Option<Arc<str>> = provider.map(|_| key.as_str().into());
        for budget in budgets {
            let place = Place::budget(&key, budget.reset_duration);
            let place_id = (self.place_id)(&place)?;
            let quarter = budget.reset_config.map(|config| config.quarter_start_month);
            self.limits.push(Limit {
                kind: PlaceKind::Budget,
                place_id,
                named_place_id: place_id,
                scope: Arc::clone(&scope),
                provider_key: provider_key.clone(),
                reset_duration: budget.reset_duration,
                max: budget.max_limit.nanodollars(),
                window_rule: window_rule(self.aligned, budget.reset_duration, quarter),
            });
        }
        let Some(limit) = rate_limit else {
            return Ok(());
        };
        let mut named_place_id = 0;
        for place in Place::rate_limit(&key, limit) {
            let place_id = (self.place_id)(&place)?;
            let max = match place.kind {
                PlaceKind::Tokens => limit.token_max_limit,
                PlaceKind::Requests => limit.request_max_limit,
                PlaceKind::RateLimit | PlaceKind::Budget => {
                    named_place_id = place_id;
                    None
                }
            };
            let Some(max) = max else { continue };
            let reset_duration = place.reset_duration.unwrap_or(ResetDuration::HOUR);
            self.limits.push(Limit {
                kind: place.kind,
                place_id,
                named_place_id,
                scope: Arc::clone(&scope),
                provider_key: provider_key.clone(),
                reset_duration,
                max,
                window_rule: window_rule(self.aligned, reset_duration, None),
            });
        }
        Ok(())
    }
}

/// How the windows lie. Those under a day never align; only quarters know a fiscal year.
fn window_rule(aligned: bool, duration: ResetDuration, quarter_start: Option<i64>) -> u8 {
    if !aligned || duration.unit() < Unit::Day {
        return 0;
    }
    let month = quarter_start.filter(|_| duration.unit() == Unit::Quarter);
    month
        .and_then(|month| u8::try_from(month.clamp(1, 12)).ok())
        .unwrap_or(1)
}

fn names(lines: &[Line]) -> HashMap<String, Arc<str>> {
    let lists = lines.iter().flat_map(|line| [&line.allowed, &line.blocked]);
    let names = lists.flat_map(ModelPatterns::names);
    let names = names.map(|(name, text)| (name.to_owned(), Arc::clone(text)));
    names.collect()
}

fn mcp_rules(policy: &Policy) -> McpRules {
    let mut rules = McpRules {
        groups: policy
            .mcp_tool_groups
            .iter()
            .map(|link| link.tool_group_id)
            .collect(),
        servers: policy
            .mcp_servers
            .iter()
            .map(|link| link.mcp_server_id.clone())
            .collect(),
        ..McpRules::default()
    };
    for tool in &policy.mcp_tool_overrides {
        let tools = match tool.action {
            OverrideAction::Include => &mut rules.included,
            OverrideAction::Exclude => &mut rules.excluded,
        };
        tools
            .entry(tool.mcp_client_id.clone())
            .or_default()
            .insert(tool.tool_name.clone());
    }
    rules
}
