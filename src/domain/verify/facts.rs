//! What only the proof asks the database, and what can be told from it.

use serde::Deserialize;

use crate::domain::view::{Oid, View, ViewName, fire_at_every_write};

/// What only the proof asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Every column of a base table that the definition reads, through other views too.
    pub feeds: Vec<Feed>,
    /// The triggers on base tables whose function refreshes the view.
    pub triggers: Vec<RefreshTrigger>,
    /// The base tables, by name.
    pub tables: Vec<(Oid, ViewName)>,
    /// The roles that may refresh the view.
    pub refreshers: Vec<String>,
}

/// A column of a base table that the definition reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Feed {
    /// The table's schema and name.
    #[serde(flatten)]
    pub table: ViewName,
    /// The column's name.
    pub column: String,
    /// Does one value of it name one row (a unique index on this column alone)?
    pub is_unique: bool,
    /// May this role change it?
    pub can_update: bool,
}

/// A trigger whose function refreshes the view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RefreshTrigger {
    /// The table it is on.
    pub table: Oid,
    /// Its name.
    pub name: String,
    /// Does it fire?
    pub enabled: bool,
    /// The body of its function.
    pub body: String,
    /// The search_path that its function sets for itself, if it does.
    #[serde(default)]
    pub search_path: Option<String>,
    /// The writes after which it always fires, see [`crate::domain::view::Trigger::writes`].
    #[serde(default)]
    pub writes: i16,
}

impl Facts {
    /// Does some write refresh the view?
    pub fn has_triggers(&self) -> bool {
        self.triggers.iter().any(|t| t.enabled)
    }

    /// The base tables with writes that fire no enabled trigger, as people say them.
    pub fn unwatched(&self) -> Vec<String> {
        let on = |table: Oid| self.triggers.iter().filter(move |t| t.table == table);
        let is_watched = |table: Oid| fire_at_every_write(on(table).map(|t| (t.enabled, t.writes)));
        self.tables.iter().filter(|(oid, _)| !is_watched(*oid)).map(|(_, name)| name.short()).collect()
    }

    /// The base-table column whose value a view's column shows unchanged: told from the definition's own line for it
    /// (`p.ejecutivo_id`, `p.id AS prospecto_id`) and from the alias of the table there. Where only one table is read,
    /// PostgreSQL writes no alias from 16 on.
    ///
    /// That is a guess at SQL by its text; Test 2 proves it, for a wrong one would not move the row.
    pub fn behind<'a>(&'a self, view: &View, column: &str) -> Option<&'a Feed> {
        let (alias, source) = output(&view.definition, column)?;
        let named: Vec<&Feed> = self.feeds.iter().filter(|f| f.column == source).collect();
        let is_aliased = |feed: &&&Feed| match &alias {
            Some(alias) => has_alias(&view.definition, &feed.table, alias),
            None => reads_only(&view.definition, &feed.table),
        };
        // Behind another view the alias is not the table's; then the name must do, if it is the only one.
        named.iter().find(is_aliased).or(if named.len() == 1 { named.first() } else { None }).copied()
    }
}

/// pg_get_viewdef indents the outermost FROM by three blanks and nothing inside by less.
const FROM: &str = "   FROM ";

/// After a WITH list it begins the outermost SELECT with one blank, and indents those of the list by more.
const SELECT: &str = " SELECT ";

/// The `(alias, column)` that an output column of a definition is, if it is nothing more than that.
fn output(definition: &str, column: &str) -> Option<(Option<String>, String)> {
    let is_with = definition.trim_start().starts_with("WITH ");
    let query = definition.lines().skip_while(|line| is_with && !line.starts_with(SELECT));
    let outputs = query.take_while(|line| !line.starts_with(FROM));
    outputs.map(|line| line.trim().trim_end_matches(',')).find_map(|line| {
        let line = line.strip_prefix("SELECT ").unwrap_or(line);
        let line = line.strip_prefix("DISTINCT ").unwrap_or(line);
        let (expression, name) = match line.split_once(" AS ") {
            Some((expression, name)) => (expression, Some(name)),
            None => (line, None),
        };
        let (alias, source) = match expression.split_once('.') {
            Some((alias, source)) => (Some(identifier(alias)?), identifier(source)?),
            None => (None, identifier(expression)?),
        };
        let name = name.map_or(Some(source.clone()), identifier)?;
        (name == column).then_some((alias, source))
    })
}

/// An identifier as it is, its quotes undone; `None` for anything else.
fn identifier(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        return Some(inner.replace("\"\"", "\""));
    }
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    is_plain.then(|| text.to_string())
}

/// Does the definition read the table under this alias? `schema.table alias`, or without one, as PostgreSQL writes it.
fn has_alias(definition: &str, table: &ViewName, alias: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '"' | '.');
    let (full, named) = (format!("{}.{}", quoted(&table.schema), quoted(&table.name)), format!(" {}", quoted(alias)));
    definition.match_indices(&full).any(|(at, _)| {
        let after = &definition[at + full.len()..];
        let is_aliased = after.strip_prefix(&named).is_some_and(|rest| !rest.starts_with(is_word));
        let is_itself = alias == table.name && !after.starts_with(|c| c == ' ' || is_word(c));
        !definition[..at].ends_with(is_word) && (is_aliased || is_itself)
    })
}

/// Is the table the first that the outermost FROM reads? It is the only one where columns have no alias.
fn reads_only(definition: &str, table: &ViewName) -> bool {
    let full = format!("{}.{}", quoted(&table.schema), quoted(&table.name));
    let from = definition.lines().find_map(|line| line.strip_prefix(FROM)).and_then(|from| from.strip_prefix(&full));
    from.is_some_and(|after| after.is_empty() || after.starts_with([' ', ';']))
}

/// As `quote_ident` writes it, but for keywords, which no table of a definition needs here.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.into() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITION: &str = " SELECT p.id AS prospecto_id,
    COALESCE(p.nombre, ''::text) AS nombre,
    ( SELECT x.ejecutivo_id
           FROM public.otros x) AS raro,
    p.ejecutivo_id,
    co.codigo AS coordinacion_codigo,
    c.\"Dueño\" AS \"Quién\"
   FROM ((public.prospectos p
     LEFT JOIN public.coordinaciones co ON ((co.id = p.coordinacion_id)))
     LEFT JOIN crm.\"Cuentas\" c ON ((c.id = p.id)))
  WHERE (EXISTS ( SELECT
           FROM public.prospectos2 p
          WHERE true))";

    fn feed(schema: &str, name: &str, column: &str) -> Feed {
        let table = ViewName { schema: schema.into(), name: name.into() };
        Feed { table, column: column.into(), is_unique: column == "id", can_update: true }
    }

    fn behind(definition: &str, feeds: Vec<Feed>, column: &str) -> Option<String> {
        let view = View { definition: definition.into(), ..View::default() };
        let facts = Facts { feeds, ..Facts::default() };
        facts.behind(&view, column).map(|f| format!("{}.{}", f.table, f.column))
    }

    #[test]
    fn a_column_that_is_only_passed_on_is_traced_to_its_table_by_the_alias() {
        let feeds = || {
            vec![
                feed("public", "coordinaciones", "id"),
                feed("public", "prospectos2", "id"),
                feed("public", "prospectos", "id"),
                feed("public", "otros", "ejecutivo_id"),
                feed("public", "prospectos", "ejecutivo_id"),
                feed("crm", "Cuentas", "Dueño"),
            ]
        };
        // prospectos2 has the same alias, further in; both are read as p, the first one met in the facts is tried.
        assert_eq!(behind(DEFINITION, feeds(), "ejecutivo_id").as_deref(), Some("public.prospectos.ejecutivo_id"));
        assert_eq!(behind(DEFINITION, feeds(), "Quién").as_deref(), Some("crm.Cuentas.Dueño"));
        assert_eq!(behind(DEFINITION, feeds(), "nombre"), None, "an expression");
        assert_eq!(behind(DEFINITION, feeds(), "raro"), None, "a subquery");
        assert_eq!(behind(DEFINITION, feeds(), "coordinacion_codigo"), None, "not among the columns read");
    }

    #[test]
    fn after_a_with_list_the_outermost_select_tells() {
        let definition = " WITH m AS (\n         SELECT m_1.prospecto_id,\n            count(*) AS n\n           FROM public.mensajes m_1\n          \
                          GROUP BY m_1.prospecto_id\n        )\n SELECT p.id AS prospecto_id,\n    m.n\n   FROM public.prospectos p\n     \
                          LEFT JOIN m ON ((m.prospecto_id = p.id))";
        let feeds = vec![feed("public", "mensajes", "prospecto_id"), feed("public", "prospectos", "id")];
        assert_eq!(behind(definition, feeds, "prospecto_id").as_deref(), Some("public.prospectos.id"));
    }

    #[test]
    fn a_table_without_an_alias_is_its_own() {
        let definition = " SELECT ventas.id,\n    ventas.ejecutivo_id\n   FROM public.ventas;";
        let feeds = vec![feed("public", "otras", "ejecutivo_id"), feed("public", "ventas", "ejecutivo_id")];
        assert_eq!(behind(definition, feeds, "ejecutivo_id").as_deref(), Some("public.ventas.ejecutivo_id"));
    }

    #[test]
    fn the_only_table_s_columns_have_no_alias_from_16_on() {
        let feeds = || vec![feed("public", "ventas_de_ayer", "ejecutivo_id"), feed("public", "ventas", "ejecutivo_id")];
        for from in ["public.ventas", "public.ventas v", "public.ventas;", "public.ventas\n  WHERE (id > 0)"] {
            let definition = format!(" SELECT id,\n    ejecutivo_id AS quien,\n    NULL::text AS nada\n   FROM {from}");
            assert_eq!(behind(&definition, feeds(), "quien").as_deref(), Some("public.ventas.ejecutivo_id"), "{from}");
            assert_eq!(behind(&definition, feeds(), "nada"), None);
        }
        let inner = " SELECT ejecutivo_id\n   FROM ( SELECT ventas.ejecutivo_id\n           FROM public.ventas) s";
        assert_eq!(behind(inner, feeds(), "ejecutivo_id"), None, "one of two, nobody knows which");
    }

    #[test]
    fn behind_another_view_the_only_column_of_that_name_is_taken() {
        let definition = " SELECT v.ejecutivo_id\n   FROM public.vista v";
        let one = vec![feed("public", "ventas", "ejecutivo_id")];
        assert_eq!(behind(definition, one.clone(), "ejecutivo_id").as_deref(), Some("public.ventas.ejecutivo_id"));
        let two = [one, vec![feed("public", "otras", "ejecutivo_id")]].concat();
        assert_eq!(behind(definition, two, "ejecutivo_id"), None);
    }
}
