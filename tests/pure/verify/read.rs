//! What is read without touching anything: the views below, and old values.

use mvtop::domain::drift::{Drift, Pairing, Scope};
use mvtop::domain::matrix::Comparison;
use mvtop::domain::snapshot::ViewState;

use super::*;

#[test]
fn a_view_that_reads_a_wrong_one_is_not_proven_true() {
    let mut below = (*incident_snapshot().views[0]).clone();
    below.view =
        Arc::new(View { oid: Oid(77), name: ViewName { schema: "public".into(), name: "low".into() }, ..view() });
    let mut reader = with_view(scheduled(|_, _| {}), |v| v.base_tables.extend([Oid(77)]));
    reader.snapshot.views.push(Arc::new(below));
    assert_eq!(reader.said(), ("sources fail".into(), 1));
    assert_eq!(reader.text("sources").trim(), "It reads low, which is itself wrong: it can be no truer than that.");
    reader.snapshot.views.pop();
    let healed = ViewState { view: Arc::new(View { oid: Oid(77), ..view() }), ..(*healed_snapshot().views[0]).clone() };
    reader.snapshot.views.push(Arc::new(healed));
    assert!(reader.text("sources").contains("nothing is known against"), "{}", reader.text("sources"));
    Arc::make_mut(reader.snapshot.views.last_mut().unwrap()).forget_comparisons();
    assert_eq!(reader.said(), ("sources not_proven".into(), 3));
}

#[test]
fn old_values_are_counted_among_the_rows_in_place_and_not_known_without_a_key() {
    let incident = case(incident_snapshot());
    let totals = incident.snapshot.views[0].drift.value().unwrap().totals;
    let in_place = mvtop::domain::diagnosis::thousands(totals.view - totals.gone - totals.moved);
    assert!(incident.text("values").contains(&format!("of {in_place} rows in place")), "{}", incident.text("values"));
    let mut keyless = case(incident_snapshot());
    let state = Arc::make_mut(&mut keyless.snapshot.views[0]);
    for measured in [&mut state.drift.last, &mut state.values.last].into_iter().flatten() {
        let drift = Drift { pairing: Pairing::Rows, scope: Scope::Values, ..measured.value.drift.clone() };
        measured.value = Arc::new(Comparison::of(drift));
    }
    assert!(keyless.said().0.contains("values not_proven"), "{}", keyless.said().0);
}
