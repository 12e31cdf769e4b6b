//! The PCRs of a release, as `nitro-cli build-enclave` prints them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{
    error::quoted,
    payload::{PCR_LEN, Pcr},
};

/// The PCRs that make up one release: at least one, each 48 bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Measurements(BTreeMap<u8, Pcr>);

/// Why a text is not a set of PCRs.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MeasurementsError {
    /// The text is not JSON, or not an object of strings.
    #[error("the measurements are not JSON: {0}")]
    Json(String),
    /// A key is not one of the accepted keys.
    #[error("the measurements have the key {0}, accepted: PCR0 to PCR31, 0 to 31, HashAlgorithm")]
    Key(String),
    /// A value is not a string.
    #[error("the measurement {0} is not a string, accepted: 96 hex digits")]
    Text(String),
    /// The hash is not SHA-384.
    #[error("the measurements were made with {0}, accepted: Sha384")]
    Hash(String),
    /// A PCR's index is out of range.
    #[error("the PCR index is {0}, accepted: 0 to 31")]
    Index(u8),
    /// A PCR's value is not 48 bytes in hex.
    #[error("PCR{index} is {found}, accepted: 96 hex digits")]
    Value {
        /// Which PCR.
        index: u8,
        /// What came, quoted, at most 64 characters of it.
        found: String,
    },
    /// A PCR comes twice.
    #[error("PCR{0} comes twice, accepted: once")]
    Duplicate(u8),
    /// There is no PCR at all: everything would match.
    #[error("there are no PCRs, accepted: one or more")]
    Empty,
}

impl Measurements {
    /// Reads measurements from JSON. Accepted are what `nitro-cli build-enclave` prints,
    ///
    /// ```json
    /// {"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": "<96 hex digits>", "PCR1": "...", "PCR2": "..."}}
    /// ```
    ///
    /// the inner object alone, and `{"0": "<96 hex digits>", ...}`. Hex in either case.
    ///
    /// # Errors
    ///
    /// Unknown or repeated keys, no PCR at all, another hash algorithm, a value that is not 48 bytes in hex.
    pub fn from_json(text: &str) -> Result<Self, MeasurementsError> {
        let outer = match serde_json::from_str(text) {
            Ok(Node::Object(entries)) => entries,
            Ok(Node::Text(_)) => return Err(MeasurementsError::Json("it is a string".to_owned())),
            Err(error) => return Err(MeasurementsError::Json(error.to_string())),
        };
        let entries = match <[(String, Node); 1]>::try_from(outer) {
            Ok([(key, Node::Object(inner))]) if key == "Measurements" => inner,
            Ok(other) => other.into(),
            Err(outer) => outer,
        };
        let mut pcrs = Vec::new();
        for (key, node) in entries {
            let Node::Text(value) = node else {
                return Err(MeasurementsError::Text(quoted(&key)));
            };
            if key == "HashAlgorithm" {
                check_hash(&value)?;
            } else {
                let index = index(&key)?;
                pcrs.push((index, pcr(index, &value)?));
            }
        }
        Self::from_pcrs(pcrs)
    }

    /// The JSON that `nitro-cli build-enclave` prints, hex in lower case: [`Measurements::from_json`] reads it.
    pub fn to_json(&self) -> String {
        let hash = ("HashAlgorithm".to_owned(), "Sha384 { ... }".into());
        let pcrs = self
            .iter()
            .map(|(index, value)| (format!("PCR{index}"), hex::encode(value).into()));
        let inner: serde_json::Map<String, serde_json::Value> =
            std::iter::once(hash).chain(pcrs).collect();
        serde_json::json!({ "Measurements": inner }).to_string()
    }

    /// Measurements from PCRs: at least one, each index (0 to 31) once.
    ///
    /// # Errors
    ///
    /// [`MeasurementsError::Empty`], [`MeasurementsError::Index`] or [`MeasurementsError::Duplicate`].
    pub fn from_pcrs(pcrs: impl IntoIterator<Item = (u8, Pcr)>) -> Result<Self, MeasurementsError> {
        let mut measurements = Self(BTreeMap::new());
        for (index, value) in pcrs {
            measurements.insert(index, value)?;
        }
        if measurements.0.is_empty() {
            return Err(MeasurementsError::Empty);
        }
        Ok(measurements)
    }

    /// The measurements of an image: PCR0 (all of it), PCR1 (kernel and boot) and PCR2 (application).
    pub fn of_image(pcrs: [Pcr; 3]) -> Self {
        Self((0..).zip(pcrs).collect())
    }

    /// Adds a PCR.
    ///
    /// # Errors
    ///
    /// [`MeasurementsError::Index`] above 31, [`MeasurementsError::Duplicate`] if the PCR is there already.
    pub fn insert(&mut self, index: u8, value: Pcr) -> Result<(), MeasurementsError> {
        if index > 31 {
            return Err(MeasurementsError::Index(index));
        }
        match self.0.insert(index, value) {
            None => Ok(()),
            Some(_) => Err(MeasurementsError::Duplicate(index)),
        }
    }

    /// The value of a PCR.
    pub fn get(&self, index: u8) -> Option<&Pcr> {
        self.0.get(&index)
    }

    /// The PCRs in ascending order of index.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Pcr)> {
        self.0.iter().map(|(index, value)| (*index, value))
    }
}

impl FromStr for Measurements {
    type Err = MeasurementsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_json(text)
    }
}

/// A PCR's value from 96 hex digits; `index` is for the error.
pub(super) fn pcr(index: u8, hex: &str) -> Result<Pcr, MeasurementsError> {
    let mut value = [0; PCR_LEN];
    hex::decode_to_slice(hex, &mut value).map_err(|_| MeasurementsError::Value {
        index,
        found: quoted(hex),
    })?;
    Ok(value)
}

fn index(key: &str) -> Result<u8, MeasurementsError> {
    let digits = key.strip_prefix("PCR").unwrap_or(key);
    (0..32)
        .find(|index: &u8| index.to_string() == digits)
        .ok_or_else(|| MeasurementsError::Key(quoted(key)))
}

/// nitro-cli prints the hash's name and then its inner state: `Sha384 { ... }`.
fn check_hash(value: &str) -> Result<(), MeasurementsError> {
    match value.split_whitespace().next() {
        Some("Sha384") => Ok(()),
        _ => Err(MeasurementsError::Hash(quoted(value))),
    }
}

/// JSON of strings and objects that keeps repeated keys, which a map would hide.
enum Node {
    Text(String),
    Object(Vec<(String, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or a string of hex digits")
            }

            fn visit_str<E>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Node::Object(entries))
            }
        }

        deserializer.deserialize_any(NodeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(byte: u8) -> String {
        hex::encode([byte; PCR_LEN])
    }

    #[test]
    fn what_is_written_is_read_again() {
        let measurements = Measurements::of_image([[1; PCR_LEN], [0xab; PCR_LEN], [3; PCR_LEN]]);
        let text = measurements.to_json();
        assert!(
            text.contains(&format!("\"PCR1\":\"{}\"", "ab".repeat(48))),
            "{text}"
        );
        assert_eq!(Measurements::from_json(&text).unwrap(), measurements);
    }

    #[test]
    fn what_nitro_cli_prints_is_read() {
        let text = format!(
            r#"{{
              "Measurements": {{
                "HashAlgorithm": "Sha384 {{ ... }}",
                "PCR0": "{}",
                "PCR1": "{}",
                "PCR8": "{}"
              }}
            }}"#,
            hex(1),
            hex(0xab).to_uppercase(),
            hex(3)
        );
        let measurements = Measurements::from_json(&text).unwrap();
        let pcrs: Vec<_> = measurements.iter().collect();
        assert_eq!(pcrs, [(0, &[1; 48]), (1, &[0xab; 48]), (8, &[3; 48])]);
        assert_eq!(measurements.get(1), Some(&[0xab; 48]));
    }

    #[test]
    fn all_forms_read_alike() {
        let image = Measurements::from_pcrs([(0, [1; 48]), (1, [2; 48]), (2, [3; 48])]);
        assert_eq!(
            Ok(Measurements::of_image([[1; 48], [2; 48], [3; 48]])),
            image
        );

        let expected = Measurements::from_pcrs([(0, [1; 48]), (31, [2; 48])]);
        for text in [
            format!(r#"{{"PCR0": "{}", "PCR31": "{}"}}"#, hex(1), hex(2)),
            format!(r#"{{"31": "{}", "0": "{}"}}"#, hex(2), hex(1)),
            format!(
                r#"{{"HashAlgorithm": "Sha384", "PCR0": "{}", "31": "{}"}}"#,
                hex(1),
                hex(2)
            ),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        use MeasurementsError::*;
        let value = hex(1);
        let error = |text: &str| Measurements::from_json(&text.replace("HEX", &value)).unwrap_err();

        for text in [
            "",
            "[]",
            "7",
            r#""PCR0""#,
            r#"{"PCR0": 7}"#,
            r#"{"PCR0": null}"#,
        ] {
            assert!(matches!(error(text), Json(_)), "{text}");
        }
        for key in [
            "PCR32",
            "PCR00",
            "PCR+1",
            "pcr0",
            "PCR",
            "",
            "32",
            "00",
            " 0",
            "Measurements2",
        ] {
            let text = format!(r#"{{"{key}": "HEX"}}"#);
            assert_eq!(error(&text), Key(format!("{key:?}")));
        }
        assert!(matches!(error(r#"{"Measurements": "HEX"}"#), Key(_)));
        assert!(matches!(
            error(r#"{"Measurements": {"PCR0": "HEX"}, "PCR1": "HEX"}"#),
            Text(_)
        ));
        assert!(matches!(
            error(r#"{"Measurements": {"Measurements": {"PCR0": "HEX"}}}"#),
            Text(_)
        ));
        assert!(matches!(error(r#"{"PCR0": {"PCR0": "HEX"}}"#), Text(_)));
        assert!(matches!(
            error(r#"{"HashAlgorithm": "Sha256 { ... }", "PCR0": "HEX"}"#),
            Hash(_)
        ));
        assert!(matches!(
            error(r#"{"HashAlgorithm": "Sha3840", "PCR0": "HEX"}"#),
            Hash(_)
        ));
        assert!(matches!(
            error(r#"{"PCR3": "HEX0"}"#),
            Value { index: 3, .. }
        ));
        assert!(matches!(
            error(r#"{"PCR3": "0xHEX"}"#),
            Value { index: 3, .. }
        ));
        assert!(matches!(error(r#"{"PCR3": ""}"#), Value { index: 3, .. }));
        assert_eq!(error(r#"{"PCR3": "HEX", "PCR3": "HEX"}"#), Duplicate(3));
        assert_eq!(error(r#"{"PCR3": "HEX", "3": "HEX"}"#), Duplicate(3));
        assert_eq!(error("{}"), Empty);
        assert_eq!(
            error(r#"{"Measurements": {"HashAlgorithm": "Sha384 { ... }"}}"#),
            Empty
        );
        assert_eq!(
            Measurements::from_pcrs([(32, [1; 48])]).unwrap_err(),
            Index(32)
        );
    }
}
