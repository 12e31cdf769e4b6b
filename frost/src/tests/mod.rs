//! All participants of a ceremony in one place: `node-1` is the enclave's, the others sign for themselves.

mod held_share;
mod messages;
mod misbehaviour;
mod nonces;
mod pads;
mod parameters;
mod properties;
mod reshare;
mod signing;

use std::collections::BTreeMap;

use k256::schnorr::{Signature, VerifyingKey};
use rand_core::OsRng;

use crate::{
    Board, CeremonyError, CeremonyParticipant, Commitments, Dealer, Hex, Member, Message,
    Parameters, ParticipantKey, Purpose, Share,
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
    Parameters {
        id: Hex([0x1d; 32]),
        purpose: Purpose::Generate,
        deployment: "tests".to_owned(),
        key_id: Hex([0xaa; 22]),
        generation: 1,
        threshold: t,
        participants: (1..=n).map(|i| participant(&format!("node-{i}"))).collect(),
        boot: Hex([0xb0; 32]),
        group_public_key: None,
        dealers: Vec::new(),
        expires_at: 1_800_000_000,
    }
}

fn of_refresh(shares: &[Share]) -> Parameters {
    Parameters {
        purpose: Purpose::Refresh,
        generation: 2,
        group_public_key: Some(shares[0].group_public_key()),
        threshold: shares[0].participants().threshold(),
        participants: shares
            .iter()
            .map(|share| participant(share.name()))
            .collect(),
        ..parameters(2, 2)
    }
}

fn participant(name: &str) -> CeremonyParticipant {
    CeremonyParticipant {
        name: name.to_owned(),
        public_key: key(name).map(|key| key.public_key()),
    }
}

fn generate(t: u16, n: usize) -> Vec<Share> {
    let mut run = Run::new(parameters(t, n), &[]);
    run.finish();
    run.shares
}

/// New shares of the key for these participants, dealt by those that have the numbers `dealers`.
fn of_reshare(old: &[Share], dealers: &[usize], t: u16, participants: &[usize]) -> Parameters {
    let named = |number: &usize| participant(&format!("node-{number}"));
    let dealer = |number: &usize| {
        let CeremonyParticipant { name, public_key } = named(number);
        let share = old.iter().find(|share| share.name() == name).unwrap();
        let verifying_share = share.package().verifying_share().serialize().unwrap();
        Dealer {
            name,
            public_key,
            verifying_share: Hex(verifying_share.try_into().unwrap()),
        }
    };
    Parameters {
        purpose: Purpose::Reshare,
        generation: 2,
        threshold: t,
        participants: participants.iter().map(named).collect(),
        dealers: dealers.iter().map(dealer).collect(),
        group_public_key: Some(old[0].group_public_key()),
        ..parameters(2, 2)
    }
}

fn reshare(old: &[Share], dealers: &[usize], t: u16, participants: &[usize]) -> Vec<Share> {
    let mut run = Run::new(of_reshare(old, dealers, t, participants), old);
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
        let roles = self.board.checked.roles.iter();
        roles.map(|role| role.name.clone()).collect()
    }

    /// A message as it comes from outside, or from the enclave.
    fn add(&mut self, message: Message) -> Result<(), CeremonyError> {
        match key(message.participant()) {
            Some(_) => self.board.add(message),
            None => self.board.add_of_the_enclave(message),
        }
    }

    fn join(&mut self) {
        for name in &self.names() {
            let takes = self.board.takes_old_share(name);
            let old = self.old.iter().find(|old| takes && old.name() == name);
            let old = old.cloned();
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
        let participants = self.board.parameters().participants.clone();
        for CeremonyParticipant { name, .. } in participants {
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
