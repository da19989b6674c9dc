//! Queries of the configuration (labels): a person wrote them, but what they read may run a stranger's code as any look does.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::{ViewReader, code, guard};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::{Oid, View};
use crate::pg::session::{Batch, BatchError, Limits, Session};

/// The functions of these names ($1: schemas, $2: names) that belong to others than superusers, this role and $3.
const FUNCTIONS: &str = "SELECT p.oid::regprocedure::text AS name, pg_get_userbyid(p.proowner)::text AS owner \
     FROM unnest($1::text[], $2::text[]) AS w (schema, name) JOIN pg_namespace n ON n.nspname = w.schema \
     JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = w.name \
     WHERE p.proowner NOT IN (SELECT r.oid FROM pg_roles r WHERE r.rolsuper OR r.rolname = current_user OR r.rolname = ANY ($3::text[])) \
     LIMIT 1";

impl ViewReader {
    /// Runs a query of the configuration as this role, if nothing that it can run belongs to a stranger.
    ///
    /// # Errors
    /// It can run a stranger's code, or what the server said.
    pub async fn rows_of_words(&self, limits: Limits, query: &str) -> Result<Vec<Row>, Problem> {
        let session = self.session().await?;
        let guard = self.guard_of_words(&session, query).await?;
        let mut rows = Vec::new();
        let batch = Batch {
            begin: limits.begin(false),
            setup: None,
            guard: Some(&guard),
            sql: query,
            parameters: &[],
            end: "ROLLBACK",
        };
        session.run(batch, |row| rows.push(row)).await.map_err(BatchError::into_problem)?;
        Ok(rows)
    }

    /// Judges all that the query reads, and gives the condition under which that holds.
    async fn guard_of_words(&self, session: &Session, query: &str) -> Result<String, Problem> {
        self.judge_calls(session, query).await?;
        let (mut names, mut conditions) = (Vec::new(), Vec::new());
        for relation in relations_of(session, query).await? {
            let view = View { oid: relation, ..View::default() };
            let code = code::read(session, &view, code::Reads::Rows, &self.trusted_owners).await?;
            if let Some(stranger) = code.strangers().first() {
                return Err(refused(&stranger.describe()));
            }
            conditions.extend(guard::conditions(&code));
            names.extend(guard::names(&code));
        }
        Ok(guard::all_hold(&names, &conditions))
    }

    async fn judge_calls(&self, session: &Session, query: &str) -> Result<(), Problem> {
        let (schemas, names): (Vec<String>, Vec<String>) = qualified_names(query).into_iter().unzip();
        let parameters: crate::pg::session::Parameters =
            &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY), (&self.trusted_owners, Type::TEXT_ARRAY)];
        match session.read(Limits::CHEAP, FUNCTIONS, parameters).await?.first() {
            Some(row) => {
                let (name, owner): (&str, &str) = (row.get("name"), row.get("owner"));
                Err(refused(&format!("the function {name} of {owner}")))
            }
            None => Ok(()),
        }
    }
}

fn refused(code: &str) -> Problem {
    let text = format!(
        "it can run {code} with this role's rights; name a column for the labels instead, or trust the owner (trusted_owners)"
    );
    Problem { kind: ProblemKind::NotCompared, text }
}

/// The relations that a query reads, through plain views too: those that its parse locks, which plans and runs nothing.
async fn relations_of(session: &Session, query: &str) -> Result<Vec<Oid>, Problem> {
    let sql = format!(
        "WITH words AS ({query}\n) SELECT DISTINCT l.relation FROM pg_locks l \
         WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation >= 16384"
    );
    let rows = session.read(Limits::CHEAP, &sql, &[]).await?;
    Ok(rows.iter().map(|row| Oid(row.get(0))).collect())
}

/// Each `schema.name` in a text, whatever it names.
fn qualified_names(query: &str) -> Vec<(String, String)> {
    let is_word = |c: char| c.is_alphanumeric() || ['_', '$', '"'].contains(&c);
    let parts: Vec<&str> = query.split('.').collect();
    let last = |text: &str| text.trim_end().rsplit(|c| !is_word(c)).next().unwrap_or_default().replace('"', "");
    let first = |text: &str| text.trim_start().split(|c| !is_word(c)).next().unwrap_or_default().replace('"', "");
    parts.windows(2).map(|pair| (last(pair[0]), first(pair[1]))).collect()
}
