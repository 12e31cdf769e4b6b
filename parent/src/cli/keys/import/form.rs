//! The forms in which a secret key of secp256k1 is written down, and what each is refused for.

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use clap::ValueEnum;
use zeroize::Zeroizing;

use super::ncryptsec::Encrypted;

/// A secret: 32 bytes, big-endian.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// A form in which a secret is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Hex,
    Nsec,
    Ncryptsec,
    Wif,
}

/// Which network a key in wallet import format is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum WifNetwork {
    /// The main network.
    Bitcoin,
    /// Testnet, signet or regtest.
    Testnet,
}

/// What a text was read as.
#[derive(Debug)]
pub(super) enum Read {
    /// A secret.
    Plain(Secret),
    /// A secret that a password opens.
    Encrypted(Encrypted),
}

/// What an error says would be accepted.
pub(super) const ACCEPTED: &str =
    "nsec1... (NIP-19), ncryptsec1... (NIP-49), wallet import format, or 64 hex digits";

impl Form {
    /// The form of a text by its beginning and its length. No text of one form has another.
    ///
    /// # Errors
    /// Says what the text is, if that is known, and what is accepted.
    pub(super) fn detect(text: &str) -> Result<Self, String> {
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let starts = |prefix: &str| lower.starts_with(prefix);
        match text.len() {
            _ if starts("nsec1") => Ok(Self::Nsec),
            _ if starts("ncryptsec1") => Ok(Self::Ncryptsec),
            64 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(Self::Hex),
            51 | 52 if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Ok(Self::Wif),
            _ => Err(unlike(text, ACCEPTED)),
        }
    }

    /// Reads a text of this form.
    ///
    /// # Errors
    /// Says what is wrong and what is accepted. Shows nothing of the text but its length and its public prefix.
    pub(super) fn read(self, text: &str, network: WifNetwork) -> Result<Read, String> {
        if self != Self::Wif {
            // What is plainly another form is named before the form that was expected is found broken.
            match Self::detect(text) {
                Ok(other) if other != self => {
                    let (came, accepted) = (other.name(), self.name());
                    return Err(format!("{came}; accepted here: {accepted}"));
                }
                _ => {}
            }
        }
        match self {
            Self::Hex => hex(text).map(Read::Plain),
            Self::Nsec => nsec(text).map(Read::Plain),
            Self::Ncryptsec => ncryptsec(text).map(Read::Encrypted),
            Self::Wif => wif(text, network).map(Read::Plain),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Hex => "64 hex digits",
            Self::Nsec => "nsec1... (NIP-19)",
            Self::Ncryptsec => "ncryptsec1... (NIP-49)",
            Self::Wif => "wallet import format, compressed",
        }
    }
}

fn hex(text: &str) -> Result<Secret, String> {
    let mut secret = Zeroizing::new([0; 32]);
    match hex::decode_to_slice(text, secret.as_mut_slice()) {
        Ok(()) => Ok(secret),
        Err(_) => Err(unlike(text, Form::Hex.name())),
    }
}

fn nsec(text: &str) -> Result<Secret, String> {
    let mut secret = Zeroizing::new([0; 32]);
    bech32_of(text, "nsec", Form::Nsec, secret.as_mut_slice())?;
    Ok(secret)
}

fn ncryptsec(text: &str) -> Result<Encrypted, String> {
    let mut bytes = [0; Encrypted::LEN];
    bech32_of(text, "ncryptsec", Form::Ncryptsec, &mut bytes)?;
    Encrypted::parse(&bytes)
}

/// Decodes bech32 (BIP-173) with this prefix into exactly `to`.
fn bech32_of(text: &str, prefix: &str, form: Form, to: &mut [u8]) -> Result<(), String> {
    let accepted = form.name();
    if !text.to_ascii_lowercase().starts_with(&format!("{prefix}1")) {
        return Err(unlike(text, accepted));
    }
    let decoded = CheckedHrpstring::new::<Bech32>(text).map_err(|_| {
        format!("{prefix} whose checksum is wrong: a character was lost or changed; accepted: {accepted}")
    })?;
    let length = decoded.byte_iter().len();
    if decoded.hrp().as_str().to_ascii_lowercase() != prefix || length != to.len() {
        let expected = to.len();
        return Err(format!(
            "{prefix} of {length} bytes; accepted: {accepted}, {expected} bytes"
        ));
    }
    for (to, from) in to.iter_mut().zip(decoded.byte_iter()) {
        *to = from;
    }
    Ok(())
}

/// Wallet import format: base58check of a version byte, the secret, and 1 for a compressed public key.
fn wif(text: &str, network: WifNetwork) -> Result<Secret, String> {
    let accepted = Form::Wif.name();
    let bytes = base58ck::decode_check(text).map(Zeroizing::new).map_err(|_| {
        match Form::detect(text) {
            Ok(Form::Wif) => format!(
                "wallet import format whose checksum is wrong: a character was lost or changed; accepted: {accepted}"
            ),
            Ok(other) => format!("{}; accepted here: {accepted}", other.name()),
            Err(_) => unlike(text, accepted),
        }
    })?;
    let Some((version, rest)) = bytes.split_first() else {
        return Err(unlike(text, accepted));
    };
    let of = match *version {
        0x80 => WifNetwork::Bitcoin,
        0xef => WifNetwork::Testnet,
        _ => {
            return Err(format!(
                "base58 that is no secret key (version {version:#04x}); accepted: {accepted}"
            ));
        }
    };
    if of != network {
        let name = |network| match network {
            WifNetwork::Bitcoin => "bitcoin",
            WifNetwork::Testnet => "testnet",
        };
        return Err(format!(
            "wallet import format of another network ({}); accepted: one of {}, or --wif-network {}",
            name(of),
            name(network),
            name(of)
        ));
    }
    match rest.split_at_checked(32) {
        Some((secret, [1])) => secret
            .try_into()
            .map(Zeroizing::new)
            .map_err(|_| unlike(text, accepted)),
        Some((_, [])) => Err(format!(
            "wallet import format of an uncompressed public key, which Taproot does not have; accepted: {accepted} (it begins with K, L or c)"
        )),
        _ => Err(unlike(text, accepted)),
    }
}

/// What a text is that is not what was expected: only public prefixes are named.
fn unlike(text: &str, accepted: &str) -> String {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let public = [
        ("npub1", "an npub, which is a public key"),
        ("xprv", "an extended private key"),
        ("nprofile1", "an nprofile, which is public"),
        ("age-secret-key-1", "an age identity"),
    ];
    let came = public.iter().find(|(prefix, _)| lower.starts_with(prefix));
    match came {
        Some((_, came)) => format!("{came}; accepted: {accepted}"),
        None => format!(
            "a text of {} characters; accepted: {accepted}",
            text.chars().count()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIP-19's example.
    const NSEC: &str = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
    const HEX: &str = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa";
    /// NIP-49's example.
    const NCRYPTSEC: &str = "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p";
    /// The Bitcoin wiki's example, compressed and not, and the same secret for testnet.
    const WIF: &str = "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617";
    const UNCOMPRESSED: &str = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ";
    const WIF_HEX: &str = "0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d";

    fn wif_text(version: u8, secret: &str, rest: &[u8]) -> String {
        let secret = hex::decode(secret).unwrap();
        base58ck::encode_check(&[&[version], secret.as_slice(), rest].concat())
    }

    fn read(text: &str, network: WifNetwork) -> Result<String, String> {
        match Form::detect(text)?.read(text, network)? {
            Read::Plain(secret) => Ok(hex::encode(*secret)),
            Read::Encrypted(_) => Ok("encrypted".to_owned()),
        }
    }

    #[test]
    fn every_form_is_detected_and_read() {
        let testnet = wif_text(0xef, WIF_HEX, &[1]);
        for (text, network, expected) in [
            (NSEC, WifNetwork::Bitcoin, HEX),
            (&NSEC.to_uppercase(), WifNetwork::Bitcoin, HEX),
            (HEX, WifNetwork::Bitcoin, HEX),
            (&HEX.to_uppercase(), WifNetwork::Bitcoin, HEX),
            (NCRYPTSEC, WifNetwork::Bitcoin, "encrypted"),
            (WIF, WifNetwork::Bitcoin, WIF_HEX),
            (&testnet, WifNetwork::Testnet, WIF_HEX),
        ] {
            assert_eq!(read(text, network).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_secret_is_refused_in_words_that_name_it_and_never_show_it() {
        let npub = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6";
        let mut lost = NSEC.to_owned();
        lost.remove(20);
        let mut changed = WIF.to_owned();
        changed.replace_range(20..21, "a");
        let short = &HEX[2..];
        let testnet = wif_text(0xef, WIF_HEX, &[1]);
        let address = wif_text(0, WIF_HEX, &[1]);
        for (text, network, words) in [
            (npub, WifNetwork::Bitcoin, "an npub, which is a public key"),
            (&lost, WifNetwork::Bitcoin, "checksum is wrong"),
            (&changed, WifNetwork::Bitcoin, "checksum is wrong"),
            (short, WifNetwork::Bitcoin, "a text of 62 characters"),
            ("", WifNetwork::Bitcoin, "a text of 0 characters"),
            (&testnet, WifNetwork::Bitcoin, "another network (testnet)"),
            (WIF, WifNetwork::Testnet, "another network (bitcoin)"),
            (UNCOMPRESSED, WifNetwork::Bitcoin, "uncompressed public key"),
            (
                &address,
                WifNetwork::Bitcoin,
                "no secret key (version 0x00)",
            ),
        ] {
            let refused = read(text, network).unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
            assert!(refused.contains("accepted"), "{refused}");
            assert!(text.len() < 8 || !refused.contains(&text[6..]), "{refused}");
        }
    }

    #[test]
    fn a_text_of_another_form_than_the_named_one_is_refused() {
        let forms = [
            (Form::Hex, HEX),
            (Form::Nsec, NSEC),
            (Form::Ncryptsec, NCRYPTSEC),
            (Form::Wif, WIF),
        ];
        for (form, _) in forms {
            for (other, text) in forms {
                let read = form.read(text, WifNetwork::Bitcoin);
                match form == other {
                    true => assert!(read.is_ok(), "{form:?}"),
                    false => {
                        let refused = read.unwrap_err();
                        let words = [other.name(), "accepted here", form.name()];
                        assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
                    }
                }
            }
            let npub = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6";
            let refused = form.read(npub, WifNetwork::Bitcoin).unwrap_err();
            assert!(refused.contains("public key") && refused.contains(form.name()));
        }
    }

    #[test]
    fn a_secret_of_another_length_is_refused() {
        for length in [0, 31, 33] {
            let hrp = bech32::Hrp::parse("nsec").unwrap();
            let text = bech32::encode::<Bech32>(hrp, &vec![7; length]).unwrap();
            let refused = read(&text, WifNetwork::Bitcoin).unwrap_err();
            assert!(
                refused.contains(&format!("nsec of {length} bytes")),
                "{refused}"
            );
        }
        let modified =
            bech32::encode::<bech32::Bech32m>(bech32::Hrp::parse("nsec").unwrap(), &[7; 32]);
        let refused = read(&modified.unwrap(), WifNetwork::Bitcoin).unwrap_err();
        assert!(refused.contains("checksum is wrong"), "{refused}");
    }
}
