//! People, groups and roles: who may look, request, start and administer. Signing comes from group
//! membership alone and stands in [`super::signoff`].

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{EnvironmentId, GroupId, PersonId, TokenId};
use super::refusal::Refusal;
use super::text::Text;
use crate::text;

/// What somebody may do. A role is given for one environment or for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Request releases, and look.
    Requester,
    /// Start, cancel and roll back, plan windows, and look.
    Operator,
    /// Manage things and people, and look. Implies neither signing nor starting.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Requester, Self::Operator, Self::Admin];

    /// The word for it in code, tables and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Requester => "requester",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// # Errors
    /// When there is no such role.
    pub fn parse(text: &str) -> Result<Self, Text> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| text!("role-unknown"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token is allowed to do on behalf of its person, never more than the person may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Register images.
    #[serde(rename = "images:write")]
    ImagesWrite,
    /// Request, revise and withdraw releases.
    #[serde(rename = "releases:write")]
    ReleasesWrite,
    /// Read everything its person may look at.
    #[serde(rename = "releases:read")]
    ReleasesRead,
    /// Start, cancel and roll back.
    #[serde(rename = "deployments:start")]
    DeploymentsStart,
    /// Create, announce and move windows.
    #[serde(rename = "windows:write")]
    WindowsWrite,
    /// Manage services, environments, clusters, groups, people: what `tidegate apply` does.
    #[serde(rename = "settings:write")]
    SettingsWrite,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 6] = [
        Self::ImagesWrite,
        Self::ReleasesWrite,
        Self::ReleasesRead,
        Self::DeploymentsStart,
        Self::WindowsWrite,
        Self::SettingsWrite,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImagesWrite => "images:write",
            Self::ReleasesWrite => "releases:write",
            Self::ReleasesRead => "releases:read",
            Self::DeploymentsStart => "deployments:start",
            Self::WindowsWrite => "windows:write",
            Self::SettingsWrite => "settings:write",
        }
    }

    /// # Errors
    /// When there is no such scope.
    pub fn parse(text: &str) -> Result<Self, Text> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| text!("scope-unknown", scope = text))
    }
}

/// Who acts. In the audit log by id; names stand elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person in a browser, with the way they signed in.
    Person(PersonId),
    /// A program with a person's token.
    Token {
        /// Which token.
        token: TokenId,
        /// Whose it is: its requests count as theirs.
        person: PersonId,
        /// What it is limited to.
        scopes: BTreeSet<Scope>,
    },
    /// The portal's own background work.
    Runner,
    /// Somebody with a shell on the server, or the first setup.
    Console,
}

impl Actor {
    /// The person behind it.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Person(person) | Self::Token { person, .. } => Some(*person),
            Self::Runner | Self::Console => None,
        }
    }
    /// The token it came with.
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Self::Token { token, .. } => Some(*token),
            _ => None,
        }
    }
    /// How audit leaves name it.
    pub fn label(&self) -> String {
        match self {
            Self::Person(person) => format!("person:{person}"),
            Self::Token { token, .. } => format!("token:{token}"),
            Self::Runner => "runner".to_owned(),
            Self::Console => "console".to_owned(),
        }
    }
}

/// What the acting person may do now: roles and groups as they are in this transaction.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Roles, each for one environment or (`None`) for all.
    pub grants: BTreeSet<(Role, Option<EnvironmentId>)>,
    /// Groups the person is in.
    pub groups: BTreeSet<GroupId>,
    /// Environments whose policy names one of those groups: whoever may sign may look.
    pub signs_in: BTreeSet<EnvironmentId>,
    /// Limits of the token used; `None` for a person in a browser.
    pub scopes: Option<BTreeSet<Scope>>,
    /// The portal itself, or the console: may do everything.
    pub internal: bool,
}

/// Held by whoever may start, cancel and roll back in an environment. Only [`Access`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Operator(PersonId, EnvironmentId);

impl Operator {
    /// Who.
    pub fn person(self) -> PersonId {
        self.0
    }
    /// Where.
    pub fn environment(self) -> EnvironmentId {
        self.1
    }
}

impl Access {
    /// The portal's own background work, and the console.
    pub fn internal() -> Self {
        Self { internal: true, ..Self::default() }
    }

    /// Whether a role is held for the environment, or for all.
    pub fn holds(&self, role: Role, environment: EnvironmentId) -> bool {
        self.internal || self.grants.contains(&(role, None)) || self.grants.contains(&(role, Some(environment)))
    }

    /// Whether a role is held for all environments.
    pub fn holds_everywhere(&self, role: Role) -> bool {
        self.internal || self.grants.contains(&(role, None))
    }

    /// Whether a role is held anywhere at all.
    pub fn holds_somewhere(&self, role: Role) -> bool {
        self.internal || self.grants.iter().any(|(held, _)| *held == role)
    }

    /// Whether the environment and its releases may be looked at.
    pub fn may_look(&self, environment: EnvironmentId) -> bool {
        Role::ALL.into_iter().any(|role| self.holds(role, environment)) || self.signs_in.contains(&environment)
    }

    /// Whether anything may be looked at: services, images, windows.
    pub fn may_look_somewhere(&self) -> bool {
        self.internal || !self.grants.is_empty() || !self.signs_in.is_empty()
    }

    /// # Errors
    /// *Forbidden* for a person without any role or group.
    pub fn look_somewhere(&self) -> Result<(), Refusal> {
        if self.may_look_somewhere() { Ok(()) } else { Err(Refusal::forbidden(text!("refusal-no-role"))) }
    }

    /// Whether one may look at everything, wherever it goes: the audit log, what a credential reaches.
    pub fn looks_everywhere(&self) -> bool {
        [Role::Admin, Role::Operator, Role::Viewer].into_iter().any(|role| self.holds_everywhere(role))
    }

    /// # Errors
    /// *Absent*, as whoever may not look may not know either.
    pub fn look(&self, environment: EnvironmentId) -> Result<(), Refusal> {
        if self.may_look(environment) { Ok(()) } else { Err(Refusal::absent()) }
    }

    /// Whether a program may read what its person may look at: with the scope for it, or with the one
    /// that manages everything.
    ///
    /// # Errors
    /// When the token used was given neither.
    pub fn read(&self) -> Result<(), Refusal> {
        match &self.scopes {
            Some(scopes) if scopes.contains(&Scope::SettingsWrite) => Ok(()),
            _ => self.scope(Scope::ReleasesRead),
        }
    }

    /// # Errors
    /// When the token used was not given the scope.
    pub fn scope(&self, scope: Scope) -> Result<(), Refusal> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(&scope) => {
                Err(Refusal::forbidden(text!("refusal-scope", scope = scope.as_str())))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// *Absent* where one may not look, else *forbidden*.
    pub fn request(&self, environment: EnvironmentId) -> Result<(), Refusal> {
        self.scope(Scope::ReleasesWrite)?;
        self.need(Role::Requester, environment, || text!("refusal-not-requester"))
    }

    /// # Errors
    /// *Absent* where one may not look, else *forbidden*.
    pub fn operate(&self, person: PersonId, environment: EnvironmentId) -> Result<Operator, Refusal> {
        self.scope(Scope::DeploymentsStart)?;
        self.need(Role::Operator, environment, || text!("refusal-not-operator"))?;
        Ok(Operator(person, environment))
    }

    /// Whether windows may be created, announced and moved: any operator.
    ///
    /// # Errors
    /// *Forbidden* otherwise.
    pub fn plan_windows(&self) -> Result<(), Refusal> {
        self.scope(Scope::WindowsWrite)?;
        if self.holds_somewhere(Role::Operator) || self.holds_everywhere(Role::Admin) {
            Ok(())
        } else {
            Err(Refusal::forbidden(text!("refusal-not-window-planner")))
        }
    }

    /// Whether one may move or call off what is planned for an environment.
    pub fn plans_for(&self, environment: EnvironmentId) -> bool {
        self.holds(Role::Operator, environment) || self.holds_everywhere(Role::Admin)
    }

    /// Managing everything.
    ///
    /// # Errors
    /// *Forbidden* otherwise.
    pub fn administer(&self) -> Result<(), Refusal> {
        self.scope(Scope::SettingsWrite)?;
        if self.holds_everywhere(Role::Admin) { Ok(()) } else { Err(Refusal::forbidden(text!("refusal-not-admin"))) }
    }

    /// Managing one environment: its policy and its targets.
    ///
    /// # Errors
    /// *Absent* where one may not look, else *forbidden*.
    pub fn administer_environment(&self, environment: EnvironmentId) -> Result<(), Refusal> {
        self.scope(Scope::SettingsWrite)?;
        self.need(Role::Admin, environment, || text!("refusal-not-admin"))
    }

    fn need(&self, role: Role, environment: EnvironmentId, words: impl FnOnce() -> Text) -> Result<(), Refusal> {
        if self.holds(role, environment) {
            Ok(())
        } else if self.may_look(environment) {
            Err(Refusal::forbidden(words()))
        } else {
            Err(Refusal::absent())
        }
    }
}

/// Judges a new password: at least 12 characters, at most 200, and not the login itself. Length
/// is what protects (NIST SP 800-63B, 5.1.1.2); rules about character classes are left out on
/// purpose.
///
/// # Errors
/// Says what is missing.
pub fn check_password(password: &str, login: &str) -> Result<(), Text> {
    let length = password.chars().count();
    if length < 12 {
        Err(text!("password-too-short", least = 12_i64))
    } else if length > 200 {
        Err(text!("password-too-long", most = 200_i64))
    } else if password.to_lowercase().contains(&login.to_lowercase()) {
        Err(text!("password-holds-login"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_for_one_environment_says_nothing_about_another() {
        let access = Access { grants: [(Role::Operator, Some(EnvironmentId(1)))].into(), ..Access::default() };
        assert!(access.operate(PersonId(1), EnvironmentId(1)).is_ok());
        assert_eq!(access.operate(PersonId(1), EnvironmentId(2)).unwrap_err(), Refusal::absent());
        assert!(access.request(EnvironmentId(1)).is_err(), "an operator is no requester");
    }

    #[test]
    fn an_administrator_does_not_start() {
        let access = Access { grants: [(Role::Admin, None)].into(), ..Access::default() };
        assert!(access.administer().is_ok());
        assert!(access.operate(PersonId(1), EnvironmentId(1)).is_err());
    }

    #[test]
    fn a_token_does_no_more_than_its_scopes() {
        let access = Access {
            grants: [(Role::Admin, None), (Role::Requester, None)].into(),
            scopes: Some([Scope::ImagesWrite].into()),
            ..Access::default()
        };
        assert!(access.administer().is_err());
        assert!(access.request(EnvironmentId(1)).is_err());
    }

    #[test]
    fn a_password_is_long() {
        assert!(check_password("short", "ada").is_err());
        assert!(check_password("ada-ada-ada-ada", "ada").is_err());
        assert!(check_password("correct horse battery", "ada").is_ok());
    }
}
