//! The columns that rows are counted by: chosen in the console, carried out by the keeper, named by queries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use mvtop::app::model::{Dialog, Settings};
use mvtop::app::{Cmd, Model, Msg, update};
use mvtop::domain::drift::Scope;
use mvtop::domain::freshness::Stamp;
use mvtop::domain::group_columns::listed;
use mvtop::domain::rules::{Bound, Label, Rulebook, Rules};
use mvtop::domain::server::Cron;
use mvtop::domain::snapshot::{ColumnValues, Snapshot, ValuesSource};
use mvtop::pg::probes::pulse;
use mvtop::watch::Request;
use mvtop::watch::keeper::Keeper;
use mvtop::watch::probe::{Answer, Catch, Probe};

use crate::scene::*;

fn console() -> Model {
    let mut snapshot = incident_snapshot();
    let values = [6_000, 46, 46, 6, 6, 1];
    let columns = view().columns.into_iter().zip(values);
    let column = |(c, values): (mvtop::domain::view::Column, u64)| ColumnValues {
        name: c.name,
        values: Some(values),
        source: ValuesSource::Statistics,
    };
    Arc::make_mut(&mut snapshot.views[0]).columns = measured(Arc::new(columns.map(column).collect()), night(), 2);
    let settings = Settings { config_file: Some("/home/ana/.config/mvtop/config.toml".into()), ..Settings::default() };
    let mut model = Model::new(settings, 0, (120, 40), night());
    update(&mut model, Msg::Snapshot(Arc::new(snapshot)));
    model
}

fn press(model: &mut Model, keys: &str) -> Vec<Cmd> {
    let event = |key: &str| {
        let code = match key {
            "Space" => KeyCode::Char(' '),
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            key => KeyCode::Char(key.chars().next().unwrap()),
        };
        KeyEvent::new(code, KeyModifiers::NONE)
    };
    keys.split_whitespace().flat_map(|key| press_key(model, event(key))).collect()
}

#[test]
fn o_asks_for_the_columns_values_and_lists_the_likely_ones_first() {
    let mut model = console();
    assert_eq!(press(&mut model, "o"), [Cmd::Watch(Request::Columns(VIEW))]);
    let listed = listed(&model.snapshot.views[0]);
    let names: Vec<&str> = listed.iter().map(|c| c.name.as_str()).collect();
    let few = ["coordinacion_id", "coordinacion_codigo", "ejecutivo_id", "ejecutivo_nombre"];
    assert_eq!(names, [&few[..], &["prospecto_id", "vista_actualizada_at"]].concat());
}

#[test]
fn space_takes_two_columns_at_most_and_enter_asks_for_the_comparison_by_them() {
    let mut model = console();
    press(&mut model, "o");
    let Some(Dialog::Groups(choice)) = &model.dialog else { panic!() };
    assert_eq!(choice.chosen, ["ejecutivo_id", "coordinacion_id"], "what is in force is chosen");
    press(&mut model, "g j Space");
    assert!(model.notice.as_ref().unwrap().text.contains("two columns are chosen already"));
    let commands = press(&mut model, "g Space j j Space g j Space Enter");
    assert_eq!(commands, [Cmd::Watch(Request::Group(VIEW, vec!["coordinacion_codigo".into()]))]);
    assert_eq!(model.dialog, None);
}

#[test]
fn esc_and_an_unchanged_choice_change_nothing() {
    assert_eq!(press(&mut console(), "o Space Esc").len(), 1, "only the columns were asked for");
    assert_eq!(press(&mut console(), "o Enter").len(), 1);
}

fn keeper(rules: Rules) -> Keeper {
    let book = Rulebook::new(BTreeMap::from([("mv_conversaciones_dashboard".to_string(), rules)]), Bound::Never);
    let mut keeper = Keeper::new(Snapshot::connecting(night()), Vec::new(), 0.02).with_rules(book);
    let mut server = server();
    server.cron = Cron::Absent;
    keeper.connected(server);
    keeper
}

fn beat() -> pulse::Answer {
    pulse::Answer {
        at: night(),
        tables: view().base_tables.into_iter().collect(),
        views: vec![shown(VIEW, 801)],
        schema: 0,
        counters: vec![1],
        files: vec![1],
        held: vec![],
        jobs: None,
        runs: None,
        launcher: None,
    }
}

/// Answers whatever is asked; what was asked.
fn work(keeper: &mut Keeper) -> Vec<Probe> {
    let (mut asked, now) = (Vec::new(), Instant::now());
    while let Some(probe) = keeper.next(night(), now) {
        let catch = match &probe {
            Probe::Catalog(_) => Catch::Views(vec![view()]),
            Probe::Stamp(..) => Catch::Stamp(Stamp::default()),
            Probe::Labels(..) => {
                let names = BTreeMap::from([("Osmara Partida".into(), "La señora Partida".into())]);
                Catch::Labels(BTreeMap::from([("ejecutivo_id".to_string(), names)]))
            }
            Probe::Compare(..) => Catch::Comparison(incident()),
            other => panic!("{other:?} was not expected"),
        };
        asked.push(probe.clone());
        let is_catalog = matches!(probe, Probe::Catalog(_));
        let answer =
            Answer { probe, at: night(), asked: night(), took: Duration::ZERO, outcome: Ok(catch), look: None };
        keeper.answer(answer, night(), now);
        if is_catalog {
            keeper.pulse(beat(), Duration::ZERO, night());
        }
    }
    asked
}

#[test]
fn other_columns_make_another_comparison_and_an_answer_by_the_old_ones_is_not_taken() {
    let mut keeper = keeper(Rules::default());
    work(&mut keeper);
    assert!(keeper.snapshot(night(), Instant::now()).views[0].drift.last.is_some());
    keeper.request(Request::Measure(VIEW));
    keeper.pulse(beat(), Duration::ZERO, night());
    let now = Instant::now();
    let old = std::iter::from_fn(|| {
        let probe = keeper.next(night(), now)?;
        if let Probe::Compare(..) = probe {
            return Some(probe);
        }
        let catch = match &probe {
            Probe::Catalog(_) => Catch::Views(vec![view()]),
            _ => Catch::Stamp(Stamp::default()),
        };
        keeper.answer(
            Answer {
                probe: probe.clone(),
                at: night(),
                asked: night(),
                took: Duration::ZERO,
                outcome: Ok(catch),
                look: None,
            },
            night(),
            now,
        );
        Some(probe)
    })
    .find(|probe| matches!(probe, Probe::Compare(..)))
    .unwrap();
    keeper.request(Request::Group(VIEW, vec!["coordinacion_codigo".into()]));
    let late = Answer {
        probe: old,
        at: night(),
        asked: night(),
        took: Duration::ZERO,
        outcome: Ok(Catch::Comparison(incident())),
        look: None,
    };
    keeper.answer(late, night(), now);
    let snapshot = keeper.snapshot(night(), now);
    assert!(snapshot.views[0].drift.last.is_none(), "it answers another question");
    assert_eq!(snapshot.views[0].view.groups[0].column, "coordinacion_codigo");
    let asked = work(&mut keeper);
    let by_new = |p: &Probe| matches!(p, Probe::Compare(v, ..) if v.groups.len() == 1);
    assert_eq!(asked.iter().filter(|p| by_new(p)).count(), 2, "{asked:?}");
}

#[test]
fn labels_of_a_query_come_before_the_comparison_and_name_its_groups() {
    let labels = BTreeMap::from([("ejecutivo_id".to_string(), Label::Query("SELECT id, name FROM public.e".into()))]);
    let mut keeper = keeper(Rules { labels, ..Rules::default() });
    let asked = work(&mut keeper);
    let place = |is: &dyn Fn(&Probe) -> bool| asked.iter().position(is).unwrap();
    assert!(place(&|p| matches!(p, Probe::Labels(..))) < place(&|p| matches!(p, Probe::Compare(_, Scope::Groups, _))));
    let snapshot = keeper.snapshot(night(), Instant::now());
    let comparison = snapshot.views[0].drift.value().unwrap();
    assert_eq!(comparison.matrix.lines[0].member.title(), "La señora Partida");
}
