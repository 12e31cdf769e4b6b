//! `permafrost attest verify`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use permafrost_common::attestation::{
    At, Document, Measurements, PCR_LEN, Pcr, Policy, RootCertificate, VerifiedDocument,
};
use permafrost_common::binding::Binding;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Nonce, document_file, parse_nonce};
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost attest verify document.cbor
  permafrost attest verify document.b64 --pcr 1=<96 hex> --nonce 00ff --json
  permafrost attest verify kept.cbor --at 2026-02-02T12:00:00Z --pcrs measurements.json
  permafrost attest fetch | permafrost attest verify - --root-certificate .permafrost/enclave/development-root.pem

Exit codes: 0 everything that was asked for holds; 1 a check fails; 2 the call is wrong.";

/// Verify an attestation document: syntax, signature, certificates, and what you ask of it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// The document, binary or base64; - for standard input.
    file: PathBuf,

    /// The root certificate that the document must lead to. Default: the AWS Nitro Enclaves root G1.
    #[arg(long, value_name = "PEM")]
    root_certificate: Option<PathBuf>,

    /// A PCR that the document must have. May be given for several PCRs.
    #[arg(long = "pcr", value_name = "N=HEX", value_parser = parse_pcr)]
    pcr: Vec<(u8, Pcr)>,

    /// Measurements that the document must have, as `nitro-cli build-enclave` prints them or as {"0": "HEX"}. Given
    /// several times, one of the files must match.
    #[arg(long, value_name = "FILE")]
    pcrs: Vec<PathBuf>,

    /// The nonce that the document must have, 0 to 512 bytes.
    #[arg(long, value_name = "HEX", value_parser = parse_nonce)]
    nonce: Option<Nonce>,

    /// The time of judgement: now, signed (the document's own timestamp), or a time such as 2026-02-02T12:00:00Z.
    #[arg(long, value_name = "now|signed|RFC3339", default_value = "now", value_parser = parse_at)]
    at: At,

    /// Accept an enclave in debug mode, which measures nothing and hides nothing.
    #[arg(long)]
    allow_debug: bool,

    /// Print one JSON object, also when a check fails.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Outcome> {
        let request = self.request()?;
        let bytes =
            document_file::read(&self.file).map_err(|error| unreadable(&self.file, error))?;
        match (request.judge(bytes), self.json) {
            (Ok(document), true) => say(json(&Report::of(&document))),
            (Ok(document), false) => say(self.describe(&document)),
            (Err(refusal), true) => {
                say(json(&Refused { error: &refusal }))?;
                Err(Outcome::already_told())
            }
            (Err(Refusal { rule, detail }), false) => {
                Err(Outcome::failed(format!("not verified ({rule}): {detail}")))
            }
        }
    }

    fn request(&self) -> Result<Request, Outcome> {
        let root = match &self.root_certificate {
            Some(path) => RootCertificate::from_pem(&read_text(path)?)
                .map_err(|error| Outcome::wrong_call(format!("{}: {error}", path.display())))?,
            None => RootCertificate::aws_nitro_g1(),
        };
        let mut policies = Vec::new();
        if !self.pcr.is_empty() {
            let wanted = Measurements::from_pcrs(self.pcr.iter().copied())
                .map_err(|error| Outcome::wrong_call(format!("--pcr: {error}")))?;
            policies.push(Policy::releases([wanted]));
        }
        if !self.pcrs.is_empty() {
            let releases: Vec<_> = self
                .pcrs
                .iter()
                .map(|path| read_measurements(path))
                .collect::<Result<_, _>>()?;
            policies.push(Policy::releases(releases));
        }
        if policies.is_empty() {
            policies.push(Policy::any_measurements());
        }
        let policies = policies
            .into_iter()
            .map(|policy| self.complete(policy))
            .collect();
        Ok(Request {
            root,
            at: self.at,
            policies,
        })
    }

    /// The checks that every policy has, whatever measurements it asks for.
    fn complete(&self, mut policy: Policy) -> Policy {
        if self.allow_debug {
            policy = policy.allow_debug();
        }
        match &self.nonce {
            Some(Nonce(nonce)) => policy.nonce(nonce.clone()),
            None => policy,
        }
    }

    fn describe(&self, document: &VerifiedDocument) -> String {
        let report = Report::of(document);
        let anchor = match &self.root_certificate {
            Some(path) => path.display().to_string(),
            None => "AWS Nitro Enclaves G1".to_owned(),
        };
        let verdict = match document.is_signed() {
            true => "Verified: an NSM under this root made this document.",
            false => "NOT SIGNED, as asked: anybody can have made this document.",
        };
        let mut text = format!(
            "{verdict}\n\
             root        {} ({anchor})\n\
             module      {}\n\
             signed at   {}\n\
             debug mode  {}\n",
            report.root_sha256,
            report.module_id,
            utc(report.timestamp),
            if report.debug { "YES" } else { "no" },
        );
        for (index, value) in &report.pcrs {
            // PCRs that nobody extended are all zero; a screen full of them says nothing.
            if value.bytes().any(|digit| digit != b'0') || *index == 0 {
                let _infallible = writeln!(text, "{:12}{value}", format!("PCR{index}"));
            }
        }
        let mut optional = |name: &str, value: Option<String>| {
            let value = value.unwrap_or_else(|| "none".to_owned());
            let _infallible = writeln!(text, "{name:12}{value}");
        };
        optional("nonce", report.nonce);
        optional("public key", report.public_key);
        match document.user_data().map(Binding::from_user_data) {
            Some(Ok(binding)) => {
                optional("deployment", Some(binding.deployment));
                optional(
                    "boot key",
                    Some(format!("ed25519:{}", hex::encode(binding.boot_key))),
                );
                optional(
                    "config",
                    Some(format!("sha-256:{}", hex::encode(binding.configuration))),
                );
                let keys = binding.oblivious_keys;
                optional(
                    "oblivious",
                    keys.map(|keys| format!("sha-256:{}", hex::encode(keys))),
                );
            }
            _ => optional("user data", report.user_data),
        }
        if self.pcr.is_empty() && self.pcrs.is_empty() {
            text.push_str("Measurements were not compared: name them with --pcr or --pcrs.\n");
        }
        text.trim_end().to_owned()
    }
}

/// What is asked of a document, with every file read.
struct Request {
    root: RootCertificate,
    at: At,
    policies: Vec<Policy>,
}

impl Request {
    fn judge(&self, bytes: Vec<u8>) -> Result<VerifiedDocument, Refusal> {
        let bytes = document_file::decode(bytes).map_err(|detail| Refusal {
            rule: "base64",
            detail,
        })?;
        let document = Document::parse(&bytes)?.verify(&self.root, self.at)?;
        for policy in &self.policies {
            document.check(policy)?;
        }
        Ok(document)
    }
}

/// What `--json` prints for a document that verified.
#[derive(Serialize)]
struct Report {
    module_id: String,
    /// Milliseconds since 1970.
    timestamp: u64,
    /// Index to 96 hex digits.
    pcrs: BTreeMap<u8, String>,
    nonce: Option<String>,
    user_data: Option<String>,
    public_key: Option<String>,
    debug: bool,
    signed: bool,
    root_sha256: String,
}

impl Report {
    fn of(document: &VerifiedDocument) -> Self {
        Self {
            module_id: document.module_id().to_owned(),
            timestamp: document.timestamp_ms(),
            pcrs: document
                .pcrs()
                .iter()
                .map(|(index, value)| (*index, hex::encode(value)))
                .collect(),
            nonce: document.nonce().map(hex::encode),
            user_data: document.user_data().map(hex::encode),
            public_key: document.public_key().map(hex::encode),
            debug: document.is_debug(),
            signed: document.is_signed(),
            root_sha256: hex::encode(document.root_sha256()),
        }
    }
}

/// What `--json` prints for a document that did not verify.
#[derive(Serialize)]
struct Refused<'a> {
    error: &'a Refusal,
}

#[derive(Serialize)]
struct Refusal {
    rule: &'static str,
    detail: String,
}

impl From<permafrost_common::attestation::Error> for Refusal {
    fn from(error: permafrost_common::attestation::Error) -> Self {
        Self {
            rule: error.rule(),
            detail: error.to_string(),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn utc(milliseconds: u64) -> String {
    i64::try_from(milliseconds / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{milliseconds} ms since 1970"))
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Outcome {
    Outcome::wrong_call(format!("{}: {error}", path.display()))
}

fn read_text(path: &Path) -> Result<String, Outcome> {
    fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn read_measurements(path: &Path) -> Result<Measurements, Outcome> {
    Measurements::from_json(&read_text(path)?).map_err(|error| unreadable(path, error))
}

fn parse_pcr(text: &str) -> Result<(u8, Pcr), String> {
    let accepted = "accepted: N=HEX with N from 0 to 31 and 96 hex digits";
    let (index, value) = text.split_once('=').ok_or(accepted)?;
    let index = index
        .parse()
        .ok()
        .filter(|index| *index < 32)
        .ok_or(accepted)?;
    let mut pcr = [0; PCR_LEN];
    hex::decode_to_slice(value, &mut pcr).map_err(|_| {
        format!(
            "{} characters after the =; {accepted}",
            value.chars().count()
        )
    })?;
    Ok((index, pcr))
}

fn parse_at(text: &str) -> Result<At, String> {
    match text {
        "now" => Ok(At::Now),
        "signed" => Ok(At::Signed),
        _ => OffsetDateTime::parse(text, &Rfc3339)
            .map(|time| At::Time(SystemTime::from(time)))
            .map_err(|error| format!("{error}; accepted: now, signed, or 2026-02-02T12:00:00Z")),
    }
}
