//! Where a session looks for a name without a schema.

use super::words::{Token, tokens};

/// What a session without settings of its own has.
const USUAL: &str = "\"$user\", public";

/// The schemas of a session's search_path, in order.
#[derive(Clone, Debug)]
pub(super) struct SearchPath<'a> {
    user: &'a str,
    setting: &'a str,
    schemas: Vec<String>,
}

impl<'a> SearchPath<'a> {
    /// That of a session of this role, as its settings have it, if they do.
    pub(super) fn of(setting: Option<&'a str>, user: &'a str) -> SearchPath<'a> {
        let setting = setting.unwrap_or(USUAL);
        SearchPath { user, setting, schemas: schemas(&tokens(setting), user) }
    }

    /// Takes in a change, if that is what these words begin with: a SET, or a call of set_config.
    pub(super) fn follow(&mut self, words: &[Token]) {
        let [first, rest @ ..] = words else { return };
        if let (true, [Token::Open, Token::Text(what), Token::Other, Token::Text(value), ..]) =
            (first.is("set_config"), rest)
            && what.eq_ignore_ascii_case("search_path")
        {
            self.schemas = schemas(&tokens(value), self.user);
        }
        let rest = match rest {
            [scope, rest @ ..] if scope.is("session") || scope.is("local") => rest,
            rest => rest,
        };
        match rest {
            [what, to, value] if first.is("set") && what.is("search_path") && is_to(to) && value.is("default") => {
                self.schemas = schemas(&tokens(self.setting), self.user);
            }
            [what, to, values @ ..] if first.is("set") && what.is("search_path") && is_to(to) => {
                self.schemas = schemas(values, self.user);
            }
            _ => {}
        }
    }

    /// The first of its schemas that is one of these.
    pub(super) fn first_of<'b>(&self, among: &'b [String]) -> Option<&'b str> {
        self.schemas.iter().find_map(|schema| among.iter().find(|one| *one == schema)).map(String::as_str)
    }

    /// The schema of a name of which nothing is known.
    pub(super) fn likely(&self) -> &str {
        let public = self.schemas.iter().find(|schema| *schema == "public");
        public.or(self.schemas.first()).map_or("public", String::as_str)
    }
}

fn is_to(word: &Token) -> bool {
    *word == Token::Other || word.is("to")
}

fn schemas(words: &[Token], user: &str) -> Vec<String> {
    let named = words.iter().filter_map(|word| match word {
        Token::Word(name) | Token::Quoted(name) | Token::Text(name) => Some(name.as_str()),
        _ => None,
    });
    named.map(|name| if name == "$user" { user } else { name }.to_string()).collect()
}

/// The schemas of a search_path as `SET` takes it, `$user` being this role.
pub fn schemas_of_path(setting: &str, user: &str) -> Vec<String> {
    schemas(&tokens(setting), user)
}
