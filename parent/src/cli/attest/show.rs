//! `permafrost attest show`.

use clap::Args;
use permafrost_common::attestation::Document;
use serde::Serialize;

use super::contents::{Contents, line};
use super::document_file::DocumentFile;
use super::json;
use super::path::Path;
use super::refusal::Refusal;
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost attest show document.cbor
  curl -s https://enclave.example/attestation | permafrost attest show - --json
  permafrost attest show response.json --member evidence

Only the syntax is checked here: anyone can make a document that says the same.
`permafrost attest verify` checks the signature, the certificates, and what you ask of the document.

Exit codes: 0 the document is shown; 1 it cannot be read as one; 2 the call is wrong.";

/// Show what an attestation document says, UNVERIFIED.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    #[command(flatten)]
    document: DocumentFile,

    /// Print one JSON object, also if the document cannot be read.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self) -> Result<(), Outcome> {
        let content = self.document.read()?;
        match (self.look(&content), self.json) {
            (Ok(shown), true) => say(json(&shown)),
            (Ok(shown), false) => say(shown.text()),
            (Err(refusal), as_json) => Err(refusal.end("not a document", as_json)),
        }
    }

    fn look(&self, content: &[u8]) -> Result<Shown, Refusal> {
        let encoded = self.document.decode(content)?;
        let document: Document = encoded.parse()?;
        let unverified = document.unverified();
        let (path, path_error) = match Path::of(unverified.path()) {
            Ok(path) => (Some(path), None),
            Err(error) => (None, Some(Refusal::from(error))),
        };
        Ok(Shown {
            verified: false,
            form: encoded.form().to_string(),
            contents: unverified.into(),
            path,
            path_error,
        })
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown {
    /// Always false.
    verified: bool,
    form: String,
    #[serde(flatten)]
    contents: Contents,
    path: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_error: Option<Refusal>,
}

impl Shown {
    fn text(&self) -> String {
        let mut text =
            "UNVERIFIED: no signature and no certificate has been checked. Anyone can make a document that says this.\n\n"
                .to_owned();
        line(&mut text, "form", &self.form);
        text.push_str(&self.contents.text("timestamp"));
        match (&self.path, &self.path_error) {
            (Some(path), _) => text.push_str(&format!("\n{}", path.text())),
            (None, error) => {
                let detail = error.as_ref().map_or("none", Refusal::detail);
                line(&mut text, "path", format!("not readable: {detail}"));
            }
        }
        text.push_str(
            "\nUNVERIFIED: `permafrost attest verify` checks the signature and the certificates.",
        );
        text
    }
}
