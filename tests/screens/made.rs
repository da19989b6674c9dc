//! Snapshots for single screens.

use super::*;

pub fn unconventional() -> Snapshot {
    let mut snapshot = incident_snapshot();
    let view = Arc::make_mut(&mut snapshot.views[0]);
    let names = ["id", "etapa", "etapa_id", "zona", "telefono", "origen con un nombre \u{202e}largo", "activo"];
    let column =
        |name: &&str| Column { name: name.to_string(), data_type: "text".into(), is_composite: false, equals: None };
    let mut inside = (*view.view).clone();
    inside.columns = names.iter().map(column).collect();
    inside.groups = Vec::new();
    inside.key.iter_mut().for_each(|key| key.name = "id".into());
    view.view = Arc::new(inside.clocked());
    let values = [Some(3_230), Some(7), Some(7), Some(41), Some(3_100), None, Some(1)];
    let counted = |(name, values): (&&str, Option<u64>)| ColumnValues {
        name: name.to_string(),
        values,
        source: if values == Some(41) { ValuesSource::Statistics } else { ValuesSource::First(5_000) },
    };
    let columns = names.iter().zip(values).map(counted).collect();
    view.columns = measured(Arc::new(columns), night(), 4);
    snapshot
}

pub fn drilled() -> Snapshot {
    let mut snapshot = incident_snapshot();
    let member = Some(Some("Osmara Partida".into()));
    let mut groups = Interner::default();
    let mut id = |who: &str, place: &str| Some(groups.intern(&[Some(who), Some(place)], &[]));
    let (ven, boom, berta) = (id("Osmara Partida", "VEN"), id("Osmara Partida", "BOOM"), id("Berta Lagos", "VEN"));
    let row = |i: usize| DriftRow {
        kind: Kind::Moved,
        from: ven,
        to: if i < 29 { boom } else { berta },
        key: format!("[\"0000-{i:04}\"]").into(),
    };
    let mut drill = Drill::new(DrillTarget { view: VIEW, member });
    let rows: Vec<DriftRow> = (0..166).map(row).collect();
    drill.index =
        measured(Arc::new(DrillIndex { groups: groups.finish(), rows, left_out: 0, is_beginning: false }), night(), 80);
    let values = |i: usize, place: &str| {
        let json = serde_json::json!({"nombre_contacto": format!("Contacto {i}"), "coordinacion_codigo": place});
        json.as_object().cloned()
    };
    let details = (0..100).map(|i| RowDetail { view: values(i, "VEN"), live: values(i, "BOOM") }).collect();
    drill.pages.insert(0, measured(Arc::new(details), night(), 3));
    snapshot.drill = Some(Arc::new(drill));
    snapshot
}

pub fn two_views() -> Snapshot {
    let mut snapshot = scheduled_snapshot(healed(), TimeDelta::minutes(2), |_, _| {});
    let mut other = view();
    other.oid = mvtop::domain::view::Oid(17_000);
    other.name = mvtop::domain::view::ViewName { schema: "fin".into(), name: "mv_ventas".into() };
    let mut wrong = view_state(incident(), night() - TimeDelta::hours(74));
    wrong.view = Arc::new(other);
    snapshot.views.insert(0, Arc::new(wrong));
    snapshot
}
