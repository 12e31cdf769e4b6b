//! Padding: zero bytes after a message in Binary HTTP (RFC 9292 section 3.8), so that its length reveals little.

use super::encapsulation::RESPONSE_MIN;
use super::gateway::REQUEST_MIN;

/// Pads a request in Binary HTTP before it is sealed: its length on the wire is 512 bytes, 1, 2, 4, 8 or 16 KiB, or a multiple of
/// 16 KiB.
pub fn pad_request(message: Vec<u8>) -> Vec<u8> {
    pad(message, REQUEST_MIN)
}

/// Pads a response in Binary HTTP before it is sealed, to the same lengths on the wire.
pub fn pad_response(message: Vec<u8>) -> Vec<u8> {
    pad(message, RESPONSE_MIN)
}

/// `sealing` is how much longer a message is on the wire.
fn pad(mut message: Vec<u8>, sealing: usize) -> Vec<u8> {
    let length = match message.len() + sealing {
        0..=SHORTEST => SHORTEST,
        length @ ..=STEP => length.next_power_of_two(),
        length => length.next_multiple_of(STEP),
    };
    message.resize(length - sealing, 0);
    message
}

/// The shortest length on the wire, in bytes.
const SHORTEST: usize = 512;

/// Up to this length they double, from here on they grow by this much. It divides the longest body that is accepted by default.
const STEP: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::{GatewayKey, KeyConfiguration};
    use super::*;

    /// The lengths on the wire of a request and of a response that have these lengths before padding.
    fn on_the_wire(request: usize, response: usize) -> (usize, usize) {
        let key = GatewayKey::generate().unwrap();
        let configuration = KeyConfiguration::first_usable(&key.key_configurations()).unwrap();
        let request = pad_request(vec![7; request]);
        let (request, _pending) = configuration.encapsulate(&request).unwrap();
        let (_, responder) = key.open(&request).unwrap();
        let response = responder.seal(&pad_response(vec![7; response])).unwrap();
        (request.len(), response.len())
    }

    #[derive(Deserialize)]
    struct Vectors {
        sealing: Sealing,
        on_the_wire: Vec<Lengths>,
    }

    #[derive(Deserialize)]
    struct Sealing {
        request: usize,
        response: usize,
    }

    #[derive(Deserialize)]
    struct Lengths {
        shortest: usize,
        longest: usize,
    }

    #[test]
    fn lengths_on_the_wire_are_of_the_list_and_the_next_one_that_fits() {
        let vectors = include_str!("../../../clients/vectors/padding.json");
        let Vectors {
            sealing,
            on_the_wire: lengths,
        } = serde_json::from_str(vectors).unwrap();
        assert_eq!(lengths.len(), 9);
        for Lengths { shortest, longest } in lengths {
            for sealed in [shortest, longest] {
                let lengths = on_the_wire(sealed - sealing.request, sealed - sealing.response);
                assert_eq!(lengths, (longest, longest), "{sealed}");
            }
        }
    }

    #[test]
    fn padding_is_zero_bytes_at_the_end() {
        for padded in [pad_request(vec![7; 700]), pad_response(vec![7; 700])] {
            let (message, padding) = padded.split_at(700);
            assert_eq!(message, [7; 700]);
            assert!(padding.iter().all(|byte| *byte == 0));
        }
    }
}
