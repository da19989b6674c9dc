//! What things in the database are called: by number and by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::text::visible;

/// An object's OID in its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Oid(pub u32);

/// A view's schema and name, unquoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ViewName {
    /// The schema it lives in.
    pub schema: String,
    /// Its own name.
    pub name: String,
}

impl ViewName {
    /// The name as people say it: without the schema when that is `public`, and with what a terminal would obey made
    /// visible, so for showing only.
    pub fn short(&self) -> String {
        match self.schema.as_str() {
            "public" => visible(&self.name).into_owned(),
            schema => visible(&format!("{schema}.{}", self.name)).into_owned(),
        }
    }

    /// Does the word a person typed name this view (`name` or `schema.name`)?
    pub fn answers_to(&self, word: &str) -> bool {
        word == self.name || word == self.to_string()
    }
}

impl fmt::Display for ViewName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A relation and its name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamedRelation {
    /// Its OID.
    pub oid: Oid,
    /// Its schema and name.
    #[serde(flatten)]
    pub name: ViewName,
}
