//! The server's certificate, from a CA made at start.
//!
//! Here: keys, certificates, the TLS settings. Not here: who may connect; the
//! clients show tokens, not certificates.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A server's certificate and key in use, and the CA clients check it by.
#[derive(Clone)]
pub(in crate::practice) struct Certificate {
    /// The CA's certificate in PEM.
    pub ca: String,
    /// Settings for connections; HTTP/1.1 only.
    pub tls: Arc<ServerConfig>,
}

impl Certificate {
    /// Makes a CA and a certificate for the loopback addresses. They last for
    /// ever, because tests may have their own idea of what day it is.
    pub fn make() -> io::Result<Self> {
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "tidegate practice CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let ca = CertifiedIssuer::self_signed(ca, key).map_err(io::Error::other)?;

        let mut leaf = CertificateParams::default();
        leaf.distinguished_name.push(DnType::CommonName, "tidegate practice API");
        leaf.subject_alt_names = vec![
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            SanType::DnsName("localhost".try_into().map_err(io::Error::other)?),
        ];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = leaf.signed_by(&key, &ca).map_err(io::Error::other)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .map_err(io::Error::other)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { ca: ca.pem(), tls: Arc::new(tls) })
    }
}
