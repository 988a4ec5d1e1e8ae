//! The members of a JSON body that a decision or a figure hangs on, and what must not be among them.

use serde_json::Number;

use super::fault::RequestFault;
use super::object_members::{PlacedMember, members_of};
use crate::domain::values::letter_case::fold;
use crate::domain::values::number::{Whole, read_whole};

/// Members that a decision or a figure hangs on.
const DECIDED: [&str; 25] = [
    "model",
    "models",
    "fallbacks",
    "route",
    "context_window_fallbacks",
    "context_window_fallback_dict",
    "content_policy_fallbacks",
    "engine",
    "deployment_id",
    "stream",
    "stream_options",
    "stream_format",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "n",
    "best_of",
    "generationConfig",
    "generation_config",
    "background",
    "store",
    "previous_response_id",
    "conversation",
    "prompt",
    "requests",
];
/// Members that would let whoever serves the call take another model than the one that is decided on.
const REROUTING: [&str; 8] = [
    "models",
    "fallbacks",
    "route",
    "context_window_fallbacks",
    "context_window_fallback_dict",
    "content_policy_fallbacks",
    "engine",
    "deployment_id",
];

/// The members of the body that stay.
pub struct BodyObject<'a, 'b> {
    /// In their order, each name once.
    pub members: Vec<&'a PlacedMember<'b>>,
}

impl<'b> BodyObject<'_, 'b> {
    /// A member that is there and not null.
    pub fn find(&self, name: &str) -> Option<&PlacedMember<'b>> {
        let mut members = self.members.iter();
        let found = members.find(|member| member.name == name)?;
        (found.value != "null").then_some(*found)
    }

    /// Some servers read names without regard to case, or only up to a zero byte: they would take what we pass over.
    pub fn refuse_other_spellings(&self) -> Result<(), RequestFault> {
        for member in &self.members {
            if member.name.contains('\0') {
                return Err(RequestFault::of_body(
                    "has a member with the character U+0000 in its name",
                ));
            }
            let known = known_as(&member.name, &DECIDED);
            if let Some(known) = known.filter(|known| *known != member.name) {
                let sentence = format_args!(
                    "is not in the body under exactly this name but as {:?}, which some servers take for it; write it as it is here",
                    member.name
                );
                return Err(RequestFault::at(known, sentence));
            }
        }
        Ok(())
    }

    /// What would let another model answer is not passed on.
    pub fn refuse_rerouting(&self) -> Result<(), RequestFault> {
        match REROUTING.into_iter().find(|name| self.find(name).is_some()) {
            Some(name) => Err(RequestFault::at(
                name,
                "would let another model answer than the one in model; leave it out",
            )),
            None => Ok(()),
        }
    }
}

/// The known name that a name is, apart from the case of its letters.
pub fn known_as(name: &str, known: &[&'static str]) -> Option<&'static str> {
    // Go reads a long s as an s.
    let folded = fold(name).replace('ſ', "s");
    known.iter().find(|known| fold(known) == folded).copied()
}

/// The members of an object in the body.
pub fn object_at<'b>(member: &PlacedMember<'b>) -> Result<Vec<PlacedMember<'b>>, RequestFault> {
    members_of(member.value, member.place.start, 64).map_err(|_| {
        let sentence = format_args!(
            "must be an object of at most 64 members, not {}",
            form(member.value)
        );
        RequestFault::at(member.name.as_ref(), sentence)
    })
}

/// `true` or `false`.
pub fn read_bool(member: &PlacedMember<'_>) -> Result<Option<bool>, RequestFault> {
    match member.value {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        other => Err(RequestFault::at(
            member.name.as_ref(),
            format_args!("must be true or false, not {}", form(other)),
        )),
    }
}

/// A count of something; below zero it means that there is no bound, as some servers have it.
pub fn read_count(param: &str, value: &str) -> Result<Option<i64>, RequestFault> {
    let whole = serde_json::from_str::<Number>(value).map(|number| read_whole(&number));
    match whole {
        Ok(Whole::Of(count)) => Ok((count >= 0).then_some(count)),
        Ok(Whole::TooLarge) if !value.starts_with('-') => Ok(Some(i64::MAX)),
        Ok(_) => Err(RequestFault::at(param, "must be a whole number")),
        Err(_) => Err(RequestFault::at(
            param,
            format_args!("must be a whole number, not {}", form(value)),
        )),
    }
}

/// What a JSON value is, as a word for people.
pub fn form(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'"') => "text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}
