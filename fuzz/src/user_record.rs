use permafrost_enclave::people::{Claim, LinkRecord, User, Waiting};
use permafrost_enclave::records::Record;

/// A record of people, the plaintext of a sealed record: a user, a claim of a credential, a link code or a recovery that waits for
/// guardians.
///
/// An accepted record is of one kind only and has one encoding: the input. The error for a refused one is short.
pub fn user_record(data: &[u8]) -> bool {
    let accepted = [
        is_a::<User>(data),
        is_a::<Claim>(data),
        is_a::<LinkRecord>(data),
        is_a::<Waiting>(data),
    ];
    let kinds = accepted.into_iter().filter(|accepted| *accepted).count();
    assert!(kinds <= 1, "a record of {kinds} kinds");
    kinds == 1
}

fn is_a<T: Record>(data: &[u8]) -> bool {
    let record = match T::decode(data) {
        Ok(record) => record,
        Err(error) => {
            assert!((1..=200).contains(&error.len()), "{error}");
            return false;
        }
    };
    let encoding = record.encode().expect("what decodes can be encoded");
    assert!(
        encoding.as_slice() == data,
        "a second encoding of a {}",
        T::KIND
    );
    let longer = [data, &[0]].concat();
    assert!(T::decode(&longer).is_err(), "a byte behind a {}", T::KIND);
    true
}
