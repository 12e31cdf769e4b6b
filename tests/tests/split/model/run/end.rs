//! The steps that end a ceremony.

use permafrost_client::Error;
use permafrost_tests::refusal;

use super::super::checks::Held;
use super::super::key::Sometimes;
use super::super::world::{Fault, Write};
use super::{NO_RESPONSE, Open, Run};

impl Run {
    pub(super) async fn confirm(&mut self, which: usize) -> Option<usize> {
        let of = self.open[which].of;
        let outcome = self.open[which].ceremony.outcome().clone();
        let is_known = self.open[which].is_known;
        let is_disabled = self.keys[of].key.disabled == Sometimes::Yes;
        let writes = is_known && !is_disabled;
        let fault = match writes && self.random.happens(50) {
            true => self.world.fault_at_the_write(&mut self.random),
            false => Fault::None,
        };
        self.say(&format!(
            "confirm {} of key {of}, {fault:?}",
            outcome.parameters.id
        ));
        let confirming = self.open[which].ceremony.confirm();
        let (confirmed, happened) = self.world.during(fault, confirming).await;
        let confirmed = confirmed.map(|_| ());
        let key = &mut self.keys[of].key;
        let mut is_over = true;
        match (fault, happened.at_all) {
            (Fault::None, _) | (_, false) => match (is_known, is_disabled) {
                (true, false) => {
                    confirmed.unwrap();
                    key.confirmed(&outcome, Sometimes::Yes);
                }
                (true, true) => assert_eq!(refusal(confirmed), "key-disabled"),
                (false, _) => assert_eq!(refusal(confirmed), "ceremony-not-found"),
            },
            (Fault::EnclaveKilledBefore(_), _) => no_response(confirmed),
            (Fault::EnclaveKilledAfter(_) | Fault::Unheard, _) => {
                no_response(confirmed);
                key.confirmed(&outcome, Sometimes::Yes);
                is_over = false;
            }
            (Fault::EnclaveKilledIn(_) | Fault::ParentKilledIn(_), _) => match confirmed {
                Ok(()) => key.confirmed(&outcome, Sometimes::Yes),
                Err(error) => {
                    let said = refusal::<()>(Err(error));
                    let expected = [
                        &NO_RESPONSE[..],
                        &["store-unavailable", "ceremony-not-found", "not-ready"],
                    ];
                    assert!(expected.concat().contains(&said.as_str()), "{said}");
                    key.confirmed(&outcome, Sometimes::Perhaps);
                    is_over = false;
                }
            },
            (Fault::Store(write), _) => {
                let stored = match write.is_done() {
                    true => Sometimes::Yes,
                    false => Sometimes::No,
                };
                key.confirmed(&outcome, stored);
                match (write.is_acknowledged(), write.kills()) {
                    (true, _) => confirmed.unwrap(),
                    (false, true) => no_response(confirmed),
                    (false, false) => assert_eq!(refusal(confirmed), "store-unavailable"),
                }
                is_over = write.is_acknowledged();
            }
        }
        self.after(happened);
        if fault == Fault::Store(Write::LostAndStored) && happened.at_all {
            self.is_missed(of).await;
        }
        let Held { key, .. } = &mut self.keys[of];
        if !is_over {
            self.confirm_again(which, of).await;
        } else if key.possible.len() == 1 && fault == Fault::None && writes {
            self.open[which].ceremony.confirm().await.unwrap();
        }
        self.open.remove(which);
        Some(of)
    }

    /// After an attempt of which this side does not know what it came to: either the new shares are stored, or the ceremony goes on, or
    /// it is gone and the old shares sign.
    async fn confirm_again(&mut self, which: usize, of: usize) {
        let Open {
            ceremony, is_known, ..
        } = &self.open[which];
        let (outcome, is_known) = (ceremony.outcome().clone(), *is_known);
        let was_certain = self.keys[of].key.possible.len() == 1;
        let is_stored = self.keys[of]
            .key
            .possible
            .iter()
            .any(|one| one.is(&outcome));
        let again = ceremony.confirm().await.map(|_| ());
        let key = &mut self.keys[of].key;
        match again {
            Ok(()) => {
                assert!(is_known || is_stored);
                key.confirmed(&outcome, Sometimes::Yes);
            }
            Err(error) => {
                assert!(!(is_known || was_certain && is_stored), "{error}");
                assert_eq!(refusal::<()>(Err(error)), "ceremony-not-found");
                key.was_not(&outcome);
            }
        }
    }

    pub(super) async fn abort(&mut self, which: usize) -> Option<usize> {
        let Open {
            of,
            ceremony,
            is_known,
        } = self.open.remove(which);
        self.say(&format!("abort a ceremony of key {of}"));
        let aborted = ceremony.abort().await;
        match is_known {
            true => aborted.unwrap(),
            false => assert_eq!(refusal(aborted), "ceremony-not-found"),
        }
        Some(of)
    }

    /// The store said that it has written, and has not: the enclave notices, and keeps to it until it starts again.
    async fn is_missed(&mut self, of: usize) {
        let shown = self.alice.certificate(&self.keys[of].key.id).await;
        let said = refusal(shown);
        assert!(
            ["record-rolled-back", "record-lost"].contains(&said.as_str()),
            "{said}"
        );
        self.world.restart_enclave();
        self.forgotten();
    }
}

fn no_response(result: Result<(), Error>) {
    let said = refusal(result);
    assert!(NO_RESPONSE.contains(&said.as_str()), "{said}");
}
