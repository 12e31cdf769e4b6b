//! What `scripts/scale` measured: a table, a plot, and the page of both.

use serde::{Deserialize, Serialize};

use crate::units::{mb, ms, thousands};

/// The results of a whole run: `done.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Scale {
    /// How many derived keys there were.
    pub derived: u64,
    /// How many stored keys.
    pub stored: u64,
    /// How many keys were derived in a second, many at once.
    pub derived_per_second: f64,
    /// How many stored keys were made in a second, many at once.
    pub stored_per_second: f64,
    /// The size of the store with a thousand keys, in bytes.
    pub store_bytes_at_1000: u64,
    /// The size of the store with all keys, in bytes.
    pub store_bytes: u64,
    /// Signatures by derived keys: of a thousand.
    pub derived_at_1000: Signatures,
    /// Of all of them.
    pub derived_at_all: Signatures,
    /// Signatures by stored keys: of a thousand.
    pub stored_at_1000: Signatures,
    /// Of all of them.
    pub stored_at_all: Signatures,
    /// A listing of 100 keys that begins in the middle.
    pub listing_of_100_from_the_middle: Latency,
    /// A listing of the 100 keys that have a label.
    pub listing_of_100_with_a_label: Latency,
    /// A listing of the key that has a public key.
    pub listing_of_a_public_key: Latency,
    /// The memory of the enclave program at the end, in bytes.
    pub enclave_resident_bytes: u64,
}

/// Signatures by keys chosen at random among so many, and requests for health in between.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Signatures {
    /// How many keys.
    pub keys: u64,
    /// The signatures.
    pub sign: Latency,
    /// The requests for health.
    pub health: Latency,
}

/// Percentiles of latencies, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Latency {
    /// Half of them are shorter.
    pub p50_us: u64,
    /// All but one in a hundred are shorter.
    pub p99_us: u64,
}

impl Scale {
    /// The median of a signature with all keys over that with a thousand: derived keys, stored keys.
    pub fn ratios(&self) -> [f64; 2] {
        let ratio =
            |few: &Signatures, all: &Signatures| all.sign.p50_us as f64 / few.sign.p50_us as f64;
        [
            ratio(&self.derived_at_1000, &self.derived_at_all),
            ratio(&self.stored_at_1000, &self.stored_at_all),
        ]
    }

    /// The page: what was measured, in tables.
    pub fn page(&self) -> String {
        let row = |what: &str, of: &Signatures| {
            format!(
                "| {what} | {} | {} | {} | {} |\n",
                thousands(of.keys),
                ms(of.sign.p50_us),
                ms(of.sign.p99_us),
                ms(of.health.p50_us)
            )
        };
        let listing = |what: &str, of: Latency| {
            format!(
                "| listing of {what}, of {}: p50 and p99, ms | {} and {} |\n",
                thousands(self.stored),
                ms(of.p50_us),
                ms(of.p99_us)
            )
        };
        let [derived, stored] = self.ratios();
        let added = self.stored.saturating_sub(1_000).max(1);
        let each = self.store_bytes.saturating_sub(self.store_bytes_at_1000) / added;
        [
            "# Scale\n\nMade by `scripts/scale`: one client, one request after the other while latencies are measured, the static enclave program with the\nemulated NSM, parent and client on one machine. A request for health takes the same way as a signature and does nothing.\n\n".to_owned(),
            "| signatures by | keys | p50, ms | p99, ms | health, p50, ms |\n|---|---|---|---|---|\n".to_owned(),
            row("derived keys", &self.derived_at_1000),
            row("derived keys", &self.derived_at_all),
            row("stored keys", &self.stored_at_1000),
            row("stored keys", &self.stored_at_all),
            "\n![Latency of signatures over the number of keys](figures/scale.svg)\n\n| | |\n|---|---|\n".to_owned(),
            format!("| median of all over median of the first thousand, derived keys | {derived:.2} |\n"),
            format!("| the same, stored keys | {stored:.2} |\n"),
            format!("| keys derived in a second | {} |\n", thousands(self.derived_per_second as u64)),
            format!("| stored keys made in a second | {} |\n", thousands(self.stored_per_second as u64)),
            "| bytes in the store for each derived key | 0 |\n".to_owned(),
            format!("| bytes in the store for each stored key | {} |\n", thousands(each)),
            listing("100 keys from the middle", self.listing_of_100_from_the_middle),
            listing("the 100 keys with a label", self.listing_of_100_with_a_label),
            listing("the key with a public key", self.listing_of_a_public_key),
            format!("| memory of the enclave program at the end, MB | {} |\n", mb(self.enclave_resident_bytes)),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_was_measured_and_how_it_grew() {
        let latency = |p50_us| Latency {
            p50_us,
            p99_us: 3 * p50_us,
        };
        let signatures = |keys, p50| Signatures {
            keys,
            sign: latency(p50),
            health: latency(400),
        };
        let scale = Scale {
            derived: 1_000_000,
            stored: 100_000,
            derived_per_second: 3_210.7,
            stored_per_second: 456.0,
            store_bytes_at_1000: 1_000_000,
            store_bytes: 100_000_000,
            derived_at_1000: signatures(1_000, 1_000),
            derived_at_all: signatures(1_000_000, 1_050),
            stored_at_1000: signatures(1_000, 1_000),
            stored_at_all: signatures(100_000, 1_200),
            listing_of_100_from_the_middle: latency(9_000),
            listing_of_100_with_a_label: latency(8_000),
            listing_of_a_public_key: latency(1_000),
            enclave_resident_bytes: 50_000_000,
        };
        let page = scale.page();
        for line in [
            "| derived keys | 1,000,000 | 1.05 | 3.15 | 0.40 |",
            "| median of all over median of the first thousand, derived keys | 1.05 |",
            "| the same, stored keys | 1.20 |",
            "| bytes in the store for each stored key | 1,000 |",
            "| keys derived in a second | 3,210 |",
            "| listing of 100 keys from the middle, of 100,000: p50 and p99, ms | 9.00 and 27.00 |",
            "| listing of the 100 keys with a label, of 100,000: p50 and p99, ms | 8.00 and 24.00 |",
            "| listing of the key with a public key, of 100,000: p50 and p99, ms | 1.00 and 3.00 |",
            "| memory of the enclave program at the end, MB | 50.00 |",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }
}
