//! The handshake's rules, both ways, as pure functions (spec: messages §3.1 and §3.2).

use crate::error::CloseReason;
use crate::wire::{NodeData, SyncData};

/// Who this node is in one zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) network_id: [u8; 16],
    pub(crate) peer_id: u64,
    pub(crate) support_flags: u32,
    /// Where it answers pings and takes links; 0 if it shows no port.
    pub(crate) port: u16,
    /// Whether ids tell nodes apart; in an anonymity zone all are equal.
    pub(crate) ids_are_unique: bool,
}

impl Identity {
    /// What a handshake says of this node.
    pub(crate) const fn node_data(&self) -> NodeData {
        NodeData {
            my_port: self.port as u32,
            network_id: self.network_id,
            peer_id: self.peer_id,
            rpc_credits_per_hash: 0,
            rpc_port: 0,
            support_flags: self.support_flags,
        }
    }

    /// Checks what a peer says of itself, and answers with the height that it claims.
    pub(crate) fn judge(&self, node: &NodeData, sync: &SyncData) -> Result<u64, CloseReason> {
        if node.network_id != self.network_id {
            return Err(CloseReason::WrongNetwork);
        }
        if self.ids_are_unique && node.peer_id == self.peer_id {
            return Err(CloseReason::OwnAddress);
        }
        Ok(sync.current_height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    #[test]
    fn each_rule_refuses_what_it_is_for() {
        let own = Identity { network_id: Network::Mainnet.id(), peer_id: 1, support_flags: 0, port: 0, ids_are_unique: false };
        let sync = SyncData { current_height: 77, ..Network::Mainnet.genesis_sync() };
        let theirs = own.node_data();
        assert_eq!(own.judge(&theirs, &sync), Ok(77));
        let unique = Identity { ids_are_unique: true, ..own };
        assert_eq!(unique.judge(&theirs, &sync), Err(CloseReason::OwnAddress));
        assert_eq!(unique.judge(&NodeData { peer_id: 2, ..theirs }, &sync), Ok(77));
        let testnet = NodeData { network_id: Network::Testnet.id(), ..theirs };
        assert_eq!(own.judge(&testnet, &sync), Err(CloseReason::WrongNetwork));
    }
}
