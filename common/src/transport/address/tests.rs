//! Valid addresses, and what is refused.

use proptest::prelude::*;

use super::*;

fn refusal(text: &str) -> AddressError {
    text.parse::<Address>().unwrap_err()
}

#[test]
fn each_form_parses_to_its_parts() {
    for (text, address) in [
        (
            "vsock://16:5000",
            Address::Vsock {
                cid: Cid::Number(16),
                port: 5000,
            },
        ),
        (
            "vsock://1:4294967294",
            Address::Vsock {
                cid: Cid::Number(1),
                port: u32::MAX - 1,
            },
        ),
        (
            "vsock://any:1",
            Address::Vsock {
                cid: Cid::Any,
                port: 1,
            },
        ),
        ("unix:a", Address::Unix("a".into())),
        ("unix:/run/x:1.sock", Address::Unix("/run/x:1.sock".into())),
        (
            "vsock+unix:./a:b:7",
            Address::VsockOverUnix {
                path: "./a:b".into(),
                port: 7,
            },
        ),
    ] {
        assert_eq!(text.parse(), Ok(address.clone()), "{text}");
        assert_eq!(address.to_string(), text);
    }
}

#[test]
fn a_text_of_no_known_scheme_is_refused() {
    for text in [
        "",
        "tcp://1:2",
        "vsock:3:4",
        "VSOCK://3:4",
        " unix:a",
        "/run/x",
    ] {
        assert_eq!(refusal(text), AddressError::Scheme(text.to_owned()));
    }
}

#[test]
fn a_missing_port_is_refused() {
    for text in ["vsock://3", "vsock+unix:path"] {
        assert_eq!(refusal(text), AddressError::NoPort(text.to_owned()));
    }
}

#[test]
fn ports_that_are_not_a_plain_number_in_range_are_refused() {
    for came in [
        "",
        "0",
        "4294967295",
        "4294967296",
        "+5",
        "05",
        "-1",
        "5 ",
        "0x5",
        "x",
    ] {
        for text in [format!("vsock://3:{came}"), format!("vsock+unix:p:{came}")] {
            let came = came.to_owned();
            assert_eq!(
                refusal(&text),
                AddressError::Port {
                    address: text.clone(),
                    came
                }
            );
        }
    }
}

#[test]
fn reserved_and_malformed_cids_are_refused() {
    for came in ["", "0", "4294967295", "-1", "+3", "03", "Any", "*", "3:3"] {
        let address = format!("vsock://{came}:5000");
        let came = came.to_owned();
        assert_eq!(refusal(&address), AddressError::Cid { address, came });
    }
}

#[test]
fn paths_that_no_socket_can_have_are_refused() {
    assert!(matches!(refusal("unix:"), AddressError::Path { .. }));
    assert!(matches!(refusal("unix:a\0b"), AddressError::Path { .. }));
    assert!(matches!(
        refusal("vsock+unix::5"),
        AddressError::Path { .. }
    ));
    assert!(matches!(
        refusal("unix:///run/x"),
        AddressError::DoubleSlash { .. }
    ));
}

#[test]
fn a_path_may_fill_sun_path_and_not_a_byte_more() {
    let fits = "p".repeat(UNIX_PATH_MAX);
    assert!(format!("unix:{fits}").parse::<Address>().is_ok());
    assert!(matches!(
        refusal(&format!("unix:{fits}p")),
        AddressError::PathTooLong { length: 108, .. }
    ));
    // `_5000` must fit too.
    let fits = "p".repeat(UNIX_PATH_MAX - 5);
    assert!(format!("vsock+unix:{fits}:5000").parse::<Address>().is_ok());
    assert!(matches!(
        refusal(&format!("vsock+unix:{fits}p:5000")),
        AddressError::PathTooLong { length: 108, .. }
    ));
}

#[test]
fn an_error_names_what_came_and_what_is_accepted() {
    let said = refusal("vsock://0:5000").to_string();
    assert!(
        said.contains("\"0\"") && said.contains("1 to 4294967294"),
        "{said}"
    );
}

#[test]
fn in_json_an_address_is_a_string() {
    let address: Address = serde_json::from_str("\"unix:/run/x\"").unwrap();
    assert_eq!(serde_json::to_string(&address).unwrap(), "\"unix:/run/x\"");
    assert!(serde_json::from_str::<Address>("\"unix:\"").is_err());
}

fn addresses() -> impl Strategy<Value = Address> {
    let port = 1..u32::MAX;
    let path = "[^\0/][^\0]{0,20}".prop_map(PathBuf::from);
    prop_oneof![
        (prop::option::of(1..u32::MAX), port.clone()).prop_map(|(cid, port)| Address::Vsock {
            cid: cid.map_or(Cid::Any, Cid::Number),
            port
        }),
        path.clone().prop_map(Address::Unix),
        (path, port).prop_map(|(path, port)| Address::VsockOverUnix { path, port }),
    ]
}

proptest! {
    #[test]
    fn what_prints_parses_back(address in addresses()) {
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn what_parses_prints_back(text in "(vsock://|unix:|vsock\\+unix:)?[a-z0-9:/_+]{0,24}") {
        if let Ok(address) = text.parse::<Address>() {
            prop_assert_eq!(address.to_string(), text);
        }
    }
}
