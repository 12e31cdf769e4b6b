//! This side's participants of one ceremony.

use permafrost_frost as frost;
use permafrost_frost::{Concluded, ParticipantKey};
use rand_core::OsRng;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Share;
use crate::refusal::{Kind, Refusal, read, write};

/// The participants whose shares this side holds, and how far they have come in a ceremony. Wiped when freed.
///
/// [`Side::comes`] and [`Side::holds`] name them; [`Side::join`], [`Side::take`] and [`Side::conclude`] follow, each once.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Side(Stage);

#[derive(Debug)]
enum Stage {
    Named(Participants),
    Joined(Box<frost::Side>),
    Concluded(Box<Concluded>),
    /// An error has ended it.
    Over,
}

/// Each by its name, with its key, and the share that it has before the ceremony.
type Participants = Vec<(String, ParticipantKey, Option<frost::Share>)>;

#[wasm_bindgen]
impl Side {
    /// Without participants.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript has no Default")]
    pub fn new() -> Self {
        Self(Stage::Named(Vec::new()))
    }

    /// Adds a participant that has no share before the ceremony, with a new key; returns its public key, 32 bytes.
    pub fn comes(&mut self, name: &str) -> Result<String, Refusal> {
        let key = ParticipantKey::random(&mut OsRng);
        let public_key = key.public_key().to_string();
        self.named()?.push((name.to_owned(), key, None));
        Ok(public_key)
    }

    /// Adds the participant of a share, which keeps its key.
    pub fn holds(&mut self, share: &Share) -> Result<(), Refusal> {
        let (name, key, share) = share.0.clone().into_parts();
        self.named()?.push((name, key, Some(share)));
        Ok(())
    }

    /// Takes part in the ceremony of these parameters; returns the commitments: messages to send.
    pub fn join(&mut self, parameters: &str) -> Result<String, Refusal> {
        let parameters = read("parameters", parameters, Kind::Ceremony)?;
        let participants = std::mem::take(self.named()?);
        self.0 = Stage::Over;
        let side = frost::Side::join(parameters, participants, &mut OsRng)?;
        let messages = write(&side.messages())?;
        self.0 = Stage::Joined(Box::new(side));
        Ok(messages)
    }

    /// Takes the messages of the response to the commitments.
    pub fn take(&mut self, messages: &str) -> Result<(), Refusal> {
        let messages = read("messages", messages, Kind::Ceremony)?;
        match &mut self.0 {
            Stage::Joined(side) => Ok(side.take(messages, &mut OsRng)?),
            _ => Err(out_of_turn()),
        }
    }

    /// Computes the shares: those of this side's participants, in the order of the parameters.
    pub fn conclude(&mut self) -> Result<Vec<Share>, Refusal> {
        let Stage::Joined(side) = std::mem::replace(&mut self.0, Stage::Over) else {
            return Err(out_of_turn());
        };
        let mut concluded = side.conclude()?;
        let shares = std::mem::take(&mut concluded.shares);
        self.0 = Stage::Concluded(Box::new(concluded));
        Ok(shares.into_iter().map(Share).collect())
    }

    /// What the ceremony came to.
    pub fn outcome(&self) -> Result<String, Refusal> {
        write(&self.concluded()?.outcome)
    }

    /// All messages of this side, the confirmations among them: what completes the ceremony.
    pub fn messages(&self) -> Result<String, Refusal> {
        write(&self.concluded()?.messages)
    }

    fn named(&mut self) -> Result<&mut Participants, Refusal> {
        match &mut self.0 {
            Stage::Named(participants) => Ok(participants),
            _ => Err(out_of_turn()),
        }
    }

    fn concluded(&self) -> Result<&Concluded, Refusal> {
        match &self.0 {
            Stage::Concluded(concluded) => Ok(concluded),
            _ => Err(out_of_turn()),
        }
    }
}

fn out_of_turn() -> Refusal {
    Refusal::argument("this step of the ceremony is not the next one, or the ceremony is over")
}
