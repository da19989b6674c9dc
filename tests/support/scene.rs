//! Snapshots made by hand: the incident's night and its variations, for tests that need no database.
#![allow(dead_code, reason = "each test crate uses its own part of it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, TimeZone, Utc};
use crossterm::event::KeyEvent;
use mvtop::app::arming::READING;
use mvtop::app::{Cmd, Model, Msg, update};
use mvtop::domain::day::Day;
use mvtop::domain::drift::{Drift, Flow, Pairing, Scope};
use mvtop::domain::fix::{BaseTable, Dashboard, Facts, Pieces, Rights, Timing};
use mvtop::domain::freshness::Stamp;
use mvtop::domain::groups::{GroupId, Interner};
use mvtop::domain::job::{History, Job, JobId, Run, RunId, RunStatus};
use mvtop::domain::matrix::Comparison;
use mvtop::domain::reading::{Measured, Reading};
use mvtop::domain::server::{Cron, CronExtension, Link, Server};
use mvtop::domain::snapshot::{Blocker, Pulse, Refreshing, Signal, Snapshot, ViewState, Writes};
use mvtop::domain::stats::JobStats;
use mvtop::domain::time::Time;
use mvtop::domain::view::{Column, GroupColumn, KeyColumn, Oid, View, ViewName};
use mvtop::pg::probes::pulse;

/// The night of the incident, 02:15 UTC.
pub fn night() -> Time {
    Utc.with_ymd_and_hms(2026, 2, 4, 2, 15, 0).unwrap()
}

/// A key of somebody who has read what is on the screen.
pub fn press_key(model: &mut Model, key: KeyEvent) -> Vec<Cmd> {
    let read = stand(model);
    update(model, Msg::Key(key, read))
}

/// What the Model shows is drawn and stands so long that a question's yes is lit; until when.
pub fn stand(model: &mut Model) -> Instant {
    let drawn = Instant::now();
    update(model, Msg::Drawn(drawn));
    update(model, Msg::Lit(drawn + READING));
    drawn + READING
}

pub const VIEW: Oid = Oid(16_700);
pub const TABLE: Oid = Oid(16_500);

pub fn server() -> Server {
    Server {
        version_num: 150_018,
        database: "crm".into(),
        user: "postgres".into(),
        started_at: night() - TimeDelta::days(9),
        standby: false,
        read_only: false,
        superuser: true,
        reads_all_stats: true,
        cron: Cron::Present(CronExtension {
            elsewhere: None,
            version: "1.4-1".into(),
            timezone: None,
            launches: None,
            logs_runs: Some(true),
            workers: Some(false),
            preloaded: Some(true),
            row_security: false,
        }),
    }
}

pub fn view() -> View {
    let column = |name: &str, data_type: &str| Column {
        name: name.into(),
        data_type: data_type.into(),
        is_composite: false,
        equals: None,
    };
    let group = |column: &str, label: &str| GroupColumn { column: column.into(), label: Some(label.into()) };
    View {
        oid: VIEW,
        name: ViewName { schema: "public".into(), name: "mv_conversaciones_dashboard".into() },
        owner: "postgres".into(),
        definition: "SELECT 1".into(),
        columns: vec![
            column("prospecto_id", "uuid"),
            column("ejecutivo_id", "uuid"),
            column("ejecutivo_nombre", "text"),
            column("coordinacion_id", "uuid"),
            column("coordinacion_codigo", "text"),
            column("vista_actualizada_at", "timestamp with time zone"),
        ],
        key: vec![KeyColumn { name: "prospecto_id".into(), equals: "OPERATOR(pg_catalog.=)".into() }],
        has_unique_index: true,
        groups: vec![group("ejecutivo_id", "ejecutivo_nombre"), group("coordinacion_id", "coordinacion_codigo")],
        refresh_columns: vec!["vista_actualizada_at".into()],
        base_tables: [TABLE].into(),
        base_names: [(TABLE, "prospectos".to_string())].into(),
        can_select: true,
        can_refresh: true,
        ..View::default()
    }
    .clocked()
}

/// A populated view's catalog row.
pub fn shown(view: Oid, xmin: u32) -> (Oid, pulse::Shown) {
    (view, pulse::Shown { xmin, shape: 1, populated: true })
}

/// `(ejecutivo, coordinación)`; an empty name is NULL.
pub type Side<'a> = Option<(&'a str, &'a str)>;

/// A comparison from `(in the view, live, rows, changed)`.
pub fn comparison(scope: Scope, rows: &[(Side, Side, u64, u64)]) -> Comparison {
    let mut groups = Interner::default();
    let mut id = |side: Side| -> Option<GroupId> {
        side.map(|(who, place)| groups.intern(&[who, place].map(|text| Some(text).filter(|t| !t.is_empty())), &[]))
    };
    let flow =
        rows.iter().map(|&(from, to, rows, changed)| Flow { from: id(from), to: id(to), rows, changed }).collect();
    Comparison::of(Drift { scope, pairing: Pairing::Key, groups: groups.finish(), flow })
}

/// The night: Osmara's 166, some others, and the same total on both sides.
pub fn incident() -> Comparison {
    let (osmara, berta, carla) = ("Osmara Partida", "Berta Lagos", "Carla Ibáñez");
    let same = |who, place, rows, changed| (Some((who, place)), Some((who, place)), rows, changed);
    comparison(
        Scope::Values,
        &[
            (Some((osmara, "VEN")), Some((osmara, "BOOM")), 29, 2),
            (Some((osmara, "VEN")), Some((berta, "VEN")), 97, 0),
            (Some((osmara, "VEN")), Some((carla, "VEN")), 40, 0),
            same(berta, "VEN", 1_500, 120),
            same(carla, "VEN", 900, 80),
            same(carla, "MVP", 640, 0),
            same("", "APEX", 10, 0),
            (None, Some((berta, "BOOM")), 14, 0),
            (Some((carla, "APEX")), None, 14, 0),
        ],
    )
}

/// After the refresh: what was live is in the view.
pub fn healed() -> Comparison {
    let before = incident();
    let groups = &before.drift.groups;
    let side = |id: Option<GroupId>| {
        id.map(|id| {
            let keys = groups.get(id).keys();
            (keys[0].unwrap_or(""), keys[1].unwrap_or(""))
        })
    };
    let rows: Vec<_> =
        before.drift.flow.iter().filter(|f| f.to.is_some()).map(|f| (side(f.to), side(f.to), f.rows, 0)).collect();
    comparison(Scope::Values, &rows)
}

pub fn measured<T>(value: T, at: Time, milliseconds: u64) -> Reading<T> {
    Reading {
        last: Some(Measured { value, at, asked: at, took: Duration::from_millis(milliseconds) }),
        ..Reading::default()
    }
}

pub fn view_state(comparison: Comparison, refreshed: Time) -> ViewState {
    let compared = Arc::new(comparison);
    let at = night() - TimeDelta::seconds(3);
    ViewState {
        signal: Signal { xmin: 801, shape: 1, bases: Some(42), populated: true },
        stamp: measured(
            Stamp { column: Some(refreshed), committed: None, bytes: 1_515_520, estimated_rows: Some(3_230) },
            at,
            1,
        ),
        drift: measured(compared.clone(), at, 79),
        values: measured(compared, at, 79),
        ..ViewState::new(Arc::new(view()))
    }
}

pub fn job(id: i64, name: &str, schedule: &str, command: &str) -> Job {
    Job {
        id: JobId(id),
        name: Some(name.into()),
        schedule: schedule.into(),
        command: command.into(),
        database: "crm".into(),
        username: "postgres".into(),
        active: true,
        here: true,
        owner_exists: true,
        changed_after: None,
        search_path: None,
    }
}

/// The job that the team installed in the end.
pub fn refresh_job() -> Job {
    let command = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
    job(3, "refresh-conversaciones-dashboard", "*/5 * * * *", command)
}

/// A run every `minutes` over the last day, up to now, the newest first.
pub fn runs(job: i64, minutes: i64) -> Vec<Run> {
    let count = 24 * 60 / minutes;
    let start = |i: i64| {
        let last = night().timestamp().div_euclid(minutes * 60) * minutes * 60;
        Utc.timestamp_opt(last - i * minutes * 60, 12_000_000).unwrap()
    };
    let run = |i: i64| Run {
        id: RunId(10_000 - i * 3 - job % 3),
        job: JobId(job),
        status: RunStatus::Succeeded,
        message: Some("1 row".into()),
        start: Some(start(i)),
        end: Some(start(i) + TimeDelta::milliseconds(1_200 + (i * 37) % 900)),
        ran: None,
    };
    (0..count).map(run).collect()
}

pub fn history(jobs: Vec<Job>, mut runs: Vec<Run>) -> History {
    runs.sort_by_key(|r| std::cmp::Reverse(r.id));
    History { jobs, runs, ..History::default() }
}

pub fn snapshot(views: Vec<ViewState>, history: History) -> Snapshot {
    let server = server();
    let cron = server.cron.present().unwrap().clone();
    let jobs = JobStats::all(&history, &cron, night());
    let mut snapshot = Snapshot {
        link: Link::Up,
        server: Some(Arc::new(server)),
        pulse: Some(Pulse { at: night(), offset: TimeDelta::zero(), took: Duration::from_millis(4) }),
        catalog: measured((), night(), 3),
        views: views.into_iter().map(Arc::new).collect(),
        unmatched: Vec::new(),
        history: measured(Arc::new(history), night(), 2),
        launcher: Some(true),
        replica: None,
        jobs: Arc::new(jobs),
        drill: None,
        settled: true,
    };
    // As the keeper does, once a minute.
    let days: Vec<_> = snapshot.views.iter().map(|v| Day::of(&snapshot, v, night()).map(Arc::new)).collect();
    for (view, day) in snapshot.views.iter_mut().zip(days) {
        Arc::make_mut(view).day = day;
    }
    snapshot
}

/// The console at 02:15: two other jobs, none that refreshes the view.
pub fn incident_snapshot() -> Snapshot {
    let jobs = vec![
        job(1, "limpiar-sesiones", "*/15 * * * *", "SELECT limpiar_sesiones()"),
        job(2, "sincronizar-dynamics", "*/5 * * * *", "SELECT sincronizar_dynamics()"),
    ];
    let mut all = runs(1, 15);
    all.extend(runs(2, 5));
    snapshot(vec![view_state(incident(), night() - TimeDelta::hours(74))], history(jobs, all))
}

/// The night with a refresh by cron that waits for ana's session of this pid.
pub fn blocked_snapshot(pid: i32) -> Snapshot {
    let mut snapshot = incident_snapshot();
    let by = Blocker {
        pid,
        user: "ana".into(),
        application: "psql".into(),
        state: "idle in transaction".into(),
        since: Some(night() - TimeDelta::seconds(42)),
        query: None,
    };
    Arc::make_mut(&mut snapshot.views[0]).refreshing = vec![Refreshing {
        pid: 77,
        user: "cron".into(),
        application: "pg_cron".into(),
        since: Some(night() - TimeDelta::seconds(12)),
        concurrently: true,
        state: Some("active".into()),
        granted: false,
        blocked_by: vec![by],
    }];
    snapshot
}

/// What the fixes of the view must know, where everything is allowed: a refresh of 79 ms by the comparison's time.
pub fn facts() -> Facts {
    let table = |oid, name: &str| BaseTable {
        oid: Oid(oid),
        name: ViewName { schema: "public".into(), name: name.into() },
        kind: 'r',
        can_trigger: true,
        owns: true,
        is_of_owner: true,
        owner: "postgres".into(),
    };
    let took = |microseconds| Timing::Took(Duration::from_micros(microseconds));
    Facts {
        rights: Rights {
            tables: vec![table(TABLE.0, "prospectos")],
            owns: true,
            can_create: true,
            can_schedule: true,
            can_alter_job: true,
            can_purge: true,
            indexable: view().columns.into_iter().map(|c| c.name).collect(),
            unique_indexes: vec!["mv_conversaciones_dashboard_prospecto".into()],
            ..Rights::default()
        },
        dashboard: Some(Dashboard { column: "ejecutivo_id".into(), view: took(400), live: took(38_000) }),
        row_bytes: Some(340.0),
        pieces: Pieces { definition: view().definition.to_string(), ..Pieces::default() },
        ..Facts::default()
    }
}

/// The night with the options weighed and 105 rows a minute written.
pub fn weighed_snapshot(edit: impl FnOnce(&mut Facts)) -> Snapshot {
    let mut snapshot = incident_snapshot();
    let mut facts = facts();
    edit(&mut facts);
    let view = Arc::make_mut(&mut snapshot.views[0]);
    view.facts = measured(Arc::new(facts), night(), 120);
    view.writes = Some(Writes { rows: 525, over: TimeDelta::minutes(5) });
    snapshot
}

/// The same after a refresh by hand.
pub fn healed_snapshot() -> Snapshot {
    let before = incident_snapshot();
    let history = before.history.value().unwrap();
    snapshot(vec![view_state(healed(), night() - TimeDelta::seconds(5))], (**history).clone())
}

/// The view with the team's job, its runs, and the refresh `age` ago.
pub fn scheduled_snapshot(
    comparison: Comparison,
    age: TimeDelta,
    edit: impl FnOnce(&mut Job, &mut Vec<Run>),
) -> Snapshot {
    let (mut job, mut all) = (refresh_job(), runs(3, 5));
    edit(&mut job, &mut all);
    snapshot(vec![view_state(comparison, night() - age)], history(vec![job], all))
}
