//! Finding models in the list.

use super::*;

fn list() -> PriceList {
    PriceList::embedded().unwrap()
}

#[test]
fn every_clause_of_the_list_can_be_asked() {
    for provider in &list().providers {
        assert!(provider.clause.as_ref().is_none_or(Clause::is_valid));
        for model in &provider.models {
            assert!(model.clause.is_valid(), "{}", model.id);
        }
    }
}

#[test]
fn providers_are_known_by_the_names_that_gateways_give_them() {
    let list = list();
    for (name, id) in [
        ("OpenAI", "openai"),
        ("text-completion-openai", "openai"),
        ("anthropic", "anthropic"),
        ("google", "google"),
        ("gemini", "google"),
        ("vertex", "google"),
        ("vertex_ai-anthropic_models", "google"),
        ("Google Vertex", "google"),
        ("azure", "azure"),
        ("azure_openai", "azure"),
        ("azure-eu", "azure"),
        ("bedrock", "aws"),
        ("bedrock_converse", "aws"),
        ("amazon-bedrock", "aws"),
        ("mistral", "mistral"),
        ("mistralai", "mistral"),
        ("groq", "groq"),
        ("groq-2", "groq"),
        ("openrouter", "openrouter"),
        ("together", "together"),
        ("together_ai", "together"),
        ("fireworks-ai", "fireworks"),
        ("xai", "x-ai"),
        ("deepseek", "deepseek"),
        ("perplexity", "perplexity"),
        ("cohere_chat", "cohere"),
        ("cerebras", "cerebras"),
    ] {
        assert_eq!(list.provider_id(name), Some(id), "{name}");
    }
    for name in ["ollama", "vllm", "", "litellm", "-", "é"] {
        assert_eq!(list.provider_id(name), None, "{name}");
    }
}

#[test]
fn models_are_found_by_their_dates_suffixes_and_prefixes() {
    let list = list();
    for (provider, model, id) in [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "GPT-4o-2024-08-06", "gpt-4o"),
        ("openai", "gpt-4o-20240806", "gpt-4o"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("azure", "azure/gpt-4o", "gpt-4o"),
        ("azure", "openai/gpt-4o", "gpt-4o"),
        ("litellm", "azure/gpt-4o", "gpt-4o"),
        ("openrouter", "openai/gpt-4o", "openai/gpt-4o"),
        (
            "anthropic",
            "claude-3-5-haiku-20241022",
            "claude-3-5-haiku-latest",
        ),
        ("vertex", "claude-3-5-haiku@20241022", "claude-3-5-haiku"),
        ("gemini", "gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
    ] {
        let found = list.find(provider, model).map(ListedModel::id);
        assert_eq!(found, Some(id), "{provider} {model}");
    }
    for (provider, model) in [
        ("openai", "no-such-model"),
        ("openai", "azure/gpt-4o"),
        ("ollama", "openai/gpt-4o"),
        ("litellm", "gpt-4o"),
        ("openai", "/"),
        ("openai", ""),
    ] {
        assert!(list.find(provider, model).is_none(), "{provider} {model}");
    }
}

#[test]
fn the_list_says_how_much_most_models_answer_at_most() {
    let list = list();
    let models = || list.providers.iter().flat_map(|provider| &provider.models);
    let known = models().filter(|model| model.greatest_output.is_some());
    assert!(
        known.count() * 3
            > list
                .provider_ids()
                .flat_map(|id| list.models_of(id))
                .count()
                * 2
    );
    assert!(models().all(|model| model.greatest_output.is_none_or(|most| most > 0)));
    let found = list.find("openai", "gpt-4o").unwrap();
    assert_eq!(found.greatest_output(), Some(16_384));
    assert_eq!(found.context_window(), Some(128_000));
}

#[test]
fn a_price_holds_from_its_day_on_or_at_its_hours() {
    let list = list();
    let model = list.find("deepseek", "deepseek-v4-flash").unwrap();
    let input = |at: &str| {
        let price = model.price(at.parse().unwrap());
        price
            .rates(0)
            .get(crate::domain::price::unit_kind::UnitKind::Input)
    };
    for (at, expected) in [
        ("2020-01-01T00:00:00Z", 140_000_000),
        ("2026-08-16T23:59:59Z", 140_000_000),
        ("2026-08-17T00:00:00Z", 220_000_000),
        ("2026-09-10T00:00:00Z", 150_000_000),
        ("2026-09-10T01:00:00Z", 300_000_000),
        ("2026-09-10T03:59:59.999Z", 300_000_000),
        ("2026-09-10T04:00:00Z", 150_000_000),
    ] {
        assert_eq!(input(at), Some(expected), "{at}");
    }
}
