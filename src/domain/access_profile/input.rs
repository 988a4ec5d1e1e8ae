//! Reading an access profile from a request: every field, default and rule of API.md §2, all violations at once.

use jiff::Timestamp;

use super::parts::{budgets, overrides, providers, rate_limit, servers, tool_groups};
use super::rules::{check_grants, check_rotation};
use super::{Budget, McpServerLink, ProviderConfig, RateLimit, ToolGroupLink, ToolOverride};
use crate::domain::body::input::{MAX_NAME, Node};
use crate::domain::body::json::Json;
use crate::domain::body::stored_texts::StoredTexts;
use crate::domain::body::violation::{Path, Violation, Violations};
use crate::domain::body::{Body, Form, ValueKind, description, name, refuse_more, timestamp};
use crate::domain::values::duration::{RotationInterval, rotation_interval};
use crate::error::Result;

/// Most provider lines that a change may send.
const MAX_PROVIDERS: usize = 100;
/// Most budgets in a list that a change may send.
const MAX_BUDGETS: usize = 100;
/// Most tags that a change may send.
const MAX_TAGS: usize = 50;

/// What a profile stands under in an answer.
const ENVELOPE: &str = "access_profile";
/// What stands beside it in the detail answer.
const BESIDE_PROFILE: [&str; 4] = ["roles", "user_count", "unresolved_references", "warnings"];

/// The fields of a profile as somebody sent them; `None` where they were left out. In provider lines, budgets and rate limits blank stands
/// for what the server sets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccessProfileInput {
    /// Trimmed, 1 to 255 characters.
    pub name: Option<String>,
    /// Free text.
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
    /// `Some(None)` is `null`, which is for a profile that does not rotate keys.
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

/// What making an access profile takes: its fields, or a whole answer with it, so that what was read elsewhere can be sent as it stands.
pub const NEW_ACCESS_PROFILE: Body<AccessProfileInput> = Body::new(
    "AccessProfileBody",
    "What a create of an access profile takes.",
    |form| Some(AccessProfileInput::read(form, Sent::Whole)),
)
.or_under_beside(ENVELOPE, &BESIDE_PROFILE);

/// What a change of an access profile takes, in the same two forms.
pub const ACCESS_PROFILE_CHANGE: Body<AccessProfileInput> = Body::change(
    "AccessProfileChangeBody",
    "What a change of an access profile takes: the same fields, none of them required.",
    |form| Some(AccessProfileInput::read(form, Sent::Change)),
)
.or_under_beside(ENVELOPE, &BESIDE_PROFILE);

/// A snapshot that was stored: the caps on changes don't apply to what was accepted once.
const STORED: Body<AccessProfileInput> = Body::change(
    "AccessProfileSnapshot",
    "An access profile as it was stored.",
    |form| Some(AccessProfileInput::read(form, Sent::Whole)),
);

/// What is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// A whole profile.
    Whole,
    /// A change, on which there are caps.
    Change,
}

impl Sent {
    /// A list, with its cap.
    fn capped<T: 'static>(
        self,
        list: ValueKind<'static, Vec<T>>,
        most: usize,
    ) -> ValueKind<'static, Vec<T>> {
        match self {
            Self::Whole => list,
            Self::Change => list.at_most(most),
        }
    }
}

impl AccessProfileInput {
    /// Reads the body of a create.
    ///
    /// That a date lies in the future is made sure of when the profile is made: the first answer to a repeated request holds
    /// although its date has passed. Beside other violations it is named here, measured from `now`.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation, those between fields included.
    pub fn parse_new(body: &Json<'_>, now: Timestamp) -> Result<Self> {
        let (input, noted) = NEW_ACCESS_PROFILE.parse_noting(body, StoredTexts::None)?;
        let violations = Violations::of(noted);
        input.check_grants(&violations);
        if !violations.is_empty() {
            let interval = input.auto_rotation_interval.flatten();
            let next = input.next_rotation_at.flatten();
            check_rotation(&violations, &input.place(), interval, next, now);
        }
        violations.finish(Some(input))
    }

    /// Reads the body of a change. What is wrong with it is kept in it, because what depends on the fields
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
        let (input, violations) = ACCESS_PROFILE_CHANGE.parse_noting(body, stored)?;
        Ok(Self {
            violations,
            ..input
        })
    }

    /// Reads a stored snapshot under today's rules.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with every violation.
    pub fn parse_stored(snapshot: &Json<'_>) -> Result<Self> {
        let (input, noted) = STORED.parse_noting(snapshot, StoredTexts::All)?;
        let violations = Violations::of(noted);
        input.check_grants(&violations);
        violations.finish(Some(input))
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

    fn read(form: &mut Form<'_>, sent: Sent) -> Self {
        let lines = sent
            .capped(providers(), MAX_PROVIDERS)
            .checked(|list, lines| {
                if sent == Sent::Change {
                    check_budgets_of(list, lines);
                }
            });
        let input = Self {
            name: form.required(
                "name",
                name(),
                "Trimmed; unique without regard to case.",
            ),
            description: form.optional("description", description(), ""),
            is_active: form.flag_if_sent("is_active", true, ""),
            tags: form.optional("tags", sent.capped(tag().list(), MAX_TAGS), ""),
            provider_configs: form.optional(
                "provider_configs",
                lines,
                "Provider names are unique without regard to case.",
            ),
            budgets: form.optional(
                "budgets",
                sent.capped(budgets(), MAX_BUDGETS),
                "Reset durations are unique.",
            ),
            rate_limit: {
                let limit = form.sent(
                    "rate_limit",
                    rate_limit().or_null(),
                    "All of it: in a change, a maximum that is left out is none. `null`, which may be sent though change bodies don't type it, is no \
                     rate limit at all; without any field, in a change, it stays as it is.",
                );
                // Some clients send nothing so.
                let says_nothing = form.is_change() && form.is_empty_object("rate_limit");
                limit.filter(|_| !says_nothing)
            },
            calendar_aligned: form.flag_if_sent("calendar_aligned", false, ""),
            auto_rotation_interval: form.optional(
                "auto_rotation_interval",
                rotation_interval(),
                "A span such as `\"30d\"`, `\"12h\"` or `\"1h30m\"` (units `ns us ms s m h d w`), or whole nanoseconds; from 1 hour to 365 \
                 days. Empty or 0: off.",
            ),
            next_rotation_at: form.sent(
                "next_rotation_at",
                timestamp().or_null(),
                "In the future; needs an interval. `null` is for a profile that does not rotate keys.",
            ),
            mcp_tool_groups: form.optional("mcp_tool_groups", tool_groups(), ""),
            mcp_servers: form.optional("mcp_servers", servers(), ""),
            mcp_tool_overrides: form.optional(
                "mcp_tool_overrides",
                overrides(),
                "An `exclude` on a server that `mcp_servers` grants is refused.",
            ),
            enveloped: form.is_enveloped(),
            violations: Vec::new(),
        };
        form.ignore(&[
            "id",
            "version",
            "last_rotation_at",
            "created_at",
            "updated_at",
        ]);
        input
    }
}

/// The cap on the budgets of each provider line of a change.
fn check_budgets_of(list: &Node<'_>, lines: &[ProviderConfig]) {
    let above = list.path.above();
    for (index, line) in lines.iter().enumerate() {
        let path = above.index(index).field("budgets");
        refuse_more(list.violations, &path, line.budgets.len(), MAX_BUDGETS);
    }
}

fn tag() -> ValueKind<'static, String> {
    ValueKind::new(move || name().schema(), read_tag)
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
