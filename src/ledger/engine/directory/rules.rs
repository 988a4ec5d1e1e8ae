//! A policy made ready for decisions: names folded, patterns compiled, limits with the places where they count. Copies with the
//! same policy share one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::access_profile::OverrideAction;
use crate::domain::access_profile::policy::Policy;
use crate::domain::limits::limit::Limit;
use crate::domain::models::expressions::ExpressionSet;
use crate::domain::models::model_name::behind_provider;
use crate::domain::models::model_pattern::ModelPatterns;
use crate::domain::values::letter_case::fold;
use crate::error::Result;

/// A policy, ready for decisions.
pub struct Rules {
    /// The provider lines, in the order of the policy.
    pub lines: Vec<ProviderRules>,
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
pub struct ProviderRules {
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
pub struct ModelVerdict<'m> {
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

impl ModelVerdict<'_> {
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
    /// Makes `policy` ready, which has these limits. `compiled` knows the expressions of a list.
    ///
    /// # Errors
    /// What that answers.
    pub fn compile(
        policy: &Policy,
        limits: Vec<Limit>,
        compiled: impl Fn(&[&str]) -> Result<Arc<ExpressionSet>>,
    ) -> Result<Self> {
        let covering = |key: &str| {
            let all = limits.iter().enumerate();
            let covering = all.filter(|(_, limit)| limit.covers(key));
            covering.map(|(at, _)| at).collect()
        };
        let mut lines = Vec::with_capacity(policy.provider_configs.len());
        for config in &policy.provider_configs {
            let key = fold(&config.provider_name);
            lines.push(ProviderRules {
                name: config.provider_name.as_str().into(),
                all_models: config.all_models_allowed,
                allowed: ModelPatterns::of(&config.allowed_models, &compiled)?,
                blocked: ModelPatterns::of(&config.blacklisted_models, &compiled)?,
                limits: covering(&key),
                key: key.into(),
            });
        }
        Ok(Self {
            names: names(&lines),
            lines,
            // No provider has no name.
            total: covering(""),
            limits,
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

    /// Whether it has limits at places where `others` have none.
    pub fn adds_to(&self, others: &Self) -> bool {
        let mut limits = self.limits.iter();
        !std::ptr::eq(self, others) && limits.any(|limit| others.limit_at(limit.place_id).is_none())
    }

    /// The limit that counts at a place.
    pub fn limit_at(&self, place_id: i64) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.place_id == place_id)
    }
}

impl ProviderRules {
    /// The models that are allowed literally, as the policy writes them.
    pub fn named_models(&self) -> impl Iterator<Item = &Arc<str>> {
        self.allowed.names().map(|(_, name)| name)
    }

    /// What it says to a model; `folded` is its name without regard to case.
    pub fn says<'m>(&self, model: &'m str, folded: &'m str) -> ModelVerdict<'m> {
        let rest = behind_provider(model, folded, &self.key);
        let find = |patterns: &ModelPatterns| {
            let covers = |model, folded| patterns.find(model, folded).cloned();
            let whole = covers(model, folded).map(|text| (text, None));
            whole.or_else(|| {
                rest.and_then(|(rest, folded)| Some((covers(rest, folded)?, Some(rest))))
            })
        };
        let verdict = |allowed, rule, found: Option<(Arc<str>, Option<&'m str>)>| {
            let (pattern, matched_name) = found.unzip();
            ModelVerdict {
                allowed,
                rule,
                pattern,
                matched_name: matched_name.flatten(),
                has_prefix: rest.is_some(),
            }
        };
        let blocked = find(&self.blocked);
        if blocked.is_some() {
            return verdict(false, Some("blacklisted_models"), blocked);
        }
        if self.all_models {
            return verdict(true, Some("all_models_allowed"), None);
        }
        let found = find(&self.allowed);
        let rule = found.is_some().then_some("allowed_models");
        verdict(found.is_some(), rule, found)
    }
}

fn names(lines: &[ProviderRules]) -> HashMap<String, Arc<str>> {
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
