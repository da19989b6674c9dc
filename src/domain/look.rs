//! How a view's definition is run: by whose rights, under whose settings, and what keeps a stranger's code from more rights than
//! a refresh would give it.
//!
//! A REFRESH runs a definition as the view's owner. To look at a view otherwise gives other rows, and to look with more rights
//! than that gives them to whoever wrote a function, an operator, a cast or an index expression that the look runs.

mod refusal;

use serde::{Deserialize, Serialize};

use super::view::Hidden;

/// How a view's definition is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// As the view's owner, in our own transaction: all code that can run is trusted.
    AsOwner,
    /// As our own role, for this reason.
    AsSelf(WhySelf),
    /// Inside a temporary function of the owner, which is rolled back, for this reason.
    Sandbox(WhySandbox),
    /// Not at all, for this reason.
    NotCompared(Refusal),
}

/// Why a look runs as our own role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhySelf {
    /// It may not become the owner.
    NotTheOwner,
    /// It has nothing to lose to the code that it runs.
    NothingToLose,
}

/// Why a look runs inside a function of the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhySandbox {
    /// The definition can run this code.
    Code(Code),
    /// The owner may not use these schemas by name, which a refresh need not.
    ClosedSchemas(Vec<String>),
    /// Its functions look for names on the search_path, where strangers may create in this schema.
    OpenPath(String),
}

/// Why a view is not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It can run this code, which would get rights that it has not.
    Code(Code, NoSandbox),
    /// Row security may hide rows from a role by whose rights a refresh reads.
    RowSecurity(Hidden),
    /// Its rows depend on who asks, and only the owner may ask as a refresh does.
    DependsOnRole,
    /// Its rows depend on something of the refreshing session that no other can take over.
    DependsOnSession(&'static str),
    /// This role lacks rights.
    Lacks(Vec<String>),
    /// The owner may not use these schemas by name, and there is no sandbox.
    ClosedSchemas(Vec<String>, NoSandbox),
    /// Its rows depend on this setting, which this role has otherwise than the owner, and who refreshes it is hidden.
    UnknownRefresher {
        /// The setting.
        setting: String,
        /// The role.
        role: String,
    },
    /// Its rows depend on this setting, which this role has of its own and whoever refreshes it has not: what the server would
    /// give that role is not known to this one.
    OwnSetting {
        /// The setting.
        setting: String,
        /// Who refreshes it.
        refresher: String,
    },
}

/// Why there is no sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSandbox {
    /// This role may not become the owner.
    NotTheOwner,
    /// The owner is a superuser, whose rights are no limit.
    OwnerIsSuperuser,
    /// Nothing can be created on a standby.
    Standby,
    /// The text would be parsed with this role's rights, and types of strangers stand in it.
    TypesOfStrangers,
    /// This role may create no temporary objects in the database.
    NoTemp(String),
    /// Creating something runs this code.
    EventTrigger(Code),
}

/// Something that can run, or where something can be put that then runs, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// What it is.
    pub kind: CodeKind,
    /// Its name with its schema.
    pub name: String,
    /// Whoever can replace it, or create in it.
    pub owner: String,
}

/// What can hold code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// A function: the definition's own, or that of an operator, a cast, a type, an index, a check, a policy.
    Function,
    /// A call, written by a stranger, of a function of the server's own that runs a text as SQL, becomes another role or reaches out.
    Call,
    /// A schema in which the definition finds functions by name.
    Schema,
    /// A function of an event trigger.
    EventTrigger,
    /// A table or plain view, to which its owner may attach code while it is looked at.
    Relation,
    /// A type, likewise.
    Type,
}

/// What the catalog says of a view's code, of the owner and of this role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeFacts {
    /// The view's owner is a superuser.
    pub owner_is_superuser: bool,
    /// This role may become the owner.
    pub may_become_owner: bool,
    /// Nothing can be created: a standby.
    pub is_standby: bool,
    /// The role that may create no temporary function, if that is so: this role, or the owner.
    pub lacks_temp: Option<String>,
    /// Code of roles that are not trusted, the gravest first.
    pub strangers: Vec<Code>,
    /// Has this role nothing that those roles lack?
    pub has_nothing_to_lose: bool,
    /// A relation or a type of a stranger, who may attach code to it at any moment.
    pub attachable: Option<Code>,
    /// It reads types of strangers, whose code would run wherever their constants are parsed.
    pub has_types_of_strangers: bool,
    /// The server's own functions in it look at the search_path, which a look cannot take over.
    pub reads_path: bool,
    /// It asks who logged in, and that is not who refreshes it.
    pub asks_who_logged_in: bool,
    /// Code of strangers that runs whenever something is created.
    pub event_trigger: Option<Code>,
    /// Row security that binds a role by whose rights a refresh reads.
    pub binds: Option<Hidden>,
    /// The definition's rows depend on the role that asks.
    pub depends_on_role: bool,
    /// The rights that this role lacks to run the definition itself.
    pub lacks: Vec<String>,
    /// The schemas that the owner may not use by name.
    pub closed_to_owner: Vec<String>,
    /// A setting on which the rows depend and a role that has it otherwise than the owner, where a job of that role may be hidden.
    pub unknown_refresher: Option<(String, String)>,
    /// A setting on which the rows depend, which this role has of its own and whoever refreshes it, the second, has not.
    pub own_setting: Option<(String, String)>,
    /// A schema on the path of a refresh where strangers may create, if the definition's functions look there.
    pub open_path: Option<String>,
}

impl CodeFacts {
    /// How the view is looked at.
    pub fn decide(&self) -> Look {
        if let Some((setting, role)) = self.unknown_refresher.clone() {
            return Look::NotCompared(Refusal::UnknownRefresher { setting, role });
        }
        if let Some((setting, refresher)) = self.own_setting.clone() {
            return Look::NotCompared(Refusal::OwnSetting { setting, refresher });
        }
        if self.reads_path || self.asks_who_logged_in {
            let on = if self.reads_path { "the search_path" } else { "who logged in" };
            return Look::NotCompared(Refusal::DependsOnSession(on));
        }
        match self.strangers.first() {
            None if self.may_become_owner => self.as_owner(),
            None => self.as_self(WhySelf::NotTheOwner),
            Some(_) if self.has_nothing_to_lose => self.as_self(WhySelf::NothingToLose),
            Some(code) => match self.no_sandbox() {
                None => Look::Sandbox(WhySandbox::Code(code.clone())),
                Some(why) => Look::NotCompared(Refusal::Code(code.clone(), why)),
            },
        }
    }

    fn as_owner(&self) -> Look {
        // The owner's own rights confine it; a superuser's would not.
        let attachable = self.attachable.as_ref().filter(|_| !self.owner_is_superuser);
        match (self.closed_to_owner.as_slice(), &self.open_path, self.no_sandbox()) {
            ([], None, None) if attachable.is_some() => {
                attachable.cloned().map_or(Look::AsOwner, |code| Look::Sandbox(WhySandbox::Code(code)))
            }
            ([], Some(schema), _) if self.owner_is_superuser => {
                let code = Code { kind: CodeKind::Schema, name: schema.clone(), owner: "PUBLIC".into() };
                Look::NotCompared(Refusal::Code(code, NoSandbox::OwnerIsSuperuser))
            }
            ([], None, _) | ([], Some(_), Some(_)) => Look::AsOwner,
            ([], Some(schema), None) => Look::Sandbox(WhySandbox::OpenPath(schema.clone())),
            (closed, _, None) if self.has_types_of_strangers => {
                Look::NotCompared(Refusal::ClosedSchemas(closed.to_vec(), NoSandbox::TypesOfStrangers))
            }
            (closed, _, None) => Look::Sandbox(WhySandbox::ClosedSchemas(closed.to_vec())),
            (closed, _, Some(why)) => Look::NotCompared(Refusal::ClosedSchemas(closed.to_vec(), why)),
        }
    }

    fn as_self(&self, why: WhySelf) -> Look {
        if !self.lacks.is_empty() {
            Look::NotCompared(Refusal::Lacks(self.lacks.clone()))
        } else if let Some(hidden) = &self.binds {
            Look::NotCompared(Refusal::RowSecurity(hidden.clone()))
        } else if self.depends_on_role {
            Look::NotCompared(Refusal::DependsOnRole)
        } else {
            Look::AsSelf(why)
        }
    }

    fn no_sandbox(&self) -> Option<NoSandbox> {
        if !self.may_become_owner {
            return Some(NoSandbox::NotTheOwner);
        }
        // A superuser's rights are no limit: code of a stranger would have all of them.
        if self.owner_is_superuser && !self.strangers.is_empty() {
            return Some(NoSandbox::OwnerIsSuperuser);
        }
        if self.is_standby {
            return Some(NoSandbox::Standby);
        }
        let temp = self.lacks_temp.clone().map(NoSandbox::NoTemp);
        temp.or_else(|| self.event_trigger.clone().map(NoSandbox::EventTrigger))
    }
}

impl Code {
    /// What it is, in words: `the function app.f(integer) of ana`.
    pub fn describe(&self) -> String {
        let Code { kind, name, owner } = self;
        match kind {
            CodeKind::Function => format!("the function {name} of {owner}"),
            CodeKind::Call => format!("{name}, as {owner} wrote it"),
            CodeKind::Schema => format!("what {owner} may create in the schema {name}"),
            CodeKind::EventTrigger => format!("the event trigger's function {name} of {owner}"),
            CodeKind::Relation => {
                format!("what {owner} may attach to {name} meanwhile, such as an index that calls a function")
            }
            CodeKind::Type => format!("what {owner} may attach to the type {name} meanwhile, such as a cast"),
        }
    }
}

impl Look {
    /// A stable word for it, as JSON has it.
    pub fn code(&self) -> &'static str {
        match self {
            Look::AsOwner => "as_owner",
            Look::AsSelf(_) => "as_self",
            Look::Sandbox(_) => "sandbox",
            Look::NotCompared(_) => "not_compared",
        }
    }

    /// Why it is not simply run as the owner, in one sentence; `None`: it is.
    pub fn why(&self, session: &str, owner: &str) -> Option<String> {
        Some(match self {
            Look::AsOwner => return None,
            Look::AsSelf(WhySelf::NotTheOwner) => {
                format!("looked at as {session}: it may not become {owner}, as whom a refresh runs")
            }
            Look::AsSelf(WhySelf::NothingToLose) => {
                format!("looked at as {session}, which has no right that the code's owners lack")
            }
            Look::Sandbox(WhySandbox::Code(code)) => {
                format!("looked at in a sandbox as {owner}: it can run {}", code.describe())
            }
            Look::Sandbox(WhySandbox::ClosedSchemas(schemas)) => format!(
                "looked at in a sandbox as {owner}, who has no USAGE on the schema {}; a refresh needs none",
                schemas.join(", ")
            ),
            Look::Sandbox(WhySandbox::OpenPath(schema)) => format!(
                "looked at in a sandbox as {owner}: its functions look for names in the schema {schema}, where strangers may create"
            ),
            Look::NotCompared(refusal) => refusal.text(session, owner),
        })
    }
}

/// Whose settings a look runs under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refresher {
    /// The roles of the jobs that refresh the view, each once, in the jobs' order; empty: no job does, so its owner is taken to.
    pub jobs: Vec<String>,
    /// May there be jobs of other roles that this role cannot see?
    pub may_be_hidden: bool,
}

impl Refresher {
    /// The role under whose settings it is refreshed, as far as jobs tell.
    pub fn role<'a>(&'a self, owner: &'a str) -> &'a str {
        self.jobs.first().map_or(owner, String::as_str)
    }
}

/// A setting with which a session of some role begins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Setting {
    /// The role.
    pub role: String,
    /// Its name, e.g. `TimeZone`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A setting that differs between those who refresh a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The setting.
    pub name: String,
    /// Each role with its value; `None`: the server's own.
    pub values: Vec<(String, Option<String>)>,
}

/// How a view was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookReport {
    /// By whose rights.
    pub look: Look,
    /// Our own role.
    pub session: String,
    /// The view's owner.
    pub owner: String,
    /// Whose settings it ran under.
    pub refresher: String,
    /// Those settings, in order.
    pub settings: Vec<(String, String)>,
    /// The search_path of a refresh, where the definition's functions look for names on it: until PostgreSQL 16.
    pub path: Option<String>,
    /// Settings on which its rows depend and in which its refreshers differ.
    pub differences: Vec<Difference>,
}

impl LookReport {
    /// Why it is not simply run as the owner, in one sentence; `None`: it is.
    pub fn why(&self) -> Option<String> {
        self.look.why(&self.session, &self.owner)
    }

    /// That its rows depend on who refreshes it, and by which setting, in one sentence; `None`: as far as is known they do not.
    pub fn refreshers_differ(&self) -> Option<String> {
        let difference = self.differences.first()?;
        let named = |(role, value): &(String, Option<String>)| {
            format!("{} for {role}", value.as_deref().unwrap_or("the server's own"))
        };
        let values: Vec<String> = difference.values.iter().map(named).collect();
        Some(format!("Its rows depend on who refreshes it: {} is {}.", difference.name, values.join(", ")))
    }
}
