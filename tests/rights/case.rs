//! One case: a role on a state of a server. What the real `check --json` prints, what its text says and what a console
//! made from the same kind of Snapshot shows and refuses must be the same.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use chrono::Utc;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use mvtop::app::disabled::disabled;
use mvtop::app::model::Settings as ModelSettings;
use mvtop::app::{Model, Msg, update};
use mvtop::keys::Action;
use mvtop::report::check;
use mvtop::theme::Theme;
use mvtop::watch::{self, Settings};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::Value;

use crate::target;

/// A role on a state, and what must come of it.
#[derive(Clone)]
pub struct Case {
    pub state: &'static str,
    pub role: &'static str,
    pub conninfo: String,
    pub view: &'static str,
    /// The verdict and the first cause's code.
    pub verdict: &'static str,
    pub cause: &'static str,
    /// What is off, in order, without `sessions`.
    pub off: &'static [&'static str],
    /// What must stand somewhere in the sentences: of causes, of what is off, of why `r` is off.
    pub says: &'static [&'static str],
    /// Is `r` on?
    pub refresh: bool,
}

/// What the faces say of a case.
pub struct Said {
    pub verdict: String,
    pub cause: String,
    pub cause_text: String,
    pub off: Vec<(String, String)>,
    pub no_refresh: Option<String>,
}

impl Case {
    /// Runs it on every face, and compares them with each other and with what is expected.
    pub async fn run(&self) -> Said {
        let (json, text) = tokio::join!(self.program(&["--json"]), self.program(&[]));
        let label = format!("{} on {}", self.role, self.state);
        let document: Value = serde_json::from_slice(&json.stdout)
            .unwrap_or_else(|e| panic!("{label}: {e}: {}", String::from_utf8_lossy(&json.stderr)));
        let said = Said::of(&document, &label);
        let exit = ["ok", "warning", "critical", "unknown"].iter().position(|v| *v == said.verdict).unwrap();
        assert_eq!(json.status.code(), Some(exit as i32), "{label}: the exit code");
        assert_eq!(text.status.code(), json.status.code(), "{label}: text and JSON end alike");
        self.text_says_the_same(&String::from_utf8_lossy(&text.stdout), &said, &label);
        self.console_says_the_same(&said, &label).await;
        self.is_as_expected(&said, &label, &document);
        said
    }

    /// What stays locked is not worth waiting for.
    fn patience(&self) -> Duration {
        Duration::from_millis(if self.state == "a view locked" { 1_500 } else { 20_000 })
    }

    async fn program(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mvtop"));
        let timeout = format!("{}ms", self.patience().as_millis());
        command.env_clear().args(["check", &self.conninfo, "--view", self.view, "--timeout", &timeout]).args(more);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    fn text_says_the_same(&self, text: &str, said: &Said, label: &str) {
        assert!(text.starts_with(&said.verdict.to_uppercase()), "{label}: {text}");
        assert!(text.contains(&said.cause_text), "{label}: the text lacks {:?}: {text}", said.cause_text);
        for (_, why) in &said.off {
            assert!(text.contains(why), "{label}: the text lacks {why:?}: {text}");
        }
    }

    /// The console: the same Diagnosis, the key off for the same reason, the sentence in the banner.
    async fn console_says_the_same(&self, said: &Said, label: &str) {
        let settings = Settings { only: vec![self.view.into()], ..Settings::new(target(&self.conninfo)) };
        let mut watch = watch::start(settings);
        let snapshot = check::take(&mut watch, Duration::ZERO, self.patience()).await;
        let settings = ModelSettings { place: "here".into(), themes: vec!["night".into()], ..ModelSettings::default() };
        let mut model = Model::new(settings, 0, (240, 60), Utc::now());
        update(&mut model, Msg::Snapshot(snapshot.clone()));
        let view = snapshot.views.iter().find(|v| v.view.name.answers_to(self.view)).expect("the view").view.oid;
        model.view = Some(view);
        let report = model.diagnosis.view(view).unwrap().clone();
        assert_eq!(report.verdict.code(), said.verdict, "{label}: the console's verdict");
        let cause = report.causes.first();
        assert_eq!(cause.map_or("", |c| c.code.code()), said.cause, "{label}: the console's cause");
        let off = disabled(&model, Action::Refresh);
        if said.no_refresh.is_some() {
            assert_eq!(off, said.no_refresh, "{label}: r in the console");
            let said = |model: &Model| model.notice.as_ref().map(|n| n.text.clone());
            update(&mut model, Msg::Key(KeyEvent::new(KeyCode::Char('r'), KeyModifiers::NONE), Instant::now()));
            assert_eq!((said(&model), &model.dialog), (off, &None), "{label}: r says why, and asks nothing");
        }
        let screen = drawn(&model);
        if model.diagnosis.worst().map(|r| r.oid) == Some(view) {
            let first: String = said.cause_text.chars().take(60).collect();
            assert!(screen.contains(&first), "{label}: the banner lacks {first:?}\n{screen}");
        }
        if let Some((_, why)) = said.off.iter().find(|(what, _)| what == "jobs") {
            let words: Vec<&str> = why.split_whitespace().take(6).collect();
            let pane = screen.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(pane.contains(&words.join(" ")), "{label}: the cron pane lacks {why:?}\n{screen}");
        }
    }

    fn is_as_expected(&self, said: &Said, label: &str, document: &Value) {
        let seen = || serde_json::to_string_pretty(document).unwrap();
        assert_eq!((said.verdict.as_str(), said.cause.as_str()), (self.verdict, self.cause), "{label}: {}", seen());
        let off: Vec<&str> = said.off.iter().map(|(what, _)| what.as_str()).filter(|w| *w != "sessions").collect();
        assert_eq!(off, self.off, "{label}: {}", seen());
        assert_eq!(said.no_refresh.is_none(), self.refresh, "{label}: {:?}", said.no_refresh);
        let mut all = format!("{} {}", said.cause_text, said.no_refresh.clone().unwrap_or_default());
        all.extend(said.off.iter().map(|(_, why)| format!(" {why}")));
        for says in self.says {
            assert!(all.contains(says), "{label}: nothing says {says:?}: {all}");
        }
    }
}

impl Said {
    fn of(document: &Value, label: &str) -> Said {
        let view = &document["views"][0];
        assert!(view.is_object(), "{label}: no view in {document}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let off = document["server"]["off"].as_array().unwrap();
        Said {
            verdict: text(&document["verdict"]),
            cause: text(&view["cause"]["code"]),
            cause_text: text(&view["cause"]["text"]),
            off: off.iter().map(|o| (text(&o["what"]), text(&o["why"]))).collect(),
            no_refresh: view["no_refresh"].as_str().map(String::from),
        }
    }
}

fn drawn(model: &Model) -> String {
    let (columns, rows) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let theme = Theme::builtin().remove(0);
    terminal.draw(|frame| mvtop::ui::draw(model, &theme, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let row = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>().replace(['│', '┃'], " ");
    (0..rows).map(|y| row(y) + "\n").collect()
}
