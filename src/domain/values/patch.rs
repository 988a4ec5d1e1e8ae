//! What turns one JSON value into another (RFC 6902).

use json_patch::PatchOperation;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A JSON Patch (RFC 6902).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JsonPatch(Vec<PatchStep>);

/// One step of a JSON Patch (RFC 6902).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PatchStep {
    /// `add`, `remove` or `replace`.
    op: &'static str,
    /// Where, as a JSON Pointer.
    path: String,
    /// What is there afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

impl JsonPatch {
    /// The one that turns `from` into `to`.
    pub fn between(from: &Value, to: &Value) -> Self {
        let steps = json_patch::diff(from, to).0;
        Self(steps.into_iter().filter_map(PatchStep::of).collect())
    }
}

impl PatchStep {
    /// Nothing for what no difference of two values has.
    fn of(operation: PatchOperation) -> Option<Self> {
        let path = operation.path().to_string();
        let (op, value) = match operation {
            PatchOperation::Add(step) => ("add", Some(step.value)),
            PatchOperation::Remove(_) => ("remove", None),
            PatchOperation::Replace(step) => ("replace", Some(step.value)),
            PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => {
                return None;
            }
        };
        Some(Self { op, path, value })
    }
}
