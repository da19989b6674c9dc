//! `mvtop grants`: prints the SQL of two roles that have what mvtop needs and nothing else. It changes nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use super::fix::print;
use super::{begin, settings, target, watch_settings};
use crate::cli::Grants;
use crate::domain::grants::{Facts, script};
use crate::domain::reading::Problem;
use crate::domain::text::visible;
use crate::pg::grants;
use crate::pg::session::Session;
use crate::watch::NO_VIEW;

pub(super) async fn run(file: Option<PathBuf>, args: Grants) -> Result<ExitCode, String> {
    if args.watch_role == args.look_role {
        return Err("the role that looks must be another one: what watches may see what a look must not".into());
    }
    let config = settings::load(file, &args.connect, None)?;
    // The watch asks for a password where one is wanted.
    let settings = watch_settings(target(&args.connect, &config)?, &config, vec![NO_VIEW.into()])?;
    let target = begin(settings).await?.0.target;
    let said = |problem: Problem| problem.text;
    let session = Session::connect(&target, "grants").await.map_err(said)?;
    let facts = grants::facts(&session, &args.watch_role, &args.look_role).await.map_err(said)?;
    let facts = chosen(facts, &args.views)?;
    let place = grants::place(&session).await.map_err(said)?;
    let there = match &place.elsewhere {
        Some(database) => Some(grants::place_in(&target, database).await.map_err(said)),
        None => None,
    };
    print(&script(&facts, &place, there.as_ref()));
    Ok(ExitCode::SUCCESS)
}

/// Of all views those that a word names; without a word all.
fn chosen(mut facts: Facts, words: &[String]) -> Result<Facts, String> {
    let names = |word: &String| facts.views.iter().any(|view| view.name.answers_to(word));
    if let Some(word) = words.iter().find(|word| !names(word)) {
        return Err(format!("there is no materialized view {} in this database", visible(word)));
    }
    facts.views.retain(|view| words.is_empty() || words.iter().any(|word| view.name.answers_to(word)));
    match facts.views.is_empty() {
        true => Err("there is no materialized view in this database: is it the one that you mean?".into()),
        false => Ok(facts),
    }
}
