//! What a person does with the page: presses, types, chooses. Things are found by what they are called.

use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus};
use serde_json::json;

use crate::page::Page;

/// How often something may move between looking and pressing.
const MOVES: u32 = 5;

fn is_covered(error: &CmdError) -> bool {
    matches!(error, CmdError::Standard(said) if said.error == ErrorStatus::ElementClickIntercepted)
}

impl Page {
    #[track_caller]
    fn element(&self, finder: &str, name: &str, nth: usize) -> Element {
        let arguments = [json!(name), json!(nth)];
        let call = format!("tests.{finder}(arguments[0], arguments[1])");
        let found = self.until(&format!("{finder} {name:?} ({nth})"), &call, &arguments);
        let reference = found.as_object().unwrap().values().next().unwrap();
        let reference = reference.as_str().unwrap().to_owned();
        Element::from_element_id(self.client.clone(), reference.into())
    }

    /// Presses a button or follows a link by its name.
    #[track_caller]
    pub fn press(&self, name: &str) {
        self.press_nth(name, 0);
    }

    #[track_caller]
    pub fn press_nth(&self, name: &str, nth: usize) {
        self.click("button", name, nth);
    }

    #[track_caller]
    fn click(&self, finder: &str, name: &str, nth: usize) {
        let mut covered = 0;
        loop {
            let element = self.element(finder, name, nth);
            match self.runtime.block_on(element.click()) {
                Ok(()) => return,
                // Drawn anew between looking and pressing: look again.
                Err(error) if error.is_stale_element_reference() => {}
                // Moved under the header meanwhile: look again, unless it stays covered in the middle of the window.
                Err(error) if is_covered(&error) && covered < MOVES => covered += 1,
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }

    /// Presses a button in the row of a table that holds a text.
    #[track_caller]
    pub fn press_in_row(&self, row: &str, name: &str) {
        let key = format!("{row}\u{0}{name}");
        self.click("inRow", &key, 0);
    }

    /// Replaces what stands in a field.
    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        self.fill_nth(label, 0, text);
    }

    #[track_caller]
    pub fn fill_nth(&self, label: &str, nth: usize, text: &str) {
        let element = self.element("field", label, nth);
        self.runtime.block_on(async {
            element.clear().await.unwrap();
            element.send_keys(text).await.unwrap();
        });
    }

    /// Chooses in a list of choices by what it shows.
    #[track_caller]
    pub fn choose(&self, label: &str, nth: usize, shown: &str) {
        let element = self.element("field", label, nth);
        self.runtime
            .block_on(element.select_by_label(shown))
            .unwrap();
    }

    /// Switches a box on or off.
    #[track_caller]
    pub fn toggle(&self, label: &str, nth: usize) {
        self.click("field", label, nth);
    }

    /// Types where the focus is.
    pub fn keys(&self, keys: &str) {
        self.runtime.block_on(async {
            let focused = self.client.active_element().await.unwrap();
            focused.send_keys(keys).await.unwrap();
        });
    }
}
