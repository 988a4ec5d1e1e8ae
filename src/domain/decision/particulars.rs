//! What a gateway may say of a call beside its model: the one place that names it between the body and the row of the reservation.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::amounts::Amounts;
use super::call_size::CallSize;
use super::report::Report;
use crate::domain::price::usage::Usage;
use crate::domain::values::money::Money;

/// What a gateway may say of a call beside its model, and what is kept of it with the reservation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particulars {
    /// What many calls have nothing of.
    pub aside: Option<Box<Aside>>,
    /// How many tokens it will take, as far as the gateway knows.
    pub estimated_tokens: Option<i64>,
    /// What it will cost, as far as the gateway knows.
    pub estimated_cost: Option<Money>,
    /// The most that may be held of each budget; above zero.
    pub max_hold: Option<Money>,
}

/// What many calls have nothing of, so that it takes room of its own: a million reservations may be open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aside {
    /// The MCP tool that is called.
    pub mcp: Option<McpCall>,
    /// Whose price the cost is, where the gateway left that to us: the version of the list, or the operator's own.
    pub priced_by: Option<Arc<str>>,
}

impl Aside {
    /// It, if there is anything.
    pub fn if_any(mcp: Option<McpCall>, priced_by: Option<Arc<str>>) -> Option<Box<Self>> {
        let is_any = mcp.is_some() || priced_by.is_some();
        is_any.then(|| Box::new(Self { mcp, priced_by }))
    }
}

/// A call of an MCP tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpCall {
    /// The MCP server, as profiles name it.
    pub server: String,
    /// The tool; without one, it is asked whether any tool of the server may be called.
    pub tool: Option<String>,
}

/// What is said of a call besides its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallOutline<'c> {
    /// The public id of the virtual key.
    pub key: Option<&'c str>,
    /// The provider.
    pub provider: Option<&'c str>,
    /// The model.
    pub model: &'c str,
    /// How large it is said to be.
    pub size: CallSize,
    /// What it is reported to have used, where it is over.
    pub report: Option<&'c Report>,
    /// How many requests it counts as.
    pub requests: i64,
}

impl Particulars {
    /// Those of a call of which nothing is said but what it will probably use.
    pub fn expecting(estimated_tokens: Option<i64>, estimated_cost: Option<Money>) -> Self {
        Self {
            estimated_tokens,
            estimated_cost,
            ..Self::default()
        }
    }

    /// The MCP tool that is called.
    pub fn mcp(&self) -> Option<&McpCall> {
        self.aside.as_ref()?.mcp.as_ref()
    }

    /// Whose price the cost is.
    pub fn priced_by(&self) -> Option<&Arc<str>> {
        self.aside.as_ref()?.priced_by.as_ref()
    }

    /// Says whose price the cost is.
    pub fn set_priced_by(&mut self, priced_by: Option<Arc<str>>) {
        if self.priced_by() != priced_by.as_ref() {
            let mcp = self.aside.take().and_then(|aside| aside.mcp);
            self.aside = Aside::if_any(mcp, priced_by);
        }
    }

    /// What the gateway expects the call to use.
    pub fn estimate(&self) -> Amounts {
        Amounts {
            tokens: self.estimated_tokens.unwrap_or(0),
            cost: self.estimated_cost.map_or(0, Money::nanodollars),
        }
    }

    /// SHA-256 of everything that is said of a call. It is stored for a day and compared by the versions to come, so a field that is
    /// added adds nothing where it is not given.
    pub fn hash(&self, outline: CallOutline<'_>) -> [u8; 32] {
        let Self {
            // Whose price the cost is was worked out here, and not said.
            aside: _,
            estimated_tokens,
            estimated_cost,
            max_hold,
        } = self;
        let mcp = self.mcp();
        let mut hash = Sha256::new();
        // The fields differ by the kind of request: only a charge says what was spent.
        let mut text = |text: Option<&str>| match text {
            None => hash.update("-"),
            Some(text) => {
                hash.update(itoa::Buffer::new().format(text.len()));
                hash.update(":");
                hash.update(text);
            }
        };
        text(outline.key);
        text(outline.provider);
        text(Some(outline.model));
        text(mcp.map(|mcp| mcp.server.as_str()));
        text(mcp.and_then(|mcp| mcp.tool.as_deref()));
        for number in [
            *estimated_tokens,
            estimated_cost.map(Money::nanodollars),
            outline.report.and_then(|report| report.tokens),
            outline
                .report
                .and_then(|report| report.cost)
                .map(Money::nanodollars),
            max_hold.map(Money::nanodollars),
        ] {
            let mut digits = itoa::Buffer::new();
            text(number.map(|number| digits.format(number)));
        }
        let counted_before = outline.requests == 0;
        text(Some(if counted_before { "counted before" } else { "" }));
        let usage = outline.report.and_then(|report| report.usage.as_deref());
        let usage = usage.into_iter().flat_map(Usage::named);
        for (name, number) in outline.size.named().chain(usage) {
            text(Some(name));
            text(Some(itoa::Buffer::new().format(number)));
        }
        hash.finalize().into()
    }
}
