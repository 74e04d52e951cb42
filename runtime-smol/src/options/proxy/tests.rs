use super::super::EndpointFault;
use super::*;

fn public(text: &str) -> Result<ProxyEndpoint, OptionError> {
    parse_proxy_option(text).map(|option| match option {
        ProxyOption::Public(endpoint) => endpoint,
        ProxyOption::Zone(_) => panic!("{text} is for a zone"),
    })
}

#[test]
fn public_proxies() {
    let long = "u".repeat(255);
    let login = |user: &str, password: &str| Some((user.to_string(), password.to_string()));
    for (text, addr, credentials) in [
        ("127.0.0.1:9050", "127.0.0.1:9050", None),
        ("socks://127.0.0.1:9050", "127.0.0.1:9050", None),
        ("socks5://127.0.0.1:9050", "127.0.0.1:9050", None),
        ("[::1]:9050", "[::1]:9050", None),
        ("socks5://user:%70ass@[::ffff]:8080/path", "[::ffff]:8080", login("user", "pass")),
        ("socks5://%75@192.168.0.1:1", "192.168.0.1:1", login("u", "")),
        ("socks5://:@1.2.3.4:1", "1.2.3.4:1", None),
        ("socks5://@1.2.3.4:1", "1.2.3.4:1", None),
        ("socks5://:p@1.2.3.4:1", "1.2.3.4:1", login("", "p")),
        ("user:pass@1.2.3.4:1", "1.2.3.4:1", login("user", "pass")),
        // SOCKS5 for anonet, so a login is possible
        ("socks://user:pass@[::ffff]:8080", "[::ffff]:8080", login("user", "pass")),
        ("socks5://u:p:q%3a,%40@1.2.3.4:1", "1.2.3.4:1", login("u", "p:q:,@")),
        ("socks5://%c3%A4@1.2.3.4:1", "1.2.3.4:1", login("ä", "")),
        (&format!("{long}:{long}@1.2.3.4:1"), "1.2.3.4:1", login(&long, &long)),
    ] {
        let expected = ProxyEndpoint { addr: addr.parse().unwrap(), credentials };
        assert_eq!(public(text), Ok(expected), "{text}");
    }
}

#[test]
fn public_proxy_errors() {
    let option = OptionName::Proxy;
    let endpoint = |fault| OptionError::Endpoint { option, fault };
    let long = "u".repeat(256);
    for (text, expected) in [
        ("", endpoint(EndpointFault::NotIpPort)),
        ("192.168.0.1/path", endpoint(EndpointFault::MissingPort)),
        ("192.168.0.1", endpoint(EndpointFault::MissingPort)),
        ("192.168.0.1:0", endpoint(EndpointFault::ZeroPort)),
        ("::ffff", endpoint(EndpointFault::MissingPort)),
        ("::ffff:443", endpoint(EndpointFault::MissingPort)),
        ("host:1", endpoint(EndpointFault::NotIpPort)),
        ("socks://host:1", endpoint(EndpointFault::NotIpPort)),
        ("socks://", endpoint(EndpointFault::NotIpPort)),
        ("socks:/", endpoint(EndpointFault::NotIpPort)),
        ("urn:isbn:x", endpoint(EndpointFault::NotIpPort)),
        ("192.168.0.1:80://", endpoint(EndpointFault::NotIpPort)),
        ("a@b@1.2.3.4:1", endpoint(EndpointFault::NotIpPort)),
        ("socks4://127.0.0.1:9050", OptionError::Socks4(option)),
        ("socks4a://127.0.0.1:9050", OptionError::Socks4(option)),
        ("http://127.0.0.1:9050", OptionError::UnknownScheme(option)),
        ("SOCKS5://127.0.0.1:9050", OptionError::UnknownScheme(option)),
        ("://127.0.0.1:9050", OptionError::UnknownScheme(option)),
        ("socks5://user%@127.0.0.1:1", OptionError::InvalidEncoding(option)),
        ("socks5://user:%3pass@127.0.0.1:1", OptionError::InvalidEncoding(option)),
        ("socks5://user%3T@127.0.0.1:1", OptionError::InvalidEncoding(option)),
        ("socks5://user%+3@127.0.0.1:1", OptionError::InvalidEncoding(option)),
        ("socks5://%ff@127.0.0.1:1", OptionError::InvalidEncoding(option)),
        (&format!("{long}@1.2.3.4:1"), OptionError::CredentialsTooLong(option)),
        (&format!("a:{long}@1.2.3.4:1"), OptionError::CredentialsTooLong(option)),
    ] {
        assert_eq!(public(text), Err(expected), "{text}");
        assert!(expected.to_string().starts_with("--proxy: "));
    }
    assert!(OptionError::Socks4(option).to_string().contains("needs SOCKS5"));
}

#[test]
fn zone_proxies() {
    let tor = ZoneKind::Tor;
    for (text, zone, addr, max_outgoing, disable_noise) in [
        ("tor,127.0.0.1:9050", tor, "127.0.0.1:9050", None, false),
        ("i2p,127.0.0.1:4447", ZoneKind::I2p, "127.0.0.1:4447", None, false),
        ("tor,socks5://[::1]:9050", tor, "[::1]:9050", None, false),
        ("tor,socks://127.0.0.1:9050,10", tor, "127.0.0.1:9050", Some(10), false),
        ("tor,127.0.0.1:9050,disable_noise", tor, "127.0.0.1:9050", None, true),
        ("tor,127.0.0.1:9050,10,disable_noise", tor, "127.0.0.1:9050", Some(10), true),
        ("tor,127.0.0.1:9050,disable_noise,1", tor, "127.0.0.1:9050", Some(1), true),
        ("tor,127.0.0.1:9050,,disable_noise", tor, "127.0.0.1:9050", None, true),
        ("tor,127.0.0.1:9050,4294967295,", tor, "127.0.0.1:9050", Some(u32::MAX), false),
        ("tor,127.0.0.1:9050,,", tor, "127.0.0.1:9050", None, false),
        ("tor,127.0.0.1:9050,", tor, "127.0.0.1:9050", None, false),
    ] {
        let proxy = ProxyEndpoint { addr: addr.parse().unwrap(), credentials: None };
        let expected = TxProxy { zone, proxy, max_outgoing, disable_noise };
        assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
        assert_eq!(parse_proxy_option(text), Ok(ProxyOption::Zone(expected)), "{text}");
    }
}

/// The same for `--proxy` and `--tx-proxy`, each named in its message.
#[test]
fn zone_proxy_errors() {
    for option in [OptionName::Proxy, OptionName::TxProxy] {
        let max = OptionError::InvalidMax { option, hint: ", or the item disable_noise" };
        let endpoint = |fault| OptionError::Endpoint { option, fault };
        let missing = |zone| OptionError::MissingProxy { option, zone };
        for (text, expected) in [
            (",127.0.0.1:9050", OptionError::MissingNetwork(option)),
            ("127.0.0.1:9050,10", OptionError::MissingNetwork(option)),
            (",", OptionError::MissingNetwork(option)),
            ("TOR,127.0.0.1:9050", OptionError::UnknownNetwork(option)),
            ("public,127.0.0.1:9050", OptionError::UnknownNetwork(option)),
            ("tor ,127.0.0.1:9050", OptionError::UnknownNetwork(option)),
            ("tor", missing(ZoneKind::Tor)),
            ("i2p", missing(ZoneKind::I2p)),
            ("tor,", missing(ZoneKind::Tor)),
            ("tor,,10", missing(ZoneKind::Tor)),
            ("tor,127.0.0.1", endpoint(EndpointFault::MissingPort)),
            ("tor,localhost:9050", endpoint(EndpointFault::NotIpPort)),
            ("tor,127.0.0.1:0", endpoint(EndpointFault::ZeroPort)),
            ("tor,socks4a://127.0.0.1:9050", OptionError::Socks4(option)),
            ("tor,user:pass@127.0.0.1:9050", OptionError::FixedCredentials(option)),
            ("tor,socks5://user@127.0.0.1:9050", OptionError::FixedCredentials(option)),
            ("tor,127.0.0.1:9050,0", max),
            ("tor,127.0.0.1:9050,-1", max),
            ("tor,127.0.0.1:9050,+1", max),
            ("tor,127.0.0.1:9050,4294967296", max),
            ("tor,127.0.0.1:9050,noise", max),
            ("tor,127.0.0.1:9050,DISABLE_NOISE", max),
            ("tor,127.0.0.1:9050,1,2", OptionError::RepeatedItem(option)),
            ("tor,127.0.0.1:9050,disable_noise,disable_noise", OptionError::RepeatedItem(option)),
            ("tor,127.0.0.1:9050,1,disable_noise,", OptionError::TooManyCommas { option, form: ZONE_FORM }),
        ] {
            let error = TxProxy::parse(text, option).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(error.to_string().starts_with(&format!("{option}: ")));
            match option {
                OptionName::Proxy => assert_eq!(parse_proxy_option(text), Err(error), "{text}"),
                _ => assert_eq!(text.parse::<TxProxy>(), Err(error), "{text}"),
            }
        }
    }
    // a value of the other kind of --proxy does not pass for --tx-proxy
    for text in ["127.0.0.1:9050", "socks5://127.0.0.1:9050", "[::1]:9050", ""] {
        let missing = OptionError::MissingNetwork(OptionName::TxProxy);
        assert_eq!(text.parse::<TxProxy>(), Err(missing), "{text}");
    }
}

#[test]
fn debug_hides_the_login() {
    let debug = format!("{:?}", public("socks5://alice:secret@1.2.3.4:1").unwrap());
    assert_eq!(debug, "ProxyEndpoint { addr: 1.2.3.4:1, credentials: Some(…) }");
}
