//! What keys act on: what was chosen or belongs to the view, never what merely happens to be shown.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mvtop::app::action::Stage;
use mvtop::app::{Model, Msg, update};
use mvtop::domain::drift::Scope;
use mvtop::domain::job::JobId;
use mvtop::domain::view::Oid;
use mvtop::pg::operator::{Ending, Event};

use crate::causes::job_and_runs;
use crate::scene::*;
use crate::update::{console, notice, press};

#[test]
fn a_job_that_nobody_chose_and_that_is_not_the_view_s_is_shown_and_no_key_acts_on_it() {
    let mut model = console(incident_snapshot());
    press(&mut model, "2");
    assert_eq!(model.shown_job().map(|job| job.id), Some(JobId(1)));
    for key in ["p", "e", "n", "x"] {
        press(&mut model, key);
        assert!(model.dialog.is_none() && model.field.is_none(), "{key}");
        assert!(notice(&model).contains("not one of this view"), "{key}: {}", notice(&model));
    }
    press(&mut model, "Right x");
    assert_eq!(model.selected_job().map(|job| job.id), Some(JobId(2)), "chosen with the arrow");
    assert!(model.dialog.is_some());
}

#[test]
fn the_job_that_the_banner_accuses_is_the_one_shown() {
    let mut snapshot = job_and_runs(|job, _| (job.here, job.database) = (false, "postgres".into()));
    let history = Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value);
    history.jobs.insert(0, job(1, "limpiar-sesiones", "*/15 * * * *", "SELECT limpiar_sesiones()"));
    let history = history.clone();
    snapshot.history.last.as_mut().unwrap().value = Arc::new(history);
    let mut model = console(snapshot);
    assert_eq!(model.selected_job().map(|job| job.id), Some(JobId(3)));
    press(&mut model, "2 x");
    assert!(format!("{:?}", model.dialog).contains("refresh-conversaciones-dashboard"));
}

#[test]
fn what_came_of_an_action_is_told_for_a_while_and_a_failure_longer() {
    for (ending, is_told_after) in [(Ending::Done(None), false), (Ending::Cancelled, true)] {
        let mut model = console(incident_snapshot());
        press(&mut model, "2 Left p y");
        update(&mut model, Msg::Action(Event::Ended(ending, Duration::from_secs(1))));
        let mut after = |seconds| {
            update(&mut model, Msg::Tick(night() + TimeDelta::seconds(seconds)));
            model.action.is_some()
        };
        assert!(after(1) && after(29));
        assert_eq!(after(32), is_told_after);
        assert!(!after(302));
    }
}

#[test]
fn the_arrows_go_from_option_to_option_where_they_stand_side_by_side() {
    let mut model = console(weighed_snapshot(|_| ()));
    let row = |model: &Model| model.fix.as_ref().map(|screen| screen.row);
    press(&mut model, "f Right l Right");
    assert_eq!((row(&model), model.counts.column), (Some(3), 0), "and nothing behind them moves");
    press(&mut model, "Tab Shift-Tab h Left Left Left");
    assert_eq!(row(&model), Some(0));
}

#[test]
fn the_view_that_was_acted_on_stays_selected_when_another_turns_out_to_be_worse() {
    let mut first = incident_snapshot();
    let mut other = view();
    (other.oid, other.name.name) = (Oid(17_000), "mv_ventas".into());
    let mut late = view_state(healed(), night() - TimeDelta::hours(80));
    late.view = Arc::new(other);
    first.views.push(Arc::new(late.clone()));
    first.settled = false;
    let mut then = healed_snapshot();
    late.drift = view_state(incident(), night()).drift;
    then.views.push(Arc::new(late));
    for (keys, stays) in [("r Esc", true), ("j", true), ("? Esc 2 Tab", false)] {
        let mut model = console(first.clone());
        assert_eq!(model.selected_view().map(|v| v.view.oid), Some(VIEW));
        press(&mut model, keys);
        update(&mut model, Msg::Snapshot(Arc::new(then.clone())));
        assert_eq!(model.selected_view().map(|v| v.view.oid) == Some(VIEW), stays, "{keys}");
    }
}

#[test]
fn one_row_is_said_to_be_wrong_as_one() {
    let place = |place| Some(("Osmara Partida", place));
    let one = || comparison(Scope::Values, &[(place("VEN"), place("BOOM"), 1, 0), (place("VEN"), place("VEN"), 9, 0)]);
    let mut model = console(snapshot(vec![view_state(one(), night())], history(Vec::new(), Vec::new())));
    press(&mut model, "r y");
    update(&mut model, Msg::Tick(night() + TimeDelta::seconds(1)));
    update(&mut model, Msg::Action(Event::Ended(Ending::Done(None), Duration::from_millis(80))));
    let later = night() + TimeDelta::seconds(2);
    let mut after = view_state(one(), later);
    for reading in [&mut after.drift, &mut after.values] {
        (reading.last.as_mut().unwrap().at, reading.last.as_mut().unwrap().asked) = (later, later);
    }
    update(&mut model, Msg::Snapshot(Arc::new(snapshot(vec![after], history(Vec::new(), Vec::new())))));
    let Some(Stage::Over { text, .. }) = model.action.map(|action| action.stage) else { panic!() };
    assert!(text.contains("1 row was wrong, now 1 of 10 is: the tables moved on"), "{text}");
}
