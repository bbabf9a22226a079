//! Network addresses: which of them a cluster may be at. A server name or an address comes from a
//! file that somebody uploaded, so it may point at the portal's own machine, or at a cloud's
//! metadata service, which hands out that machine's credentials to whoever asks.
//!
//! What lives here: the judgement of one IP address. What does not: looking names up; whoever
//! connects judges every answer and connects to a judged address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::text::Text;
use crate::text;

/// What sort of place an address is; the later in this list, the worse for a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressKind {
    /// Reachable from anywhere.
    Public,
    /// Inside an organisation (RFC 1918, RFC 6598, RFC 4193, class E).
    Private,
    /// No address (`0.0.0.0`, `::`); many systems take it for loopback.
    Unspecified,
    /// The portal's own machine.
    Loopback,
    /// The portal's own network segment (RFC 3927, RFC 4291).
    LinkLocal,
    /// Many machines at once.
    Multicast,
    /// All machines of the segment at once.
    Broadcast,
    /// A service that a cloud offers to each of its machines, credentials among it.
    Metadata,
}

/// What the operator allows besides the addresses a cluster usually has. Metadata services,
/// multicast and broadcast are never allowed: no Kubernetes API is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressAllowance {
    /// Loopback, and the unspecified address, which leads there.
    pub loopback: bool,
    /// Link-local addresses, except metadata services.
    pub link_local: bool,
}

impl AddressAllowance {
    /// Nothing besides.
    pub const NONE: Self = Self { loopback: false, link_local: false };
    /// Clusters on the portal's own machine and segment: for the demo, tests, and a small cluster at
    /// home.
    pub const LOCAL: Self = Self { loopback: true, link_local: true };

    /// # Errors
    /// Says why no cluster may be at the address.
    pub fn judge(self, address: IpAddr) -> Result<(), Text> {
        let named = address.to_string();
        match kind_of(address) {
            AddressKind::Public | AddressKind::Private => Ok(()),
            AddressKind::Loopback | AddressKind::Unspecified if self.loopback => Ok(()),
            AddressKind::LinkLocal if self.link_local => Ok(()),
            AddressKind::Loopback => Err(text!("address-loopback", address = named)),
            AddressKind::Unspecified => Err(text!("address-unspecified", address = named)),
            AddressKind::LinkLocal => Err(text!("address-link-local", address = named)),
            AddressKind::Metadata => Err(text!("address-metadata", address = named)),
            AddressKind::Multicast | AddressKind::Broadcast => Err(text!("address-multicast", address = named)),
        }
    }
}

/// What sort of place an address is. An IPv6 address that carries an IPv4 address, in any of the
/// known forms, is the worse of the two.
pub fn kind_of(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => {
            let carried = carried(address).into_iter().map(kind_of_v4).max();
            kind_of_v6(address).max(carried.unwrap_or(AddressKind::Public))
        }
    }
}

/// Services of clouds for their own machines: Amazon (also ECS and EKS credentials, DNS and time),
/// Google, Azure, Alibaba, Oracle, OpenStack, Scaleway, Tencent.
const METADATA_V4: [Ipv4Addr; 10] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 169, 253),
    Ipv4Addr::new(169, 254, 169, 123),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(169, 254, 42, 42),
    Ipv4Addr::new(169, 254, 0, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 6] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0253),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

fn kind_of_v4(address: Ipv4Addr) -> AddressKind {
    let [first, second, ..] = address.octets();
    if METADATA_V4.contains(&address) {
        AddressKind::Metadata
    } else if first == 0 {
        AddressKind::Unspecified
    } else if address.is_loopback() {
        AddressKind::Loopback
    } else if address.is_link_local() {
        AddressKind::LinkLocal
    } else if address.is_multicast() {
        AddressKind::Multicast
    } else if address.is_broadcast() {
        AddressKind::Broadcast
    } else if address.is_private() || (first == 100 && second & 0xc0 == 64) || first >= 240 {
        AddressKind::Private
    } else {
        AddressKind::Public
    }
}

fn kind_of_v6(address: Ipv6Addr) -> AddressKind {
    let first = address.segments()[0];
    if METADATA_V6.contains(&address) {
        AddressKind::Metadata
    } else if address.is_unspecified() {
        AddressKind::Unspecified
    } else if address.is_loopback() {
        AddressKind::Loopback
    } else if first & 0xffc0 == 0xfe80 {
        AddressKind::LinkLocal
    } else if first & 0xff00 == 0xff00 {
        AddressKind::Multicast
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
        AddressKind::Private
    } else {
        AddressKind::Public
    }
}

/// The IPv4 addresses that an IPv6 address may stand for: several where the form leaves it open. A
/// network's own NAT64 prefix cannot be known.
fn carried(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    if address.is_unspecified() || address.is_loopback() {
        return Vec::new();
    }
    let octets = address.octets();
    let at = |start: usize| Ipv4Addr::new(octets[start], octets[start + 1], octets[start + 2], octets[start + 3]);
    let last = at(12);
    match address.segments() {
        // Compatible (::a.b.c.d), mapped (RFC 4291) and translated (RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => vec![last],
        // NAT64 with the well-known prefix (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last],
        // NAT64 with the local prefix (RFC 8215), which networks divide with prefixes of 48, 56, 64
        // or 96 bits (RFC 6052, 2.2; octet 8 is always zero). Read with the wrong length, an address
        // begins with zeros.
        [0x64, 0xff9b, 1, ..] => {
            let by_48 = Ipv4Addr::new(octets[6], octets[7], octets[9], octets[10]);
            let by_56 = Ipv4Addr::new(octets[7], octets[9], octets[10], octets[11]);
            [by_48, by_56, at(9), last].into_iter().filter(|read| read.octets()[0] != 0).collect()
        }
        // 6to4 (RFC 3056).
        [0x2002, ..] => vec![at(2)],
        // Teredo (RFC 4380): the server, and the client with its bits turned.
        [0x2001, 0, ..] => vec![at(4), Ipv4Addr::from_bits(!last.to_bits())],
        // ISATAP (RFC 5214), under any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => vec![last],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(address: &str) -> AddressKind {
        kind_of(address.parse().unwrap_or_else(|_| panic!("{address} is an address")))
    }

    #[test]
    fn each_address_has_its_kind() {
        use AddressKind::*;
        for (expected, addresses) in [
            (Public, &["203.0.113.7", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "2606:4700::1111"][..]),
            (
                Private,
                &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "250.0.0.1"],
            ),
            (Loopback, &["127.0.0.1", "127.255.255.255", "::1"]),
            (LinkLocal, &["169.254.1.1", "fe80::1", "febf::1"]),
            (Metadata, &["169.254.169.254", "100.100.100.200", "168.63.129.16", "169.254.170.2"]),
            (Metadata, &["fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe"]),
            (Unspecified, &["0.0.0.0", "0.1.2.3", "::"]),
            (Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            (Broadcast, &["255.255.255.255"]),
        ] {
            for address in addresses {
                assert_eq!(kind(address), expected, "{address}");
            }
        }
    }

    #[test]
    fn a_wrapped_address_is_what_it_wraps() {
        for (address, expected) in [
            ("127.0.0.1", AddressKind::Loopback),
            ("169.254.169.254", AddressKind::Metadata),
            ("169.254.7.7", AddressKind::LinkLocal),
            ("224.0.0.1", AddressKind::Multicast),
            ("255.255.255.255", AddressKind::Broadcast),
            ("100.100.100.200", AddressKind::Metadata),
            ("203.0.113.7", AddressKind::Public),
            ("10.0.0.1", AddressKind::Private),
        ] {
            let [a, b, c, d] = address.parse::<Ipv4Addr>().unwrap().octets();
            let turned = Ipv4Addr::new(!a, !b, !c, !d);
            for wrapped in [
                format!("::ffff:{address}"),
                format!("::{address}"),
                format!("::ffff:0:{address}"),
                format!("64:ff9b::{address}"),
                format!("64:ff9b:1::{address}"),
                format!("64:ff9b:1:{a:02x}{b:02x}:{c:04x}:{:04x}::", u16::from(d) << 8),
                format!("64:ff9b:1:{a:x}:{b:x}:{c:02x}{d:02x}::"),
                format!("64:ff9b:1:0:{a:x}:{b:02x}{c:02x}:{:x}:0", u16::from(d) << 8),
                format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1"),
                format!("2001:0:{a:02x}{b:02x}:{c:02x}{d:02x}:0:0:34ff:8ef8"),
                format!("2001:0:cb00:7107:0:0:{turned}"),
                format!("2001:db8::5efe:{address}"),
            ] {
                // Wrapped, the private and the public are told apart by nobody.
                let found = kind(&wrapped);
                assert!(found == expected || found.max(expected) == AddressKind::Private, "{wrapped}: {found:?}");
            }
        }
    }

    #[test]
    fn the_allowance_lets_the_own_machine_through_and_never_a_metadata_service() {
        let judge = |allowance: AddressAllowance, address: &str| {
            allowance.judge(address.parse().unwrap()).map_err(|refused| refused.key.into_owned())
        };
        for (address, without, with) in [
            ("203.0.113.7", None, None),
            ("192.168.1.1", None, None),
            ("127.0.0.1", Some("address-loopback"), None),
            ("::ffff:127.0.0.1", Some("address-loopback"), None),
            ("0.0.0.0", Some("address-unspecified"), None),
            ("fe80::1", Some("address-link-local"), None),
            ("169.254.169.254", Some("address-metadata"), Some("address-metadata")),
            ("fd00:ec2::254", Some("address-metadata"), Some("address-metadata")),
            ("ff02::1", Some("address-multicast"), Some("address-multicast")),
            ("255.255.255.255", Some("address-multicast"), Some("address-multicast")),
        ] {
            assert_eq!(judge(AddressAllowance::NONE, address).err().as_deref(), without, "{address}");
            assert_eq!(judge(AddressAllowance::LOCAL, address).err().as_deref(), with, "{address}");
        }
        let segment_only = AddressAllowance { link_local: true, ..AddressAllowance::NONE };
        assert_eq!(judge(segment_only, "127.0.0.1").err().as_deref(), Some("address-loopback"));
    }
}
