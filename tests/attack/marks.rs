//! Each kind of planted code against each face of the program, as each role: nothing that the program does runs it with rights
//! that its author lacks.

use crate::faces::{Gained, WRITTEN, look, mend, prove};
use crate::harness::{House, Session};
use crate::imitation::{self, Pooler};
use crate::kinds::KINDS;
use crate::planted::{Mark, gains, plant};

/// How much is tried as a role.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Looks and proofs.
    Looks,
    /// All fixes of a view without anybody's code, too.
    Fixes,
    /// Those of a view with everybody's code, too, and proofs of each view that a write runs code of.
    All,
}

/// Looks, proves and mends as a role, directly; and looks through a pooler.
fn nobody_gains(house: &House, user: &str, extent: Extent) {
    plant(house);
    let mut gained = Gained::default();
    let conninfo = house.conninfo(user);
    look(house, &conninfo, extent == Extent::All, &mut gained);
    prove(house, &conninfo, if extent == Extent::All { &WRITTEN } else { &WRITTEN[..3] }, &mut gained);
    if extent != Extent::Looks {
        mend(house, &conninfo, "app.v_clean", true, &mut gained);
    }
    if extent == Extent::All {
        mend(house, &conninfo, "app.v_all", false, &mut gained);
    }
    let pooler = Pooler::before(house, 3, &[user]);
    let through = pooler.conninfo(user, house.database);
    gained.by(house, "check through a pooler", || house.mvtop(&["check", &through]));
    gained.must_be_nothing();
}

#[test]
fn planted_code_gains_nothing_by_what_a_superuser_does_with_the_program() {
    let house = House::plain();
    nobody_gains(&house, house.superuser, Extent::All);
}

#[test]
fn planted_code_gains_nothing_by_what_the_views_owner_does_with_the_program() {
    let house = House::plain();
    nobody_gains(&house, house.owner, Extent::All);
}

#[test]
fn planted_code_gains_nothing_by_what_a_role_that_reads_everything_does_with_the_program() {
    let house = House::plain();
    nobody_gains(&house, house.reader, Extent::Looks);
}

#[test]
fn on_the_imitation_planted_code_gains_nothing_by_what_its_superuser_does() {
    let house = imitation::house();
    nobody_gains(&house, house.superuser, Extent::Fixes);
}

#[test]
fn on_the_imitation_planted_code_gains_nothing_by_what_postgres_does() {
    let house = imitation::house();
    nobody_gains(&house, house.owner, Extent::Fixes);
}

#[test]
fn on_the_imitation_planted_code_gains_nothing_by_what_an_on_call_role_does() {
    let house = imitation::house();
    nobody_gains(&house, house.reader, Extent::Looks);
}

/// A role that has no right which the code's author lacks may look at all of it.
#[test]
fn a_role_with_nothing_to_lose_compares_whatever_code_a_view_runs() {
    let house = House::plain();
    plant(&house);
    let mut gained = Gained::default();
    let document = gained.by(&house, "check", || house.checked(&house.conninfo("mirona"), &[]));
    for name in ["app.v_clean", "app.v_own_plpgsql", "app.v_folded", "app.v_view_below", "app.v_index_below"] {
        let view = document["views"].as_array().unwrap().iter().find(|view| view["view"] == name).unwrap();
        assert_eq!(view["drift"]["moved"], 2, "{name}: {view:#}");
    }
    gained.must_be_nothing();
}

/// No mark would prove nothing if the code could not leave one: each kind does, where a superuser is careless.
#[test]
fn each_kind_of_code_gains_something_where_somebody_is_careless() {
    let house = House::plain();
    plant(&house);
    let careless = Session::open(&house.conninfo(house.superuser));
    for kind in KINDS {
        let begin = house.log_length();
        let (view, live) = (format!("app.v_{}", kind.name), kind.definition);
        for side in [&format!("TABLE {view}"), live] {
            careless
                .run(&format!("SELECT d.id::text, d.ejecutivo_id::text, d FROM ({side}) d ORDER BY d.ejecutivo_id"));
        }
        if let Some(table) = live.split_whitespace().find(|word| word.starts_with("app.t_") && kind.name != "all") {
            careless.run(&format!("BEGIN; UPDATE {table} SET ejecutivo_id = ejecutivo_id; ROLLBACK"));
        }
        // A superuser is past row security; the owner is not.
        let role = if kind.name == "policy" { house.owner } else { house.superuser };
        careless.run(&format!("SET ROLE {role}; SELECT FROM ({live}) d; RESET ROLE"));
        let marks = Mark::all(&house.log_since(begin));
        assert!(marks.iter().any(|mark| mark.kind == kind.name), "{} does not run: {marks:?}", kind.name);
        assert!(!gains(&house.log_since(begin), "nobody").is_empty(), "{} is thought harmless: {marks:?}", kind.name);
    }
    let begin = house.log_length();
    careless.run("SELECT hashnameextended(relname, 1), oid >= 16384 FROM pg_class LIMIT 1");
    let kinds: Vec<String> = gains(&house.log_since(begin), house.owner).into_iter().map(|mark| mark.kind).collect();
    assert_eq!(kinds, ["own_schema", "own_schema operator"]);
}
