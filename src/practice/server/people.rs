//! Who asks.
//!
//! Here: the administrator, accounts with a token, service accounts, and nobody.
//! Not here: what they may do (`rights`).

use std::sync::{PoisonError, RwLock};

use serde_json::{Value, json};

use super::rights::Rule;
use crate::practice::{
    objects::{refused::Refused, store::Desk},
    tokens::Tokens,
};

/// Somebody with a token and rules of their own, outside the cluster's roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user name; also the subject `User` of bindings.
    pub name: String,
    /// The bearer token.
    pub token: String,
    /// What the account may do, besides what bindings give it.
    pub rules: Vec<Rule>,
}

impl Account {
    /// An account by name, with the token it is known by and its rules.
    pub fn new(name: &str, token: &str, rules: Vec<Rule>) -> Self {
        Self { name: name.to_owned(), token: token.to_owned(), rules }
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub(in crate::practice) struct User {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
    pub rules: Vec<Rule>,
}

impl User {
    fn new(name: &str, uid: &str, groups: &[&str], rules: Vec<Rule>) -> Self {
        Self {
            name: name.to_owned(),
            uid: uid.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            rules,
        }
    }

    fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|other| other == group)
    }

    /// Whether this is the administrator.
    pub fn is_master(&self) -> bool {
        self.is_in("system:masters")
    }

    /// Whether this is somebody at all.
    pub fn is_known(&self) -> bool {
        self.is_in("system:authenticated")
    }

    /// As `selfsubjectreviews` tells it.
    pub fn json(&self) -> Value {
        let mut user = json!({"username": self.name, "groups": self.groups});
        if !self.uid.is_empty() {
            user["uid"] = self.uid.as_str().into();
        }
        user
    }
}

/// Everybody the server knows by a token.
pub(in crate::practice) struct People {
    pub admin_token: String,
    pub tokens: Tokens,
    accounts: RwLock<Vec<Account>>,
}

impl People {
    pub fn new(admin_token: String, tokens: Tokens, accounts: Vec<Account>) -> Self {
        Self { admin_token, tokens, accounts: RwLock::new(accounts) }
    }

    /// Lets an account in, in the place of one of the same name.
    pub fn admit(&self, account: Account) {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|other| other.name != account.name);
        accounts.push(account);
    }

    /// Lets an account in no longer.
    pub fn dismiss(&self, name: &str) {
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).retain(|account| account.name != name);
    }

    /// Who shows this header; nobody in particular where there is none.
    pub fn recognise(&self, desk: &Desk<'_>, header: Option<&str>) -> Result<User, Refused> {
        let Some(header) = header else {
            return Ok(User::new("system:anonymous", "", &["system:unauthenticated"], Vec::new()));
        };
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(Refused::unauthorized)?;
        if token == self.admin_token {
            let groups = ["system:masters", "system:authenticated"];
            return Ok(User::new("admin", "admin", &groups, Vec::new()));
        }
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.iter().find(|account| account.token == token) {
            let groups = ["system:authenticated"];
            return Ok(User::new(&account.name, &account.name, &groups, account.rules.clone()));
        }
        let bearer = self.tokens.read(desk, token).ok_or_else(Refused::unauthorized)?;
        let name = format!("system:serviceaccount:{}:{}", bearer.namespace, bearer.name);
        let group = format!("system:serviceaccounts:{}", bearer.namespace);
        let groups = ["system:serviceaccounts", &group, "system:authenticated"];
        Ok(User::new(&name, &bearer.uid, &groups, Vec::new()))
    }
}
