//! Builds, reads and measures the enclave image.
//!
//! An image is an EIF (Enclave Image Format) file: a kernel, its command line and ramdisks, which the Nitro hypervisor
//! measures and starts. Ours has two ramdisks, so that the code and the configuration are measured apart (design, section
//! 4):
//!
//! | PCR | what it is the measure of |
//! |---|---|
//! | 0 | all of it |
//! | 1 | the kernel, the command line and the first ramdisk: `/init`, the static enclave program, and nothing else |
//! | 2 | the second ramdisk: `/config/enclave.toml`, the configuration, and nothing else |
//!
//! The same kernel, program and configuration give the same bytes.
//!
//! - [`image::Parts`] are what an image is made of; [`image::Parts::to_eif`] makes it.
//! - [`eif::Eif`] is the file format, written and read; [`cpio`] the format of the ramdisks.
//! - [`measurement::Pcrs`] are the PCRs that the image will boot with.
//! - [`describe`](mod@describe) tells what is in an image, [`manifest`] what went into it.

#![forbid(unsafe_code)]

pub mod cpio;
pub mod describe;
pub mod eif;
pub mod image;
pub mod manifest;
pub mod measurement;
