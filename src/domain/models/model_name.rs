//! The names of models in calls: what they must not hold, and what of them is the prefix of a provider (API.md §2). Every way to
//! ask about a call uses this.

/// What is wrong with the requested name of a model, besides what is wrong with any name.
pub fn refuse(name: &str) -> Option<&'static str> {
    name.contains(',').then_some(
        "must not contain a comma: some gateways read a list of models there; ask about one",
    )
}

/// What stands behind `<provider>/`, as it was written and folded (`letter_case::fold`), if the name begins with that and goes on.
pub fn behind_provider<'n>(
    model: &'n str,
    folded: &'n str,
    provider_key: &str,
) -> Option<(&'n str, &'n str)> {
    let rest = folded.strip_prefix(provider_key)?.strip_prefix('/')?;
    // Folding may change how long a text is, but neither makes a slash nor takes one away.
    let slashes = provider_key.matches('/').count();
    let written = model.splitn(slashes + 2, '/').last()?;
    let rest = rest.trim_start();
    (!rest.is_empty()).then_some((written.trim_start(), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::values::letter_case::fold;

    fn behind(model: &str, provider: &str) -> Option<String> {
        let folded = fold(model);
        let (written, rest) = behind_provider(model, &folded, &fold(provider))?;
        assert_eq!(fold(written), rest);
        Some(written.to_owned())
    }

    #[test]
    fn a_prefix_is_the_whole_name_of_the_provider_and_a_slash() {
        for (model, provider, rest) in [
            ("OpenAI/GPT-4o", "openai", Some("GPT-4o")),
            ("openrouter/OpenAI/o3", "openrouter", Some("OpenAI/o3")),
            ("azure/EU/o3", "Azure/eu", Some("o3")),
            ("azure/EU/o3", "azure", Some("EU/o3")),
            ("openai/ o3", "openai", Some("o3")),
            ("İ/Ž", "i\u{307}", Some("Ž")),
            ("openai", "openai", None),
            ("openai/", "openai", None),
            ("openai-eu/o3", "openai", None),
            ("/o3", "openai", None),
        ] {
            assert_eq!(
                behind(model, provider).as_deref(),
                rest,
                "{model} {provider}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_behind_a_prefix_is_what_was_put_there(provider in "[a-zA-ZİΣς/]{1,6}", rest in "[^\\s][a-zİΣ/ ]{0,6}") {
            prop_assert_eq!(behind(&format!("{provider}/{rest}"), &provider), Some(rest));
        }
    }
}
