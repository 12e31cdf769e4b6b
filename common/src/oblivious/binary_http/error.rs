/// Why bytes are not an accepted message.
///
/// A message may contain secrets, so errors repeat only lengths, numbers and the names of refused fields.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BinaryHttpError {
    /// The message ends within this part.
    #[error("the message ends within {0}; accepted: a whole message")]
    CutOff(&'static str),
    /// Another kind of message.
    #[error("the framing indicator is {came}; accepted: {accepted}")]
    Framing {
        /// What came.
        came: u64,
        /// What would have been accepted.
        accepted: &'static str,
    },
    /// The method is not a token.
    #[error("the method is invalid; accepted: a token (RFC 9110 section 9.1)")]
    Method,
    /// The scheme is not HTTP's.
    #[error("the scheme is invalid; accepted: https, http")]
    Scheme,
    /// The path, with or without a query, is invalid.
    #[error("the path is invalid; accepted: / and what RFC 3986 allows in a path and a query")]
    Path,
    /// The status is not that of a final response.
    #[error("the status is {0}; accepted: 200 to 599, with no informational response before it")]
    Status(u64),
    /// A field's name or value is malformed.
    #[error(
        "field {0} is malformed; accepted: a name in lower case and a value without line breaks or spaces around it"
    )]
    Field(usize),
    /// A field concerns a connection, to which this message does not belong.
    #[error("there is a field {0}; accepted: no field that concerns a connection")]
    ConnectionField(&'static str),
    /// `content-length` is not the length of the content.
    #[error("content-length is not the length of the content, {0} bytes")]
    ContentLength(usize),
    /// There are trailers.
    #[error("there are trailers; accepted: none")]
    Trailers,
    /// Something follows the message.
    #[error("bytes that are not zero follow the message; accepted: padding with zero bytes")]
    Padding,
}
