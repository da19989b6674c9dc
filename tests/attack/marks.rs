//! Each kind of planted code against each face of the program, as each role: nothing that the program does runs it with rights
//! that its author lacks.

use crate::faces::{Gained, WRITTEN, look, mend, prove};
use crate::harness::House;
use crate::imitation::{self, Pooler};
use crate::planted::plant;

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
    look(house, &conninfo, &mut gained);
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
