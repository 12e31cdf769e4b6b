//! `permafrost keys create --count`: many keys, and a file that lists them.

use std::path::Path;

use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::batch::{BATCH_MAX, CreateKeys};
use serde_json::{Value, json};

use super::many::{Form, patiently, progress};
use super::result_file::ResultFile;
use super::{Create, CustodyArgument, given_or_random};
use crate::cli::outcome::Outcome;

impl Create {
    /// Makes the keys batch by batch. The idempotency key of a batch follows from that of the run, which is kept beside the file until the
    /// run ends: no key is made twice, whatever is killed.
    pub(super) async fn many(
        &self,
        principal: &Principal,
        count: u64,
        out: &Path,
    ) -> Result<(), Outcome> {
        if self.custody == CustodyArgument::Split || !self.new_shares.files.is_empty() {
            let text = "--count: a key with split custody is made one at a time; accepted: --custody enclave, without --share-out";
            return Err(Outcome::wrong_call(text));
        }
        let form = Form::of(out)?;
        let fresh = given_or_random(self.idempotency_key.as_ref())?;
        let deployment = principal.enclave().boot().binding().deployment.clone();
        let mut file = ResultFile::open(out, |before| {
            let kept = before.and_then(|run| run.pointer("/create/idempotency_key"));
            let key = match (&self.idempotency_key, kept) {
                (None, Some(kept)) => kept.clone(),
                _ => Value::from(fresh.as_str()),
            };
            json!({"create": {
                "count": count, "threshold": self.threshold, "participants": self.participants,
                "label": self.label, "principal": principal.name(), "deployment": deployment, "idempotency_key": key,
            }})
        })?;
        let run_key = file.parameters().pointer("/create/idempotency_key");
        let run_key = run_key
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let done = self.batches(principal, count, form, &run_key, &mut file);
        let done = done.await;
        file.end(done)
    }

    async fn batches(
        &self,
        principal: &Principal,
        count: u64,
        form: Form,
        run_key: &str,
        file: &mut ResultFile,
    ) -> Result<(), Outcome> {
        let progress = progress(count, file.results());
        while file.results() < count {
            let made = file.results();
            let size = (count - made).min(BATCH_MAX as u64);
            let wanted = CreateKeys {
                count: u16::try_from(size).map_err(Outcome::failed)?,
                threshold: self.threshold,
                participants: self.participants.clone(),
                label: self.label.clone(),
            };
            let batch_key: IdempotencyKey = format!("{run_key}-{made}").parse().map_err(|_| {
                Outcome::wrong_call("--idempotency-key: too long; accepted with --count: 1 to 44 of A-Z a-z 0-9 - _ .")
            })?;
            let created = patiently(|| principal.create_keys(&wanted, &batch_key)).await?;
            let keys = created.keys;
            if keys.len() as u64 != size {
                let text = "the enclave responded with another number of keys";
                return Err(Outcome::failed(text));
            }
            let lines = form.lines(made == 0, false, keys.iter().map(|key| (None, key)));
            file.append(size, &lines)?;
            progress.inc(size);
        }
        Ok(())
    }
}
