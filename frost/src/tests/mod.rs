//! All participants of a ceremony in one place: `node-1` is the enclave's, the others sign for themselves.

mod ceremony;
mod nonces;
mod properties;

use std::collections::BTreeMap;

use k256::schnorr::{Signature, VerifyingKey};
use rand_core::OsRng;

use crate::{
    Board, CeremonyError, CeremonyParticipant, Commitments, Hex, Member, Message, Parameters,
    ParticipantKey, Purpose, Share,
};

/// A ceremony and the participants that are in it so far.
struct Run {
    board: Board,
    shares: Vec<Share>,
    old: Vec<Share>,
    members: BTreeMap<String, Member>,
}

/// The participants' own keys follow from their names.
fn key(name: &str) -> Option<ParticipantKey> {
    let number: u8 = name.strip_prefix("node-").unwrap().parse().unwrap();
    (number > 1).then(|| ParticipantKey::from_bytes(&[number; 32]).unwrap())
}

fn parameters(t: u16, n: usize) -> Parameters {
    let participant = |number| {
        let name = format!("node-{number}");
        let public_key = key(&name).map(|key| key.public_key());
        CeremonyParticipant { name, public_key }
    };
    Parameters {
        id: Hex([0x1d; 32]),
        purpose: Purpose::Generate,
        deployment: "tests".to_owned(),
        key_id: Hex([0xaa; 22]),
        generation: 1,
        threshold: t,
        participants: (1..=n).map(participant).collect(),
        boot: Hex([0xb0; 32]),
        group_public_key: None,
        expires_at: 1_800_000_000,
    }
}

fn of_refresh(shares: &[Share]) -> Parameters {
    Parameters {
        purpose: Purpose::Refresh,
        generation: 2,
        group_public_key: Some(shares[0].group_public_key()),
        ..parameters(shares[0].participants().threshold(), shares.len())
    }
}

fn generate(t: u16, n: usize) -> Vec<Share> {
    let mut run = Run::new(parameters(t, n), &[]);
    run.finish();
    run.shares
}

fn refresh(old: &[Share]) -> Vec<Share> {
    let mut run = Run::new(of_refresh(old), old);
    run.finish();
    run.shares
}

fn verify(key: &Hex<32>, message: &[u8], signature: Hex<64>) {
    let signature = Signature::try_from(signature.0.as_slice()).unwrap();
    let key = VerifyingKey::from_bytes(&key.0).unwrap();
    key.verify_raw(message, &signature).unwrap();
}

/// The first message of a participant that is alone on a board of its own.
fn commitments(parameters: &Parameters, name: &str, key: Option<&ParticipantKey>) -> Commitments {
    let mut board = Board::new(parameters.clone()).unwrap();
    Member::join(&mut board, name, key, None, &mut OsRng).unwrap();
    match board.messages().pop() {
        Some(Message::Commitments(message)) => message,
        other => panic!("{other:?}"),
    }
}

impl Run {
    fn new(parameters: Parameters, old: &[Share]) -> Self {
        Self {
            board: Board::new(parameters).unwrap(),
            shares: Vec::new(),
            old: old.to_vec(),
            members: BTreeMap::new(),
        }
    }

    fn names(&self) -> Vec<String> {
        let participants = &self.board.parameters().participants;
        participants.iter().map(|one| one.name.clone()).collect()
    }

    /// A message as it comes from outside, or from the enclave.
    fn add(&mut self, message: Message) -> Result<(), CeremonyError> {
        match key(message.participant()) {
            Some(_) => self.board.add(message),
            None => self.board.add_of_the_enclave(message),
        }
    }

    fn join(&mut self) {
        for (index, name) in self.names().iter().enumerate() {
            let old = self.old.get(index).cloned();
            let key = key(name);
            let member = Member::join(&mut self.board, name, key.as_ref(), old, &mut OsRng);
            self.members.insert(name.clone(), member.unwrap());
        }
    }

    fn share(&mut self) {
        for (name, member) in &mut self.members {
            member
                .share(&mut self.board, key(name).as_ref(), &mut OsRng)
                .unwrap();
        }
    }

    fn conclude(&mut self, name: &str) -> Result<Share, CeremonyError> {
        self.members[name].conclude(&mut self.board, key(name).as_ref(), &mut OsRng)
    }

    fn finish(&mut self) {
        self.join();
        self.share();
        for name in self.names() {
            let share = self.conclude(&name).unwrap();
            self.shares.push(share);
        }
    }

    /// The signature that the participant's key gives, over whatever is in the message.
    fn sign(&self, message: &mut Commitments) {
        let digest = message.signed_digest(&self.board.checked.context);
        let key = key(&message.participant).unwrap();
        message.signature = Some(key.sign(&digest, &mut OsRng).unwrap());
    }
}
