//! Text without regard to case. Everything that compares names or searches in them folds both sides here: the names of people and things
//! as [`name_key`], those of providers and models, which gateways write, letter by letter as [`fold`], because each call needs it.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};

use super::unseen::is_ignorable;

/// What two names have in common that people take for the same: without regard to case and to how letters with accents are composed
/// (Unicode's canonical caseless match), without what can't be seen, and with any white space as a blank.
///
/// Keys are stored: where a later version of Unicode makes another one of a letter, a migration has to ask for all to be made anew.
pub fn name_key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let apart = DecomposingNormalizer::new_nfd()
        .normalize(&seen(text))
        .into_owned();
    let folded = CaseMapper::new().fold_string(&apart).into_owned();
    ComposingNormalizer::new_nfc()
        .normalize(&folded)
        .into_owned()
}

/// The text with every letter in lower case, each by itself.
///
/// Unlike `str::to_lowercase`, which writes a sigma at the end of a word as another letter than within it, a letter becomes the
/// same wherever it stands, so that a part of a text is still a part of it when both are folded.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|letter| if letter == 'ς' { 'σ' } else { letter })
        .collect()
}

/// What a text is searched as: as [`name_key`], but letter by letter, so that a search for an s does not find a ß.
pub fn search_key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    fold(&ComposingNormalizer::new_nfc().normalize(&seen(text)))
}

/// Without what can't be seen, and with any white space as a blank.
fn seen(text: &str) -> String {
    let seen = text.chars().filter(|letter| !is_ignorable(*letter));
    seen.map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_letter_folds_the_same_wherever_it_stands() {
        assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
        assert_eq!(fold("ΟΔΟΣ"), fold("οδοσ"));
        assert!(fold("ΑΣΤΡΟ").contains(&fold("ΑΣ")));
        assert_eq!(fold("GRÖẞE Ж"), "größe ж");
    }

    #[test]
    fn names_that_look_the_same_have_one_key() {
        for twins in [
            ["Équipe", "E\u{301}QUIPE"],
            ["Straße", "STRASSE"],
            ["ΟΔΟΣ", "οδος"],
            ["a\u{200C}b", "AB"],
            ["❤\u{FE0F}", "❤"],
            ["a\u{A0}b", "A b"],
            ["\u{212A}ey", "key"],
            ["각", "\u{1100}\u{1161}\u{11A8}"],
        ] {
            assert_eq!(name_key(twins[0]), name_key(twins[1]), "{twins:?}");
        }
        assert_ne!(name_key("Équipe"), name_key("Equipe"));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in ".{0,8}") {
            let key = name_key(&text);
            prop_assert_eq!(name_key(&key), key);
        }

        #[test]
        fn what_differs_in_case_alone_has_one_key(text in "\\PC{0,8}") {
            prop_assert_eq!(name_key(&text.to_uppercase()), name_key(&text.to_lowercase().to_uppercase()));
        }

        #[test]
        fn a_part_stays_a_part(before in ".{0,5}", part in ".{0,5}", after in ".{0,5}") {
            let whole = format!("{before}{part}{after}");
            prop_assert!(fold(&whole).contains(&fold(&part)));
            prop_assert_eq!(fold(&fold(&part)), fold(&part));
        }
    }
}
