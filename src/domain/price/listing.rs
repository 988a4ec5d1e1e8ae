//! Prices as they are looked through: the operator's first, then those of the list.

use super::list::ListedModel;
use super::overlay::OverlayPrice;
use super::prices::Prices;
use crate::domain::values::letter_case::{fold, search_key};

/// Which prices are looked for.
#[derive(Debug, Clone, Default)]
pub struct PriceFilter {
    /// Of this provider, by any of its names.
    pub provider: Option<String>,
    /// Of this model, by any of its names; a pattern that covers it is one of it.
    pub model: Option<String>,
    /// With this in `provider/model`.
    pub search: Option<String>,
}

/// A price among others.
#[derive(Debug, Clone, Copy)]
pub enum ListedPrice<'p> {
    /// One that the operator gave.
    Given(&'p OverlayPrice),
    /// One of the list: the provider, and the model.
    Listed(&'p str, &'p ListedModel),
}

impl Prices {
    /// The prices that are looked for, in a fixed order.
    pub fn listing(&self, filter: &PriceFilter) -> Vec<ListedPrice<'_>> {
        let folded = |text: &Option<String>| text.as_ref().map(|text| fold(text.trim()));
        let (provider, model) = (folded(&filter.provider), folded(&filter.model));
        let id = provider
            .as_ref()
            .and_then(|name| self.list().provider_id(name));
        let given = self.overlay().iter().filter(|price| {
            let of_provider = |name: &String| price.is_of_provider(name, id);
            let of_model = |name: &String| price.is_of_model(name);
            provider.as_ref().is_none_or(of_provider) && model.as_ref().is_none_or(of_model)
        });
        let is_of_provider = |of: &str| provider.is_none() || id == Some(of);
        let listed: Vec<_> = match &model {
            None => self.list().models().collect(),
            Some(name) => {
                let all = self.list().provider_ids();
                all.filter_map(|of| Some((of, self.list().find(of, name)?)))
                    .collect()
            }
        };
        let listed = listed.into_iter().filter(|(of, _)| is_of_provider(of));
        let listed = listed.map(|(of, model)| ListedPrice::Listed(of, model));
        let all = given.map(ListedPrice::Given).chain(listed);
        let wanted = filter.search.as_deref().map(search_key);
        all.filter(|price| wanted.as_ref().is_none_or(|text| price.has(text)))
            .collect()
    }
}

impl ListedPrice<'_> {
    /// The provider and the model, as names or patterns.
    pub fn of(&self) -> (&str, &str) {
        match self {
            Self::Given(price) => (&price.entry.provider, &price.entry.model),
            Self::Listed(provider, model) => (provider, model.id()),
        }
    }

    fn has(&self, text: &str) -> bool {
        let (provider, model) = self.of();
        search_key(&format!("{provider}/{model}")).contains(text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::price::entry_text::read_toml;
    use crate::domain::price::list::PriceList;
    use crate::domain::price::prices::UnknownModels;

    fn prices() -> Prices {
        let file = "[[price]]\nprovider = 'open*'\nmodel = 'gpt-*'\nfree = true\n\
                    [[price]]\nprovider = 'Ollama'\nmodel = 'llama'\nfree = true\n";
        let list = Arc::new(PriceList::embedded().unwrap());
        Prices::new(
            list,
            read_toml(file).unwrap(),
            Vec::new(),
            UnknownModels::Deny,
        )
    }

    fn found(provider: Option<&str>, model: Option<&str>, search: Option<&str>) -> Vec<String> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let filter = PriceFilter {
            provider: owned(provider),
            model: owned(model),
            search: owned(search),
        };
        let prices = prices();
        let all = prices.listing(&filter);
        let named = all.iter().map(ListedPrice::of);
        named
            .map(|(provider, model)| format!("{provider}/{model}"))
            .collect()
    }

    #[test]
    fn the_operators_prices_come_first() {
        let all = found(None, None, None);
        assert_eq!(all[..2], ["open*/gpt-*", "Ollama/llama"]);
        assert!(all.len() > 2_000);
    }

    #[test]
    fn filters_know_names_patterns_and_aliases() {
        let of_one = found(Some("OpenAI"), Some("gpt-4o"), None);
        assert_eq!(of_one, ["open*/gpt-*", "openai/gpt-4o"]);
        assert_eq!(found(Some("ollama"), None, None)[0], "Ollama/llama");
        let vertex = found(Some("vertex_ai"), None, Some("gemini-2.5-pro"));
        assert!(
            vertex.contains(&"google/gemini-2.5-pro".to_owned()),
            "{vertex:?}"
        );
        assert!(found(None, Some("gpt-4o"), None).len() > 2);
        assert!(found(Some("nobody"), None, None).is_empty());
        let searched = found(None, None, Some("AI/GPT-4O-MINI"));
        assert!(
            searched.contains(&"openai/gpt-4o-mini".to_owned()),
            "{searched:?}"
        );
        assert!(
            searched
                .iter()
                .all(|name| name.to_lowercase().contains("ai/gpt-4o-mini"))
        );
    }
}
