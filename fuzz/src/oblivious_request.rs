use permafrost_common::oblivious::{GatewayKey, KeyConfiguration};

/// An encapsulated request (RFC 9458) and how it is altered in transit: two bytes of position, big-endian, one byte that is xored
/// into the message there, and the plaintext. The key is new each time, so that no input can contain it.
///
/// An unaltered request opens to its plaintext, and so does the response; an altered one does not open, and neither does the input.
pub fn oblivious_request(data: &[u8]) -> bool {
    let key = GatewayKey::generate().expect("a key");
    assert!(key.open(data).is_err(), "an input opens under a new key");
    let Some(([high, low, change], message)) = data.split_first_chunk() else {
        return false;
    };
    let list = key.key_configurations();
    let configuration = KeyConfiguration::first_usable(&list).expect("the list is of its form");
    let (mut encapsulated, pending) = configuration.encapsulate(message).expect("it is sealed");
    let at = usize::from(u16::from_be_bytes([*high, *low])) % encapsulated.len();
    encapsulated[at] ^= change;
    let Ok((opened, responder)) = key.open(&encapsulated) else {
        assert_ne!(*change, 0, "what is not altered opens");
        return false;
    };
    assert_eq!(*change, 0, "byte {at} is altered, and it opens");
    assert_eq!(opened, message);
    let response = responder.seal(message).expect("it is sealed");
    assert_eq!(pending.open(&response).as_deref(), Ok(message));
    true
}
