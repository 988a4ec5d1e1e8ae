//! A list of names in one piece of memory. Most of a large profile is names of models, and a piece of memory for each of them takes
//! longer to get and to free than everything else that a change of the profile does.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Behind each name. No name has it in it, because no name has control characters.
const END: u8 = b'\0';

/// Bytes of the names in a list that is not small.
const USUAL: usize = 512;

/// Names in order; copies share their memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Arc<str>);

impl Names {
    /// These names; `None` when one of them has a U+0000 in it.
    pub fn of(names: &[&str]) -> Option<Self> {
        let mut text = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names {
            push(&mut text, name);
        }
        Self::read(&text, names.len())
    }

    /// The names in a text in which so many were put.
    fn read(text: &str, count: usize) -> Option<Self> {
        let ends = memchr::memchr_iter(END, text.as_bytes()).count();
        (ends == count).then(|| Self(text.into()))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(char::from(END))
    }

    /// Each of them in memory of its own.
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

fn push(text: &mut String, name: &str) {
    text.push_str(name);
    text.push(char::from(END));
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ReadAll)
    }
}

struct ReadAll;

impl<'de> Visitor<'de> for ReadAll {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        // Enough for most lists of models, so that it need not grow ten times.
        let (mut text, mut count) = (String::with_capacity(USUAL), 0);
        while seq.next_element_seed(ReadOne(&mut text))?.is_some() {
            count += 1;
        }
        Names::read(&text, count).ok_or_else(|| A::Error::custom("a name with U+0000 in it"))
    }
}

/// Reads a name to the end of the others.
struct ReadOne<'t>(&'t mut String);

impl<'de> DeserializeSeed<'de> for ReadOne<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ReadOne<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        push(self.0, name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_back_as_they_were_whatever_is_in_them(
            all in proptest::collection::vec("[^\0]{0,5}", 0..5),
        ) {
            let names = Names::of(&all.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(names.to_vec(), all.clone());
            let text = serde_json::to_string(&names).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&all).unwrap());
            prop_assert_eq!(serde_json::from_str::<Names>(&text).unwrap(), names);
        }
    }

    #[test]
    fn what_is_no_list_of_names_is_none() {
        assert_eq!(Names::of(&["a", "b\0c"]), None);
        for text in [r#"["a\u0000b"]"#, r#""a""#, "[1]", "[null]", "null"] {
            assert!(serde_json::from_str::<Names>(text).is_err(), "{text}");
        }
    }
}
