//! Do the rows of a query depend on the role that asks?

use super::lexer::tokens;

/// Words and functions that look at who asks.
const WHO: [&str; 6] =
    ["current_user", "session_user", "current_role", "pg_has_role", "row_security_active", "getpgusername"];

/// Does it look at who asks, as far as its words tell?
pub fn depends_on_role(query: &str) -> bool {
    tokens(query).into_iter().any(|token| match token.strip_prefix(['(', '[']) {
        Some(inner) => depends_on_role(inner.strip_suffix([')', ']']).unwrap_or(inner)),
        None => looks_at_role(token),
    })
}

fn looks_at_role(word: &str) -> bool {
    let lower = word.to_lowercase();
    // In lower case it is a name of somebody's.
    word == "USER" || WHO.contains(&lower.as_str()) || lower.starts_with("has_") && lower.ends_with("_privilege")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_look_at_who_asks_are_found_wherever_they_stand() {
        for query in [
            "SELECT a.id FROM app.a WHERE (a.owner = CURRENT_USER)",
            "SELECT a.id FROM app.a WHERE ((a.id > 1) AND pg_has_role(CURRENT_USER, 'x'::name, 'usage'::text))",
            "SELECT (ARRAY[USER])[1] AS who",
            "SELECT a.id FROM app.a WHERE has_table_privilege(a.t, 'SELECT'::text)",
        ] {
            assert!(depends_on_role(query), "{query}");
        }
    }

    #[test]
    fn texts_and_names_do_not_look_at_who_asks() {
        for query in ["SELECT a.user, 'CURRENT_USER'::text AS t FROM app.a", "SELECT \"CURRENT_USER\" FROM app.a"] {
            assert!(!depends_on_role(query), "{query}");
        }
    }
}
