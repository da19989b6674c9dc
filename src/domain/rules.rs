//! What people said about views in the configuration: limits, groups, labels, what may differ.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::freshness::DEFAULT_LIMIT;
use super::tolerance::Tolerance;
use super::view::ViewName;

/// How old a view may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At most so old.
    Within(TimeDelta),
    /// As old as it likes: it is never late.
    Never,
}

impl Bound {
    /// The greatest good age; `None`: there is none.
    pub fn length(self) -> Option<TimeDelta> {
        match self {
            Bound::Within(length) => Some(length),
            Bound::Never => None,
        }
    }
}

/// What names a group column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// Another column of the view.
    Column(String),
    /// A query that gives each value with its label.
    Query(String),
}

/// What is said about one view.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// How old it may be, whatever its job promises.
    pub limit: Option<Bound>,
    /// How old it may be where nothing else says.
    pub usual: Bound,
    /// The columns counted by, instead of the conventional ones.
    pub groups: Option<Vec<String>>,
    /// What names a group column's values, by column.
    pub labels: BTreeMap<String, Label>,
    /// The columns that hold the time of the refresh, instead of those found in the definition.
    pub refresh_columns: Option<Vec<String>>,
    /// How many rows may differ.
    pub tolerance: Option<Tolerance>,
    /// Something outside the database refreshes it, so the lack of a job says nothing.
    pub elsewhere: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            limit: None,
            usual: Bound::Within(DEFAULT_LIMIT),
            groups: None,
            labels: BTreeMap::new(),
            refresh_columns: None,
            tolerance: None,
            elsewhere: false,
        }
    }
}

impl Rules {
    /// The queries that name values: column, query.
    pub fn label_queries(&self) -> Vec<(String, String)> {
        let query = |(column, label): (&String, &Label)| match label {
            Label::Query(sql) => Some((column.clone(), sql.clone())),
            Label::Column(_) => None,
        };
        self.labels.iter().filter_map(query).collect()
    }
}

/// The rules of every view: those said by name, else the usual ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rulebook {
    usual: Arc<Rules>,
    named: BTreeMap<String, Arc<Rules>>,
}

impl Rulebook {
    /// The book: rules by `name` or `schema.name`, and the limit where nothing else says.
    pub fn new(named: BTreeMap<String, Rules>, usual: Bound) -> Rulebook {
        let named = named.into_iter().map(|(name, rules)| (name, Arc::new(Rules { usual, ..rules }))).collect();
        Rulebook { usual: Arc::new(Rules { usual, ..Rules::default() }), named }
    }

    /// The rules for a view.
    pub fn of(&self, name: &ViewName) -> Arc<Rules> {
        let said = self.named.get(&name.to_string()).or_else(|| self.named.get(&name.name));
        said.unwrap_or(&self.usual).clone()
    }

    /// The names that are none of these views'.
    pub fn unmatched<'a>(&self, views: impl Iterator<Item = &'a ViewName> + Clone) -> Vec<String> {
        let matches = |word: &&String| views.clone().any(|name| name.answers_to(word));
        self.named.keys().filter(|word| !matches(word)).cloned().collect()
    }
}
