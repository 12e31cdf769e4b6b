//! Codes that people read and type: link codes, and recovery codes, which are stored as Argon2id hashes.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use permafrost_common::problem::{Problem, ProblemType};
use serde_bytes::ByteArray;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::random;
use super::user::CodeHash;

/// How many letters a code has: 100 bits.
const LETTERS: usize = 20;

/// The base32 alphabet of RFC 4648 section 6, in which no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Argon2id (RFC 9106) with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// How many hashes are computed at once: each takes the memory above.
static HASHES: Semaphore = Semaphore::const_new(1);

/// The letters of a new code.
pub(super) fn new_letters() -> Result<Zeroizing<String>, Problem> {
    let random: Zeroizing<[u8; LETTERS]> = Zeroizing::new(random()?);
    let mut letters = Zeroizing::new(String::with_capacity(LETTERS));
    // 256 is a multiple of 32, so every letter is as likely.
    letters.extend(random.iter().filter_map(|byte| {
        let letter = ALPHABET.get(usize::from(*byte % 32));
        letter.copied().map(char::from)
    }));
    Ok(letters)
}

/// A code as people see it: four groups separated by hyphens.
pub(super) fn grouped(letters: &str) -> String {
    let mut code = String::with_capacity(LETTERS + 3);
    for (index, letter) in letters.chars().enumerate() {
        if index > 0 && index % 5 == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

/// The letters of a code that was typed: without spaces and hyphens, in capitals; `None` if it is not a code.
pub(super) fn letters(text: &str) -> Option<Zeroizing<String>> {
    if text.len() > 2 * LETTERS {
        return None;
    }
    let mut letters = Zeroizing::new(String::with_capacity(LETTERS));
    for typed in text.chars().filter(|typed| !matches!(typed, ' ' | '-')) {
        let typed = typed.to_ascii_uppercase();
        if !typed.is_ascii() || !ALPHABET.contains(&(typed as u8)) {
            return None;
        }
        letters.push(typed);
    }
    (letters.len() == LETTERS).then_some(letters)
}

/// A recovery code that was typed: the digit that it begins with, and its letters.
pub(super) fn numbered(text: &str) -> Option<(u8, Zeroizing<String>)> {
    let text = text.trim_start();
    let number = text.chars().next()?.to_digit(10)?;
    Some((u8::try_from(number).ok()?, letters(text.get(1..)?)?))
}

/// The hash that is stored of a recovery code.
pub(super) async fn hash(number: u8, letters: Zeroizing<String>) -> Result<CodeHash, Problem> {
    let salt = random()?;
    Ok(CodeHash {
        hash: ByteArray::new(derive(letters, salt).await?),
        salt: ByteArray::new(salt),
        number,
    })
}

/// Whether this is the code of the hash.
pub(super) async fn is(hash: &CodeHash, letters: Zeroizing<String>) -> Result<bool, Problem> {
    let derived = derive(letters, *hash.salt).await?;
    Ok(verify_slices_are_equal(&derived, hash.hash.as_slice()).is_ok())
}

async fn derive(letters: Zeroizing<String>, salt: [u8; 16]) -> Result<[u8; 32], Problem> {
    let internal = |error: String| Problem::new(ProblemType::Internal, error);
    let _one_of_few = HASHES
        .acquire()
        .await
        .map_err(|error| internal(error.to_string()))?;
    tokio::task::spawn_blocking(move || {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32))?;
        let mut out = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
            letters.as_bytes(),
            &salt,
            &mut out,
        )?;
        Ok(out)
    })
    .await
    .map_err(|error| internal(error.to_string()))?
    .map_err(|error: argon2::Error| internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let read = new_letters().unwrap();
        let code = grouped(&read);
        assert_eq!(code.len(), LETTERS + 3);
        assert_eq!(letters(&code), Some(read.clone()));
        for typed in [
            code.to_lowercase(),
            code.replace('-', ""),
            code.replace('-', " - "),
        ] {
            assert_eq!(letters(&typed), Some(read.clone()), "{typed}");
        }
        let (number, numbered) = numbered(&format!("7-{code}")).unwrap();
        assert_eq!((number, numbered), (7, read));
    }

    #[test]
    fn what_is_not_a_code_is_refused() {
        for text in [
            "",
            "ABCDE",
            "ABCDE-ABCDE-ABCDE-ABCD1",
            "ABCDE-ABCDE-ABCDE-ABCDEF",
            "ÄBCDE-ABCDE-ABCDE-ABCDE",
        ] {
            assert_eq!(letters(text), None, "{text}");
        }
        for text in [
            "",
            "x",
            "ABCDE-ABCDE-ABCDE-ABCDE",
            "é",
            "12-ABCDE-ABCDE-ABCDE-ABCDE",
        ] {
            assert_eq!(numbered(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn only_the_code_itself_is_the_code() {
        let code = letters("ABCDE-ABCDE-ABCDE-ABCDE").unwrap();
        let kept = hash(3, code.clone()).await.unwrap();
        assert!(is(&kept, code.clone()).await.unwrap());
        let other = letters("ABCDE-ABCDE-ABCDE-ABCDF").unwrap();
        assert!(!is(&kept, other).await.unwrap());
        assert_ne!(hash(3, code).await.unwrap(), kept);
    }
}
