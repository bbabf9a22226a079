//! The address of a cluster: `https://host[:port][/path]` and nothing else. Stricter than RFC 3986,
//! so that every program that reads the same text reads the same place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::ServerName;

use crate::domain::address::AddressAllowance;
use crate::domain::cluster::Fingerprint;
use crate::domain::text::Text;
use crate::text;
use crate::yaml::Node;

use super::{GateRefusal, fields};

/// Longest path, in bytes.
const LONGEST_PATH: usize = 256;

/// Where a cluster listens.
#[derive(Debug)]
pub(super) struct Server {
    /// DNS name in lower case, or an address in its shortest form, without brackets.
    pub host: String,
    pub port: u16,
    /// Empty, or beginning with a slash and not ending with one.
    pub path: String,
    address: Option<IpAddr>,
}

impl Server {
    pub fn parse(node: &Node) -> Result<Self, GateRefusal> {
        Self::from_text(fields::text(node, "server")?, node.line).map_err(GateRefusal::unfit)
    }

    fn from_text(url: &str, line: usize) -> Result<Self, Text> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(text!("kubeconfig-server-scheme", line = line));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "https" => {}
            "http" => return Err(text!("kubeconfig-server-http", line = line)),
            _ => return Err(text!("kubeconfig-server-scheme", line = line)),
        }
        if rest.contains(['?', '#']) {
            return Err(text!("kubeconfig-server-query", line = line));
        }
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(text!("kubeconfig-server-userinfo", line = line));
        }
        let (host, port) = split_port(authority).ok_or_else(|| text!("kubeconfig-server-host", line = line))?;
        let (host, address) = host_of(host).ok_or_else(|| text!("kubeconfig-server-host", line = line))?;
        let port = match port {
            None => 443,
            Some(port) => port_of(port).ok_or_else(|| text!("kubeconfig-server-port", line = line))?,
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        if !is_plain_path(path) {
            return Err(text!("kubeconfig-server-path", line = line));
        }
        Ok(Self { host, port, path: path.to_owned(), address })
    }

    /// What can be said without asking a name server. Other names are judged by whoever connects.
    pub fn judge(&self, allowance: AddressAllowance) -> Result<(), GateRefusal> {
        // RFC 6761: these names are loopback everywhere.
        let local = self.host == "localhost" || self.host.ends_with(".localhost");
        let address = if local { Some(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { self.address };
        address.map_or(Ok(()), |address| allowance.judge(address)).map_err(GateRefusal::unfit)
    }

    /// The cluster there, with the name its certificate must be for if the file gives one.
    pub fn cluster(self, tls_server_name: Option<String>, authorities: Vec<String>) -> Fingerprint {
        Fingerprint {
            scheme: "https".to_owned(),
            tls_server_name: tls_server_name.filter(|name| *name != self.host),
            host: self.host,
            port: self.port,
            path: self.path,
            authorities,
        }
    }
}

/// Host and port, where both can be told apart: an IPv6 address needs its brackets.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let colon = match authority.rfind(']') {
        Some(bracket) if bracket + 1 == authority.len() => None,
        Some(bracket) if authority[bracket + 1..].starts_with(':') => Some(bracket + 1),
        Some(_) => return None,
        None => authority.find(':'),
    };
    match colon {
        Some(colon) => Some((&authority[..colon], Some(&authority[colon + 1..]))),
        None => Some((authority, None)),
    }
}

fn host_of(host: &str) -> Option<(String, Option<IpAddr>)> {
    if let Some(inside) = host.strip_prefix('[') {
        let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
        return Some((address.to_string(), Some(address.into())));
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some((address.to_string(), Some(address.into())));
    }
    let host = host.to_ascii_lowercase();
    is_dns_name(&host).then_some((host, None))
}

/// Letters, digits, `-` and `_`. A last label that is a number would be read as an IPv4 address by
/// some programs (`127.1`, `0x7f.0x1`, `2130706433`).
fn is_dns_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.chars().all(|c| c.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_hexdigit()));
    host.len() <= 253 && host.split('.').all(label) && !number
}

fn port_of(port: &str) -> Option<u16> {
    let digits = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    if digits { port.parse().ok().filter(|port| *port != 0) } else { None }
}

/// Segments of letters, digits and `-._~:@`: nothing encoded, no empty segment, no `..`. Servers
/// that stand for many clusters tell them apart by such a path.
fn is_plain_path(path: &str) -> bool {
    let segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | ':' | '@'))
    };
    path.is_empty() || (path.len() <= LONGEST_PATH && path.split('/').skip(1).all(segment))
}

/// The name that the server's certificate must be for, in lower case.
pub(super) fn tls_name(node: &Node) -> Result<String, GateRefusal> {
    let name = fields::text(node, "tls-server-name")?.to_ascii_lowercase();
    match ServerName::try_from(name.as_str()) {
        Ok(_) => Ok(name),
        Err(_) => Err(GateRefusal::unfit(text!("kubeconfig-tls-server-name", line = node.line))),
    }
}
