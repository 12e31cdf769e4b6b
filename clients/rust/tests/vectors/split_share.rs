//! `split-share.json`: the plain text of share files.

use permafrost_client::HeldShare;
use serde::{Deserialize, Serialize};

use super::file::{compare, kept};

#[derive(Deserialize, Serialize)]
struct File {
    source: String,
    shares: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize, Serialize)]
struct Case {
    name: String,
    text: String,
    key_id: String,
    generation: u32,
    participant: String,
    public_key: String,
    threshold: u16,
    participants: Vec<String>,
    group_public_key: String,
}

#[derive(Deserialize, Serialize)]
struct Refused {
    name: String,
    text: String,
    message: String,
}

/// The shares cannot be computed again: whoever has made them has forgotten how. What is read of them can.
#[test]
fn shares_of_the_file_are_read_and_written_and_every_other_text_is_refused() {
    let mut file: File = kept("split-share.json").unwrap();
    for case in &mut file.shares {
        let held = HeldShare::from_json(&case.text).unwrap();
        assert_eq!(*held.to_json().unwrap(), case.text, "{}", case.name);
        let participants = held.share().participants();
        let members = participants.members().iter();
        case.key_id = held.key_id().to_string();
        case.generation = held.generation();
        case.participant = held.participant().to_owned();
        case.public_key = held.public_key().to_string();
        case.threshold = participants.threshold();
        case.participants = members.map(|one| one.name.as_str().to_owned()).collect();
        case.group_public_key = held.share().group_public_key().to_string();
    }
    for case in &mut file.refused {
        let error = HeldShare::from_json(&case.text).unwrap_err();
        case.message = error.to_string();
    }
    compare("split-share.json", &file);
}
