//! Which MCP tools may be called: whole-server grants, enabled tool groups and included tools; an excluded tool never. What
//! nothing grants is denied.

use std::collections::{BTreeSet, HashMap};

use super::rules::McpRules;
use crate::domain::decision::explanation::ExplainedMcp;
use crate::domain::decision::{GrantedTools, McpCall};

/// The tool groups by id.
pub type ToolGroups = HashMap<i64, ToolGrants>;

/// Tools that are granted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolGrants {
    /// Whether it grants anything at present.
    pub enabled: bool,
    /// The tools by server; none is every tool.
    pub tools: HashMap<String, BTreeSet<String>>,
}

/// What one policy grants of one server.
struct ServerGrant<'r> {
    whole_server: bool,
    whole_by_group: bool,
    included: Option<&'r BTreeSet<String>>,
    excluded: Option<&'r BTreeSet<String>>,
    grouped: Vec<&'r BTreeSet<String>>,
}

impl<'r> ServerGrant<'r> {
    fn of(rules: &'r McpRules, groups: &'r ToolGroups, server: &str) -> Self {
        let grouped: Vec<_> = rules
            .groups
            .iter()
            .filter_map(|id| groups.get(id))
            .filter(|group| group.enabled)
            .filter_map(|group| group.tools.get(server))
            .collect();
        Self {
            whole_server: rules.servers.contains(server),
            whole_by_group: grouped.iter().any(|tools| tools.is_empty()),
            included: rules.included.get(server),
            excluded: rules.excluded.get(server),
            grouped,
        }
    }

    fn excludes(&self, tool: &str) -> bool {
        self.excluded.is_some_and(|tools| tools.contains(tool))
    }

    fn named(&self) -> impl Iterator<Item = &'r String> {
        let included = self.included.into_iter().flatten();
        included.chain(self.grouped.clone().into_iter().flatten())
    }

    fn decide(&self, tool: Option<&str>) -> ExplainedMcp {
        let allowed = |rule| ExplainedMcp {
            allowed: true,
            rule,
        };
        let denied = |rule| ExplainedMcp {
            allowed: false,
            rule,
        };
        if tool.is_some_and(|tool| self.excludes(tool)) {
            return denied("exclude");
        }
        if self.whole_server {
            return allowed("mcp_servers");
        }
        let any = |tools: &BTreeSet<String>| match tool {
            Some(tool) => tools.contains(tool),
            None => tools.iter().any(|tool| !self.excludes(tool)),
        };
        if self.included.is_some_and(any) {
            return allowed("include");
        }
        if self.whole_by_group || self.grouped.iter().any(|tools| any(tools)) {
            return allowed("mcp_tool_groups");
        }
        denied("none")
    }
}

/// Whether `rules` allow a call.
pub fn decide(rules: &McpRules, groups: &ToolGroups, call: &McpCall) -> ExplainedMcp {
    ServerGrant::of(rules, groups, &call.server).decide(call.tool.as_deref())
}

/// What several policies grant together of a server: a tool that one of them grants may be called.
pub fn granted<'r>(
    policies: impl Iterator<Item = &'r McpRules>,
    groups: &'r ToolGroups,
    server: &str,
) -> GrantedTools {
    let grants: Vec<_> = policies
        .map(|rules| ServerGrant::of(rules, groups, server))
        .collect();
    let whole: Vec<_> = grants
        .iter()
        .filter(|grant| grant.whole_server || grant.whole_by_group)
        .collect();
    let tools: BTreeSet<&String> = grants
        .iter()
        .flat_map(|grant| grant.named().filter(|tool| !grant.excludes(tool)))
        .collect();
    // Excluded is what every one of those that grant all excludes.
    let excluded = whole.first().map_or_else(Vec::new, |first| {
        first
            .excluded
            .into_iter()
            .flatten()
            .filter(|tool| whole.iter().all(|grant| grant.excludes(tool)))
            .filter(|tool| !tools.contains(tool))
            .cloned()
            .collect()
    });
    GrantedTools {
        all_tools: !whole.is_empty(),
        tools: tools.into_iter().cloned().collect(),
        excluded_tools: excluded,
    }
}
