//! The arguments from which a generate-only key policy is made.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use permafrost_common::attestation::Measurements;
use permafrost_kms::policy::{GenerateOnly, Release};

use crate::cli::outcome::Outcome;
use crate::cli::text_file;

/// The arguments of `permafrost kms policy` and `permafrost kms provision`.
#[derive(Args, Clone, Debug)]
pub(super) struct PolicyArguments {
    /// The measurements of an accepted release, as `nitro-cli build-enclave` prints them: PCR0, PCR1 and PCR2. The release
    /// is named after the file unless NAME= is given. May be repeated.
    #[arg(long, required = true, value_name = "[NAME=]FILE")]
    measurements: Vec<MeasurementsFile>,

    /// A role that signs the enclave's requests: arn:aws:iam::ACCOUNT:role/NAME. May be repeated.
    #[arg(long = "role", required = true, value_name = "ARN")]
    roles: Vec<String>,

    /// A user or a role that may describe, change and delete the key, but not use it; or the account's root, so that IAM
    /// policies decide. May be repeated.
    #[arg(long = "administrator", required = true, value_name = "ARN")]
    administrators: Vec<String>,

    /// The account of the key, the roles and the administrators: 12 digits.
    #[arg(long, value_name = "ID")]
    account: String,

    /// The deployment's name in the measured configuration: 1 to 64 of a-z, 0-9 and -.
    #[arg(long, value_name = "NAME")]
    deployment: String,

    /// The AWS partition: aws, aws-cn, aws-us-gov, ...
    #[arg(long, default_value = "aws", value_name = "NAME")]
    partition: String,
}

impl PolicyArguments {
    /// The deployment's name, as given.
    pub(super) fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The partition and the account of all principals that the policy names.
    pub(super) fn place(&self) -> (&str, &str) {
        (&self.partition, &self.account)
    }

    /// The policy, as JSON.
    ///
    /// # Errors
    /// A wrong call, for a file that cannot be read or does not contain measurements, and for arguments that make no policy.
    pub(super) fn policy(self) -> Result<String, Outcome> {
        let releases = self
            .measurements
            .iter()
            .map(MeasurementsFile::release)
            .collect::<Result<_, _>>()?;
        GenerateOnly {
            releases,
            roles: self.roles,
            administrators: self.administrators,
            deployment: self.deployment,
            account: self.account,
            partition: self.partition,
        }
        .policy()
        .map_err(Outcome::wrong_call)
    }
}

/// A measurements file, and the name of its release.
#[derive(Clone, Debug, Eq, PartialEq)]
struct MeasurementsFile {
    name: String,
    path: PathBuf,
}

impl MeasurementsFile {
    fn release(&self) -> Result<Release, Outcome> {
        let wrong = |error: &dyn std::fmt::Display| {
            Outcome::wrong_call(format!("{}: {error}", self.path.display()))
        };
        let measurements = Measurements::from_json(&text_file::read(&self.path)?)
            .map_err(|error| wrong(&error))?;
        Release::new(&self.name, &measurements).map_err(|error| wrong(&error))
    }
}

impl FromStr for MeasurementsFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A text with a slash before its first = is a path that contains a =.
        if let Some((name, path)) = text.split_once('=')
            && !name.contains('/')
        {
            return Ok(Self {
                name: name.to_owned(),
                path: path.into(),
            });
        }
        let path = PathBuf::from(text);
        match path.file_stem().and_then(|stem| stem.to_str()) {
            Some(name) => Ok(Self {
                name: name.to_owned(),
                path,
            }),
            None => Err("accepted: a file, or NAME=FILE".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_after_its_file_or_by_name() {
        for (text, name, path) in [
            ("v1.json", "v1", "v1.json"),
            ("images/v1.2.json", "v1.2", "images/v1.2.json"),
            (
                "new=images/measurements.json",
                "new",
                "images/measurements.json",
            ),
            ("./a=b/v1.json", "v1", "./a=b/v1.json"),
            ("new=a=b", "new", "a=b"),
        ] {
            let file: MeasurementsFile = text.parse().unwrap();
            assert_eq!(
                (file.name.as_str(), file.path),
                (name, path.into()),
                "{text}"
            );
        }
        assert!("/".parse::<MeasurementsFile>().is_err());
    }
}
