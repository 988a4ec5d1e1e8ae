//! The regular expressions of the OpenAPI document.

/// Characters that nobody sees, but for those that may stand between letters or behind emoji, and those beyond U+FFFF, which not every
/// reader of patterns knows.
macro_rules! unseen {
    () => {
        "\\u0000-\\u001F\\u007F-\\u009F\\u00AD\\u034F\\u061C\\u115F\\u1160\\u17B4\\u17B5\\u180B-\\u180F\\u200B\\u200E\\u200F\\u2028-\\u202E\\u2060-\\u206F\\u2800\\u3164\\uFE00-\\uFE0D\\uFEFF\\uFFA0\\uFFF0-\\uFFFB"
    };
}

/// Something that is not white space, and none that can't be seen.
pub const NAME: &str = concat!(
    "^[^",
    unseen!(),
    "]*[^\\s",
    unseen!(),
    "][^",
    unseen!(),
    "]*$"
);
/// Something on both sides of one @, and no empty label after it.
pub const EMAIL: &str = concat!(
    "^[ \\t\\r\\n]*[^\\s@\\u200B-\\u200F\\uFE00-\\uFE0F",
    unseen!(),
    "]+@[^\\s@.\\u200B-\\u200F\\uFE00-\\uFE0F",
    unseen!(),
    "]+(\\.[^\\s@.\\u200B-\\u200F\\uFE00-\\uFE0F",
    unseen!(),
    "]+)*[ \\t\\r\\n]*$"
);
/// Everything but U+0000.
pub const TEXT: &str = "^[^\\u0000]*$";
/// Something that is not white space.
pub const NOT_BLANK: &str = "\\S";
/// A name without white space at its ends.
pub const REQUEST_ID: &str = concat!(
    "^[^\\s",
    unseen!(),
    "]([^",
    unseen!(),
    "]*[^\\s",
    unseen!(),
    "])?$"
);
