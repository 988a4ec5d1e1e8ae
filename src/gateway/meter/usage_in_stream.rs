//! Whether a stream tells its usage, and what to write into the request so that it does.

use super::body_object::{BodyObject, known_as, object_at};
use super::dialect::Endpoint;
use super::fault::RequestFault;
use super::metered_request::BodyPlaces;

impl BodyObject<'_, '_> {
    /// Whether the client asks for usage in the stream. Where it does not, `places` says how to ask for it.
    pub fn usage_in_stream(
        &self,
        endpoint: Endpoint,
        stream: bool,
        places: &mut BodyPlaces,
    ) -> Result<bool, RequestFault> {
        const ASKING: &str = "\"include_usage\":true";
        if !stream || !endpoint.tells_usage_when_asked() {
            return Ok(false);
        }
        let Some(options) = self.find("stream_options") else {
            let mut members = self.members.iter();
            if let Some(null) = members.find(|member| member.name == "stream_options") {
                let asking = (null.place.clone(), format!("{{{ASKING}}}"));
                places.asking_for_usage.push(asking);
            } else if let Some(first) = self.members.first() {
                let at = first.starts_at;
                let asking = format!("\"stream_options\":{{{ASKING}}},");
                places.asking_for_usage.push((at..at, asking));
            }
            return Ok(false);
        };
        let inner = object_at(options)?;
        let mut asked = Vec::new();
        for member in &inner {
            match known_as(&member.name, &["include_usage"]) {
                Some(known) if known == member.name => asked.push(member),
                Some(known) => {
                    let param = format!("stream_options.{known}");
                    let sentence = format_args!("must be written like this, not {:?}", member.name);
                    return Err(RequestFault::at(param, sentence));
                }
                None => {}
            }
        }
        if asked.is_empty() {
            let at = options.place.start + 1;
            let comma = if inner.is_empty() { "" } else { "," };
            places
                .asking_for_usage
                .push((at..at, format!("{ASKING}{comma}")));
        }
        let mut wants = false;
        for member in asked {
            wants = match member.value {
                "true" => true,
                "false" | "null" => false,
                _ => {
                    let param = "stream_options.include_usage";
                    return Err(RequestFault::at(param, "must be true or false"));
                }
            };
            if !wants {
                let asking = (member.place.clone(), "true".to_owned());
                places.asking_for_usage.push(asking);
            }
        }
        Ok(wants)
    }
}
