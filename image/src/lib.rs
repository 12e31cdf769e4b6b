//! Builds, reads and measures the enclave image.
//!
//! An image is an EIF (Enclave Image Format) file: a kernel, its command line and ramdisks, which the Nitro hypervisor
//! measures and starts. Ours has two ramdisks, so that the code and the configuration are measured separately (design,
//! section 4):
//!
//! | PCR | what it measures |
//! |---|---|
//! | 0 | the whole image |
//! | 1 | the kernel, the command line and the first ramdisk: `/init`, the static enclave program, and nothing else |
//! | 2 | the second ramdisk: `/config/enclave.toml`, the configuration, and nothing else |
//!
//! The same kernel, program and configuration give the same bytes.
//!
//! - [`image::Parts`] are what an image is made of; [`image::Parts::to_eif`] makes the image.
//! - [`eif::Eif`] reads and writes the file format; [`cpio`] reads and writes the ramdisks' format.
//! - [`measurement::Pcrs`] are the PCRs that the image will boot with.
//! - [`describe`](mod@describe) describes what is in an image; [`manifest`] lists what it was built from.

#![forbid(unsafe_code)]

pub mod cpio;
pub mod describe;
pub mod eif;
pub mod image;
pub mod manifest;
pub mod measurement;
