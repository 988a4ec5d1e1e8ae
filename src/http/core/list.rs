//! A page of a list, as it is answered (API.md §1).

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::named_schema::reference;
use crate::domain::list::{Listed, Page};
use crate::error::{Error, Result};

/// What stands in lists of its own.
pub trait ListItem: Serialize + ToSchema {
    /// The member that has the items.
    const MEMBER: &'static str;
    /// The name of the list's schema.
    const SCHEMA: &'static str;
    /// A sentence about the list.
    const ABOUT: &'static str;
}

/// A page of a list.
#[derive(Debug)]
pub struct List<T> {
    items: Vec<T>,
    total_count: i64,
    page: Page,
}

impl<T: ListItem> List<T> {
    /// The items of a page, of so many on all pages.
    pub fn new(items: Vec<T>, total_count: i64, page: Page) -> Self {
        Self {
            items,
            total_count,
            page,
        }
    }

    /// The page of what is listed, as `view` shows it.
    pub fn of<I>(listed: Listed<I>, page: Page, view: impl FnMut(I) -> T) -> Self {
        let items = listed.items.into_iter().map(view).collect();
        Self::new(items, listed.total_count, page)
    }

    /// It as JSON, which ends before it would be too large to be sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it would be too large and its length was asked for.
    pub fn into_bounded_json(mut self) -> Result<String> {
        let (mut bytes, mut fitting) = (0, 0);
        for item in &self.items {
            bytes += json(item)?.len() + 1;
            if !self.page.has_room_for(bytes)? {
                break;
            }
            fitting += 1;
        }
        self.items.truncate(fitting);
        json(&self)
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("writing an answer", error))
}

impl<T: ListItem> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry(T::MEMBER, &self.items)?;
        map.serialize_entry("count", &self.items.len())?;
        map.serialize_entry("total_count", &self.total_count)?;
        map.serialize_entry("limit", &self.page.limit)?;
        map.serialize_entry("offset", &self.page.offset)?;
        map.end()
    }
}

impl<T: ListItem> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new()
            .items(reference(&T::name()))
            .description(Some("The items of this page, in order."));
        let whole = |about: &str| {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(0))
                .description(Some(about))
        };
        ObjectBuilder::new()
            .description(Some(T::ABOUT))
            .property(T::MEMBER, items)
            .property("count", whole("Items on this page."))
            .property("total_count", whole("Items on all pages."))
            .property("limit", whole("As asked."))
            .property("offset", whole("As asked."))
            .into()
    }
}

impl<T: ListItem> ToSchema for List<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        T::SCHEMA.into()
    }

    fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
        all.push((T::name().into_owned(), T::schema()));
        T::schemas(all);
    }
}
