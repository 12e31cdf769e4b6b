//! Numbers as a person reads them.

/// Nanoseconds with the unit that leaves one to three digits before the point.
pub(crate) fn time(ns: f64) -> String {
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        _ if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

/// Microseconds as milliseconds.
pub(crate) fn ms(us: u64) -> String {
    format!("{:.2}", us as f64 / 1e3)
}

/// Bytes as megabytes (10^6).
pub(crate) fn mb(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// Thousands apart: `100,000`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_unit_of_its_size() {
        let times = [999.0, 1_500.0, 2_345_678.0, 1.5e9].map(time);
        assert_eq!(times, ["999 ns", "1.50 µs", "2.35 ms", "1.50 s"]);
    }

    #[test]
    fn thousands_stand_apart() {
        let numbers = [0, 999, 1_000, 100_000, 1_234_567].map(thousands);
        assert_eq!(numbers, ["0", "999", "1,000", "100,000", "1,234,567"]);
    }
}
