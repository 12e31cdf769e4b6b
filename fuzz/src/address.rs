use permafrost_common::transport::{Address, UNIX_PATH_MAX};

/// An address as text, UTF-8.
///
/// An accepted address prints as the input, parses to the same value again, and fits into a socket address.
pub fn address(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let Ok(address) = text.parse::<Address>() else {
        return false;
    };
    assert_eq!(address.to_string(), text, "a second form of {address:?}");
    match address {
        Address::Unix(path) | Address::VsockOverUnix { path, .. } => {
            assert!((1..=UNIX_PATH_MAX).contains(&path.as_os_str().len()));
        }
        Address::Vsock { port, .. } => assert!((1..u32::MAX).contains(&port)),
    }
    true
}
