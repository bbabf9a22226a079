//! Identities. Each kind of thing has an id type of its own, so that a service cannot be handed in
//! where an environment is wanted. To add one: a line in the list at the end.

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// From the number it is stored as.
            pub const fn from_raw(raw: i64) -> Self {
                Self(raw)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id! {
    /// A person with an account.
    PersonId,
    /// A group of people who can satisfy a sign-off rule.
    GroupId,
    /// A role given to a person or a group.
    GrantId,
    /// A bearer token of the API.
    TokenId,
    /// A Kubernetes API the portal can reach.
    ClusterId,
    /// One sealed credential of a cluster; a renewed one has a new id.
    CredentialId,
    /// A place with a policy.
    EnvironmentId,
    /// Something people deploy.
    ServiceId,
    /// A service in an environment.
    TargetId,
    /// A container image, named by its digest.
    ImageId,
    /// The number of a release: 42 in the API, `R-42` for people.
    ReleaseNumber,
    /// One person's sign-off or rejection.
    DecisionId,
    /// An announced span of time.
    WindowId,
    /// A message about a window.
    AnnouncementId,
    /// One execution of a release.
    DeploymentId,
}

impl ReleaseNumber {
    /// The form people read and say.
    pub fn label(self) -> String {
        format!("R-{}", self.0)
    }
}
