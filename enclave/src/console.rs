//! Standard error of a program whose log goes elsewhere: in an enclave the console, which the parent can read only in debug mode.
//!
//! It gets two lines at most, since much console output has hung whole enclaves: one when the enclave listens, one if it fails.

use std::io::{self, Write};

/// The longest line, in characters.
const LINE_MAX: usize = 1000;

/// Writes one line, behind the program's name.
pub(crate) fn say(text: &str) {
    // If the console cannot be written, there is no other place to report that.
    let _nobody_reads = io::stderr().write_all(line(text).as_bytes());
}

/// Makes one line of printable characters of any text.
fn line(text: &str) -> String {
    let printable: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    let words: Vec<&str> = printable.split_whitespace().collect();
    let words: String = words.join(" ").chars().take(LINE_MAX).collect();
    format!("permafrost-enclave: {words}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_of_several_lines_is_one_line() {
        let reason = "not accepted: line 3\n  |\n3 | surprise\r\n\u{1b}[31m  ^\n";
        let expected = "permafrost-enclave: not accepted: line 3 | 3 | surprise [31m ^\n";
        assert_eq!(line(reason), expected);
    }

    #[test]
    fn a_long_reason_is_cut() {
        assert!(line(&"é".repeat(5000)).chars().count() < LINE_MAX + 50);
    }
}
