//! Names and short texts that people type. Each has one constructor, which says what is wrong.

use super::text::Text;
use crate::text;

macro_rules! parsed_string {
    ($($(#[$doc:meta])* $name:ident: $parse:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// # Errors
            /// Says what is wrong with the text.
            pub fn parse(text: &str) -> Result<Self, Text> {
                let parse: fn(&str) -> Result<String, Text> = $parse;
                parse(text).map(Self)
            }
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(|wrong| serde::de::Error::custom(wrong.key))
            }
        }
    )+};
}
pub(crate) use parsed_string;

parsed_string! {
    /// Short name in addresses and files: `[a-z0-9]` and `-` inside, at most 63 characters
    /// (RFC 1123 label, so that the same name fits everywhere in Kubernetes).
    Slug: |text| {
        if is_dns_label(text) { Ok(text.to_owned()) } else { Err(text!("name-not-a-slug")) }
    };
    /// A title: one line, 1 to 120 characters.
    Title: |text| line(text, 120);
    /// What a person signs in with: lower-case letters, digits, `.`, `_`, `-`, `@`; at most 64.
    Login: |text| {
        let text = text.trim().to_lowercase();
        let fits = !text.is_empty() && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-@+".contains(c));
        if fits { Ok(text) } else { Err(text!("name-not-a-login")) }
    };
    /// An e-mail address as far as a program should judge one: something, `@`, a host; one line.
    Email: |text| {
        let text = line(text, 254)?;
        match text.rsplit_once('@') {
            Some((local, host)) if !local.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace) => Ok(text),
            _ => Err(text!("name-not-an-email")),
        }
    };
    /// Free text of several lines, at most 4,000 characters: a note, a comment, a reason.
    Note: |text| {
        let text = text.replace("\r\n", "\n").trim().to_owned();
        if text.chars().count() > 4000 {
            return Err(text!("name-too-long", limit = 4000_i64));
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(text!("name-control-characters"));
        }
        Ok(text)
    };
    /// A Kubernetes namespace or container name (RFC 1123 label).
    Label: |text| {
        if is_dns_label(text) { Ok(text.to_owned()) } else { Err(text!("name-not-a-label")) }
    };
    /// The name of a Kubernetes workload (RFC 1123 subdomain).
    WorkloadName: |text| {
        let fits = !text.is_empty() && text.len() <= 253 && text.split('.').all(is_dns_label);
        if fits { Ok(text.to_owned()) } else { Err(text!("name-not-a-subdomain")) }
    };
    /// An `https` or `http` link to be shown on a page, at most 2,000 characters.
    Link: |text| {
        let text = line(text, 2000)?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest) if !rest.is_empty() && !text.contains(char::is_whitespace) => Ok(text),
            _ => Err(text!("name-not-a-link")),
        }
    };
}

impl Note {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 63
        && text.starts_with(inner)
        && text.ends_with(inner)
        && text.chars().all(|c| inner(c) || c == '-')
}

/// One trimmed line without control characters.
pub(crate) fn line(text: &str, limit: usize) -> Result<String, Text> {
    let text = text.trim();
    if text.is_empty() {
        return Err(text!("name-empty"));
    }
    if text.chars().count() > limit {
        return Err(text!("name-too-long", limit = limit));
    }
    if text.chars().any(char::is_control) {
        return Err(text!("name-control-characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_dns_label() {
        assert!(Slug::parse("shop-2").is_ok());
        for wrong in ["", "-a", "a-", "A", "a_b", "ä", &"a".repeat(64)] {
            assert!(Slug::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(Title::parse("  November storefront ").unwrap().as_str(), "November storefront");
        assert_eq!(Title::parse("a\nb").unwrap_err().key, "name-control-characters");
    }
}
