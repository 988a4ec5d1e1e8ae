//! Reading an access profile from a request: every field, default and rule of API.md §2, all violations at once.

use jiff::Timestamp;

use super::parts::{
    optional, read_boolean, read_budgets, read_overrides, read_providers, read_rate_limit,
    read_servers, read_tool_groups,
};
use super::rules::{check_grants, check_rotation};
use super::{Budget, McpServerLink, ProviderConfig, RateLimit, ToolGroupLink, ToolOverride};
use crate::domain::body::input::{Fields, MAX_NAME, Node, read_description};
use crate::domain::body::json::Json;
use crate::domain::body::stored_texts::StoredTexts;
use crate::domain::body::violation::{Path, Violation, Violations};
use crate::domain::values::duration::{RotationInterval, read_rotation_interval};
use crate::error::Result;

/// Most provider lines that a change may send.
pub const MAX_PROVIDERS: usize = 100;
/// Most budgets in a list that a change may send.
pub const MAX_BUDGETS: usize = 100;
/// Most tags that a change may send.
pub const MAX_TAGS: usize = 50;

/// Fields of a profile that the server sets.
pub const SET_BY_SERVER: [&str; 5] = [
    "id",
    "version",
    "last_rotation_at",
    "created_at",
    "updated_at",
];
/// What a profile stands under in an answer.
const ENVELOPE: &str = "access_profile";
/// What stands beside `access_profile` in the detail answer.
pub const BESIDE_PROFILE: [&str; 4] = ["roles", "user_count", "unresolved_references", "warnings"];

/// The fields of a profile as somebody sent them; `None` where they were left out. In provider lines, budgets and rate limits blank stands
/// for what the server sets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccessProfileInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Empty when `null`.
    pub description: Option<String>,
    /// Whether the template may be assigned.
    pub is_active: Option<bool>,
    /// In the order sent.
    pub tags: Option<Vec<String>>,
    /// In the order sent; provider names unique without regard to case.
    pub provider_configs: Option<Vec<ProviderConfig>>,
    /// Reset durations unique.
    pub budgets: Option<Vec<Budget>>,
    /// `Some(None)` clears it.
    pub rate_limit: Option<Option<RateLimit>>,
    /// Whether windows start at calendar boundaries.
    pub calendar_aligned: Option<bool>,
    /// `Some(None)` turns rotation off.
    pub auto_rotation_interval: Option<Option<RotationInterval>>,
    /// `Some(None)` leaves the date to the server.
    pub next_rotation_at: Option<Option<Timestamp>>,
    /// Unique ids.
    pub mcp_tool_groups: Option<Vec<ToolGroupLink>>,
    /// Unique ids.
    pub mcp_servers: Option<Vec<McpServerLink>>,
    /// Unique pairs of client and tool.
    pub mcp_tool_overrides: Option<Vec<ToolOverride>>,
    /// Whether they stood under `access_profile`, as in an answer.
    pub enveloped: bool,
    /// What is wrong with the fields of a change by themselves. It is refused when the change is applied, together with what is
    /// wrong beside the fields left out.
    pub violations: Vec<Violation>,
}

impl AccessProfileInput {
    /// Reads the body of a create: the fields of a profile, or a whole answer with the profile under `access_profile`, so that
    /// what was read elsewhere can be sent as it stands.
    ///
    /// That a date lies in the future is made sure of when the profile is made: the first answer to a repeated request holds
    /// although its date has passed. Beside other violations it is named here, measured from `now`.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation, those between fields included.
    pub fn parse_new(body: &Json<'_>, now: Timestamp) -> Result<Self> {
        let violations = Violations::default();
        let input = Self::read_body(&Node::root(body, &violations), true);
        if let Some(input) = &input {
            input.check_grants(&violations);
            if !violations.is_empty() {
                let interval = input.auto_rotation_interval.flatten();
                let next = input.next_rotation_at.flatten();
                check_rotation(&violations, &input.place(), interval, next, now);
            }
        }
        violations.finish(input)
    }

    /// Reads the body of a change, in the same two forms. What is wrong with it is kept in it, because what depends on the fields
    /// left out is found only when the change is applied, and one answer names all. Where rules of texts refuse something, it is read
    /// again beside the texts that are `stored`.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] when it is no object; what `stored` answers.
    pub fn parse_change(
        body: &Json<'_>,
        stored: impl FnOnce() -> Result<StoredTexts>,
    ) -> Result<Self> {
        let input = Self::read_change(body, StoredTexts::None)?;
        if input.violations.iter().any(Violation::is_about_text) {
            return Self::read_change(body, stored()?);
        }
        Ok(input)
    }

    fn read_change(body: &Json<'_>, stored: StoredTexts) -> Result<Self> {
        let violations = Violations::beside(stored);
        match Self::read_body(&Node::root(body, &violations), false) {
            Some(mut input) => {
                check_caps(&violations, &input.place(), &input);
                input.violations = violations.into_noted();
                Ok(input)
            }
            None => violations.finish(None),
        }
    }

    /// Reads a stored snapshot under today's rules; the caps on changes don't apply to what was accepted once.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation.
    pub fn parse_stored(snapshot: &Json<'_>) -> Result<Self> {
        let violations = Violations::beside(StoredTexts::All);
        let input = Self::read_body(&Node::root(snapshot, &violations), false);
        if let Some(input) = &input {
            input.check_grants(&violations);
        }
        violations.finish(input)
    }

    /// Where the fields stood in the body.
    pub fn place(&self) -> Path {
        if self.enveloped {
            Path::root().field(ENVELOPE)
        } else {
            Path::root()
        }
    }

    fn check_grants(&self, violations: &Violations) {
        let servers = self.mcp_servers.as_deref().unwrap_or_default();
        let overrides = self.mcp_tool_overrides.as_deref().unwrap_or_default();
        check_grants(violations, &self.place(), servers, overrides);
    }

    fn read_body(body: &Node<'_>, creating: bool) -> Option<Self> {
        let mut fields = body.object()?;
        if let Some(enveloped) = fields.given(ENVELOPE).filter(|_| !fields.has("name")) {
            fields.ignore(&BESIDE_PROFILE);
            fields.finish();
            return Some(Self {
                enveloped: true,
                ..Self::read(enveloped.object()?, creating)
            });
        }
        // `access_profile` is no field of a profile: start over, so that it is refused by name.
        Some(Self::read(body.object()?, creating))
    }

    fn read(mut fields: Fields<'_>, creating: bool) -> Self {
        let mut input = Self::default();
        let name = if creating {
            fields.required("name")
        } else {
            fields.sent("name")
        };
        input.name = name.and_then(|node| node.name(MAX_NAME));
        input.description = optional(fields.sent("description"), read_description);
        input.is_active = fields.given("is_active").and_then(|node| node.boolean());
        input.tags = optional(fields.sent("tags"), |node| node.list(|tag| read_tag(&tag)));
        input.provider_configs = optional(fields.sent("provider_configs"), read_providers);
        input.budgets = optional(fields.sent("budgets"), read_budgets);
        input.rate_limit = fields.sent("rate_limit").map(|node| read_rate_limit(&node));
        input.calendar_aligned = optional(fields.sent("calendar_aligned"), read_boolean);
        input.auto_rotation_interval = optional(
            fields.sent("auto_rotation_interval"),
            read_rotation_interval,
        );
        input.next_rotation_at = fields.sent("next_rotation_at").map(|node| {
            if node.value.is_null() {
                None
            } else {
                node.timestamp()
            }
        });
        let groups = fields.sent("mcp_tool_groups");
        let servers = fields.sent("mcp_servers");
        let overrides = fields.sent("mcp_tool_overrides");
        input.mcp_tool_groups = optional(groups, read_tool_groups);
        input.mcp_servers = optional(servers, read_servers);
        input.mcp_tool_overrides = optional(overrides, read_overrides);
        fields.ignore(&SET_BY_SERVER);
        fields.finish();
        input
    }
}

/// The caps on changes.
fn check_caps(violations: &Violations, at: &Path, input: &AccessProfileInput) {
    let check = |path: &Path, sent: usize, cap: usize| {
        if sent > cap {
            let sentence = format_args!("must have at most {cap} elements, has {sent}");
            violations.add(path, "too_many", sentence);
        }
    };
    let tags = input.tags.as_deref().unwrap_or_default();
    let budgets = input.budgets.as_deref().unwrap_or_default();
    let providers = input.provider_configs.as_deref().unwrap_or_default();
    let lines = at.field("provider_configs");
    check(&at.field("tags"), tags.len(), MAX_TAGS);
    check(&at.field("budgets"), budgets.len(), MAX_BUDGETS);
    check(&lines, providers.len(), MAX_PROVIDERS);
    for (index, provider) in providers.iter().enumerate() {
        let path = lines.index(index).field("budgets");
        check(&path, provider.budgets.len(), MAX_BUDGETS);
    }
}

/// A tag is looked for in a list with commas between, so it has none, and stands there as it was sent.
fn read_tag(node: &Node<'_>) -> Option<String> {
    let tag = node.name(MAX_NAME)?;
    if tag.contains(',') {
        let sentence = "must not contain a comma: tags are looked for in a list with commas between; send two tags";
        return node.refuse("invalid_character", sentence);
    }
    if node.value.as_str() != Some(&tag) {
        return node.refuse(
            "invalid_character",
            "must not begin or end with white space",
        );
    }
    Some(tag)
}
