//! The operations on the epochs of the root secret.

use std::sync::Arc;

use http::Method;
use permafrost_common::api::{ResealRecords, ResealedRecords, RetireRoot, RootState, RotateRoot};
use permafrost_common::problem::{Problem, ProblemType};

use super::{BodySchema, Call, Handled, Operation, Reply, Success};
use crate::custody::LISTING_MAX;
use crate::enclave::{Enclave, Thawed};
use crate::people::PeopleRecords;
use crate::principal::OperationName;
use crate::records::Resealed;
use crate::root::RootError;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            method: Method::GET,
            ..Operation::of_principals("show_root", "/v1/root", OperationName::ShowRoot, show)
        }
        .described(
            "Shows the epochs of the root secret, and the KMS key that they come from.",
            state(),
        ),
        Operation {
            body: Some(BodySchema::of::<RotateRoot>()),
            problems: &[ProblemType::EpochConflict, ProblemType::KmsUnavailable],
            ..Operation::of_principals(
                "rotate_root",
                "/v1/root/rotate",
                OperationName::RotateRoot,
                rotate,
            )
        }
        .described(
            "Makes the next epoch from a new KMS data key. New records are sealed in it from then on.",
            state(),
        ),
        Operation {
            body: Some(BodySchema::of::<ResealRecords>()),
            ..Operation::of_principals(
                "reseal_records",
                "/v1/root/reseal",
                OperationName::ResealRecords,
                reseal,
            )
        }
        .described(
            "Seals one listing of records anew in the newest epoch. Their contents stay the same.",
            Success {
                description: "The result for each record of the listing.",
                schema: Some(BodySchema::of::<ResealedRecords>()),
                ..state()
            },
        ),
        Operation {
            body: Some(BodySchema::of::<RetireRoot>()),
            problems: &[ProblemType::EpochConflict, ProblemType::EpochInUse],
            ..Operation::of_principals(
                "retire_root",
                "/v1/root/retire",
                OperationName::RetireRoot,
                retire,
            )
        }
        .described(
            "Forgets the epochs before the newest, once a complete pass at this boot has found no record in them.",
            state(),
        ),
    ]
}

fn state() -> Success {
    Success {
        status: 200,
        description: "The current epochs.",
        content_type: "application/json",
        schema: Some(BodySchema::of::<RootState>()),
    }
}

fn show(enclave: Arc<Enclave>, _: Call) -> Handled {
    Box::pin(async move { Reply::json(200, &enclave.thawed()?.root.state()) })
}

fn rotate(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let request: RotateRoot = call.json()?;
        let root = Arc::clone(&enclave.thawed()?.root);
        let state = whole(async move { root.rotate(request.epoch).await }).await?;
        Reply::json(200, &state)
    })
}

fn reseal(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let request: ResealRecords = call.json()?;
        let limit = match request.limit {
            None => LISTING_MAX,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=LISTING_MAX).contains(limit))
                .ok_or_else(|| Problem::field("/limit", limit.to_string(), "1 to 100"))?,
        };
        let thawed = enclave.thawed()?;
        let epoch = thawed.root.state().epoch;
        let done = reseal_records(thawed, &request.after, limit).await?;
        thawed
            .reseal_pass
            .record_listing(epoch, &request.after, done.next.as_deref(), done.left);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let response = ResealedRecords {
            epoch,
            examined: count(done.examined),
            resealed: count(done.resealed),
            left: count(done.left),
            next: done.next,
        };
        Reply::json(200, &response)
    })
}

/// Keys come first, then the claims of imported keys, the exceptions of derived ones and people's records, kind by kind, while there is
/// room in the listing.
async fn reseal_records(thawed: &Thawed, after: &str, limit: usize) -> Result<Resealed, Problem> {
    let mut done = reseal_kind(thawed, after, limit).await?;
    while let Some(next) = done.next.take_if(|next| next.ends_with('/')) {
        let room = limit.saturating_sub(done.examined);
        if room == 0 {
            done.next = Some(next);
            break;
        }
        let more = reseal_kind(thawed, &next, room).await?;
        done = Resealed {
            examined: done.examined + more.examined,
            resealed: done.resealed + more.resealed,
            left: done.left + more.left,
            next: more.next,
        };
    }
    Ok(done)
}

/// The cursor of a key is its id; that of any other record has a slash, with nothing after it at the beginning of a kind.
async fn reseal_kind(thawed: &Thawed, after: &str, limit: usize) -> Result<Resealed, Problem> {
    let custody = &thawed.custody;
    let (page, next) = match after.split_once('/') {
        None => (custody.reseal(after, limit).await?, "import/"),
        Some(("import", id)) => (custody.reseal_imports(id, limit).await?, "derived/"),
        Some(("derived", id)) => (
            custody.derivation().reseal(id, limit).await?,
            PeopleRecords::FIRST,
        ),
        Some(_) => return thawed.people_records.reseal(after, limit).await,
    };
    let kind = after.split_once('/').map(|(kind, _)| format!("{kind}/"));
    let next = match &page.next {
        Some(id) => kind.unwrap_or_default() + id,
        None => next.to_owned(),
    };
    Ok(Resealed {
        next: Some(next),
        ..page
    })
}

fn retire(enclave: Arc<Enclave>, call: Call) -> Handled {
    Box::pin(async move {
        let request: RetireRoot = call.json()?;
        let thawed = enclave.thawed()?;
        let (root, pass) = (Arc::clone(&thawed.root), Arc::clone(&thawed.reseal_pass));
        let state = whole(async move { root.retire_before(request.epoch, &pass).await }).await?;
        Reply::json(200, &state)
    })
}

/// Completes even if the request times out: the enclave must take up what the store has accepted.
async fn whole(
    change: impl Future<Output = Result<RootState, RootError>> + Send + 'static,
) -> Result<RootState, Problem> {
    let changed = tokio::spawn(change)
        .await
        .map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
    Ok(changed?)
}
