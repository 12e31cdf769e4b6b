use permafrost_common::oblivious::binary_http::{
    decode_request, decode_response, encode_request, encode_response,
};

/// Binary HTTP (RFC 9292): a request, or a response.
///
/// An accepted message reads the same after it is encoded again, and a request has a path.
pub fn binary_http(data: &[u8]) -> bool {
    if let Ok(request) = decode_request(data) {
        let (parts, content) = request.into_parts();
        assert!(parts.uri.path().starts_with('/'), "{}", parts.uri);
        let (again, same) = decode_request(&encode_request(&parts, &content))
            .expect("what is written is accepted")
            .into_parts();
        assert_eq!(again.method, parts.method);
        assert_eq!(again.uri, parts.uri);
        assert_eq!(again.headers, parts.headers);
        assert_eq!(same, content);
        return true;
    }
    let Ok(response) = decode_response(data) else {
        return false;
    };
    let (parts, content) = response.into_parts();
    let (again, same) = decode_response(&encode_response(&parts, &content))
        .expect("what is written is accepted")
        .into_parts();
    assert_eq!(again.status, parts.status);
    assert_eq!(again.headers, parts.headers);
    assert_eq!(same, content);
    true
}
