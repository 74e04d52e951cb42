use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use super::{EntryFault, PeerEntry, address_type};
use crate::addr::{Addr, I2P_PORT, I2pAddr, OnionAddr};
use crate::epee::{EpeeError, Value};

const UNKNOWN_TOR: &[u8] = b"<unknown tor host>";
const UNKNOWN_I2P: &[u8] = b"<unknown i2p host>";

/// The fields of an entry as far as they were read.
#[derive(Default)]
pub(super) struct EntryFields<'a> {
    address: Option<Address<'a>>,
    id: Option<u64>,
    last_seen: i64,
    pruning_seed: u32,
    rpc_credits_per_hash: u32,
    rpc_port: u16,
}

impl<'a> EntryFields<'a> {
    /// The fields of a hidden host without optional ones.
    pub(super) fn hidden(kind: u8, host: &'a [u8], port: u16, id: u64) -> Self {
        let address = Address { kind, host: Some(host), port, ..Address::default() };
        Self { address: Some(address), id: Some(id), ..Self::default() }
    }

    pub(super) fn field(&mut self, key: &[u8], value: &mut Value<'_, 'a>) -> Result<(), EpeeError> {
        match key {
            b"adr" => self.address = Some(Address::read(value)?),
            b"id" => self.id = Some(value.integer()?),
            b"last_seen" => self.last_seen = value.integer()?,
            b"pruning_seed" => self.pruning_seed = value.integer()?,
            b"rpc_credits_per_hash" => self.rpc_credits_per_hash = value.integer()?,
            b"rpc_port" => self.rpc_port = value.integer()?,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn entry(self) -> Result<PeerEntry, EntryFault> {
        Ok(PeerEntry {
            addr: self.address.ok_or(EntryFault::MissingAddress)?.addr()?,
            id: self.id.ok_or(EntryFault::MissingId)?,
            last_seen: self.last_seen,
            pruning_seed: self.pruning_seed,
            rpc_credits_per_hash: self.rpc_credits_per_hash,
            rpc_port: self.rpc_port,
        })
    }
}

/// The fields of all address types, as the type may come after them.
#[derive(Default)]
struct Address<'a> {
    kind: u8,
    host: Option<&'a [u8]>,
    ipv4: Option<u32>,
    ipv6: Option<&'a [u8; 16]>,
    port: u16,
    ip_port: u16,
}

impl<'a> Address<'a> {
    fn read(value: &mut Value<'_, 'a>) -> Result<Self, EpeeError> {
        let mut address = Self::default();
        value.object(|key, value| match key {
            b"addr" => value.object(|key, value| {
                match key {
                    b"addr" => address.ipv6 = Some(value.blob()?),
                    b"host" => address.host = Some(value.bytes()?),
                    b"m_ip" => address.ipv4 = Some(value.integer()?),
                    b"m_port" => address.ip_port = value.integer()?,
                    b"port" => address.port = value.integer()?,
                    _ => {}
                }
                Ok(())
            }),
            b"type" => {
                address.kind = value.integer()?;
                Ok(())
            }
            _ => Ok(()),
        })?;
        Ok(address)
    }

    fn addr(&self) -> Result<Addr, EntryFault> {
        let (addr, port) = match self.kind {
            address_type::IPV4 => (Addr::Ipv4(self.socket_v4()?), self.ip_port),
            address_type::IPV6 => (Addr::Ipv6(self.socket_v6()?), self.ip_port),
            address_type::I2P => (Addr::I2p(self.i2p()?), I2P_PORT),
            address_type::TOR => (Addr::Onion(self.onion()?), self.port),
            unknown => return Err(EntryFault::UnknownType(unknown)),
        };
        if port == 0 { Err(EntryFault::PortZero) } else { Ok(addr) }
    }

    fn socket_v4(&self) -> Result<SocketAddrV4, EntryFault> {
        let ip = self.ipv4.ok_or(EntryFault::MissingAddress)?;
        Ok(SocketAddrV4::new(Ipv4Addr::from(ip.to_le_bytes()), self.ip_port))
    }

    fn socket_v6(&self) -> Result<SocketAddrV6, EntryFault> {
        let ip = Ipv6Addr::from(*self.ipv6.ok_or(EntryFault::MissingAddress)?);
        if ip.to_ipv4_mapped().is_some() {
            return Err(EntryFault::MappedIpv4);
        }
        Ok(SocketAddrV6::new(ip, self.ip_port, 0, 0))
    }

    fn onion(&self) -> Result<OnionAddr, EntryFault> {
        let host = self.host_unless(UNKNOWN_TOR)?;
        OnionAddr::from_host(host, self.port).map_err(EntryFault::Malformed)
    }

    fn i2p(&self) -> Result<I2pAddr, EntryFault> {
        let i2p = I2pAddr::from_host(self.host_unless(UNKNOWN_I2P)?).map_err(EntryFault::Malformed)?;
        if i2p.is_b32() { Ok(i2p) } else { Err(EntryFault::NamedI2p) }
    }

    fn host_unless(&self, unknown: &[u8]) -> Result<&'a [u8], EntryFault> {
        match self.host {
            None => Err(EntryFault::MissingAddress),
            Some(host) if host == unknown => Err(EntryFault::Unknown),
            Some(host) => Ok(host),
        }
    }
}
