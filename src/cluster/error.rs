//! What a conversation with a cluster can end in, as far as the job has to tell cases apart. A
//! message of the API server is shown to people, cut short; bodies, headers and addresses of a
//! connection are not.

use kube::core::Status;

use crate::domain::text::Text;
use crate::text;

/// Why a call did not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or it broke, or no answer in time: nothing is known of what the server did.
    Unreachable(Text),
    /// The server is overloaded or being restarted, and says so. It may have done what it was asked
    /// all the same.
    Unavailable(Text),
    /// The server turned the call away at its door, because it has too much to do.
    Busy,
    /// The credential is not accepted.
    Unauthorized,
    /// The credential may not do this.
    Forbidden(String),
    /// There is no such object.
    NotFound(String),
    /// The object was changed by somebody else meanwhile.
    Conflict,
    /// The server, or an admission webhook, does not accept it.
    Refused(String),
    /// The answer is no answer of a Kubernetes API.
    Nonsense,
}

impl Failure {
    /// Whether a write that ended like this may have happened all the same: then the cluster is
    /// read before anything else is done.
    pub fn leaves_write_unknown(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unavailable(_) | Self::Nonsense)
    }

    /// Whether asking again may help.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unavailable(_) | Self::Busy)
    }

    /// The sentence for it.
    pub fn text(&self) -> Text {
        match self {
            Self::Unreachable(text) | Self::Unavailable(text) => text.clone(),
            Self::Busy => text!("failure-busy"),
            Self::Unauthorized => text!("failure-unauthorized"),
            Self::Forbidden(message) => text!("failure-forbidden", message = message),
            Self::NotFound(message) => text!("failure-not-found", message = message),
            Self::Conflict => text!("failure-conflict"),
            Self::Refused(message) => text!("failure-refused", message = message),
            Self::Nonsense => text!("failure-nonsense"),
        }
    }

    /// From an answer of the API server.
    pub fn of_status(status: &Status) -> Self {
        let message = short(&status.message);
        match status.code {
            401 => Self::Unauthorized,
            403 => Self::Forbidden(message),
            404 => Self::NotFound(message),
            409 => Self::Conflict,
            429 => Self::Busy,
            408 | 500..=599 => Self::Unavailable(text!("failure-unavailable", code = i64::from(status.code))),
            _ => Self::Refused(message),
        }
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(&status),
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::Nonsense,
            other => Self::Unreachable(reason(&other)),
        }
    }
}

/// The cause of a broken connection, told by kind and not by the library's words, which quote
/// addresses and answers.
fn reason(error: &(dyn std::error::Error + 'static)) -> Text {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => return text!("failure-connection-refused"),
                std::io::ErrorKind::TimedOut => return text!("failure-timeout"),
                _ => {}
            }
            if let Some(inner) = io.get_ref() {
                if let Some(refused) = inner.downcast_ref::<super::connect::AddressRefused>() {
                    return refused.0.clone();
                }
                if inner.downcast_ref::<rustls::Error>().is_some() {
                    return text!("failure-certificate");
                }
            }
        }
        if cause.downcast_ref::<rustls::Error>().is_some() {
            return text!("failure-certificate");
        }
        if cause.downcast_ref::<http_body_util::LengthLimitError>().is_some() {
            return text!("failure-too-large");
        }
        next = cause.source();
    }
    text!("failure-connection")
}

/// At most 400 characters of a server's message, on one line.
pub(super) fn short(message: &str) -> String {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(401).collect();
    match line.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
