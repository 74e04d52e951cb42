//! The grammar of anonetd's options.

use anonet_core::{Network, PeerRole, ZoneKind};
use anonet_smol::options::{
    Inbound, OptionError, PeerOption, ProxyOption, PublicSwitch, RpcBind, Seconds, SecondsList, SecondsRange, TxProxy,
    ZoneOptions, ZonePlan, parse_proxy_option, parse_seed,
};

/// Lines, each an option: its first byte chooses which, the rest is its value.
///
/// # Panics
/// If a value is taken that its documentation excludes, a plan contradicts its options, or credentials show in `Debug` or in
/// an error.
pub fn options(data: &[u8]) {
    let mut zones = ZoneOptions::default();
    for line in data.split(|&byte| byte == b'\n').take(32) {
        let Some((&which, value)) = line.split_first() else { continue };
        let Ok(value) = std::str::from_utf8(value) else { continue };
        if let Err(error) = option(which, value, &mut zones) {
            assert!(!error.to_string().is_empty());
        }
    }
    if let Ok(plan) = ZonePlan::new(zones.clone()) {
        check_plan(&plan, &zones);
    }
}

fn option(which: u8, value: &str, zones: &mut ZoneOptions) -> Result<(), OptionError> {
    let network = Network::Mainnet;
    match which % 12 {
        0 => proxy(parse_proxy_option(value)?, zones),
        1 => proxy(ProxyOption::Zone(value.parse()?), zones),
        2 => {
            let inbound: Inbound = value.parse()?;
            assert!(inbound.advertise.zone().is_anonymity());
            zones.inbounds.push(inbound);
        }
        3..=5 => {
            let role = [PeerRole::Known, PeerRole::Priority, PeerRole::Exclusive][usize::from(which % 12 - 3)];
            let peer = PeerOption::parse(value, role, network)?;
            assert!(peer.addr.port() > 0 && peer.role == role);
            zones.peers.push(peer);
        }
        6 => zones.seeds.push(parse_seed(value, network)?),
        7 => zones.public = PublicSwitch::Off,
        8 => {
            let loopback = value.parse::<RpcBind>().is_ok();
            assert!(!loopback || RpcBind::parse_confirmed(value).is_ok(), "what needs no confirmation may have one");
        }
        9 => drop(value.parse::<Seconds>()),
        10 => {
            if let Ok(SecondsRange(least, most)) = value.parse() {
                assert!(least <= most);
            }
        }
        _ => {
            if let Ok(SecondsList(spans)) = value.parse() {
                assert!(!spans.is_empty() && spans.len() <= 1 + value.matches(',').count());
            }
        }
    }
    Ok(())
}

fn proxy(option: ProxyOption, zones: &mut ZoneOptions) {
    let shown = format!("{option:?}");
    let (endpoint, zone) = match &option {
        ProxyOption::Zone(proxy) => (&proxy.proxy, Some(proxy)),
        ProxyOption::Public(endpoint) => (endpoint, None),
        _ => return,
    };
    assert!(endpoint.addr.port() > 0);
    if let Some((user, password)) = &endpoint.credentials {
        assert!(user.len() <= 255 && password.len() <= 255 && !(user.is_empty() && password.is_empty()));
        let secret = [user, password].into_iter().find(|part| part.len() > 12 && shown.contains(part.as_str()));
        assert!(secret.is_none(), "credentials in {shown}");
    }
    if let Some(TxProxy { zone, max_outgoing, proxy, .. }) = zone {
        assert!(zone.is_anonymity() && *max_outgoing != Some(0) && proxy.credentials.is_none());
    }
    zones.proxies.push(option);
}

/// What follows from the options whatever the grammar is.
fn check_plan(plan: &ZonePlan, options: &ZoneOptions) {
    assert_eq!(plan.public.is_some(), options.public == PublicSwitch::On);
    assert!(plan.public.is_some() || !plan.anonymity.is_empty(), "nothing to run");
    let kinds: Vec<ZoneKind> = plan.anonymity.iter().map(|zone| zone.zone).collect();
    assert!(kinds.windows(2).all(|pair| pair[0] != pair[1]) && kinds.iter().all(|kind| kind.is_anonymity()));
    let reachable = |kind: ZoneKind| match kind.is_anonymity() {
        true => plan.anonymity.iter().any(|zone| zone.zone == kind && zone.outgoing.is_some()),
        false => plan.public.is_some(),
    };
    for zone in &plan.anonymity {
        assert!(zone.outgoing.is_some() || zone.inbound.is_some());
        assert!(zone.peers.iter().all(|peer| peer.addr.zone() == zone.zone && reachable(zone.zone)));
        let own = zone.inbound.as_ref().map(|inbound| &inbound.advertise);
        assert!(zone.peers.iter().all(|peer| Some(&peer.addr) != own), "a node that dials itself");
    }
    let public = plan.public.iter().flat_map(|public| &public.peers);
    let planned: Vec<_> = public.chain(plan.anonymity.iter().flat_map(|zone| &zone.peers)).collect();
    for (at, peer) in planned.iter().enumerate() {
        assert!(planned[..at].iter().all(|other| other.addr != peer.addr), "a peer stands there twice");
        let strongest = options.peers.iter().filter(|named| named.addr == peer.addr).map(|named| named.role).min();
        assert_eq!(strongest, Some(peer.role));
    }
    for named in &options.peers {
        let is_own = options.inbounds.iter().any(|inbound| inbound.advertise == named.addr);
        assert!(is_own || planned.iter().any(|peer| peer.addr == named.addr), "a named peer is lost");
    }
}
