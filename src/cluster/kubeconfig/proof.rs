//! What proves who is who: the authorities that vouch for the cluster, and the user's token or
//! certificate. Read as far as a person should know before saving; whether the cluster agrees, only
//! the cluster can say.
//!
//! Errors of the libraries are dropped here: some quote their input.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;
use serde::Deserialize;
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate, X509Name};
use zeroize::Zeroizing;

use crate::cluster::credential::{ClientCertificate, Proof};
use crate::domain::canonical;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::text;
use crate::yaml::Node;

use super::fields::{self, UserFields};
use super::{GateKind, GateRefusal};

/// Longest token, in bytes. A header of more is refused by many servers.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Longest identity that is shown, in characters.
const LONGEST_IDENTITY: usize = 256;

/// Who may vouch for the cluster.
pub(super) struct Authorities {
    pub certificates: Vec<CertificateDer<'static>>,
    /// SHA-256 over each public key in hex, sorted, each once.
    pub fingerprints: Vec<String>,
}

/// What a token or certificate says of its owner; not verified, since only the cluster can.
#[derive(Default)]
pub(super) struct Told {
    pub identity: Option<String>,
    pub expires_at: Option<Timestamp>,
}

/// Reads `certificate-authority-data`. A bundle may hold old certificates; one that is good is
/// enough, and an authority that is at its end altogether is refused, because rustls would not.
pub(super) fn authorities(node: &Node, now: Timestamp) -> Result<Authorities, GateRefusal> {
    let line = node.line;
    let wrong = || GateRefusal::unfit(text!("kubeconfig-authority-unreadable", line = line));
    let sections = pem(node, "certificate-authority-data").ok_or_else(wrong)?;
    let (mut certificates, mut fingerprints, mut last_end) = (Vec::new(), Vec::new(), None);
    for (_, der) in sections.into_iter().filter(|(kind, _)| *kind == SectionKind::Certificate) {
        let certificate = x509(&der).ok_or_else(wrong)?;
        fingerprints.push(canonical::sha256_hex(certificate.public_key().raw));
        last_end = last_end.max(not_after(&certificate));
        certificates.push(CertificateDer::from(der.to_vec()));
    }
    match last_end {
        _ if certificates.is_empty() => Err(wrong()),
        Some(end) if end <= now => Err(expired(end, text!("kubeconfig-authority-expired", line = line, at = end))),
        _ => {
            fingerprints.sort();
            fingerprints.dedup();
            Ok(Authorities { certificates, fingerprints })
        }
    }
}

/// Reads the user's token or certificate. Both is refused: with both, what the page shows and what
/// the cluster sees could be two different people.
pub(super) fn of_user(user: &UserFields<'_>, now: Timestamp) -> Result<(Proof, Told), GateRefusal> {
    let unfit = |text| Err(GateRefusal::unfit(text));
    match (user.token, user.certificate, user.key) {
        (None, None, None) => unfit(text!("kubeconfig-no-credential", line = user.line)),
        (Some(token), None, None) => of_token(token, now),
        (None, Some(certificate), Some(key)) => of_certificate(certificate, key, now),
        (Some(_), ..) => Err(GateRefusal::login(text!("kubeconfig-two-credentials", line = user.line))),
        (None, Some(_), None) => unfit(text!("kubeconfig-key-absent", line = user.line)),
        (None, None, Some(_)) => unfit(text!("kubeconfig-certificate-absent", line = user.line)),
    }
}

fn of_token(node: &Node, now: Timestamp) -> Result<(Proof, Told), GateRefusal> {
    let line = node.line;
    let token = fields::text(node, "token")?;
    if token.len() > LONGEST_TOKEN {
        return Err(GateRefusal::unfit(text!("kubeconfig-token-too-long", line = line, limit = LONGEST_TOKEN / 1024)));
    }
    // What may stand in a header, without the blanks that programs trim in different ways.
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(GateRefusal::unfit(text!("kubeconfig-token-characters", line = line)));
    }
    let told = claims(token).unwrap_or_default();
    match told.expires_at {
        Some(end) if end <= now => Err(expired(end, text!("kubeconfig-token-expired", line = line, at = end))),
        _ => Ok((Proof::Token(SecretString::from(token)), told)),
    }
}

/// Subject and end of a JSON web token (RFC 7519), without verifying it; nothing for any other
/// token, which is fine.
fn claims(token: &str) -> Option<Told> {
    #[derive(Deserialize)]
    struct Claims {
        sub: Option<serde_json::Value>,
        exp: Option<serde_json::Value>,
    }
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    Some(Told {
        identity: claims.sub.as_ref().and_then(serde_json::Value::as_str).and_then(shown),
        expires_at: claims.exp.as_ref().and_then(seconds).and_then(instant),
    })
}

/// Seconds since 1970, where a fraction is allowed (RFC 7519, 2: `NumericDate`).
fn seconds(number: &serde_json::Value) -> Option<i64> {
    // The cast goes to the nearest number there is, and `instant` refuses the far ends.
    number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))
}

fn instant(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_micros(seconds.checked_mul(1_000_000)?)
}

fn of_certificate(certificate: &Node, key: &Node, now: Timestamp) -> Result<(Proof, Told), GateRefusal> {
    let line = certificate.line;
    let wrong = || GateRefusal::unfit(text!("kubeconfig-certificate-unreadable", line = line));
    let chain: Vec<_> = pem(certificate, "client-certificate-data")
        .ok_or_else(wrong)?
        .into_iter()
        .filter(|(kind, _)| *kind == SectionKind::Certificate)
        .map(|(_, der)| der)
        .collect();
    // The user's own comes first (RFC 5246, 7.4.2); what follows leads to the authority.
    let mut read = chain.iter().map(|der| x509(der).ok_or_else(wrong));
    let own = read.next().ok_or_else(wrong)??;
    read.try_for_each(|other| other.map(drop))?;

    let unsupported = || GateRefusal::unfit(text!("kubeconfig-key-unsupported", line = key.line));
    let key = private_key(key)?;
    let pair = any_supported_type(&key).map_err(|_| unsupported())?;
    let public = pair.public_key().ok_or_else(unsupported)?;
    if !is_key_of(public.as_ref(), &own) {
        return Err(GateRefusal::unfit(text!("kubeconfig-key-of-another", line = line)));
    }
    let told = Told { identity: subject(own.subject()), expires_at: not_after(&own) };
    match told.expires_at {
        Some(end) if end <= now => Err(expired(end, text!("kubeconfig-certificate-expired", line = line, at = end))),
        _ => {
            let chain = chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
            Ok((Proof::Certificate(ClientCertificate::new(chain, &key)), told))
        }
    }
}

fn private_key(node: &Node) -> Result<Zeroizing<PrivateKeyDer<'static>>, GateRefusal> {
    let line = node.line;
    let wrong = || GateRefusal::unfit(text!("kubeconfig-key-unreadable", line = line));
    let pem = decoded(node, "client-key-data").ok_or_else(wrong)?;
    // PKCS #8 (RFC 5958) and PKCS #1 with a passphrase, which nobody would be there to type.
    let says = |mark: &[u8]| pem.windows(mark.len()).any(|window| window == mark);
    if says(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || says(b"Proc-Type: 4,ENCRYPTED") {
        return Err(GateRefusal::login(text!("kubeconfig-key-encrypted", line = line)));
    }
    PrivateKeyDer::from_pem_slice(&pem).map(Zeroizing::new).map_err(|_| wrong())
}

/// Compares the algorithm and the key itself: the encoding around them may differ in its details.
fn is_key_of(public: &[u8], certificate: &X509Certificate<'_>) -> bool {
    let Ok((_, public)) = SubjectPublicKeyInfo::from_der(public) else { return false };
    let own = certificate.public_key();
    public.algorithm.algorithm == own.algorithm.algorithm
        && public.subject_public_key.data == own.subject_public_key.data
}

/// The decoded value of a `…-data` field; nothing where it is no base64. Blanks and line ends inside
/// are left out, as client-go does with line ends.
fn decoded(node: &Node, field: &'static str) -> Option<Zeroizing<Vec<u8>>> {
    let text = fields::text(node, field).ok()?;
    let mut packed = Zeroizing::new(Vec::with_capacity(text.len()));
    packed.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD.decode(&*packed).ok().map(Zeroizing::new)
}

/// The PEM sections of a `…-data` field (RFC 7468); nothing where one is broken.
fn pem(node: &Node, field: &'static str) -> Option<Vec<(SectionKind, Zeroizing<Vec<u8>>)>> {
    let pem = decoded(node, field)?;
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(&pem);
    sections.map(|section| section.ok().map(|(kind, der)| (kind, Zeroizing::new(der)))).collect()
}

fn x509(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

fn not_after(certificate: &X509Certificate<'_>) -> Option<Timestamp> {
    instant(certificate.validity().not_after.timestamp())
}

fn expired(at: Timestamp, text: Text) -> GateRefusal {
    GateRefusal { kind: GateKind::Expired(at), text }
}

/// The parts of a subject that Kubernetes reads: the common name as the user, the organisations as
/// groups.
fn subject(name: &X509Name<'_>) -> Option<String> {
    let common = name.iter_common_name().filter_map(|part| part.as_str().ok()).map(|part| format!("CN={part}"));
    let groups = name.iter_organization().filter_map(|part| part.as_str().ok()).map(|part| format!("O={part}"));
    shown(&common.chain(groups).collect::<Vec<_>>().join(", "))
}

/// A name from inside a credential, if it can be shown as one line.
fn shown(name: &str) -> Option<String> {
    let fits = !name.is_empty() && name.chars().count() <= LONGEST_IDENTITY && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}
