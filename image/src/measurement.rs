//! The PCRs that an image will boot with.

use sha2::{Digest, Sha384};

use crate::eif::{Eif, Kind};

/// The length of a PCR, in bytes.
pub const PCR_LEN: usize = 48;

/// PCR0, PCR1 and PCR2 of an image, 48 bytes each.
///
/// Each is extended once from zero: SHA-384(48 zero bytes, SHA-384(the sections' contents, in the order of the file)).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pcrs {
    /// The whole image: kernel, command line and every ramdisk.
    pub image: [u8; PCR_LEN],
    /// The code: kernel, command line and the first ramdisk.
    pub code: [u8; PCR_LEN],
    /// The configuration: the ramdisks after the first.
    pub configuration: [u8; PCR_LEN],
}

impl Pcrs {
    /// Measures an image as `nitro-cli`, the Nitro hypervisor and QEMU do: the signature and the metadata do not count.
    pub fn of(eif: &Eif) -> Self {
        let (mut image, mut code, mut configuration) =
            (Sha384::new(), Sha384::new(), Sha384::new());
        let mut ramdisks = 0;
        for section in &eif.sections {
            let is_code = match section.kind {
                Kind::Kernel | Kind::CommandLine => true,
                Kind::Ramdisk => {
                    ramdisks += 1;
                    ramdisks == 1
                }
                Kind::Signature | Kind::Metadata => continue,
            };
            image.update(&section.content);
            if is_code {
                code.update(&section.content);
            } else {
                configuration.update(&section.content);
            }
        }
        Self {
            image: extended(image),
            code: extended(code),
            configuration: extended(configuration),
        }
    }

    /// The JSON that `nitro-cli build-enclave` prints, with lowercase hex.
    pub fn to_json(&self) -> String {
        let json = serde_json::json!({
            "Measurements": {
                "HashAlgorithm": "Sha384 { ... }",
                "PCR0": hex::encode(self.image),
                "PCR1": hex::encode(self.code),
                "PCR2": hex::encode(self.configuration),
            }
        });
        format!("{json:#}\n")
    }
}

/// The PCR2 of every image whose configuration is in this ramdisk.
pub fn of_configuration(ramdisk: &[u8]) -> [u8; PCR_LEN] {
    extended(Sha384::new_with_prefix(ramdisk))
}

fn extended(content: Sha384) -> [u8; PCR_LEN] {
    Sha384::new_with_prefix([0; PCR_LEN])
        .chain_update(content.finalize())
        .finalize()
        .into()
}
