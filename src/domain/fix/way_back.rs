//! How a plain view was stored when it was materialized, and which of it may be put back.
//!
//! It is kept in the database, as the comment on the view's own rule `_RETURN`: it goes with the view, takes nobody's
//! comment away, and any colleague's mvtop finds it. The view's owner can write there what he likes, and a superuser may carry
//! it out: so only what has the very form of mvtop's own statements about this view is put back.

use serde::{Deserialize, Serialize};

/// How a plain view was stored when it was materialized.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayBack {
    /// Access method, options and tablespace.
    pub storage: String,
    /// Indexes, statistics and column settings.
    pub rebuild: Vec<String>,
    /// Jobs that were paused, for a plain view has nothing to refresh.
    pub jobs: Vec<i64>,
    /// Rights that meant nothing on a materialized view and would let their holders write through a plain one.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

/// Rights of one role on the view or on one of its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The role; `None`: PUBLIC.
    pub grantee: Option<String>,
    /// The column; `None`: the view as a whole.
    pub column: Option<String>,
    /// The privileges, e.g. `INSERT`.
    pub privileges: Vec<String>,
    /// Granted with the option to grant them on?
    pub grantable: bool,
}

impl Grant {
    /// Are these privileges that can be granted on a view, and no other words?
    pub fn is_known(&self) -> bool {
        const ALL: [&str; 7] = ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"];
        self.privileges.iter().all(|p| ALL.contains(&&**p))
    }
}

impl WayBack {
    /// Reads the comment's JSON; `None`: it is not mvtop's.
    pub fn read(json: &str) -> Option<WayBack> {
        serde_json::from_str(json).ok()
    }

    /// What in it has not the form of mvtop's own statements about the view `full` (schema and name, quoted as the server quotes).
    pub fn strange(&self, full: &str) -> Vec<String> {
        let mut indexes = Vec::new();
        let odd = self.rebuild.iter().filter(|s| !is_own(s, full, &mut indexes)).cloned();
        let storage = (!is_storage(&self.storage)).then(|| self.storage.trim().to_string());
        let grants = self.grants.iter().filter(|g| !g.is_known()).map(|g| g.privileges.join(", "));
        storage.into_iter().chain(odd).chain(grants).collect()
    }
}

/// An identifier as `quote_ident` writes it, and what follows.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = match text.strip_prefix('"') {
        Some(inner) => 2 + closing(inner, '"')?,
        None => text
            .find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "_$".contains(c)))
            .unwrap_or(text.len()),
    };
    (end > 0).then(|| text.split_at(end))
}

/// Where the quote ends that was opened before this text; a doubled one is part of it.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == quote && rest.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at);
        }
    }
    None
}

/// One quoted text and nothing else, as `quote_literal` writes it.
fn is_literal(text: &str) -> bool {
    let (inner, has_escapes) = match (text.strip_prefix("E'"), text.strip_prefix('\'')) {
        (Some(inner), _) => (inner, true),
        (None, Some(inner)) => (inner, false),
        (None, None) => return false,
    };
    // Of two backslashes none escapes a quote; quote_literal writes no single one.
    let plain = if has_escapes { inner.replace("\\\\", "") } else { inner.to_string() };
    !(has_escapes && plain.contains('\\')) && closing(&plain, '\'').is_some_and(|end| end + 1 == plain.len())
}

/// The rest of one statement: it ends neither itself nor a quote, and hides nothing behind a comment.
fn is_rest(text: &str) -> bool {
    let mut rest = text;
    loop {
        let Some(at) = rest.find(['\'', '"', ';', '\\', '$']).or(rest.find("--")).or(rest.find("/*")) else {
            return true;
        };
        let (before, from) = rest.split_at(at);
        let quote = from.chars().next().filter(|c| "'\"".contains(*c));
        let Some(quote) = quote.filter(|_| !before.contains("--") && !before.contains("/*")) else { return false };
        let Some(end) = closing(&from[1..], quote) else { return false };
        if from[1..=end].contains('\\') {
            return false;
        }
        rest = &from[end + 2..];
    }
}

/// A list of options: `fillfactor=90, toast.autovacuum_enabled=false`.
fn is_options(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "_.=, -".contains(c)) && !text.contains("--")
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_identifier(text: &str) -> bool {
    identifier(text).is_some_and(|(_, rest)| rest.is_empty())
}

fn is_storage(text: &str) -> bool {
    let mut rest = text;
    if let Some(after) = rest.strip_prefix(" USING ") {
        let Some((_, after)) = identifier(after) else { return false };
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(" WITH (") {
        let Some((options, after)) = after.split_once(')') else { return false };
        if !is_options(options) {
            return false;
        }
        rest = after;
    }
    rest.strip_prefix(" TABLESPACE ").map_or(rest.is_empty(), is_identifier)
}

/// Is it a statement that mvtop writes about this view or about one of its indexes, which `indexes` collects?
fn is_own(statement: &str, full: &str, indexes: &mut Vec<String>) -> bool {
    let created = ["CREATE UNIQUE INDEX ", "CREATE INDEX "].iter().find_map(|begin| statement.strip_prefix(begin));
    if let Some((name, rest)) = created.and_then(identifier) {
        indexes.push(name.to_string());
        let rest = rest.strip_prefix(" ON ").and_then(|r| r.strip_prefix(full)).and_then(|r| r.strip_prefix(" USING "));
        return rest.is_some_and(is_rest);
    }
    if let Some(rest) = statement.strip_prefix("CREATE STATISTICS ") {
        return is_rest(rest) && rest.ends_with(&format!(" FROM {full}"));
    }
    if let Some(rest) = statement.strip_prefix("ALTER MATERIALIZED VIEW ").and_then(|r| r.strip_prefix(full)) {
        return is_setting(rest, indexes);
    }
    let schema = identifier(full).map_or("", |(schema, _)| schema);
    let of_index = |begin: &str| {
        let rest = statement.strip_prefix(begin)?.strip_prefix(schema)?.strip_prefix('.')?;
        let (name, rest) = identifier(rest)?;
        indexes.iter().any(|i| i == name).then_some(rest)
    };
    of_index("ALTER INDEX ").and_then(|r| r.strip_prefix(" SET TABLESPACE ")).is_some_and(is_identifier)
        || of_index("COMMENT ON INDEX ").and_then(|r| r.strip_prefix(" IS ")).is_some_and(is_literal)
}

/// What follows `ALTER MATERIALIZED VIEW x`.
fn is_setting(text: &str, indexes: &[String]) -> bool {
    if let Some(index) = text.strip_prefix(" CLUSTER ON ") {
        return indexes.iter().any(|i| i == index);
    }
    let Some((_, rest)) = text.strip_prefix(" ALTER COLUMN ").and_then(identifier) else { return false };
    let words = [" SET STATISTICS ", " SET STORAGE ", " SET COMPRESSION "].iter().find_map(|b| rest.strip_prefix(b));
    let options = rest.strip_prefix(" SET (").and_then(|r| r.strip_suffix(')'));
    words.is_some_and(is_word) || options.is_some_and(is_options)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: &str = "public.\"mv \"\"x\"\"\"";

    fn strange(statements: &[&str]) -> Vec<String> {
        let rebuild = statements.iter().map(|s| s.replace("VIEW_", VIEW)).collect();
        WayBack { rebuild, ..WayBack::default() }.strange(VIEW)
    }

    #[test]
    fn what_mvtop_writes_is_put_back() {
        let own = [
            "CREATE UNIQUE INDEX clave ON VIEW_ USING btree (id) WITH (fillfactor='90') WHERE (etapa <> 'a;b -- c'::text)",
            "CREATE INDEX \"I x\" ON VIEW_ USING gin (nombre extensions.gin_trgm_ops)",
            "ALTER INDEX public.clave SET TABLESPACE rapido",
            "COMMENT ON INDEX public.\"I x\" IS 'it''s; the key'",
            "COMMENT ON INDEX public.clave IS E'a \\\\ b'",
            "ALTER MATERIALIZED VIEW VIEW_ CLUSTER ON clave",
            "CREATE STATISTICS public.etapas ON etapa, ejecutivo_id FROM VIEW_",
            "ALTER MATERIALIZED VIEW VIEW_ ALTER COLUMN etapa SET STATISTICS 500",
            "ALTER MATERIALIZED VIEW VIEW_ ALTER COLUMN \"E\" SET STORAGE EXTERNAL",
            "ALTER MATERIALIZED VIEW VIEW_ ALTER COLUMN etapa SET COMPRESSION lz4",
            "ALTER MATERIALIZED VIEW VIEW_ ALTER COLUMN etapa SET (n_distinct=-0.5)",
        ];
        assert_eq!(strange(&own), Vec::<String>::new());
        for storage in ["", " USING \"My\" WITH (fillfactor=90, toast.autovacuum_enabled=false) TABLESPACE rapido"] {
            assert!(is_storage(storage), "{storage}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for one in [
            "ALTER ROLE intruso SUPERUSER",
            "CREATE INDEX i ON VIEW_ USING btree (id); ALTER ROLE intruso SUPERUSER",
            "CREATE INDEX i ON public.otra USING btree (f(id))",
            "CREATE INDEX i ON VIEW_ USING btree (id) WHERE ('",
            "CREATE INDEX i ON VIEW_ USING btree (id) \\! rm",
            "CREATE INDEX i ON VIEW_ USING btree (id) -- x",
            "CREATE INDEX i ON VIEW_ USING btree (id) /* 'x'",
            "ALTER MATERIALIZED VIEW VIEW_ OWNER TO postgres",
            "ALTER MATERIALIZED VIEW VIEW_ ALTER COLUMN a SET STATISTICS 5, OWNER TO postgres",
            "ALTER MATERIALIZED VIEW VIEW_ ALTER COLUMN a SET (n_distinct=1), OWNER TO postgres",
            "ALTER MATERIALIZED VIEW VIEW_ CLUSTER ON other",
            "ALTER INDEX public.ajeno SET TABLESPACE x",
            "COMMENT ON INDEX public.ajeno IS 'x'",
            "CREATE STATISTICS s ON a, b FROM public.otra",
        ] {
            assert_eq!(strange(&[one]).len(), 1, "{one}");
        }
        let made = "CREATE INDEX clave ON VIEW_ USING btree (id)";
        for one in [
            "COMMENT ON INDEX public.clave IS 'x'; DROP TABLE t",
            "COMMENT ON INDEX public.clave IS E'\\'; DROP TABLE t; --'",
        ] {
            assert_eq!(strange(&[made, one]).len(), 1, "{one}");
        }
        for storage in [" AS SELECT evil() --", " WITH (a=1) AS SELECT 1", " TABLESPACE x AS SELECT 1", " WITH (a=1"] {
            assert!(!is_storage(storage), "{storage}");
        }
        let grants =
            vec![Grant { grantee: None, column: None, privileges: vec!["ALL ON x TO y; --".into()], grantable: false }];
        assert_eq!(WayBack { grants, ..WayBack::default() }.strange(VIEW).len(), 1);
    }
}
