//! What a request may ask for beside its answer that costs more than the list says, is paid apart, or belongs to others under the same
//! key of the provider. It is refused, because nobody here could charge for it.

use serde_json::value::RawValue;

use super::body_object::BodyObject;
use super::dialect::Endpoint;
use super::fault::RequestFault;
use super::object_members::{PlacedMember, members_of};

/// Most members of one tool, or of one piece of the input.
const MAX_MEMBERS: usize = 256;
/// Tiers at the price of the list, or below it.
const TIERS: [&str; 6] = [
    "auto",
    "default",
    "standard",
    "standard_only",
    "flex",
    "batch",
];
/// Members that hold what the provider keeps, maybe of somebody else.
const KEPT: [&str; 3] = ["container", "cachedContent", "cached_content"];
/// What the types of tools begin with that the provider runs, and is paid for apart.
const PAID_TYPES: [&str; 4] = [
    "image_generation",
    "code_interpreter",
    "file_search",
    "code_execution",
];
/// The same by the member that Gemini's tools have.
const PAID_MEMBERS: [&str; 9] = [
    "googleSearch",
    "google_search",
    "googleSearchRetrieval",
    "google_search_retrieval",
    "enterpriseWebSearch",
    "enterprise_web_search",
    "googleMaps",
    "google_maps",
    "fileSearch",
];

impl BodyObject<'_, '_> {
    /// What nobody here could charge for is not passed on.
    pub fn refuse_unpriced(&self, endpoint: Endpoint) -> Result<(), RequestFault> {
        let text = |member: &PlacedMember<'_>| serde_json::from_str::<String>(member.value).ok();
        for name in ["service_tier", "serviceTier"] {
            let tier = self.find(name).map(text);
            if tier.is_some_and(|tier| !tier.is_some_and(|tier| TIERS.contains(&tier.as_str()))) {
                let sentence = "has a price of its own, which is not known here; leave it out";
                return Err(RequestFault::at(name, sentence));
            }
        }
        if endpoint == Endpoint::Messages {
            for name in ["speed", "inference_geo"] {
                let is_usual = |member| text(member).is_some_and(|text| text == "standard");
                if self.find(name).is_some_and(|member| !is_usual(member)) {
                    let sentence = "changes the price by what is not known here; leave it out";
                    return Err(RequestFault::at(name, sentence));
                }
            }
        }
        if let Some(name) = KEPT.into_iter().find(|name| self.find(name).is_some()) {
            let sentence = "is of what the provider keeps, maybe of somebody else; leave it out";
            return Err(RequestFault::at(name, sentence));
        }
        self.refuse_paid_tools()?;
        if endpoint == Endpoint::Responses {
            self.refuse_references()?;
        }
        Ok(())
    }

    fn refuse_paid_tools(&self) -> Result<(), RequestFault> {
        for (at, tool) in self.elements("tools")?.iter().enumerate() {
            let paid = tool.iter().find(|member| {
                let is_type = member.name == "type";
                let begins = |kind: &str| member.value.trim_start_matches('"').starts_with(kind);
                PAID_MEMBERS.contains(&member.name.as_ref())
                    || (is_type
                        && (PAID_TYPES.iter().any(|kind| begins(kind))
                            || member.value.contains('\\')))
            });
            if let Some(member) = paid {
                let what = format!("tools[{at}].{}", member.name);
                let sentence = "is a tool that the provider runs and is paid for apart, which is not counted here; leave it out";
                return Err(RequestFault::at(what, sentence));
            }
        }
        Ok(())
    }

    /// Pieces of the input that name what the provider keeps.
    fn refuse_references(&self) -> Result<(), RequestFault> {
        if self
            .find("input")
            .is_none_or(|input| !input.value.starts_with('['))
        {
            return Ok(());
        }
        for (at, piece) in self.elements("input")?.iter().enumerate() {
            let is_reference = |member: &PlacedMember<'_>| {
                let is_odd = member.value.contains('\\');
                member.name == "type" && (is_odd || member.value == "\"item_reference\"")
            };
            if piece.iter().any(is_reference) {
                let sentence = "goes on with what the provider keeps, maybe of somebody else; send the item itself";
                return Err(RequestFault::at(format!("input[{at}]"), sentence));
            }
        }
        Ok(())
    }

    /// The members of each object in a list; none where the list is missing, or no list.
    fn elements(&self, name: &str) -> Result<Vec<Vec<PlacedMember<'_>>>, RequestFault> {
        let Some(list) = self.find(name).filter(|list| list.value.starts_with('[')) else {
            return Ok(Vec::new());
        };
        let wrong = |_| RequestFault::at(name, "must be a list of objects");
        let all: Vec<&RawValue> = serde_json::from_str(list.value).map_err(wrong)?;
        let objects = all.into_iter().filter(|one| one.get().starts_with('{'));
        let members = objects.map(|one| members_of(one.get(), 0, MAX_MEMBERS).map_err(wrong));
        members.collect()
    }
}
