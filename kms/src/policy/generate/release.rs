//! The enclave images that may use a key.

use permafrost_common::attestation::{Measurements, PCR_LEN, Pcr};

use super::error::GenerateError;

/// An enclave image that may use the key: a name for people to read, and the PCRs that measure it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    name: String,
    pcrs: [Pcr; 3],
}

impl Release {
    /// A release with the PCRs of a measurements file: PCR0 (the image), PCR1 (the code) and PCR2 (the configuration).
    ///
    /// # Errors
    /// [`GenerateError`] for a name that is not 1 to 64 of A-Z, a-z, 0-9, -, _ and ., and for one of the three PCRs that is
    /// missing or all zero.
    pub fn new(name: &str, measurements: &Measurements) -> Result<Self, GenerateError> {
        let name_fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !name_fits {
            return Err(GenerateError::ReleaseName(name.to_owned()));
        }
        let measured = |pcr| match measurements.get(pcr) {
            None => Err(GenerateError::MissingPcr {
                release: name.to_owned(),
                pcr,
            }),
            Some(value) if *value == [0; PCR_LEN] => Err(GenerateError::DebugPcr {
                release: name.to_owned(),
                pcr,
            }),
            Some(value) => Ok(*value),
        };
        Ok(Self {
            pcrs: [measured(0)?, measured(1)?, measured(2)?],
            name: name.to_owned(),
        })
    }

    /// The name for people to read.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// PCR0, PCR1 and PCR2.
    pub fn pcrs(&self) -> &[Pcr; 3] {
        &self.pcrs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_of_debug_mode_or_without_an_image_make_no_release() {
        let pcrs = [[1; PCR_LEN], [2; PCR_LEN], [3; PCR_LEN]];
        for zero in 0..3_u8 {
            let mut debug = pcrs;
            debug[usize::from(zero)] = [0; PCR_LEN];
            assert_eq!(
                Release::new("v1", &Measurements::of_image(debug)),
                Err(GenerateError::DebugPcr {
                    release: "v1".to_owned(),
                    pcr: zero
                })
            );
            let others = (0..3).filter(|index| *index != zero);
            let missing =
                Measurements::from_pcrs(others.map(|index| (index, pcrs[usize::from(index)])));
            assert_eq!(
                Release::new("v1", &missing.unwrap()),
                Err(GenerateError::MissingPcr {
                    release: "v1".to_owned(),
                    pcr: zero
                })
            );
        }
        for name in ["", "a b", "a\"", &"a".repeat(65)] {
            let refused = Release::new(name, &Measurements::of_image(pcrs));
            assert_eq!(refused, Err(GenerateError::ReleaseName(name.to_owned())));
        }
    }
}
