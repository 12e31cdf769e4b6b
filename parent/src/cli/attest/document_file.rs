//! Files that contain a document in some form.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use permafrost_common::attestation::{ENCODED_MAX, EncodedDocument};

use super::refusal::Refusal;
use crate::cli::outcome::Outcome;

/// The file, and where in it the document is.
#[derive(Args, Debug)]
pub(super) struct DocumentFile {
    /// The document: binary, hex, base64 or base64url, the latter three also in a quoted string or in a JSON object; - for
    /// standard input.
    file: PathBuf,

    /// The member of a JSON object that contains the document. Default: the one that is called attestation,
    /// attestation_doc, attestation_document, document or doc.
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
}

impl DocumentFile {
    /// The content of the file: at most [`ENCODED_MAX`] bytes and one, so that an excess is noticed.
    pub(super) fn read(&self) -> Result<Vec<u8>, Outcome> {
        let mut bytes = Vec::new();
        let most = ENCODED_MAX as u64 + 1;
        let read = if self.file == Path::new("-") {
            io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            File::open(&self.file).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        read.map_err(|error| Outcome::wrong_call(format!("{}: {error}", self.file.display())))?;
        Ok(bytes)
    }

    /// The document in the content of the file.
    pub(super) fn decode(&self, content: &[u8]) -> Result<EncodedDocument, Refusal> {
        Ok(EncodedDocument::read(content, self.member.as_deref())?)
    }
}
