//! The demo as text: what the enclave made, and what checked it. It fits on a screen.

use std::fmt::Write;

use super::Demo;

/// The text for a demo whose checks have all passed: about 24 lines of at most 100 columns.
pub fn story(demo: &Demo) -> String {
    let report = &demo.report;
    let mut text = format!(
        "An emulated Nitro enclave, in a process of its own, has\n\n  \
         made     a {}-of-{} key for {}\n           \
                  public key {}\n  \
         signed   Nostr event {}\n           \
                  \"{}\"\n  \
         signed   the message \"{}\"\n  \
         signed   transaction {}\n           \
                  which spends {}\n  \
         rotated  the shares, and signed the message again: {}...\n  \
         attested to be what it is: PCR0 {}...\n\n\
         Checked by code that shares nothing with the signer:\n\n",
        report.threshold,
        report.participants.len(),
        report.participants.join(", "),
        report.group_public_key,
        report.nostr_event.id,
        report.nostr_event.content,
        String::from_utf8_lossy(super::MESSAGE),
        demo.spend.transaction.compute_txid(),
        report.taproot.address,
        start(&report.rotated.signature),
        report
            .attestation
            .pcrs
            .get(&0)
            .map(|pcr| start(pcr))
            .unwrap_or_default(),
    );
    for check in &demo.checks {
        let _infallible = writeln!(text, "  ok  {:50} {}", check.what, check.by);
    }
    text.push_str(
        "\nThe demo has stopped everything that it started. `permafrost dev` keeps a stack running.",
    );
    text
}

/// Enough of a long value to recognise it by.
fn start(hex: &str) -> &str {
    hex.get(..32).unwrap_or(hex)
}
