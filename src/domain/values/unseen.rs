//! Characters that nobody sees: two names that look the same must be the same.

use std::ops::RangeInclusive;

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, ExtendedPictographic,
    GeneralCategory, GeneralCategoryGroup, Ideographic, PrependedConcatenationMark, Script,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Joins letters that would stand apart, or emoji.
const JOINER: char = '\u{200D}';
/// Keeps letters apart that would be joined.
const NON_JOINER: char = '\u{200C}';
/// Emoji as text and as picture.
const PRESENTATIONS: [char; 2] = ['\u{FE0E}', '\u{FE0F}'];
/// The flags of parts of countries: this, letters that are [tags](TAGS), and the tag that ends it.
const BLACK_FLAG: char = '\u{1F3F4}';
const TAGS: RangeInclusive<char> = '\u{E0030}'..='\u{E007A}';
const END_OF_TAGS: char = '\u{E007F}';

/// Whether a character has no shape of its own, or changes how others stand: what is ignored where a font does not know it, controls,
/// breaks of lines and paragraphs, marks of direction, and the blank of Braille.
pub fn is_unseen(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let group = CodePointMapData::<GeneralCategory>::new().get(character);
    match group {
        GeneralCategory::Control
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => true,
        GeneralCategory::Format => {
            !CodePointSetData::new::<PrependedConcatenationMark>().contains(character)
        }
        _ => character == '\u{2800}' || is_ignorable(character),
    }
}

/// Whether a character is left out where names are compared.
pub fn is_ignorable(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// The first character of a name that is [unseen](is_unseen) and has no business where it stands. Joiners have between letters (Persian
/// and the scripts of India need them), behind a virama and between emoji; and so has what chooses the shape of the emoji, ideograph or
/// Mongolian letter before it, and what makes the flag of Scotland of a black one.
pub fn find_unseen(name: &str) -> Option<char> {
    if name.is_ascii() {
        return name.chars().find(|character| is_unseen(*character));
    }
    let mut before = None;
    let mut rest = name.chars();
    while let Some(character) = rest.next() {
        if before == Some(BLACK_FLAG) && TAGS.contains(&character) {
            let tagged = rest.find(|tag| !TAGS.contains(tag));
            if tagged != Some(END_OF_TAGS) {
                return Some(character);
            }
            before = tagged;
            continue;
        }
        let after = rest.clone().next();
        if is_unseen(character) && !has_business(character, before, after) {
            return Some(character);
        }
        before = Some(character);
    }
    None
}

/// What is said of a character that was [found](find_unseen), as the rest of a sentence.
pub fn why_not(unseen: char) -> String {
    let but = match unseen {
        JOINER | NON_JOINER => ", but between two letters",
        _ => "",
    };
    format!(
        "must not contain the character U+{:04X}, which can't be seen{but}",
        u32::from(unseen)
    )
}

fn has_business(character: char, before: Option<char>, after: Option<char>) -> bool {
    let Some(before) = before else {
        return false;
    };
    if PRESENTATIONS.contains(&character) {
        return is_emoji(before);
    }
    match character {
        '\u{FE00}'..='\u{FE02}' | '\u{E0100}'..='\u{E01EF}' => {
            return CodePointSetData::new::<Ideographic>().contains(before);
        }
        '\u{180B}'..='\u{180D}' | '\u{180F}' => return is_mongolian_letter(before),
        JOINER if is_virama(before) => return true,
        _ => {}
    }
    let Some(after) = after else {
        return false;
    };
    let letters = is_letter(before) && is_letter(after);
    match character {
        NON_JOINER => letters,
        JOINER => {
            let pictures = CodePointSetData::new::<ExtendedPictographic>();
            let emoji = is_emoji(before) || PRESENTATIONS.contains(&before);
            letters || (emoji && pictures.contains(after))
        }
        _ => false,
    }
}

fn is_mongolian_letter(character: char) -> bool {
    let script = CodePointMapData::<Script>::new().get(character);
    script == Script::Mongolian && character.is_alphabetic()
}

/// What takes the vowel from the letter before it: a joiner behind it asks for the half of that letter, also at the end of a word.
fn is_virama(character: char) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new().get(character);
    class == CanonicalCombiningClass::Virama
}

fn is_emoji(character: char) -> bool {
    CodePointSetData::new::<Emoji>().contains(character)
}

/// Letters, what stands on them, and digits.
fn is_letter(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    character.is_alphanumeric()
        || GeneralCategoryGroup::Mark.contains(category) && !is_ignorable(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignorable_or_a_control_is_unseen_and_what_is_read_is_not() {
        for unseen in [
            '\0',
            '\n',
            '\u{7F}',
            '\u{85}',
            '\u{AD}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{17B4}',
            '\u{180E}',
            '\u{200B}',
            '\u{200C}',
            '\u{200D}',
            '\u{200E}',
            '\u{2028}',
            '\u{2029}',
            '\u{202E}',
            '\u{2060}',
            '\u{2066}',
            '\u{206F}',
            '\u{2800}',
            '\u{3164}',
            '\u{FE00}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{FFF9}',
            '\u{1D173}',
            '\u{E0001}',
            '\u{E0041}',
            '\u{E0100}',
        ] {
            assert!(is_unseen(unseen), "U+{:04X}", u32::from(unseen));
        }
        for seen in [
            'a', ' ', '\u{A0}', '\u{3000}', 'ß', '\u{301}', '\u{600}', '字', '🙂', '\u{E000}',
        ] {
            assert!(!is_unseen(seen), "U+{:04X}", u32::from(seen));
        }
    }

    #[test]
    fn joiners_may_stand_between_letters_and_between_emoji() {
        for fine in [
            "می‌خواهم",
            "क्\u{200D}ष",
            "👩\u{200D}💻",
            "👩🏽\u{200D}💻",
            "❤\u{FE0F}\u{200D}🔥",
            "❤\u{FE0F} Team",
            "a\u{200C}b",
            "葛\u{E0100}城",
            "渡邉\u{E01EF}",
            "\u{FA1E}\u{FE00}",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F} Team",
            "\u{182D}\u{180B}\u{1820}",
            "അവന\u{D4D}\u{200D}",
            "අක\u{DCA}\u{200D} ක",
        ] {
            assert_eq!(find_unseen(fine), None, "{fine}");
        }
        for (bad, found) in [
            ("\u{200C}a", '\u{200C}'),
            ("a\u{200D}", '\u{200D}'),
            ("a\u{200C} b", '\u{200C}'),
            ("a\u{200C}\u{200C}b", '\u{200C}'),
            ("a\u{200D}💻", '\u{200D}'),
            ("a\u{FE0F}", '\u{FE0F}'),
            ("a\u{200B}b", '\u{200B}'),
            ("a\u{E0100}", '\u{E0100}'),
            ("葛\u{E0100}\u{E0100}", '\u{E0100}'),
            ("葛\u{FE03}", '\u{FE03}'),
            ("a\u{180B}", '\u{180B}'),
            ("\u{182D}\u{180E}", '\u{180E}'),
            ("🏴\u{E0067}\u{E0062}", '\u{E0067}'),
            ("🏴\u{E007F}", '\u{E007F}'),
            ("🙂\u{E0067}\u{E007F}", '\u{E0067}'),
            ("\u{D4D}\u{200C}", '\u{200C}'),
            ("ന\u{D4D}\u{200D}\u{200D}", '\u{200D}'),
        ] {
            assert_eq!(find_unseen(bad), Some(found), "{bad:?}");
        }
    }
}
