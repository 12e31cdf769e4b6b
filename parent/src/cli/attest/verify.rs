//! `permafrost attest verify`.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use permafrost_common::attestation::{At, Measurements, PCR_LEN, Pcr, Policy, RootCertificate};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::contents::{Contents, line};
use super::document_file::DocumentFile;
use super::path::Path;
use super::refusal::Refusal;
use super::{Nonce, json, parse_nonce};
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost attest verify document.cbor
  permafrost attest verify document.b64 --pcr 1=<96 hex> --nonce 00ff --json
  permafrost attest verify stored.cbor --at 2026-02-02T12:00:00Z --pcrs measurements.json
  permafrost attest verify response.json --member evidence --path
  permafrost attest fetch | permafrost attest verify - --root-certificate .permafrost/enclave/development-root.pem

Exit codes: 0 everything that you ask for holds; 1 a check fails; 2 the call is wrong.";

/// Verify an attestation document: syntax, signature, certificates, and what you ask of it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[command(flatten)]
    document: DocumentFile,

    /// The root certificate that the document must lead to. Default: the AWS Nitro Enclaves root G1.
    #[arg(long, value_name = "PEM")]
    root_certificate: Option<PathBuf>,

    /// A PCR that the document must contain. May be given for several PCRs.
    #[arg(long = "pcr", value_name = "N=HEX", value_parser = parse_pcr)]
    pcr: Vec<(u8, Pcr)>,

    /// Measurements that the document must contain, as `nitro-cli build-enclave` prints them or as {"0": "HEX"}. If given
    /// several times, one of the files must match.
    #[arg(long, value_name = "FILE")]
    pcrs: Vec<PathBuf>,

    /// The nonce that the document must contain, 0 to 512 bytes.
    #[arg(long, value_name = "HEX", value_parser = parse_nonce)]
    nonce: Option<Nonce>,

    /// The time at which the document must be valid: now, signed (its own timestamp), or a time such as
    /// 2026-02-02T12:00:00Z.
    #[arg(long, value_name = "now|signed|RFC3339", default_value = "now", value_parser = parse_at)]
    at: At,

    /// Accept an enclave in debug mode: it is not measured, and the parent can read its console.
    #[arg(long)]
    allow_debug: bool,

    /// Also print the certificate path, from the root certificate to the leaf: subject, serial number, validity, SHA-256.
    #[arg(long)]
    path: bool,

    /// Print one JSON object, also if a check fails.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Outcome> {
        let request = self.request()?;
        let content = self.document.read()?;
        match (self.judge(&request, &content), self.json) {
            (Ok(report), true) => say(json(&report)),
            (Ok(report), false) => say(self.describe(&report)),
            (Err(refusal), as_json) => Err(refusal.end("not verified", as_json)),
        }
    }

    fn judge(&self, request: &Request, content: &[u8]) -> Result<Report, Refusal> {
        let encoded = self.document.decode(content)?;
        let document = encoded.parse()?.verify(&request.root, request.at)?;
        for policy in &request.policies {
            document.check(policy)?;
        }
        let path = match self.path {
            true => Some(Path::of(document.path())?),
            false => None,
        };
        Ok(Report {
            form: encoded.form().to_string(),
            contents: Contents::from(&document),
            signed: document.is_signed(),
            root_sha256: hex::encode(document.root_sha256()),
            path,
        })
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

    /// Adds the checks that do not depend on the measurements.
    fn complete(&self, mut policy: Policy) -> Policy {
        if self.allow_debug {
            policy = policy.allow_debug();
        }
        match &self.nonce {
            Some(Nonce(nonce)) => policy.nonce(nonce.clone()),
            None => policy,
        }
    }

    fn describe(&self, report: &Report) -> String {
        let anchor = match &self.root_certificate {
            Some(path) => path.display().to_string(),
            None => "AWS Nitro Enclaves G1".to_owned(),
        };
        let verdict = match report.signed {
            true => "Verified: an NSM under this root certificate made this document.",
            false => "NOT SIGNED, as this root allows: anyone can have made this document.",
        };
        let mut text = format!("{verdict}\n");
        line(&mut text, "form", &report.form);
        let root = format!("{} ({anchor})", report.root_sha256);
        line(&mut text, "root certificate", root);
        text.push_str(&report.contents.text("signed at"));
        if let Some(path) = &report.path {
            text.push_str(&format!("\n{}\n", path.text()));
        }
        if self.pcr.is_empty() && self.pcrs.is_empty() {
            text.push_str("Measurements were not compared: name them with --pcr or --pcrs.\n");
        }
        text.trim_end().to_owned()
    }
}

/// What is required of a document, with the content of every file.
struct Request {
    root: RootCertificate,
    at: At,
    policies: Vec<Policy>,
}

/// What `--json` prints for a document that verified.
#[derive(Serialize)]
struct Report {
    form: String,
    #[serde(flatten)]
    contents: Contents,
    signed: bool,
    root_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Path>,
}

fn unreadable(path: &std::path::Path, error: impl std::fmt::Display) -> Outcome {
    Outcome::wrong_call(format!("{}: {error}", path.display()))
}

fn read_text(path: &std::path::Path) -> Result<String, Outcome> {
    fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn read_measurements(path: &std::path::Path) -> Result<Measurements, Outcome> {
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
