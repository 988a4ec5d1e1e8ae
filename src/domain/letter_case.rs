//! Text without regard to case. Everything that compares names or searches in them folds both sides here.

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

    proptest! {
        #[test]
        fn a_part_stays_a_part(before in ".{0,5}", part in ".{0,5}", after in ".{0,5}") {
            let whole = format!("{before}{part}{after}");
            prop_assert!(fold(&whole).contains(&fold(&part)));
            prop_assert_eq!(fold(&fold(&part)), fold(&part));
        }
    }
}
