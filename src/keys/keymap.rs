//! The keys in force: the table, with what the configuration binds anew and the groups that keys jump to.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crossterm::event::KeyEvent;

use super::{Action, JUMPS, Scope, TABLE, TOGETHER, name};

/// A line of the keys in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its stable name; for a key that jumps to a group `jump to GROUP`.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// The keys, the first one shown; none: it cannot be reached.
    pub keys: Vec<String>,
    /// One or two words for the footer; empty: not shown there.
    pub label: String,
    /// A sentence for the help.
    pub help: Cow<'static, str>,
    /// Where.
    pub scope: Scope,
    /// Does it change the database?
    pub danger: bool,
}

/// Why keys cannot be bound so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// One key for two things.
    #[error("the key {key} means {first} and {second}; give one of them another key")]
    Twice {
        /// The key.
        key: String,
        /// What it means.
        first: String,
        /// What it means, too.
        second: String,
    },
    /// What one cannot do without.
    #[error("{0} needs a key")]
    Keyless(String),
    /// The key that asks would also answer.
    #[error("the key {key} would start {action} and confirm it; give one of them another key")]
    Confirms {
        /// The key.
        key: String,
        /// The action that asks first.
        action: String,
    },
}

/// The keys in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bound: Vec<Bound>,
    jumps: Vec<String>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        Keymap::table(&BTreeMap::new(), JUMPS.map(|(key, group)| (key.into(), group.into())))
    }
}

impl Keymap {
    /// The table with other keys for some lines, by name, and the keys that jump to groups: key, group.
    ///
    /// # Errors
    /// A key would mean two things in one place, or something one cannot do without would have none.
    pub fn new(
        rebound: &BTreeMap<String, Vec<String>>,
        jumps: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Keymap, Clash> {
        let keymap = Keymap::table(rebound, jumps);
        TOGETHER.iter().try_for_each(|scopes| keymap.refuse_doubles(scopes))?;
        keymap.refuse_keyless()?;
        Ok(keymap)
    }

    fn table(rebound: &BTreeMap<String, Vec<String>>, jumps: impl IntoIterator<Item = (String, String)>) -> Keymap {
        let line = |line: &super::Binding| {
            let name = line.name();
            let usual = || line.keys.iter().map(|k| k.to_string()).collect();
            Bound {
                keys: rebound.get(&name).cloned().unwrap_or_else(usual),
                name,
                action: line.action,
                label: line.label.into(),
                help: line.help.into(),
                scope: line.scope,
                danger: line.danger,
            }
        };
        let mut bound: Vec<Bound> = TABLE.iter().map(line).collect();
        let place = bound.iter().position(|b| b.action == Action::Enter).map_or(0, |enter| enter + 1);
        let (mut groups, mut jumping) = (Vec::new(), Vec::new());
        for (n, (key, group)) in jumps.into_iter().filter(|(_, group)| !group.is_empty()).enumerate() {
            jumping.push(Bound {
                name: format!("jump to {group}"),
                action: Action::Jump(n),
                keys: vec![key],
                label: group.clone(),
                help: format!("the selected line's drift in {group}").into(),
                scope: Scope::Everywhere,
                danger: false,
            });
            groups.push(group);
        }
        bound.splice(place..place, jumping);
        Keymap { bound, jumps: groups }
    }

    fn refuse_doubles(&self, scopes: &[Scope]) -> Result<(), Clash> {
        let mut seen: HashMap<&str, &Bound> = HashMap::new();
        for bound in self.bindings(scopes) {
            for key in &bound.keys {
                if let Some(other) = seen.insert(key, bound) {
                    let (first, second) = (other.name.clone(), bound.name.clone());
                    return Err(Clash::Twice { key: key.clone(), first, second });
                }
            }
        }
        Ok(())
    }

    fn refuse_keyless(&self) -> Result<(), Clash> {
        let needed = |b: &&Bound| matches!(b.action, Action::Quit | Action::Help | Action::Back | Action::Confirm);
        if let Some(bound) = self.bound.iter().filter(needed).find(|b| b.keys.is_empty()) {
            return Err(Clash::Keyless(bound.name.clone()));
        }
        let confirm: Vec<&String> =
            self.bound.iter().filter(|b| b.action == Action::Confirm).flat_map(|b| &b.keys).collect();
        let danger = self.bound.iter().filter(|b| b.danger);
        let clash = danger.flat_map(|b| b.keys.iter().map(move |key| (b, key))).find(|(_, key)| confirm.contains(key));
        match clash {
            Some((bound, key)) => Err(Clash::Confirms { key: key.clone(), action: bound.name.clone() }),
            None => Ok(()),
        }
    }

    /// The names of the lines that can be bound anew, in the table's order.
    pub fn names() -> Vec<String> {
        TABLE.iter().map(super::Binding::name).collect()
    }

    /// The bindings of these scopes that have a key, in the table's order.
    pub fn bindings(&self, scopes: &[Scope]) -> impl Iterator<Item = &Bound> {
        self.bound.iter().filter(move |b| scopes.contains(&b.scope) && !b.keys.is_empty())
    }

    /// What a key event does in these scopes.
    pub fn action(&self, event: &KeyEvent, scopes: &[Scope]) -> Option<Action> {
        let name = name(event)?;
        self.bindings(scopes).find(|b| b.keys.contains(&name)).map(|b| b.action)
    }

    /// The key that is shown for an action outside of dialogs; empty: it has none.
    pub fn key(&self, action: Action) -> &str {
        let outside = self.bindings(&[Scope::Everywhere, Scope::Panes]);
        outside.into_iter().find(|b| b.action == action).and_then(|b| b.keys.first()).map_or("", String::as_str)
    }

    /// The key that is shown for an action in one place; empty: it has none there.
    pub fn key_in(&self, action: Action, scope: Scope) -> &str {
        let bound = self.bound.iter().find(|b| b.action == action && b.scope == scope);
        bound.and_then(|b| b.keys.first()).map_or("", String::as_str)
    }

    /// The name of the n-th group that keys jump to.
    pub fn jump(&self, n: usize) -> Option<&str> {
        self.jumps.get(n).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rebound(lines: &[(&str, &[&str])]) -> Result<Keymap, Clash> {
        let lines = lines.iter().map(|(name, keys)| (name.to_string(), keys.iter().map(|k| k.to_string()).collect()));
        Keymap::new(&lines.collect(), JUMPS.map(|(key, group)| (key.into(), group.into())))
    }

    #[test]
    fn no_key_of_the_table_means_two_things_in_one_place_and_every_line_has_its_own_name() {
        assert_eq!(rebound(&[]), Ok(Keymap::default()));
        let mut names = Keymap::names();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_key_given_to_two_actions_is_refused_with_both_names() {
        let said = rebound(&[("zoom", &["r"])]).map(|_| ()).unwrap_err().to_string();
        assert_eq!(said, "the key r means refresh and zoom; give one of them another key");
        let said = rebound(&[("zoom", &["b"])]).map(|_| ()).unwrap_err().to_string();
        assert_eq!(said, "the key b means jump to BOOM and zoom; give one of them another key");
        assert!(rebound(&[("zoom", &["r"]), ("refresh", &["F5"])]).is_ok());
    }

    #[test]
    fn the_key_that_confirms_is_not_a_key_that_starts_an_action() {
        let said = rebound(&[("refresh", &["y"])]).map(|_| ()).unwrap_err().to_string();
        assert_eq!(said, "the key y would start refresh and confirm it; give one of them another key");
    }

    #[test]
    fn the_way_out_cannot_be_unbound() {
        assert_eq!(rebound(&[("quit", &[])]), Err(Clash::Keyless("quit".into())));
        assert!(rebound(&[("zoom", &[])]).is_ok());
    }
}
