//! `attestation-policy.json`: attestation documents, and the rule by which each policy refuses them.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use permafrost_common::{
    attestation::{At, Document, Error, Measurements, Policy, RootCertificate},
    binding::Binding,
};
use serde::{Deserialize, Serialize};

use super::file::{compare, kept};

#[expect(dead_code, reason = "no NSM starts again here")]
#[path = "../client/documents.rs"]
mod documents;

const FILE: &str = "attestation-policy.json";

#[derive(Deserialize, Serialize)]
struct File {
    source: String,
    documents: Documents,
    cases: Vec<Case>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Documents {
    measured: Kept,
    debug: Kept,
}

/// A document and its root certificate, in base64. Their keys are gone, so no test can make them again.
#[derive(Clone, Deserialize, Serialize)]
struct Kept {
    document: String,
    root: String,
    timestamp_ms: u64,
}

#[derive(Clone, Deserialize, Serialize)]
struct Case {
    name: String,
    document: String,
    root: String,
    /// Whether the lowest bit of the document's last byte is flipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    altered: bool,
    /// Seconds after the document's own time; left out: its own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_later: Option<i64>,
    policy: Asked,
    /// The rule; null: accepted.
    refused_by: Option<String>,
}

/// A policy; without releases any measurements are accepted.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<Vec<serde_json::Map<String, serde_json::Value>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allow_debug: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_ms: Option<u64>,
}

#[test]
fn documents_are_accepted_or_refused_by_the_rule_that_the_file_names() {
    let documents = kept::<File>(FILE).map_or_else(made_now, |file| file.documents);
    let cases: Vec<_> = cases()
        .into_iter()
        .map(|(expected, case)| {
            let refused_by = judge(&documents, &case)
                .err()
                .map(|error| error.rule().to_owned());
            assert_eq!(refused_by.as_deref(), expected, "{}", case.name);
            Case { refused_by, ..case }
        })
        .collect();
    compare(
        FILE,
        &File {
            source: "AWS, Nitro Enclaves Attestation Process; the rules are those of common/src/attestation/error.rs."
                .to_owned(),
            documents,
            cases,
        },
    );
}

fn judge(documents: &Documents, case: &Case) -> Result<(), Error> {
    let named = |name: &str| match name {
        "debug" => &documents.debug,
        _ => &documents.measured,
    };
    let kept = named(&case.document);
    let mut bytes = STANDARD.decode(&kept.document).unwrap();
    if case.altered {
        *bytes.last_mut().unwrap() ^= 1;
    }
    let root = STANDARD.decode(&named(&case.root).root).unwrap();
    let at = case.seconds_later.map_or(At::Signed, |later| {
        let seconds = kept
            .timestamp_ms
            .div_euclid(1000)
            .checked_add_signed(later)
            .unwrap();
        At::Time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    });
    let verified =
        Document::parse(&bytes)?.verify(&RootCertificate::from_der(&root).unwrap(), at)?;
    assert_eq!(verified.timestamp_ms(), kept.timestamp_ms);
    verified.check(&policy(&case.policy))
}

fn policy(asked: &Asked) -> Policy {
    let mut policy = match &asked.releases {
        None => Policy::any_measurements(),
        Some(releases) => Policy::releases(releases.iter().map(|release| {
            Measurements::from_json(&serde_json::to_string(release).unwrap()).unwrap()
        })),
    };
    let bytes = |hex: &String| hex::decode(hex).unwrap();
    if let Some(nonce) = &asked.nonce {
        policy = policy.nonce(bytes(nonce));
    }
    if let Some(user_data) = &asked.user_data {
        policy = policy.user_data(bytes(user_data));
    }
    if let Some(public_key) = &asked.public_key {
        policy = policy.public_key(bytes(public_key));
    }
    if asked.allow_debug {
        policy = policy.allow_debug();
    }
    if let Some(max_age_ms) = asked.max_age_ms {
        policy = policy.max_age(Duration::from_millis(max_age_ms));
    }
    policy
}

fn cases() -> Vec<(Option<&'static str>, Case)> {
    let mut cases = Vec::new();
    let mut add = |name: &str, expected, change: &dyn Fn(&mut Case)| {
        let mut case = Case {
            name: name.to_owned(),
            document: "measured".to_owned(),
            root: "measured".to_owned(),
            altered: false,
            seconds_later: None,
            policy: Asked::default(),
            refused_by: None,
        };
        change(&mut case);
        cases.push((expected, case));
    };
    let releases = |releases: &[&[(u8, u8)]]| {
        let releases = releases.iter().map(|pcrs| {
            let pcrs = pcrs
                .iter()
                .map(|(index, byte)| (format!("PCR{index}"), hex::encode([*byte; 48]).into()));
            pcrs.collect()
        });
        Some(releases.collect())
    };

    add("any measurements", None, &|_| ());
    add("a release", None, &|case| {
        case.policy.releases = releases(&[&[(0, 0xa1)]])
    });
    add("every PCR of a release", None, &|case| {
        case.policy.releases = releases(&[&[(0, 0xa1), (1, 1), (15, 15)]]);
    });
    add("the second of two releases", None, &|case| {
        case.policy.releases = releases(&[&[(0, 0xa2)], &[(0, 0xa1), (1, 1)]]);
    });
    add("one PCR differs", Some("measurements"), &|case| {
        case.policy.releases = releases(&[&[(0, 0xa1), (1, 9)]]);
    });
    add(
        "half of one release and half of another",
        Some("measurements"),
        &|case| {
            case.policy.releases = releases(&[&[(0, 0xa1), (1, 9)], &[(0, 0xa2), (1, 1)]]);
        },
    );
    add(
        "a PCR that is not in the document",
        Some("measurements"),
        &|case| {
            case.policy.releases = releases(&[&[(16, 0)]]);
        },
    );
    add("no release", Some("measurements"), &|case| {
        case.policy.releases = releases(&[])
    });

    add("the nonce", None, &|case| {
        case.policy.nonce = Some(hex::encode(NONCE))
    });
    add("another nonce", Some("nonce"), &|case| {
        case.policy.nonce = Some(hex::encode([0x6f; 32]));
    });
    add("a part of the nonce", Some("nonce"), &|case| {
        case.policy.nonce = Some(hex::encode(&NONCE[1..]));
    });
    add("a nonce that the document lacks", Some("nonce"), &|case| {
        case.document = "debug".to_owned();
        case.root = "debug".to_owned();
        case.policy.allow_debug = true;
        case.policy.nonce = Some(String::new());
    });
    let user_data = hex::encode(binding().to_user_data());
    add("the user data", None, &|case| {
        case.policy.user_data = Some(user_data.clone())
    });
    add("other user data", Some("user-data"), &|case| {
        case.policy.user_data = Some(format!("{user_data}00"));
    });
    add(
        "a public key that the document lacks",
        Some("public-key"),
        &|case| {
            case.policy.public_key = Some(String::new());
        },
    );

    let debug = |case: &mut Case| {
        case.document = "debug".to_owned();
        case.root = "debug".to_owned();
    };
    add("debug mode", Some("debug-mode"), &debug);
    add("debug mode, allowed", None, &|case| {
        debug(case);
        case.policy.allow_debug = true;
    });
    add(
        "debug mode, allowed, of another release",
        Some("measurements"),
        &|case| {
            debug(case);
            case.policy.allow_debug = true;
            case.policy.releases = releases(&[&[(0, 0xa1)]]);
        },
    );

    let aged = |seconds_later: i64| {
        move |case: &mut Case| {
            case.seconds_later = Some(seconds_later);
            case.policy.max_age_ms = Some(60_000);
        }
    };
    add("59 seconds later, at most a minute old", None, &aged(59));
    add(
        "61 seconds later, at most a minute old",
        Some("too-old"),
        &aged(61),
    );
    add("61 seconds later, of any age", None, &|case| {
        case.seconds_later = Some(61)
    });
    add(
        "299 seconds earlier, at most a minute old",
        None,
        &aged(-299),
    );
    add(
        "302 seconds earlier, at most a minute old",
        Some("from-the-future"),
        &aged(-302),
    );

    add("another root certificate", Some("root"), &|case| {
        case.root = "debug".to_owned()
    });
    add(
        "an altered signature",
        Some("document-signature"),
        &|case| {
            case.altered = true;
        },
    );
    add(
        "a document in the year 6000",
        Some("certificate-expired"),
        &|case| {
            case.seconds_later = Some(4000 * 365 * 86_400);
        },
    );
    cases
}

const NONCE: [u8; 32] = [0x6e; 32];

fn binding() -> Binding {
    Binding {
        boot_key: [7; 32],
        deployment: "test".to_owned(),
        configuration: [9; 32],
        oblivious_keys: Some([5; 32]),
    }
}

/// New documents of the tests' NSM: PCR0 as given, PCR1 to PCR15 of 48 bytes that have the PCR's index.
fn made_now() -> Documents {
    let made = |pcr0, nonce: Option<&[u8]>| {
        let nsm = documents::Nsm::new(pcr0);
        let document = nsm.attest(&binding(), nonce);
        let verified = Document::parse(&document)
            .and_then(|document| document.verify(&nsm.root(), At::Signed))
            .unwrap();
        Kept {
            document: STANDARD.encode(&document),
            root: STANDARD.encode(nsm.root().der()),
            timestamp_ms: verified.timestamp_ms(),
        }
    };
    Documents {
        measured: made([0xa1; 48], Some(&NONCE)),
        debug: made([0; 48], None),
    }
}
