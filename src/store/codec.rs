//! How the domain's types stand in columns: ids and instants as integers, names and enums as text,
//! structures as JSON text. A value is read by the type's own constructor, so that what was stored
//! wrong is found and not passed on.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

use crate::domain::announcement::AnnouncementKind;
use crate::domain::deployment::{Direction, Verdict};
use crate::domain::environment::StartMode;
use crate::domain::id::*;
use crate::domain::image::{Branch, Commit, CommitIdentity, Digest, Repository, Tag};
use crate::domain::name::{Email, Label, Login, Note, Slug, Title, WorkloadName};
use crate::domain::person::Role;
use crate::domain::release::Ended;
use crate::domain::service::WorkloadKind;
use crate::domain::signoff::DecisionKind;
use crate::domain::time::{Timestamp, Zone};

macro_rules! column {
    ($type:ty as $raw:ty, $to:expr, $from:expr) => {
        impl<DB: Database> Type<DB> for $type
        where
            $raw: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$raw as Type<DB>>::type_info()
            }
            fn compatible(info: &DB::TypeInfo) -> bool {
                <$raw as Type<DB>>::compatible(info)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $type
        where
            $raw: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let to: fn(&$type) -> $raw = $to;
                to(self).encode(buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $type
        where
            $raw: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                let from: fn($raw) -> Option<$type> = $from;
                let raw = <$raw as Decode<DB>>::decode(value)?;
                from(raw).ok_or_else(|| concat!("not a stored ", stringify!($type)).into())
            }
        }
    };
}

macro_rules! columns {
    (id: $($id:ty),+; text: $($text:ty),+; word: $($word:ty),+ $(,)?) => {
        $(column!($id as i64, |id| id.0, |raw| Some(<$id>::from_raw(raw)));)+
        $(column!($text as String, |text| text.as_str().to_owned(), |raw| <$text>::parse(&raw).ok());)+
        $(column!($word as String, |word| word.as_str().to_owned(),
            |raw| <$word>::ALL.into_iter().find(|one| one.as_str() == raw));)+
    };
}

columns! {
    id: PersonId, GroupId, GrantId, TokenId, ClusterId, CredentialId, EnvironmentId, ServiceId, TargetId, ImageId,
        ReleaseNumber, DecisionId, WindowId, AnnouncementId, DeploymentId;
    text: Slug, Title, Login, Email, Note, Label, WorkloadName, Repository, Digest, Tag, Commit, Branch, CommitIdentity;
    word: Role, StartMode, Ended, DecisionKind, AnnouncementKind, Direction, Verdict, WorkloadKind,
        super::cluster::CredentialState, super::session::Method,
}

column!(Timestamp as i64, |at| at.micros(), Timestamp::from_micros);
column!(Zone as String, |zone| zone.name().to_owned(), |raw| Zone::parse(&raw).ok());

/// A structure in a TEXT column, as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T>(pub T);

impl<DB: Database, T> Type<DB> for Stored<T>
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <String as Type<DB>>::type_info()
    }
    fn compatible(info: &DB::TypeInfo) -> bool {
        <String as Type<DB>>::compatible(info)
    }
}

impl<'q, DB: Database, T: serde::Serialize> Encode<'q, DB> for Stored<T>
where
    String: Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        serde_json::to_string(&self.0)?.encode(buffer)
    }
}

impl<'r, DB: Database, T: serde::de::DeserializeOwned> Decode<'r, DB> for Stored<T>
where
    String: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let raw = <String as Decode<DB>>::decode(value)?;
        Ok(Self(serde_json::from_str(&raw)?))
    }
}
