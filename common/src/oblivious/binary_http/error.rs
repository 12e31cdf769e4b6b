/// Why bytes are not a message that is accepted.
///
/// A message may hold secrets, so no error has anything of it but lengths, numbers and the names of refused fields.
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
    /// The method is no token.
    #[error("the method is none; accepted: a token (RFC 9110 section 9.1)")]
    Method,
    /// The scheme is another.
    #[error("the scheme is neither of those accepted: https, http")]
    Scheme,
    /// The path is not one, with or without a query.
    #[error("the path is none; accepted: / and what RFC 3986 allows in a path and a query")]
    Path,
    /// The status is no number of a final answer.
    #[error("the status is {0}; accepted: 200 to 599, and no informational answer before it")]
    Status(u64),
    /// A field's name or value is malformed.
    #[error(
        "field {0} is malformed; accepted: a name in lower case and a value without line breaks or spaces around it"
    )]
    Field(usize),
    /// A field that belongs to a connection, and this message to none.
    #[error("there is a field {0}; accepted: no field that concerns a connection")]
    ConnectionField(&'static str),
    /// `content-length` is not the content's.
    #[error("content-length is not the length of the content, {0} bytes")]
    ContentLength(usize),
    /// There are trailers.
    #[error("there are trailers; accepted: none")]
    Trailers,
    /// Something follows the message.
    #[error("bytes that are not zero follow the message; accepted: padding with zero bytes")]
    Padding,
}
