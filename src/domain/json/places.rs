//! Where values stand in a JSON text, found without reading them.
//!
//! Nothing is checked on the way: in a text that is no JSON the places mean nothing, and whoever reads the text finds that out.

/// A place in a JSON text.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'b> {
    text: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    /// The beginning of a text.
    pub fn new(text: &'b [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// How far it is from the beginning of the text, in bytes.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is ahead.
    fn rest(&self) -> &'b [u8] {
        &self.text[self.at..]
    }

    /// Passes so many bytes.
    fn pass(&mut self, bytes: usize) {
        self.at = self.text.len().min(self.at + bytes);
    }

    /// Passes white space and, if it comes next, this byte; says whether it did.
    pub fn take(&mut self, byte: u8) -> bool {
        self.pass_blanks();
        let is_next = self.rest().first() == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes white space.
    pub fn pass_blanks(&mut self) {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().iter().take_while(blank).count();
    }

    /// From before an object to the value of the first of its fields that has one of these names, and says which; `None` when there
    /// is none. A name counts as it is written, without looking into escapes.
    pub fn enter<'n>(&mut self, names: &[&'n str]) -> Option<&'n str> {
        let mut more = self.take(b'{');
        while more {
            self.pass_blanks();
            let begin = self.at;
            self.pass_value()?;
            let key = &self.text[begin..self.at];
            if !self.take(b':') {
                return None;
            }
            self.pass_blanks();
            let is_key = |name: &&&str| {
                let inner = key
                    .strip_prefix(b"\"")
                    .and_then(|key| key.strip_suffix(b"\""));
                inner == Some(name.as_bytes())
            };
            if let Some(name) = names.iter().find(is_key) {
                return Some(name);
            }
            self.pass_value()?;
            more = self.take(b',');
        }
        None
    }

    /// Passes one value, and answers how deep objects and lists are nested in it: 0 for one that is neither. `None` when there is no
    /// value or the text ends within it.
    pub fn pass_value(&mut self) -> Option<usize> {
        let (mut depth, mut deepest) = (0_usize, 0);
        loop {
            match self.rest().first()? {
                b'"' => self.pass_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                byte if !is_in_word(*byte) => {
                    // Within an object or list; before a value there is none of these.
                    depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ => self.pass_word(),
            }
            if depth == 0 {
                return Some(deepest);
            }
        }
    }

    fn pass_word(&mut self) {
        let more = |byte: &&u8| is_in_word(**byte);
        self.at += self.rest().iter().take_while(more).count();
    }

    fn pass_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = self.rest();
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            if rest[found] == b'"' {
                self.at += found + 1;
                return Some(());
            }
            // What is escaped may be a quotation mark.
            self.pass(found + 2);
        }
    }
}

/// Whether a byte may stand in a number, `true`, `false` or `null`: it is none that separates values.
fn is_in_word(byte: u8) -> bool {
    !matches!(
        byte,
        b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The value of a field, as it is written in a text.
    fn value_of<'t>(text: &'t str, names: &[&str]) -> Option<&'t str> {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.enter(names)?;
        let begin = cursor.at();
        cursor.pass_value()?;
        Some(&text[begin..cursor.at()])
    }

    #[test]
    fn fields_are_found_on_their_level() {
        for (text, found) in [
            (r#"{"a":1}"#, Some("1")),
            (
                r#" { "b" : [ {"a":0} ] , "a" : "x\"]" , "c" : 0 } "#,
                Some(r#""x\"]""#),
            ),
            (r#"{"b":"\\","a":{"a":[1,{}]}}"#, Some(r#"{"a":[1,{}]}"#)),
            (
                r#"{"b":-1.5e3,"c":null,"a":[true , false]}"#,
                Some("[true , false]"),
            ),
            (r#"{"a":1,"a":2}"#, Some("1")),
            (r#"{"b":{"a":1}}"#, None),
            (r#"{"b":"a"}"#, None),
            (r#"[{"a":1}]"#, None),
            (r#"{"\u0061":1}"#, None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(value_of(text, &["z", "a"]), found, "{text}");
        }
    }

    fn depth_of(value: &Value) -> usize {
        let deepest_of = |inner: Option<usize>| 1 + inner.unwrap_or(0);
        match value {
            Value::Array(items) => deepest_of(items.iter().map(depth_of).max()),
            Value::Object(fields) => deepest_of(fields.values().map(depth_of).max()),
            _ => 0,
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[\"\\\\{}\\[\\],: a]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[\"\\\\:a]{0,3}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_is_passed_to_its_end(value in values(), behind in "[,\\]} \n]{0,2}", pretty: bool) {
            let write = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
            let text = write(&value).unwrap();
            let whole = format!("{text}{behind}");
            let mut cursor = Cursor::new(whole.as_bytes());
            prop_assert_eq!(cursor.pass_value(), Some(depth_of(&value)));
            prop_assert_eq!(cursor.at(), text.len());
        }

        #[test]
        fn whatever_a_text_is_made_of_its_end_is_not_passed(text in "[\"\\\\{}\\[\\],: a1]{0,40}") {
            let mut cursor = Cursor::new(text.as_bytes());
            while cursor.pass_value().is_some() && !cursor.rest().is_empty() {
                prop_assert!(cursor.at() <= text.len());
            }
            prop_assert!(cursor.at() <= text.len());
            let _ = value_of(&text, &["a"]);
        }
    }
}
