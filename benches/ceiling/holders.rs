//! Fills a database with people who each hold a copy of one profile and a virtual key, as the server would have made them.

use std::path::Path;

use tollkeeper::domain::access_profile_input::AccessProfileInput;
use tollkeeper::domain::audit::Actor;
use tollkeeper::domain::event::Creation;
use tollkeeper::domain::holding::Source;
use tollkeeper::domain::json;
use tollkeeper::domain::user::{Email, NewUser};
use tollkeeper::service::access_profiles;
use tollkeeper::service::holdings::Template;
use tollkeeper::store::{Occasion, WorkInTurn, users};

/// Three limits that a measurement does not exhaust.
const POLICY: &str = r#"{
    "name": "everybody",
    "provider_configs": [{ "provider_name": "openai", "allowed_models": ["gpt-4*", "o3", "gpt-5*"] }],
    "budgets": [{ "max_limit": 1000000000, "reset_duration": "1M" }],
    "rate_limit": { "request_max_limit": 9007199254740991, "request_reset_duration": "1h",
                    "token_max_limit": 9007199254740991, "token_reset_duration": "1h" }
}"#;
/// People in one transaction.
const BATCH: u32 = 10_000;
/// Keys that are printed at most, from all over the database.
const SHOWN: u32 = 10_000;

/// Makes a data directory with so many people; prints some of their virtual keys, one a line.
pub fn seed(data_dir: &Path, people: u32) {
    let services = super::services(data_dir);
    let occasion = || Occasion::new(Actor::server("seed"), services.clock.now());
    let template = services.ledger.change(occasion(), move |work| {
        let body = json::parse(POLICY.as_bytes())?;
        let input = AccessProfileInput::parse_new(&body, work.now())?;
        let snapshot = access_profiles::insert(work, input, Creation::New)?;
        let profile = snapshot.snapshot.profile()?;
        // Given to one at once: a policy that nobody has is forgotten.
        let template = Template::of(work, &profile)?;
        give(work, &template, 0)?;
        Ok(template)
    });
    let template = std::sync::Arc::new(template.unwrap().0);
    let step = people.div_ceil(SHOWN).max(1);
    for first in (1..=people).step_by(usize::try_from(BATCH).unwrap()) {
        let template = std::sync::Arc::clone(&template);
        let keys = services.ledger.change(occasion(), move |work| {
            let mut keys = Vec::new();
            for number in first..=people.min(first + BATCH - 1) {
                let key = give(work, &template, number)?;
                if number % step == 0 {
                    keys.push(key);
                }
            }
            Ok(keys)
        });
        for key in keys.unwrap().0 {
            println!("{key}");
        }
    }
    super::close(&services);
}

/// Makes a person; answers the virtual key.
fn give(
    work: &mut WorkInTurn<'_>,
    template: &Template,
    number: u32,
) -> tollkeeper::error::Result<String> {
    let new = NewUser {
        name: format!("Person {number}"),
        email: Email::parse(&format!("person{number}@example.org")).unwrap(),
        role_id: None,
    };
    let user = users::insert(work, &new)?;
    let (_, issued) = template.give(work, &user, Source::Direct, None)?;
    Ok(issued.token.reveal().to_owned())
}
