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
    /// A list of more objects than are looked at, or one that does not end.
    TooMany,
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
            Self::TooMany => text!("failure-too-many", most = super::observe::MOST),
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
            // An error that is no error of Kubernetes: it says nothing about what was done.
            0 => Self::Nonsense,
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
            // Its source is what is behind the error it wraps, not that error.
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
                continue;
            }
        }
        if let Some(refused) = cause.downcast_ref::<super::connect::AddressRefused>() {
            return refused.0.clone();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, message: &str) -> Failure {
        let status = serde_json::from_value(serde_json::json!({ "code": code, "message": message })).unwrap();
        Failure::of_status(&status)
    }

    #[test]
    fn each_answer_says_whether_it_may_pass_and_whether_a_write_may_have_happened() {
        // (code, may pass, leaves a write unknown)
        for (code, passes, unknown) in [
            (400, false, false),
            (401, false, false),
            (403, false, false),
            (404, false, false),
            (405, false, false),
            (408, true, true),
            (409, false, false),
            (410, false, false),
            (415, false, false),
            (422, false, false),
            (429, true, false),
            (500, true, true),
            (502, true, true),
            (503, true, true),
            (504, true, true),
            (599, true, true),
        ] {
            let failure = status(code, "because");
            assert_eq!((failure.may_pass(), failure.leaves_write_unknown()), (passes, unknown), "{code}");
        }
        let broken = Failure::Unreachable(text!("failure-connection"));
        assert!(broken.may_pass() && broken.leaves_write_unknown());
        assert!(!Failure::Nonsense.may_pass() && Failure::Nonsense.leaves_write_unknown());
    }

    #[test]
    fn a_long_message_is_cut_and_stays_on_one_line() {
        let long = "é\n".repeat(4_000);
        let Failure::Refused(message) = status(422, &long) else { panic!("it is a refusal") };
        assert_eq!(message.chars().count(), 401);
        assert!(message.ends_with('…') && !message.contains('\n'));
        assert_eq!(short("brief"), "brief");
        assert_eq!(short(&"x".repeat(400)), "x".repeat(400));
    }

    #[test]
    fn what_broke_is_told_by_its_kind_and_not_in_the_words_of_a_library() {
        let secret = "eyJhbGciOiJSUzI1NiJ9.secret";
        let wrapped = |error: std::io::Error| -> Failure { kube::Error::Service(Box::new(error)).into() };
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(wrapped(refused), Failure::Unreachable(text!("failure-connection-refused")));
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        assert_eq!(wrapped(late), Failure::Unreachable(text!("failure-timeout")));
        let certificate = std::io::Error::other(rustls::Error::General(secret.into()));
        assert_eq!(wrapped(certificate), Failure::Unreachable(text!("failure-certificate")));
        let wrapped_twice = std::io::Error::other(std::io::Error::other(rustls::Error::General(secret.into())));
        assert_eq!(wrapped(wrapped_twice), Failure::Unreachable(text!("failure-certificate")));
        let other = std::io::Error::other(format!("Authorization: Bearer {secret}"));
        assert_eq!(wrapped(other), Failure::Unreachable(text!("failure-connection")));
        let nonsense = serde_json::from_str::<u8>(secret).unwrap_err();
        assert_eq!(Failure::from(kube::Error::SerdeError(nonsense)), Failure::Nonsense);
        for failure in
            [wrapped(std::io::Error::other(secret)), status(401, secret), status(503, secret), status(409, secret)]
        {
            assert!(!format!("{failure:?} {:?}", failure.text()).contains(secret), "{failure:?}");
        }
    }
}
