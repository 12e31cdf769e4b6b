//! Who may deal shares of a key to whom.

use permafrost_common::api::split::StartReshare;
use permafrost_common::problem::Problem;
use permafrost_frost::{CeremonyParticipant, Dealer, Outcome, Parameters};

/// Refuses to hand a key out: where nobody could sign without the enclave, and so without its policies, nobody ever will.
pub(super) fn check_stays_needed(old: &Parameters, request: &StartReshare) -> Result<(), Problem> {
    let outside = |participants: &[CeremonyParticipant]| {
        let own = participants.iter().filter(|one| one.public_key.is_some());
        own.count()
    };
    let (before, after) = (outside(&old.participants), outside(&request.participants));
    if before < usize::from(old.threshold) && after >= usize::from(request.threshold) {
        return Err(Problem::field(
            "/participants",
            format!(
                "{after} that hold their shares themselves, enough to sign without the enclave"
            ),
            format!(
                "at most {}: nobody signs with this key without the enclave, and that stays so",
                request.threshold.saturating_sub(1)
            ),
        ));
    }
    Ok(())
}

/// Those who deal, with what the key's certificate says of them.
pub(super) fn dealers(old: &Outcome, names: &[String]) -> Result<Vec<Dealer>, Problem> {
    let participants = old.parameters.participants.iter();
    let before: Vec<_> = participants.zip(&old.verifying_shares).collect();
    let threshold = usize::from(old.parameters.threshold);
    if !(threshold..=before.len()).contains(&names.len()) {
        return Err(Problem::field(
            "/dealers",
            format!("{} names", names.len()),
            format!(
                "{threshold} to {} names of participants of the key",
                before.len()
            ),
        ));
    }
    let named = names.iter().enumerate().map(|(index, name)| {
        let found = before
            .iter()
            .find(|(participant, _)| participant.name == *name);
        let is_new = !names.iter().take(index).any(|earlier| earlier == name);
        match found {
            Some((participant, share)) if is_new => Ok(Dealer {
                name: name.clone(),
                public_key: participant.public_key,
                verifying_share: **share,
            }),
            _ => Err(Problem::field(
                format!("/dealers/{index}"),
                format!("{name:?}"),
                "a participant of the key, each once",
            )),
        }
    });
    named.collect()
}

/// Tells one reshare from another, of this generation or of others.
pub(super) fn sha256_of_request(id: &str, generation: u32, request: &StartReshare) -> [u8; 32] {
    let (generation, threshold) = (generation.to_string(), request.threshold.to_string());
    let mut parts = vec!["reshare", id, &generation, &threshold];
    let keys: Vec<String> = request
        .participants
        .iter()
        .map(|one| {
            one.public_key
                .map_or_else(String::new, |key| key.to_string())
        })
        .collect();
    for (participant, key) in request.participants.iter().zip(&keys) {
        parts.extend([participant.name.as_str(), key.as_str()]);
    }
    parts.push("dealers");
    parts.extend(request.dealers.iter().map(String::as_str));
    super::sha256(&parts)
}
